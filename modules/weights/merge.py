"""The checkpoint merger: two or three checkpoints to one, a tensor at a time, so that memory holds a few tensors and no model.

The arithmetic and its order are A1111's, in the files' own number types, so that the same merge gives the same numbers.
"""

import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from modules.contract.errors import BadRequest, WebuiError
from modules.contract.files import write_whole
from modules.contract.merge import DIFFERENCE, SINGLE, WEIGHTED, MergeRequest
from modules.contract.progress import Reporter
from modules.contract.services import ModelEntry
from modules.imaging.naming import LONGEST_NAME, safe_part
from modules.weights.catalogue import BRACKETS, Catalogue
from modules.weights.files import TensorFile, open_tensors
from modules.weights.header import TensorInfo
from modules.weights.merge_metadata import metadata_of
from modules.weights.name_filter import matching
from modules.weights.writing import DTYPES, NAMES, STORAGES, write_checkpoint, write_safetensors

VAE_PREFIX = "first_stage_model."
NOT_OF_A_VAE = {"model_ema.decay", "model_ema.num_updates"}
# Text encoders in checkpoints from before 2023 lack a level in their names.
OLD_PREFIXES = {
    f"cond_stage_model.transformer.{part}.": f"cond_stage_model.transformer.text_model.{part}."
    for part in ("embeddings", "encoder", "final_layer_norm")
}
CHANNELS = 4  # of latents; models with more inputs have these first
SPECIAL = {9: "inpainting", 8: "instruct-pix2pix"}
SPARE = 64 * 2**20  # bytes that stay free on the disk
PARTS = 100  # of the progress bar


class DiskFull(WebuiError):
    """There is not enough room on the disk."""

    status = 507


class Source:
    """A checkpoint that takes part: its entry, and its tensors under the names of today."""

    def __init__(self, letter: str, entry: ModelEntry, file: TensorFile) -> None:
        self.letter = letter
        self.entry = entry
        self.file = file
        self.names = {name_of_today(name): name for name in file}

    def info(self, name: str) -> TensorInfo | None:
        """A tensor's type and shape; None if the checkpoint does not have it."""
        return self.file.header.tensors[self.names[name]] if name in self.names else None

    def read(self, name: str) -> Tensor:
        """A tensor, in a type that arithmetic knows: 8-bit numbers are all to be found among those of 16 bits."""
        tensor = self.file[self.names[name]]
        return tensor.half() if is_narrow(tensor.dtype) else tensor

    @property
    def model_name(self) -> str:
        """The name that A1111 builds file names from: `folder_name`."""
        return BRACKETS.sub("", self.entry.title).rsplit(".", 1)[0].replace("/", "_")


@dataclass(frozen=True)
class Merge:
    """A merge that is ready to be written: each tensor's type and shape, and what gives the tensor itself."""

    infos: Mapping[str, TensorInfo]
    tensor_of: Callable[[str], Tensor]
    special: str | None  # "inpainting" or "instruct-pix2pix"
    alone: int  # tensors of A that B lacks
    size: int  # bytes of all tensors


def merge(request: MergeRequest, *, checkpoints: Catalogue, vaes: Catalogue, folder: Path, report: Reporter) -> Path:
    """Write the merged checkpoint into a folder, and list it. Returns its path.

    Raises NotFound, BadRequest and BadModel for what cannot be merged, DiskFull, and what `report` raises; then no file is left.
    """
    report.start(PARTS)
    with ExitStack() as opened:
        names = zip("ABC", sources_of(request), strict=False)
        sources = [Source(letter, *opened_entry(checkpoints, name, opened)) for letter, name in names]
        vae = Source("VAE", *opened_entry(vaes, request.vae, opened)) if request.vae != "None" else None
        work = planned(request, sources, vae)
        if work.alone:
            report.warn(f"{work.alone} tensors of A are not in B; they stay as they are.")
        path = target(request, sources, work, folder)
        metadata: dict[str, str] = {}
        if request.save_metadata and request.format == "safetensors":
            metadata = metadata_of(request, [source.entry for source in sources], checkpoints, work.special, report.check)
        tensor_of = reporting(work, report)
        try:
            if request.format == "ckpt":
                write_checkpoint(path, work.infos, tensor_of)
            else:
                write_safetensors(path, work.infos, tensor_of, metadata)
        except OSError as error:
            raise DiskFull(f"{path.name} could not be written ({error.strerror}).", "Nothing of it is left.") from None
    copy_config(request, sources, path)
    checkpoints.refresh()
    return path


