"""The two ways in which torch.save lays a pickle and its tensors out in a file: a zip archive, and before 1.6 one thing after another."""

import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from modules.weights.header import BadModel
from modules.weights.pickles import Refused, StoredTensor, read_plain

MOST_MEMBERS = 50_000
LARGEST_PICKLE = 64 * 2**20
LARGEST_DIRECTORY = 8 * 2**20  # of an archive's list of members, in bytes
OVERLAPS = 4  # tensors may share their numbers, so all of them may claim this many times the file
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
SAFER = "Use a .safetensors version of it."


@dataclass(frozen=True)
class Pickled:
    """What a pickle file holds. `value`: plain data with StoredTensors in it; `storages`: first byte and length in the file by key."""

    path: Path
    value: Any
    storages: Mapping[str, tuple[int, int]]

    def begin(self, tensor: StoredTensor) -> int:
        """The byte of the file at which a tensor's numbers begin. Raises BadModel where they are not all there."""
        sides = zip(tensor.shape, tensor.stride, strict=True)
        length = (1 + sum((side - 1) * step for side, step in sides)) * tensor.dtype.itemsize if all(tensor.shape) else 0
        begin, size = self.storages.get(tensor.key, (0, 0))
        if tensor.begin + length > size:
            raise BadModel(self.path, "it holds less than its tensors need", "Download it again.")
        return begin + tensor.begin


def read_pickled(path: Path) -> Pickled:
    """The contents of a torch file, its tensors unread. Raises BadModel; nothing in the file is run."""
    try:
        with path.open("rb") as file:
            start = file.read(512)
        if start.startswith(b"PK"):
            return read_archive(path)
        check_kind(path, start)
        return read_legacy(path)
    except Refused as refusal:
        raise BadModel(path, str(refusal), SAFER) from None
    except OSError as error:
        raise BadModel(path, f"it cannot be read ({error.strerror})") from None


def check_kind(path: Path, start: bytes) -> None:
    """Raise BadModel for what people most often have in place of a torch file."""
    if not start:
        raise BadModel(path, "it is empty", "Download it again.")
    if start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
        raise BadModel(path, "it is a web page, not a model", "The download saved a page; a login may be needed.")
    if start.startswith(b"version https://git-lfs"):
        raise BadModel(path, "it is a git-lfs pointer, not the model itself", "Run 'git lfs pull', or download the file itself.")
    if start[8:9] == b"{":
        raise BadModel(path, "it is a .safetensors file under another name", "Rename it to .safetensors.")
    if start[:1] != b"\x80":
        raise BadModel(path, "it is not a torch file", "Download it again.")


class Bounded:
    """A file for zipfile to look into, whose list of members must be short: each of a million would be made an object."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """As a file's. Raises BadZipFile for more than a list of members takes."""
        data = self.file.read(LARGEST_DIRECTORY + 1 if size < 0 else min(size, LARGEST_DIRECTORY + 1))
        if len(data) > LARGEST_DIRECTORY:
            raise zipfile.BadZipFile
        return data

    def seekable(self) -> bool:
        return True


def weigh(path: Path) -> list[zipfile.ZipInfo]:
    """The members of a torch archive. Raises BadModel unless it unpacks to no more than its own size."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file, zipfile.ZipFile(cast(Any, Bounded(file))) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, IndexError, struct.error):
        raise BadModel(path, "it is not a whole torch archive: cut off or damaged", "Download it again.") from None
    pickles = [member for member in members if member.filename.endswith("data.pkl")]
    if len(members) > MOST_MEMBERS or len(pickles) != 1 or pickles[0].file_size > LARGEST_PICKLE:
        raise BadModel(path, "its archive is not laid out as torch writes it", SAFER)
    if any(member.compress_type != zipfile.ZIP_STORED for member in members) or sum(m.file_size for m in members) > size:
        raise BadModel(path, "its archive claims more than it holds", SAFER)
    return members


def read_archive(path: Path) -> Pickled:
    """A zip archive: `data.pkl`, and one member for each storage."""
    members = weigh(path)
    size = path.stat().st_size
    pickle = next(member for member in members if member.filename.endswith("data.pkl"))
    root = pickle.filename.removesuffix("data.pkl")
    storages: dict[str, tuple[int, int]] = {}
    data = b""
    with path.open("rb") as file:
        for member in members:
            wanted = member is pickle or member.filename.startswith(f"{root}data/") or member.filename == f"{root}byteorder"
            if not wanted:
                continue
            begin = begin_of(path, file, member)
            if begin + member.file_size > size:
                raise BadModel(path, "its archive claims more than it holds", "Download it again.")
            if member.filename.startswith(f"{root}data/"):
                storages[member.filename.removeprefix(f"{root}data/")] = (begin, member.file_size)
                continue
            file.seek(begin)
            content = file.read(member.file_size)
            if member is pickle:
                data = content
            elif content != b"little":
                raise BadModel(path, "its numbers are in the byte order of another kind of machine", SAFER)
    return Pickled(path, read_plain(data, largest=OVERLAPS * size).value, storages)


def begin_of(path: Path, file: BinaryIO, member: zipfile.ZipInfo) -> int:
    """The byte at which a member's content begins: behind its own small header."""
    file.seek(member.header_offset)
    header = file.read(30)
    if len(header) < 30 or not header.startswith(b"PK\x03\x04"):
        raise BadModel(path, "its archive is damaged", "Download it again.")
    name, extra = struct.unpack("<HH", header[26:30])
    return member.header_offset + 30 + name + extra


def read_legacy(path: Path) -> Pickled:
    """The old layout: a magic number, a version, facts of the machine, the value, the storages' keys, then the storages."""
    size = path.stat().st_size
    with path.open("rb") as file:
        data = file.read(LARGEST_PICKLE)
        magic = read_plain(data)
        if magic.value != LEGACY_MAGIC:
            raise BadModel(path, "it is a pickle, but not one of torch's", SAFER)
        version = read_plain(data, magic.end)
        machine = read_plain(data, version.end)
        if not isinstance(machine.value, dict) or machine.value.get("little_endian") is not True:
            raise BadModel(path, "its numbers are in the byte order of another kind of machine", SAFER)
        content = read_plain(data, machine.end, largest=OVERLAPS * size)
        keys = read_plain(data, content.end)
        if not isinstance(keys.value, list):
            raise BadModel(path, "its table of contents is damaged", SAFER)
        at = keys.end
        storages: dict[str, tuple[int, int]] = {}
        for key in map(str, keys.value):
            file.seek(at)
            count = file.read(8)
            length = struct.unpack("<q", count)[0] * content.widths.get(key, 1) if len(count) == 8 else -1
            if not 0 <= length <= size - at - 8:
                raise BadModel(path, "it is cut off, or its table of contents is damaged", "Download it again.")
            storages[key] = (at + 8, length)
            at += 8 + length
    return Pickled(path, content.value, storages)
