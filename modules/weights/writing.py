"""Writes weights files: one tensor after another, so that a file may be larger than memory, and all of it or nothing."""

import json
import os
import secrets
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from modules.contract.files import sync_folder
from modules.weights.header import BYTES, TensorInfo

DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64, "I32": torch.int32,
    "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool, "U64": torch.uint64, "U32": torch.uint32,
    "U16": torch.uint16, "C64": torch.complex64, "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2,
    "F8_E4M3FNUZ": torch.float8_e4m3fnuz, "F8_E5M2FNUZ": torch.float8_e5m2fnuz,
}  # fmt: skip
NAMES = {dtype: name for name, dtype in DTYPES.items()}
STORAGES = {
    "F64": "DoubleStorage", "F32": "FloatStorage", "F16": "HalfStorage", "BF16": "BFloat16Storage", "I64": "LongStorage",
    "I32": "IntStorage", "I16": "ShortStorage", "I8": "CharStorage", "U8": "ByteStorage", "BOOL": "BoolStorage",
}  # fmt: skip
Infos = Mapping[str, TensorInfo]
Source = Callable[[str], Tensor]


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file beside its place, sync it, and put it there in one step."""
    infos = {name: TensorInfo(NAMES[tensor.dtype], tuple(tensor.shape)) for name, tensor in tensors.items()}
    write_safetensors(path, infos, lambda name: tensors[name], {"format": "pt", **(metadata or {})})


def write_safetensors(path: Path, infos: Infos, tensor_of: Source, metadata: Mapping[str, str]) -> None:
    """Write a safetensors file of these tensors; each is asked for when it is its turn, widest numbers first, as the format wants.

    Raises ValueError for a tensor that is not as its info says, and whatever `tensor_of` raises; then no file is left.
    """
    header, order = beginning(infos, metadata)
    with written_whole(path) as file:
        file.write(header)
        for name in order:
            file.write(raw(name, infos[name], tensor_of(name)))


def beginning(infos: Infos, metadata: Mapping[str, str]) -> tuple[bytes, list[str]]:
    """What a safetensors file of these tensors begins with, and the order in which the tensors follow."""
    order = sorted(infos, key=lambda name: (-BYTES[infos[name].dtype], name))
    table: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    for name in order:
        table[name] = {"dtype": infos[name].dtype, "shape": infos[name].shape, "data_offsets": [end, end + infos[name].size]}
        end += infos[name].size
    text = json.dumps(table, separators=(",", ":"), ensure_ascii=False).encode("utf8", "backslashreplace")
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text, order


def write_checkpoint(path: Path, infos: Infos, tensor_of: Source) -> None:
    """Write a .ckpt file of these tensors, as torch.save does, but one tensor at a time. Raises as `write_safetensors`.

    It has the members that readers since torch 1.6 look for, and no others: A1111 refuses files with more.
    """
    with written_whole(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", pickle_of(infos))
        for number, (name, info) in enumerate(infos.items()):
            with archive.open(zipfile.ZipInfo(f"archive/data/{number}"), "w", force_zip64=True) as member:
                member.write(raw(name, info, tensor_of(name)))
        archive.writestr("archive/version", "3\n")


def pickle_of(infos: Infos) -> bytes:
    """The pickle, protocol 2, of {"state_dict": {name: tensor}} with each tensor in a storage of its own, numbered in order."""

    def text(value: str) -> bytes:
        encoded = value.encode("utf8", "surrogatepass")
        return b"X" + struct.pack("<I", len(encoded)) + encoded

    def whole(number: int) -> bytes:
        return b"J" + struct.pack("<i", number) if number < 2**31 else b"\x8a\x08" + struct.pack("<q", number)

    def sides(numbers: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(map(whole, numbers)) + b"t"

    parts = [b"\x80\x02}", text("state_dict"), b"}("]
    for number, (name, info) in enumerate(infos.items()):
        if info.dtype not in STORAGES:
            raise ValueError(f"A .ckpt file cannot hold {info.dtype} tensors.")
        count, strides = 1, []
        for side in reversed(info.shape):
            strides.append(count)
            count *= side
        storage = f"ctorch\n{STORAGES[info.dtype]}\n".encode()
        parts += [text(name), b"ctorch._utils\n_rebuild_tensor_v2\n((", text("storage"), storage, text(str(number)), text("cpu")]
        parts += [whole(count), b"tQ", whole(0), sides(info.shape), sides(tuple(reversed(strides))), b"\x89"]
        parts += [b"ccollections\nOrderedDict\n)RtR"]
    return b"".join([*parts, b"us."])


def raw(name: str, info: TensorInfo, tensor: Tensor) -> memoryview:
    """A tensor's bytes. Raises ValueError unless it is what its info says."""
    if NAMES.get(tensor.dtype) != info.dtype or tuple(tensor.shape) != info.shape:
        raise ValueError(f"'{name}' is {tensor.dtype} {tuple(tensor.shape)}, announced as {info.dtype} {info.shape}")
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write into, which takes its place at the end, synced; if anything is raised, nothing is left of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)
