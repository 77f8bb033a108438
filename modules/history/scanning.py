"""A look at the folders: which pictures are new, changed, moved or gone since the last one."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from modules.history.entering import Found, enter, look_at
from modules.history.favourites import Favourites
from modules.history.reading import SUFFIXES
from modules.history.rows import TRASH, inside, restored, stored
from modules.history.store import HistoryStore

SETTLED_NS = 2_000_000_000  # a folder changed less than this before it was looked at may change again within the same tick
UNSETTLED = -1
BATCH = 50
REST = 0.15  # of the time a batch takes: left to those who wait


class Stopped(Exception):
    """The look was asked to end."""


@dataclass
class Progress:
    """How far a look is: files read of those to be read. `folders` were listed, or found unchanged."""

    done: int = 0
    total: int = 0
    folders: int = 0


@dataclass
class Changed:
    """A folder whose list of names changed: what to read there, and which rows are not there any more."""

    path: str
    mtime_ns: int
    files: list[Found] = field(default_factory=list[Found])
    gone: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])


class Scan:
    """One look at one root. What it has found stays if it is stopped; the next one goes on from there.

    A folder is listed only if its time differs from the last look's. A root that cannot be read is left as it is: its disk may
    not be there.
    """

    def __init__(self, store: HistoryStore, favourites: Favourites, root: int, folder: Path, *, progress: Progress,
                 check: Callable[[], None]) -> None:  # fmt: skip
        """`check` is called now and then; it may do other work, and raises Stopped to end the look."""
        self.store, self.favourites, self.root, self.folder = store, favourites, root, folder
        self.progress = progress
        self.check = check

    def run(self) -> bool:
        """Look; whether anything was different. Raises Stopped."""
        if not self.folder.is_dir():
            return False
        rows = self.store.read("SELECT path, mtime_ns FROM folders WHERE root = ?", (self.root,))
        known = {restored(path): mtime for path, mtime in rows}
        seen: set[str] = set()
        changed = list(self.walk(known, seen))
        lost = [path for path in known if path not in seen]
        different = self.lose(changed, lost)
        changed.sort(key=lambda one: one.mtime_ns, reverse=True)  # the newest pictures first
        self.progress.total += sum(len(one.files) for one in changed)
        for one in changed:
            self.read(one)
        return different or any(one.files for one in changed)

    def walk(self, known: dict[str, int], seen: set[str]) -> Iterator[Changed]:
        """The changed folders; `seen` gets all that are there. Links are not followed: what they lead to cannot be served."""
        below: dict[str, list[str]] = {}
        for path in known:
            if path:
                below.setdefault(path.rpartition("/")[0], []).append(path)
        waiting = [""]
        while waiting:
            path = waiting.pop()
            self.check()
            try:
                mtime_ns = inside(self.folder, path).stat().st_mtime_ns
                if known.get(path) == mtime_ns:
                    waiting += below.get(path, [])
                else:
                    one, folders = self.listed(path, mtime_ns)
                    waiting += folders
                    yield one
            except OSError:
                if inside(self.folder, path).is_dir():  # it is there and may not be read: as it was
                    seen.update(other for other in known if other == path or other.startswith(f"{path}/"))
                continue
            seen.add(path)
            self.progress.folders += 1

    def listed(self, path: str, mtime_ns: int) -> tuple[Changed, list[str]]:
        """What differs in a folder, and the folders in it. Raises OSError."""
        settled = mtime_ns if time.time_ns() - mtime_ns > SETTLED_NS else UNSETTLED
        one, folders, there = Changed(path, settled), [], set[str]()
        query = "SELECT name, id, bytes, mtime_ns, missing FROM pictures WHERE root = ? AND folder = ?"
        rows = {restored(row[0]): row[1:] for row in self.store.read(query, (self.root, stored(path)))}
        with os.scandir(inside(self.folder, path)) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if not entry.name.startswith(".") or (not path and entry.name == TRASH):
                        folders.append(f"{path}/{entry.name}" if path else entry.name)
                    continue
                if entry.name.startswith(".") or os.path.splitext(entry.name)[1].lower() not in SUFFIXES:  # noqa: PTH122 - 50,000 times
                    continue
                if not entry.is_file(follow_symlinks=False):
                    continue
                facts = entry.stat(follow_symlinks=False)
                there.add(entry.name)
                row = rows.get(entry.name)
                if row is None or row[3] is not None or (row[1], row[2]) != (facts.st_size, facts.st_mtime_ns):
                    one.files.append(Found(self.root, path, entry.name, facts.st_size, facts.st_mtime_ns))
        one.files.sort(key=lambda found: found.mtime_ns, reverse=True)
        one.gone = [(row[0], name) for name, row in rows.items() if name not in there and row[3] is None]
        return one, folders

    def lose(self, changed: list[Changed], lost: list[str]) -> bool:
        """Mark as missing what is not there any more; those of whole folders too, which are forgotten. Whether there were any."""
        gone = [(id, one.path, name) for one in changed for id, name in one.gone]
        for path in lost:
            query = "SELECT id, name FROM pictures WHERE root = ? AND folder = ? AND missing IS NULL"
            gone += [(id, path, restored(name)) for id, name in self.store.read(query, (self.root, stored(path)))]
        if gone or lost:
            now = time.time()
            with self.store.writing() as connection:
                for id, folder, name in gone:
                    self.miss(connection, id, folder, name, now)
                connection.executemany("DELETE FROM folders WHERE root = ? AND path = ?", [(self.root, stored(path)) for path in lost])
        return bool(gone)

    def miss(self, connection: sqlite3.Connection, id: int, folder: str, name: str, now: float) -> None:
        """Mark a row as missing, unless it was moved, or its file came back, since it was looked for."""
        if not os.path.lexists(inside(self.folder, folder, name)):
            connection.execute("UPDATE pictures SET missing = ? WHERE id = ? AND folder = ? AND name = ?",
                               (now, id, stored(folder), stored(name)))  # fmt: skip

    def read(self, one: Changed) -> None:
        """Read a folder's new files into the list; only then is the folder noted as seen."""
        for start in range(0, len(one.files), BATCH):
            self.check()
            begun = time.perf_counter()
            files = [look_at(self.folder, found) for found in one.files[start : start + BATCH]]
            with self.store.writing() as connection:
                for file in files:
                    if file is not None and os.path.lexists(inside(self.folder, file.found.folder, file.found.name)):
                        enter(connection, file, self.favourites)
            self.progress.done += len(files)
            time.sleep(REST * (time.perf_counter() - begun))
        with self.store.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO folders VALUES (?, ?, ?)", (self.root, stored(one.path), one.mtime_ns))
