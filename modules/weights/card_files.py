"""What lies in the folders of models: all files with their times, in one walk, and which of them belong to a model."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from modules.weights.catalogue import Listed
from modules.weights.model_metadata import PICTURES

TEXTS = (".txt", ".description.txt")


class Stamp(NamedTuple):
    """When a file was changed, in nanoseconds, its bytes, and when it came to be, in seconds (where the system knows it)."""

    modified: int
    size: int
    created: float


Files = Mapping[str, Stamp]  # by name
Scan = dict[str, dict[str, Stamp]]  # folder -> name -> stamp


@dataclass(frozen=True)
class Place:
    """Where a model lies. `key` is its path from its folder on; `base` its name without suffix, which files beside it share."""

    listed: Listed
    folder: str
    name: str
    base: str

    @property
    def key(self) -> str:
        """As the list has it."""
        return self.listed.relative

    @property
    def path(self) -> Path:
        """The file, or the folder in diffusers' layout."""
        return self.listed.path

    def text(self, siblings: Files) -> tuple[str, Stamp] | None:
        """The text file that describes the model."""
        names = (self.base + suffix for suffix in TEXTS)
        return next(((name, siblings[name]) for name in names if name in siblings), None)

    def picture_names(self) -> Iterator[str]:
        """What a picture of the model may be called, the first of them first. An embedding in a picture shows itself, at worst."""
        names = [self.base + middle + suffix for suffix in PICTURES for middle in ("", ".preview")]
        yield from (name for name in names if name != self.name)
        yield from (name for name in names if name == self.name)

    def picture(self, siblings: Files) -> str | None:
        """The name of the file that shows the model."""
        return next((name for name in self.picture_names() if name in siblings), None)

    def siblings(self) -> Files:
        """The files that belong to the model, as they are now."""
        names = [self.base + ".json", *(self.base + suffix for suffix in TEXTS), *self.picture_names()]
        return {name: found for name in names if (found := stamp_of(self.path.with_name(name))) is not None}


def place_of(listed: Listed) -> Place:
    """The place of a listed model."""
    path = listed.path
    return Place(listed, str(path.parent), path.name, path.name if listed.is_folder else path.stem)


def stamp_of(path: Path) -> Stamp | None:
    """The stamp of a file; None where it is gone."""
    try:
        return stamp(path.stat())
    except OSError:
        return None


def stamp(status: os.stat_result) -> Stamp:
    """A stamp by the system's word. Where it does not tell a file's birth, its place in the folder counts as new as its inode."""
    return Stamp(status.st_mtime_ns, status.st_size, getattr(status, "st_birthtime", status.st_ctime))


def scan(folders: Iterable[Path]) -> Scan:
    """All files of some folders and those below them, links to folders too; nothing that is hidden, no folder twice."""
    found: Scan = {}
    visited: set[str] = set()
    todo = [str(folder) for folder in folders]
    while todo:
        place = todo.pop()
        real = os.path.realpath(place)
        if real in visited:
            continue
        visited.add(real)
        try:
            with os.scandir(place) as entries:
                found[place] = files = {}
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir():
                        todo.append(entry.path)
                    elif (one := stamp_in(entry)) is not None:
                        files[entry.name] = one
        except OSError:
            continue  # not there, or not ours to look into
    return found


def stamp_in(entry: "os.DirEntry[str]") -> Stamp | None:
    """The stamp of a listed file; None for a link to nothing."""
    try:
        return stamp(entry.stat())
    except OSError:
        return None
