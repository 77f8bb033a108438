"""What a weights file holds, read from its first bytes alone: names, types and shapes, and what is wrong with it.

A file is judged before anything parses it: a header may lie about its size, and parsing one can cost minutes.
"""

import json
import re
import struct
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from modules.contract.errors import BadRequest
from modules.contract.request import Size

LARGEST_HEADER = 32 * 2**20
MOST_TENSORS = 50_000
MOST_MARKS = {b"[": 1_000_000, b"{": 1_000_000, b",": 4_000_000}  # each may become an object of 60 bytes; texts have some too
METADATA = re.compile(rb'\s*\{\s*"__metadata__"\s*:\s*')
BYTES = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2, "I32": 4, "U32": 4, "F32": 4}
BYTES |= {"F64": 8, "I64": 8, "U64": 8, "C64": 8, "F8_E4M3FNUZ": 1, "F8_E5M2FNUZ": 1}


@dataclass(frozen=True)
class TensorInfo:
    """One tensor of a file: its type as safetensors names it, its shape, and the byte of the file at which it begins."""

    dtype: str
    shape: tuple[int, ...]
    begin: int = field(default=0, compare=False)

    @property
    def size(self) -> int:
        """Its bytes."""
        return BYTES[self.dtype] * prod(self.shape)


@dataclass(frozen=True)
class Header:
    """A weights file's table of contents."""

    path: Path
    tensors: dict[str, TensorInfo]
    metadata: dict[str, str] = field(default_factory=dict[str, str])


class BadModel(BadRequest):
    """A weights file that cannot be used. The message names the file and says why."""

    def __init__(self, path: Path, reason: str, hint: str = "") -> None:
        super().__init__(f"{path.name} cannot be used: {reason}.", hint)
        self.path = path


def read_header(path: Path) -> Header:
    """A safetensors file's header. Raises BadModel: truncated, a web page, a git-lfs pointer, a pickle, another format, damaged."""
    text, size = header_text(path)
    if text.count(b'"dtype"') > MOST_TENSORS:
        raise BadModel(path, f"it lists more than {MOST_TENSORS:,} tensors")
    return checked(path, parse(path, text), size, 8 + len(text))


def read_metadata(path: Path) -> dict[str, str]:
    """The texts in a safetensors file's header, without a look at its tensors. Raises BadModel."""
    text, _ = header_text(path)
    start = METADATA.match(text)
    if start:  # the usual place: then the rest, which is far longer, need not be parsed
        try:
            found, _ = json.JSONDecoder().raw_decode(text[start.end() :].decode())
        except (ValueError, RecursionError) as error:
            raise BadModel(path, f"its header is damaged ({error})", "Download it again.") from None
    else:
        found = parse(path, text).get("__metadata__")
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def header_text(path: Path) -> tuple[bytes, int]:
    """The text of a safetensors file's header, and the file's size. Raises BadModel."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(512)
            check_kind(path, start, size)
            length = struct.unpack("<Q", start[:8])[0]
            if length > LARGEST_HEADER:
                raise BadModel(path, f"its header claims {length:,} bytes, more than the {LARGEST_HEADER:,} that are allowed")
            if 8 + length > size:
                raise BadModel(path, f"it ends within its header ({size:,} bytes of at least {8 + length:,})", "Download it again.")
            file.seek(8)
            text = file.read(length)
    except OSError as error:
        raise BadModel(path, f"it cannot be read ({error.strerror})") from None
    if any(text.count(mark) > most for mark, most in MOST_MARKS.items()):
        raise BadModel(path, "its header holds far more values than any model's")
    return text, size


def check_kind(path: Path, start: bytes, size: int) -> None:
    """Raise BadModel for the files that people most often have in place of a safetensors file."""
    if size == 0:
        raise BadModel(path, "it is empty", "Download it again.")
    if size < 16:
        raise BadModel(path, f"it has only {size} bytes", "Download it again.")
    lowered = start.lstrip().lower()
    if lowered.startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
        raise BadModel(path, "it is a web page, not a model", "The download saved a page; a login may be needed.")
    if start.startswith(b"version https://git-lfs"):
        raise BadModel(path, "it is a git-lfs pointer, not the model itself", "Run 'git lfs pull', or download the file itself.")
    if start[8:9] == b"{":
        return  # the other kinds are told from it by their first bytes, which here may be any: they are a length
    if start.startswith(b"PK\x03\x04") or start[:1] == b"\x80":
        raise BadModel(path, "it is a pickle (.ckpt or .pt) under another name", "Rename it to .ckpt.")
    if start.startswith(b"GGUF"):
        raise BadModel(path, "it is a GGUF file, which is not supported")
    raise BadModel(path, "it is not a safetensors file", "Download it again.")


def parse(path: Path, text: bytes) -> dict[str, Any]:
    """The header's table. Raises BadModel if it is none, or has a name twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = dict(pairs)
        if len(names) != len(pairs):
            raise ValueError("a name stands twice")
        return names

    try:
        raw = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise BadModel(path, f"its header is damaged ({error})", "Download it again.") from None
    if not isinstance(raw, dict):
        raise BadModel(path, "its header is damaged (it is no table)", "Download it again.")
    return raw


def checked(path: Path, raw: dict[str, Any], size: int, start: int) -> Header:
    """The header, after its sizes and places have been compared with the file: tensors fill it from byte `start` to its end."""
    metadata = raw.pop("__metadata__", {})
    tensors: dict[str, TensorInfo] = {}
    places: list[tuple[int, int]] = []
    for name, entry in raw.items():
        try:
            dtype, shape, (begin, stop) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
            if any(not isinstance(one, int) or one < 0 for one in (*shape, begin, stop)):
                raise ValueError
            info = TensorInfo(dtype, shape, start + begin)
            whole = info.size == stop - begin
        except (KeyError, TypeError, ValueError):
            raise BadModel(path, f"its entry for '{name[:80]}' is damaged", "Download it again.") from None
        if not whole:
            raise BadModel(path, f"its tensor '{name[:80]}' does not have the size of its shape", "Download it again.")
        tensors[name] = info
        places.append((begin, stop))
    if not tensors:
        raise BadModel(path, "it holds no tensors")
    places.sort()
    end = places[-1][1]
    if start + end > size:
        raise BadModel(path, f"it is cut off: {start + end - size:,} bytes are missing at its end", "Download it again.")
    if start + end < size or [0, *(stop for _, stop in places)] != [*(begin for begin, _ in places), end]:
        raise BadModel(path, "its tensors overlap, or leave bytes that belong to none", "Download it again.")
    texts = metadata if isinstance(metadata, dict) else {}
    return Header(path, tensors, {str(key): str(value) for key, value in texts.items()})


def native_size(path: Path) -> Size | None:
    """The size that a model was trained for, where its safetensors metadata say so (`modelspec.resolution`, as in 512x512)."""
    if path.suffix.lower() != ".safetensors":
        return None
    match = re.fullmatch(r"(\d{2,4})x(\d{2,4})", read_header(path).metadata.get("modelspec.resolution", ""))
    return Size(int(match.group(1)), int(match.group(2))) if match else None
