"""Zip archives of extensions, unpacked so that nothing lands outside, and nothing is larger than it says."""

import io
import re
import stat
import zipfile
from pathlib import Path, PurePosixPath

from modules.contract.errors import BadRequest
from modules.plugins.examine import LEFT_OUT, MOST_BYTES, MOST_FILES

DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)  # names that Windows gives to devices
FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]')
OWN_FOLDERS = {"scripts", "javascript"}  # of A1111's extensions
LONGEST_NAME = 200  # bytes
CHUNK = 2**20


def unpack(data: bytes, folder: Path) -> None:
    """The files of an archive, in a new folder. A single folder at its top, as GitHub makes one, is left out.

    Raises BadRequest for what is no archive, for names that lead elsewhere, for links, and for what is too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MOST_FILES:
                raise BadRequest(f"The archive has {len(entries)} files; an extension may have {MOST_FILES}.")
            names = {entry: checked(entry) for entry in entries}
            tops = {name.parts[0] for name in names.values()}
            cut = 1 if len(tops) == 1 and not tops & OWN_FOLDERS and all(len(name.parts) > 1 for name in names.values()) else 0
            left = MOST_BYTES
            for entry, name in names.items():
                path = folder.joinpath(*name.parts[cut:])
                if not LEFT_OUT.intersection(name.parts):
                    left -= written(archive, entry, path, left)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError, RuntimeError, LookupError) as error:
        raise BadRequest(f"The archive cannot be read ({error}).", "It must be a zip file.") from None


def checked(entry: zipfile.ZipInfo) -> PurePosixPath:
    """The path of a file in an archive. Raises BadRequest for one that must not be."""
    name = PurePosixPath(entry.orig_filename)
    shown = entry.orig_filename[:100]
    if name.is_absolute() or ".." in name.parts or not name.parts or FORBIDDEN.search(entry.orig_filename):
        raise BadRequest(f"The archive has a file whose name leads elsewhere: {shown!r}.")
    if any(DEVICES.match(part) or part != part.rstrip(". ") or len(part.encode()) > LONGEST_NAME for part in name.parts):
        raise BadRequest(f"The archive has a file whose name not every system can have: {shown!r}.")
    mode = entry.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise BadRequest(f"The archive has a link in it, {shown!r}, and is refused.")
    if entry.flag_bits & 1:
        raise BadRequest("The archive is encrypted.")
    return name


def written(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, left: int) -> int:
    """Write one file, counting what really comes out of it; its size. Raises BadRequest beyond `left` bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with archive.open(entry) as source, path.open("xb") as target:
        while chunk := source.read(CHUNK):
            size += len(chunk)
            if size > left:
                raise BadRequest(f"The archive unpacks to more than the {MOST_BYTES // 2**20} MB that an extension may have.")
            target.write(chunk)
    return size
