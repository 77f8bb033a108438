"""The pictures of the list: how they are stored and what is shown of them."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

TRASH = ".trash"
KINDS = ("txt2img", "img2img", "extras", "grid", "other")


@dataclass(frozen=True)
class Row:
    """A picture as the list keeps it: in which root and folder it lies, `folder` and `name` as they are on the disk.

    `made` is the file's time in seconds since 1970; `trashed` and `missing` are None, or since when.
    """

    id: int
    root: int
    folder: str
    name: str
    bytes: int
    made: float
    width: int
    height: int
    kind: str
    favourite: bool
    trashed: float | None
    missing: float | None
    problem: str | None
    title: str

    @property
    def path(self) -> str:
        """The path inside the root, with slashes."""
        return f"{self.folder}/{self.name}" if self.folder else self.name


def stored(text: str) -> str | bytes:
    """A path for SQLite: the bytes themselves where they are no text, which Linux allows and SQLite refuses as text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return os.fsencode(text)
    return text


def restored(value: str | bytes) -> str:
    """The path that was stored."""
    return os.fsdecode(value) if isinstance(value, bytes) else value


def shown(text: str) -> str:
    """A path as a page can show it."""
    return text.encode("utf8", "replace").decode()


def day_of(made: float) -> str:
    """The local day of a time, as 2026-01-31."""
    try:
        return datetime.fromtimestamp(made).strftime("%Y-%m-%d")
    except (OverflowError, ValueError, OSError):
        return "1970-01-01"


def kind_of(folder: str, name: str, *, has_infotext: bool, image_to_image: bool, postprocessed: bool) -> str:
    """What a picture is: by its file's name, by its folders', by its infotext."""
    parts = " ".join(part.lower() for part in PurePosixPath(folder).parts if part != TRASH)
    if name.startswith("grid-") or "grid" in parts:
        return "grid"
    for kind in ("extras", "img2img", "txt2img"):
        if kind in parts:
            return kind
    if postprocessed:
        return "extras"
    if not has_infotext:
        return "other"
    return "img2img" if image_to_image else "txt2img"


def inside(root: Path, folder: str, name: str = "") -> Path:
    """A place below a root."""
    return root / folder / name if name else root / folder
