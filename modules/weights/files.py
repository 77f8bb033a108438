"""The one place that reads tensors from disk, and the one that writes them."""

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from modules.contract.files import sync_folder
from modules.weights.header import BadModel, Header, TensorInfo, read_header

PICKLES = {".ckpt", ".pt", ".pth", ".bin"}
MOST_MEMBERS = 20_000
LARGEST_PICKLE = 64 * 2**20
NAMES = {torch.float16: "F16", torch.bfloat16: "BF16", torch.float32: "F32", torch.float64: "F64", torch.int64: "I64"}


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a weights file, on the CPU, as stored. Raises BadModel, and then nothing has been run from the file."""
    if path.suffix.lower() in PICKLES:
        return read_pickle(path)
    read_header(path)
    try:
        return safetensors.torch.load_file(path)
    except (SafetensorError, OSError) as error:
        raise BadModel(path, f"it is damaged ({error})", "Download it again.") from None


def describe(path: Path) -> Header:
    """A file's names and shapes. A safetensors file's header is enough for that; a pickle must be read whole."""
    if path.suffix.lower() not in PICKLES:
        return read_header(path)
    tensors = read_pickle(path)
    infos = {name: TensorInfo(NAMES.get(tensor.dtype, "F32"), tuple(tensor.shape)) for name, tensor in tensors.items()}
    return Header(path, infos)


def read_pickle(path: Path) -> dict[str, Tensor]:
    """The tensors of a torch zip file, without running anything in it.

    `weights_only` keeps code out but is no guard against size: a deflated record of 2 MB can unpack to gigabytes. So the
    archive is weighed first, and the older format without an archive, which cannot be weighed, is refused.
    """
    weigh(path)
    try:
        loaded: Any = torch.load(path, map_location="cpu", weights_only=True, mmap=False)
    except Exception as error:  # torch raises many kinds here, all of them about this file
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise BadModel(path, f"it holds more than plain tensors, or is damaged ({reason})", "Use a .safetensors version of it.") from None
    while isinstance(loaded, Mapping) and isinstance(loaded.get("state_dict"), Mapping):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, Mapping):
        raise BadModel(path, "it holds no table of tensors")
    tensors = {str(name): value.contiguous() for name, value in loaded.items() if isinstance(value, Tensor)}
    if not tensors:
        raise BadModel(path, "it holds no tensors")
    return tensors


def weigh(path: Path) -> None:
    """Raise BadModel unless the file is a torch archive that unpacks to no more than its own size."""
    try:
        size = path.stat().st_size
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        reason = "it is not a torch file of the archive kind (damaged, or saved by a very old version)"
        raise BadModel(path, reason, "Use a .safetensors version of it.") from None
    pickles = [member for member in members if member.filename.endswith("data.pkl")]
    if len(members) > MOST_MEMBERS or len(pickles) != 1 or pickles[0].file_size > LARGEST_PICKLE:
        raise BadModel(path, "its archive is not laid out as torch writes it", "Use a .safetensors version of it.")
    if any(member.compress_type != zipfile.ZIP_STORED for member in members) or sum(m.file_size for m in members) > size:
        raise BadModel(path, "its archive claims more than it holds", "Use a .safetensors version of it.")


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file beside its place, sync it, and put it there in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        safetensors.torch.save_file(
            {name: tensor.contiguous() for name, tensor in tensors.items()}, temporary, {"format": "pt", **(metadata or {})}
        )
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)
