"""Every picture ever made: the list, the thread that keeps it true to the files, and what a page can ask of both."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modules.contract.errors import NotFound, WebuiError
from modules.history import search as searching
from modules.history.difference import Difference, difference
from modules.history.entering import Found, enter, forget, look_at, place_of
from modules.history.favourites import Favourites
from modules.history.folders import AddedFolders, outermost, save_folders
from modules.history.rows import TRASH, Row, inside, restored, shown, stored
from modules.history.scanning import Progress, Scan, Stopped
from modules.history.search import Result, Suggestion
from modules.history.store import HistoryStore
from modules.history.trash import bring_back, destroy, new_batch, throw_away
from modules.settings.store import SettingsStore

log = logging.getLogger(__name__)
EVERY = 30.0  # seconds between two looks at the folders, while somebody looks at the page
INTEREST = 120.0  # seconds that somebody counts as looking
TELL = 1.0  # seconds between two changes of the revision during a look
FORGOTTEN_DAYS = 90  # how long a missing picture is remembered, in case it turns up elsewhere; favourites for ever
TOGETHER = 50  # pictures that are moved while others wait


@dataclass(frozen=True)
class State:
    """Where the list stands. `revision` grows with every change; `scan` is None while no look is going on."""

    revision: int
    pictures: int
    trashed: int
    scan: Progress | None
    problem: str | None
    folders: list[str] = field(default_factory=list[str])
    unreachable: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class Moved:
    """What became of some pictures: those it was done to, and in sentences why it could not be done to the others."""

    ids: list[int]
    problems: list[str]


class History:
    """The pictures below the output folder and the other folders that are listed. Thread-safe."""

    def __init__(self, data: Path, outputs: Path, settings: SettingsStore) -> None:
        """`data` holds the list. Raises WebuiError if it cannot be used."""
        self.data, self.outputs, self.settings = data, outputs, settings
        self.store = HistoryStore(data / "history.sqlite3")
        self.favourites = Favourites(data / "history-favourites.json")
        self.added = AddedFolders(data / "history-folders.json")
        self.problem = self.store.problem
        self.lock = threading.Lock()
        self.revision = 1
        self.told = 0.0
        self.progress: Progress | None = None
        self.known: tuple[int, dict[str, list[tuple[str, int]]]] = (0, {})
        self.counts: tuple[int, int, int] = (0, 0, 0)  # revision, pictures, in the trash
        self.looked = time.monotonic()
        self.wake, self.cancelled, self.ended = threading.Event(), threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.work, name="history", daemon=True)

    def start(self) -> None:
        """Begin to look at the folders."""
        self.thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """End the looks and let go of the list."""
        self.ended.set()
        self.wake.set()
        if self.thread.ident is not None:
            self.thread.join(seconds)
        if not self.thread.is_alive():
            self.store.close()

    def scan_soon(self) -> None:
        """Look at the folders now."""
        self.cancelled.clear()
        self.wake.set()

    def cancel_scan(self) -> None:
        """End the look that is going on; the next one goes on from there."""
        self.cancelled.set()

    def work(self) -> None:
        """The thread: look, wait, look again while somebody is interested."""
        while not self.ended.is_set():
            try:
                self.scan()
            except Stopped:
                log.info("The look at the pictures was stopped.")
            except (WebuiError, OSError) as error:
                self.problem = f"The folders could not be looked at ({error})."
                log.warning(self.problem)
            self.wake.wait(EVERY)
            while not (self.ended.is_set() or self.wake.is_set() or time.monotonic() - self.looked < INTEREST):
                self.wake.wait(EVERY)
            self.wake.clear()

    def scan(self) -> None:
        """One look at all folders. Raises Stopped, WebuiError, OSError."""
        self.cancelled.clear()
        self.progress = Progress()
        try:
            roots = self.roots()
            self.tidy(roots)
            for root, folder in roots.items():
                if Scan(self.store, self.favourites, root, folder, progress=self.progress, check=self.check).run():
                    self.changed()
        finally:
            if self.progress.done:
                self.changed()
            self.progress = None

    def check(self) -> None:
        """Between the steps of a look: tell of what was found, end if that was asked for."""
        if self.ended.is_set() or self.cancelled.is_set():
            raise Stopped
        if self.progress and self.progress.done and time.monotonic() - self.told > TELL:
            self.changed()

    def tidy(self, roots: dict[int, Path]) -> None:
        """Take folders that are not listed any more out of sight, and forget what is missing for long."""
        marks = ", ".join("?" * len(roots))
        old = time.time() - FORGOTTEN_DAYS * 86_400
        gone = self.store.read("SELECT id FROM pictures WHERE missing < ? AND favourite = 0", (old,))
        with self.store.writing() as connection:
            for (id,) in gone:
                forget(connection, id)
            hidden = connection.execute(f"UPDATE pictures SET missing = ? WHERE missing IS NULL AND root NOT IN ({marks})",
                                        (time.time(), *roots)).rowcount  # fmt: skip
            connection.execute(f"DELETE FROM folders WHERE root NOT IN ({marks})", tuple(roots))
        if hidden:
            self.changed()

    def changed(self) -> None:
        """The list is another one now."""
        with self.lock:
            self.revision += 1
            self.told = time.monotonic()

    def roots(self) -> dict[int, Path]:
        """The folders that are listed, by their numbers. The output folder has no name of its own: the data folder can be moved."""
        found: dict[int, Path] = {}
        outputs = self.outputs.resolve()
        for folder in outermost([outputs, *save_folders(self.settings, self.data), *self.added.folders]):
            name = "" if folder == outputs else stored(str(folder))
            rows = self.store.read("SELECT id FROM roots WHERE path = ?", (name,))
            if not rows:
                with self.store.writing() as connection:
                    connection.execute("INSERT OR IGNORE INTO roots (path) VALUES (?)", (name,))
                    rows = connection.execute("SELECT id FROM roots WHERE path = ?", (name,)).fetchall()
            found[rows[0][0]] = folder
        return found

    def note(self, paths: Iterable[str | Path | None]) -> None:
        """Take pictures that were just written into the list. Never raises: a look at the folders finds them too."""
        try:
            roots = self.roots()
            for path in paths:
                found = found_at(Path(path), roots) if path else None
                read = look_at(roots[found.root], found) if found else None
                if read:
                    with self.store.writing() as connection:
                        enter(connection, read, self.favourites)
                    self.changed()
        except (WebuiError, OSError) as error:
            log.warning("A new picture could not be taken into the history (%s).", error)

    def state(self) -> State:
        """Where the list stands."""
        self.looked = time.monotonic()
        revision, pictures, trashed = self.counts
        if revision != self.revision:
            revision = self.revision
            [(pictures,)] = self.store.read("SELECT count(*) FROM pictures WHERE trashed IS NULL AND missing IS NULL")
            [(trashed,)] = self.store.read("SELECT count(*) FROM pictures WHERE trashed IS NOT NULL AND missing IS NULL")
            self.counts = (revision, pictures, trashed)
        roots = list(self.roots().values())
        lost = [shown(str(folder)) for folder in roots if not folder.is_dir()]
        folders = [shown(str(folder)) for folder in roots]
        return State(revision, pictures, trashed, self.progress, self.problem, folders, lost)

    def search(self, query: str, *, sort: str = "newest", trash: bool = False) -> Result:
        """The pictures that a query asks for. Raises BadRequest for an unknown order."""
        self.looked = time.monotonic()
        return searching.search(self.store, query, sort=sort, trash=trash)

    def rows(self, ids: Sequence[int]) -> list[Row]:
        """What is shown of some pictures."""
        return searching.rows_of(self.store, ids)

    def row(self, id: int) -> Row:
        """What is shown of one picture. Raises NotFound."""
        rows = self.rows([id])
        if not rows:
            raise NotFound("This picture is not in the history any more.")
        return rows[0]

    def infotext(self, id: int) -> str:
        """A picture's infotext; empty if it has none. Raises NotFound."""
        self.row(id)
        rows = self.store.read("SELECT infotext FROM texts WHERE id = ?", (id,))
        return rows[0][0] if rows else ""

    def place(self, id: int) -> tuple[Path, str]:
        """A folder that may be served and the path of a picture's file in it. Raises NotFound."""
        row = self.row(id)
        root = self.roots().get(row.root)
        if root is None:
            raise NotFound("The folder of this picture is not listed any more.")
        if row.trashed is None:
            return root, row.path
        _, batch, rest = row.path.split("/", 2)
        return root / TRASH / batch, rest

    def facets(self) -> dict[str, list[tuple[str, int]]]:
        """What the pictures can be narrowed by, with how many have it."""
        revision, found = self.known
        if revision != self.revision:
            revision, found = self.revision, searching.facets(self.store)
            self.known = (revision, found)
        return found

    def suggestions(self, part: str) -> list[Suggestion]:
        """What the part of a query that is being typed could become."""
        return searching.suggestions(self.facets(), self.store, part)

    def difference(self, left: int, right: int) -> Difference:
        """Why two pictures differ. Raises NotFound."""
        texts = [self.infotext(id) for id in (left, right)]
        prints = self.store.read("SELECT fingerprint FROM pictures WHERE id IN (?, ?)", (left, right))
        return difference(*texts, same_file=len(set(prints)) == 1)

    def favour(self, ids: Sequence[int], *, favourite: bool) -> None:
        """Make pictures favourites, or not any more; on the disk when this returns."""
        marks = ", ".join("?" * len(ids))
        with self.store.writing(synchronous="FULL") as connection:
            rows = connection.execute(f"SELECT fingerprint, folder, name FROM pictures WHERE id IN ({marks})", tuple(ids)).fetchall()
            connection.execute(f"UPDATE pictures SET favourite = ? WHERE id IN ({marks})", (favourite, *ids))
        self.favourites.change([(row[0], f"{restored(row[1])}/{restored(row[2])}") for row in rows], favourite=favourite)
        self.changed()

    def throw_away(self, ids: Sequence[int]) -> Moved:
        """Move pictures to the trash of their folder."""
        batch, roots = new_batch(), self.roots()

        def one(connection: Any, id: int, found: Found) -> None:
            if found.folder.split("/")[0] != TRASH:
                throw_away(connection, roots[found.root], id, found, batch)

        return self.each(ids, roots, one)

    def bring_back(self, ids: Sequence[int]) -> Moved:
        """Move pictures out of the trash to where they were."""
        roots = self.roots()

        def one(connection: Any, id: int, found: Found) -> None:
            if found.folder.split("/")[0] == TRASH:
                bring_back(connection, roots[found.root], id, found)

        return self.each(ids, roots, one)

    def destroy(self, ids: Sequence[int] | None = None) -> Moved:
        """Delete pictures of the trash for good: some, or all."""
        if ids is None:
            ids = [row[0] for row in self.store.read("SELECT id FROM pictures WHERE trashed IS NOT NULL AND missing IS NULL")]
        roots = self.roots()
        prints: list[tuple[bytes, str]] = []

        def one(connection: Any, id: int, found: Found) -> None:
            destroy(roots[found.root], found)
            query = "SELECT fingerprint FROM pictures WHERE id = ? AND favourite = 1"
            prints.extend((row[0], "") for row in connection.execute(query, (id,)))
            forget(connection, id)

        moved = self.each(ids, roots, one)
        if prints:
            self.favourites.change(prints, favourite=False)
        return moved

    def each(self, ids: Sequence[int], roots: dict[int, Path], act: Callable[[Any, int, Found], None]) -> Moved:
        """Do something to the file and row of each picture; what cannot be done to one is said, and the others go on."""
        done: list[int] = []
        problems: list[str] = []
        for start in range(0, len(ids), TOGETHER):
            with self.store.writing() as connection:  # a look at the folders waits meanwhile, and so never sees half of it
                for id in ids[start : start + TOGETHER]:
                    found = place_of(connection, id)
                    try:
                        if found is None or found.root not in roots:
                            raise NotFound("This picture is not in the history any more.")
                        act(connection, id, found)
                        done.append(id)
                    except WebuiError as error:
                        problems.append(error.message)
        self.changed()
        return Moved(done, problems)

    def change_folders(self, names: Sequence[str]) -> None:
        """List the pictures of these further folders. Raises BadRequest."""
        self.added.change(names)
        self.scan_soon()


def found_at(path: Path, roots: dict[int, Path]) -> Found | None:
    """A file as one of a root; None if it lies in no root, or is not there."""
    real = path.resolve()
    for root, folder in roots.items():
        if real.is_relative_to(folder) and real.is_file():
            facts = real.stat()
            inner = real.relative_to(folder)
            return Found(root, "" if inner.parent == Path() else inner.parent.as_posix(), inner.name, facts.st_size, facts.st_mtime_ns)
    return None


def file_of(place: tuple[Path, str]) -> Path:
    """The file of a place that `History.place` gave."""
    return inside(place[0], place[1])
