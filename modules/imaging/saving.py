"""Pictures into the output folder: numbered, never half, never over another."""

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from modules.contract.errors import BadRequest
from modules.contract.files import sync_folder, write_beside, write_whole
from modules.contract.progress import Filed
from modules.imaging.naming import name_from
from modules.settings.groups import Saving

NUMBERED = re.compile(r"^(\d{5,})[-.]")
DEFAULT_PATTERN = "[seed]-[prompt_spaces]"


@dataclass(frozen=True)
class Destination:
    """Where a picture goes: a folder, and its name without number and suffix."""

    folder: Path
    name: str
    suffix: str


Announce = Callable[[Filed], None]


def silent(filed: Filed) -> None:
    """Tells nobody."""


def destination(
    root: Path, saving: Saving, values: dict[str, str], now: datetime, *, folder: str | None = None, suffix: str = ""
) -> Destination:
    """The place of a picture below `root`; `folder` stands in for the settings', `suffix` ends its name.

    Raises BadRequest if the settings lead out of `root`.
    """
    wanted = saving.folder if folder is None else folder
    place = (root / wanted).resolve()
    if saving.use_subfolders:
        place = place / name_from(saving.subfolder_pattern, values, now)
    if not Path(wanted).is_absolute() and not place.is_relative_to(root.resolve()):
        raise BadRequest(f"The output folder '{wanted}' leads out of {root}.", "Give a folder inside it, or a whole path.")
    return Destination(place, name_from(saving.pattern or DEFAULT_PATTERN, values, now) + suffix, saving.format)


def next_number(folder: Path) -> int:
    """One more than the highest number that a file of the folder begins with."""
    names = [entry.name for entry in os.scandir(folder)] if folder.is_dir() else []
    return max((int(match.group(1)) for name in names if (match := NUMBERED.match(name))), default=0) + 1


def save(data: bytes, place: Destination, *, announce: Announce = silent) -> Path:
    """Write a picture file under the next free number: beside its place, synced, then linked into it.

    A name that someone else takes in between is left alone; the next number is tried. `announce` gets the path and the
    hash before the file appears, so that a crash in between can be told from one before.
    """
    temporary = write_beside(place.folder / "picture", data)
    digest = hashlib.sha256(data).hexdigest()
    try:
        number = next_number(place.folder)
        while True:
            path = place.folder / f"{number:05}-{place.name}.{place.suffix}"
            announce(Filed(str(path), digest))
            try:
                link(temporary, path)
                break
            except FileExistsError:
                number += 1
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(place.folder)
    return path


def link(source: Path, path: Path) -> None:
    """Give a file a second name. Raises FileExistsError. Where there are no links (exFAT, some network shares): an exclusive copy."""
    try:
        os.link(source, path)
    except FileExistsError:
        raise
    except OSError:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            file.write(source.read_bytes())
            file.flush()
            os.fsync(file.fileno())


def written(filed: Filed | None) -> bytes | None:
    """The bytes of a file announced earlier, if it is there and whole; None if not."""
    if filed is None:
        return None
    try:
        data = Path(filed.path).read_bytes()
    except OSError:
        return None
    return data if hashlib.sha256(data).hexdigest() == filed.sha256 else None


def save_text(path: Path, infotext: str) -> None:
    """The infotext as a text file beside a picture."""
    write_whole(path.with_suffix(".txt"), infotext.encode("utf8", "replace") + b"\n")