def sources_of(request: MergeRequest) -> list[str]:
    """The names of the checkpoints that a method works with: A, B and C as far as it needs them."""
    count = {SINGLE: 1, WEIGHTED: 2, DIFFERENCE: 3}[request.method]
    return [name for name in (request.primary, request.secondary, request.tertiary)[:count] if name]


def opened_entry(catalogue: Catalogue, name: str, opened: ExitStack) -> tuple[ModelEntry, TensorFile]:
    """A model of a catalogue and its tensors, none of them read."""
    entry = catalogue.find(name)
    if entry.path.is_dir():
        raise BadRequest(f"{entry.title} is a folder; only checkpoints that are one file can be merged.")
    return entry, opened.enter_context(open_tensors(entry.path))


def name_of_today(name: str) -> str:
    """A tensor's name, in checkpoints from before 2023 too."""
    for old, new in OLD_PREFIXES.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name


def is_narrow(dtype: torch.dtype) -> bool:
    """Whether a number type is for keeping only: torch does not calculate in 8 bits."""
    return dtype.is_floating_point and dtype.itemsize == 1


def is_merged(name: str, info: TensorInfo) -> bool:
    """Whether a tensor is mixed: a part of a network, and no counted positions."""
    return "model" in name and DTYPES[info.dtype].is_floating_point and not name.endswith("position_ids")


def planned(request: MergeRequest, sources: list[Source], vae: Source | None) -> Merge:
    """What the merge will write. Raises BadRequest for checkpoints that do not fit together; reads no tensor."""
    first, others = sources[0], sources[1:]
    baked = baked_names(first, vae) if vae else {}
    discarded = matching(list(first.names), request.discard) if request.discard else set[str]()
    infos: dict[str, TensorInfo] = {}
    mixed: set[str] = set()
    special: str | None = None
    alone = 0
    for name in first.names:
        if name in discarded:
            continue
        info = needed(first.info(name))
        if name in baked and vae:
            info = needed(vae.info(baked[name]))
        elif others and is_merged(name, info):
            if others[0].info(name) is None:
                alone += 1
            else:
                info, kind = mixed_info(name, info, others)
                mixed.add(name)
                special = special or kind
        infos[name] = saved_info(info, request)
    if others and not mixed:
        raise BadRequest(f"{first.entry.name} and {others[0].entry.name} have no tensors in common.", "Merge models of one kind.")
    if not infos:
        raise BadRequest(f"The pattern '{request.discard}' discards every tensor.")

    def tensor_of(name: str) -> Tensor:
        if name in baked and vae:
            tensor = vae.file[vae.names[baked[name]]]
        elif name in mixed:
            tensor = combined(request, name, first, others)
        else:
            tensor = first.file[first.names[name]]
        return tensor.to(DTYPES[infos[name].dtype])

    return Merge(infos, tensor_of, special, alone, sum(info.size for info in infos.values()))


def needed(info: TensorInfo | None) -> TensorInfo:
    """An info that is known to be there."""
    assert info is not None
    return info


def baked_names(first: Source, vae: Source) -> dict[str, str]:
    """The names in A of a VAE file's tensors, and theirs in the file. Raises BadRequest if it does not fit."""
    found: dict[str, str] = {}
    for name in vae.names:
        full = VAE_PREFIX + name.removeprefix(VAE_PREFIX)
        own, info = first.info(full), needed(vae.info(name))
        if own is None or name.startswith("loss") or name in NOT_OF_A_VAE:
            continue
        if own.shape != info.shape:
            raise BadRequest(f"{vae.entry.name} does not fit into {first.entry.name}: '{name}' is {info.shape}, not {own.shape}.")
        found[full] = name
    if not found:
        raise BadRequest(f"{vae.entry.name} does not fit into {first.entry.name}: they have no tensors in common.")
    return found


