"""Writing a file so that a crash leaves the old one or the new one, never a part."""

import os
import re
import secrets
from pathlib import Path

TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.tmp")


def write_beside(path: Path, data: bytes) -> Path:
    """`data` in a temporary file in the folder of `path`, on the disk when this returns. The caller links or renames it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{secrets.token_hex(8)}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def sync_folder(folder: Path) -> None:
    """Put the folder's list of names on the disk; a no-op where folders cannot be opened (Windows)."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_whole(path: Path, data: bytes) -> None:
    """Replace `path` by `data` in one step."""
    temporary = write_beside(path, data)
    try:
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def remove_temporaries(folder: Path) -> None:
    """Clear away the temporary files that a killed program left below a folder. Only for whoever owns the folder."""
    for path in folder.rglob(".*.tmp"):
        if TEMPORARY.fullmatch(path.name):
            path.unlink(missing_ok=True)
