"""The program's caches as the Settings tab lists and empties them."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FolderCache:
    """The files of a folder. Those younger than `spared` seconds may be in use, and are kept."""

    title: str
    folder: Path
    spared: float = 0.0

    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.stat(follow_symlinks=False).st_size for entry in files_below(self.folder))

    def clear(self) -> None:
        """Remove the files that are old enough, and the folders that they leave empty."""
        until = time.time() - self.spared
        for entry in files_below(self.folder):
            if entry.stat(follow_symlinks=False).st_mtime <= until:
                Path(entry.path).unlink(missing_ok=True)
        for place, _, _ in os.walk(self.folder, topdown=False):
            if place != str(self.folder) and not os.listdir(place):  # noqa: PTH208 - names are enough
                Path(place).rmdir()


@dataclass(frozen=True)
class MemoryCache:
    """Something in memory, whose size nobody counts."""

    title: str
    clear: Callable[[], None]

    def size(self) -> None:
        """It cannot be told."""


def files_below(folder: Path) -> list[os.DirEntry[str]]:
    """All files of a folder and those below it; a link counts as a file and is not followed."""
    found: list[os.DirEntry[str]] = []
    folders = [str(folder)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        found.append(entry)
        except FileNotFoundError:
            continue
    return found