def mixed_info(name: str, info: TensorInfo, others: list[Source]) -> tuple[TensorInfo, str | None]:
    """The type and shape of a mixed tensor; and which special model it makes, where A takes more channels than B.

    Raises BadRequest for shapes that cannot be mixed.
    """
    dtype = DTYPES[info.dtype]
    second = needed(others[0].info(name))
    for other in others[1:]:
        third = other.info(name)
        if third is not None and third.shape != second.shape:
            raise BadRequest(f"B and C are of different kinds: '{name}' is {second.shape} in B and {third.shape} in C.")
    if info.shape != second.shape:
        alike = len(info.shape) == len(second.shape) > 1 and (info.shape[0], *info.shape[2:]) == (second.shape[0], *second.shape[2:])
        if alike and info.shape[1] == CHANNELS and second.shape[1] in SPECIAL:
            kind = SPECIAL[second.shape[1]]
            raise BadRequest(f"B is an {kind} model and A is none.", f"The {kind} model must be A.")
        if not (alike and second.shape[1] == CHANNELS and info.shape[1] in SPECIAL):
            raise BadRequest(f"A and B are of different kinds: '{name}' is {info.shape} in A and {second.shape} in B.")
        return info, SPECIAL[info.shape[1]]
    if not is_narrow(dtype):
        for other in (one for source in others if (one := source.info(name))):
            wide = DTYPES[other.dtype]
            dtype = torch.promote_types(dtype, torch.float16 if is_narrow(wide) else wide)
    return TensorInfo(NAMES[dtype], info.shape), None


def saved_info(info: TensorInfo, request: MergeRequest) -> TensorInfo:
    """A tensor's type and shape in the new file. fp16 narrows what is wider; whole numbers stay."""
    if request.numbers == "fp16" and info.dtype in ("F32", "F64"):
        return TensorInfo("F16", info.shape)
    if request.numbers == "fp32" and DTYPES[info.dtype].is_floating_point:
        return TensorInfo("F32", info.shape)
    return info


def combined(request: MergeRequest, name: str, first: Source, others: list[Source]) -> Tensor:
    """A mixed tensor. Of a model with further input channels only the latents' are mixed."""
    a, b, m = first.read(name), others[0].read(name), request.multiplier
    if request.method == DIFFERENCE:
        b = b - others[1].read(name) if others[1].info(name) else torch.zeros_like(b)
    own = a if a.shape == b.shape else a[:, :CHANNELS]
    mixed = own + m * b if request.method == DIFFERENCE else (1 - m) * own + m * b
    if own is a:
        return mixed
    a[:, :CHANNELS] = mixed
    return a


def target(request: MergeRequest, sources: list[Source], work: Merge, folder: Path) -> Path:
    """The path of the new checkpoint. Raises BadRequest for a name that cannot be or is taken, DiskFull."""
    stem = request.custom_name or safe_part(formula(request, [source.model_name for source in sources]))
    if safe_part(stem) != stem:
        raise BadRequest(f"'{stem}' cannot be a file's name.", f"'{safe_part(stem)}' could; at most {LONGEST_NAME} bytes.")
    path = folder / (stem + (f".{work.special}" if work.special else "") + f".{request.format}")
    if path.exists():
        raise BadRequest(f"There is a checkpoint {path.name} already.", "Give another custom name.")
    if request.format == "ckpt" and (odd := {info.dtype for info in work.infos.values()} - STORAGES.keys()):
        raise BadRequest(f"A .ckpt file cannot hold {', '.join(sorted(odd))} numbers.", "Choose safetensors.")
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < work.size + SPARE:
        raise DiskFull(
            f"The merged checkpoint takes {work.size / 1e9:.1f} GB, and {folder} has {free / 1e9:.1f} GB free.",
            "Delete something there, or save as float16.",
        )
    return path


def formula(request: MergeRequest, names: list[str]) -> str:
    """The merge as A1111 names its file: `0.7(a) + 0.3(b)`, `a + 0.3(b - c)`."""
    if request.method == WEIGHTED:
        return f"{round(1 - request.multiplier, 2)}({names[0]}) + {round(request.multiplier, 2)}({names[1]})"
    if request.method == DIFFERENCE:
        return f"{names[0]} + {round(request.multiplier, 2)}({names[1]} - {names[2]})"
    return names[0]


def reporting(work: Merge, report: Reporter) -> Callable[[str], Tensor]:
    """The merge's tensors, with the progress told by their bytes."""
    done = told = 0

    def tensor_of(name: str) -> Tensor:
        nonlocal done, told
        report.check()
        tensor = work.tensor_of(name)
        done += work.infos[name].size
        while told < done * PARTS // max(work.size, 1):
            told += 1
            report.step()
        return tensor

    return tensor_of


def copy_config(request: MergeRequest, sources: list[Source], path: Path) -> None:
    """Put the yaml of the source that the request says beside the new checkpoint; there may be none."""
    letters = {"A, B or C": "ABC", "B": "B", "C": "C", "Don't": ""}[request.config_from]
    config = next((source.entry.config for source in sources if source.letter in letters and source.entry.config), None)
    if config:
        write_whole(path.with_suffix(".yaml"), config.read_bytes())
