"""Deleting with a way back: files are renamed into a hidden folder of the same disk, whose names say where they were."""

import secrets
import sqlite3
import time
from contextlib import suppress
from pathlib import Path, PurePosixPath

from modules.contract.errors import WebuiError
from modules.history.entering import BATCH_TIME, Found, move, original_folder
from modules.history.rows import TRASH, inside, shown
from modules.imaging.saving import link

MOST_NAMES = 10_000


def new_batch() -> str:
    """A folder for what is deleted together, with the time and a part that no other has."""
    return f"{TRASH}/{time.strftime(BATCH_TIME)}-{secrets.token_hex(4)}"


def throw_away(connection: sqlite3.Connection, root: Path, id: int, found: Found, batch: str) -> None:
    """Move a picture and its text file into the trash of their root. Raises WebuiError.

    `.trash/<batch>/<the path it had>`: nothing else is needed to bring it back, even if the list is lost.
    """
    folder = f"{batch}/{found.folder}" if found.folder else batch
    target = inside(root, folder)
    source = inside(root, found.folder, found.name)
    try:
        target.mkdir(parents=True, exist_ok=True)
        source.rename(target / found.name)
        with suppress(FileNotFoundError):
            source.with_suffix(".txt").rename((target / found.name).with_suffix(".txt"))
    except OSError as error:
        raise WebuiError(f"'{shown(found.name)}' could not be moved to the trash ({error.strerror}).") from None
    move(connection, id, Found(found.root, folder, found.name, found.bytes, found.mtime_ns))


def bring_back(connection: sqlite3.Connection, root: Path, id: int, found: Found) -> str:
    """Move a picture and its text file out of the trash to where they were, under another name if that is taken; its path now.

    Raises WebuiError. Never writes over a file: the new name is linked before the old one goes.
    """
    folder = original_folder(found.folder)
    source, target = inside(root, found.folder, found.name), inside(root, folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        name = linked(source, target, found.name)
        beside = source.with_suffix(".txt")
        if beside.is_file():
            with suppress(FileExistsError):
                link(beside, (target / name).with_suffix(".txt"))
                beside.unlink()
        source.unlink()
    except OSError as error:
        raise WebuiError(f"'{shown(found.name)}' could not be brought back ({error.strerror}).") from None
    clear_away(root, source.parent)
    move(connection, id, Found(found.root, folder, name, found.bytes, found.mtime_ns))
    return f"{folder}/{name}" if folder else name


def linked(source: Path, folder: Path, name: str) -> str:
    """Give a file a second name in a folder: its own, or `name-2.png` and on. Raises OSError."""
    plain = PurePosixPath(name)
    for number in range(1, MOST_NAMES):
        wanted = name if number == 1 else f"{plain.stem}-{number}{plain.suffix}"
        try:
            link(source, folder / wanted)
        except FileExistsError:
            continue
        return wanted
    raise FileExistsError(0, "too many files of that name")


def destroy(root: Path, found: Found) -> None:
    """Delete a picture of the trash for good, and its text file. Raises WebuiError; nothing outside the trash is touched."""
    file = inside(root, found.folder, found.name)
    if PurePosixPath(found.folder).parts[:1] != (TRASH,):
        raise WebuiError(f"'{shown(found.name)}' is not in the trash.")
    try:
        file.unlink(missing_ok=True)
        file.with_suffix(".txt").unlink(missing_ok=True)
    except OSError as error:
        raise WebuiError(f"'{shown(found.name)}' could not be deleted ({error.strerror}).") from None
    clear_away(root, file.parent)


def clear_away(root: Path, folder: Path) -> None:
    """Remove a folder of the trash, and those above it, as long as they are empty."""
    trash = root / TRASH
    while folder != trash and folder.is_relative_to(trash):
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
