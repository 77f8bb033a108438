"""What a person does with the model files on disk: look, compute hashes, move, throw away and take back."""

import logging
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from modules.contract.services import ModelFile
from modules.weights import trash
from modules.weights.hashes import BLOCK, HashCache
from modules.weights.inventory import Inventory
from modules.weights.model_metadata import header_metadata

log = logging.getLogger(__name__)
LONGEST_VALUE = 4000  # of what a header says; training programs put whole lists of tags there
MOST_VALUES = 300


class Stock:
    """The files, their hashes and the trash. `changed()` is called after something was moved, so that lists look again."""

    def __init__(self, inventory: Inventory, hashes: HashCache, changed: Callable[[], None] = lambda: None) -> None:
        self.inventory = inventory
        self.hashing = Hashing(hashes)
        self.changed = changed

    def listing(self) -> dict[str, Any]:
        """All files, with the folders of each kind, the disk, the trash, and what is still being found out."""
        shelves = self.inventory.shelves
        disk = shutil.disk_usage(existing(shelves.models))
        return {
            **self.state(),
            "files": [line(one) for one in self.inventory.files()],
            "shelves": [
                {"kind": shelf.kind, "label": shelf.label, "folder": shelves.shown(shelf.home), "used": shelf.used} for shelf in shelves.all
            ],
            "disk": {"free": disk.free, "total": disk.total},
            "trash": [
                {"id": one.id, "name": one.path.name, "folder": shelves.shown(one.path.parent), "thrown": one.thrown, "size": one.size}
                for one in trash.thrown_in(shelves.roots())
            ],
        }

    def state(self) -> dict[str, Any]:
        """What is still being found out. `version` changes whenever the listing does."""
        return {
            "version": f"{self.inventory.version}.{self.hashing.finished}",
            "pending": self.inventory.pending,
            "hashing": self.hashing.state(),
        }

    def refresh(self) -> None:
        """Look at the folders again."""
        self.inventory.refresh()

    def details(self, identifier: str) -> dict[str, Any]:
        """One file, with what its header says, what lies beside it and which files are the same. Raises NotFound."""
        self.inventory.get(identifier)
        one = next(each for each in self.inventory.files() if each.id == identifier)
        said = list(header_metadata(one.path).items()) if one.path.is_file() else []
        return {
            **line(one),
            "path": str(one.path),
            "metadata": {key[:200]: value[:LONGEST_VALUE] for key, value in said[:MOST_VALUES]},
            "beside": sorted(each.name for each in trash.belongings(one.path)),
            "home": self.inventory.shelves.shown(self.inventory.home_of(one)) if one.belongs else None,
        }

    def hash(self, identifiers: Sequence[str]) -> None:
        """Compute the hashes of some files, or of all that have none. Raises NotFound."""
        wanted = [self.inventory.get(each) for each in identifiers] or [one for one in self.inventory.files() if not one.sha256]
        self.hashing.add(wanted)

    def move(self, identifier: str) -> str:
        """Put a file into the folder of its kind; where it is now. Raises NotFound, BadRequest, NotMoved."""
        one = self.inventory.get(identifier)
        path = trash.move(one.path, self.inventory.home_of(one))
        self.look_again()
        return self.inventory.shelves.shown(path)

    def throw(self, identifier: str) -> str:
        """Put a file into the trash; the id by which it is taken back. Raises NotFound, NotMoved."""
        one = self.inventory.get(identifier)
        thrown = trash.throw(one.path, self.inventory.shelves.root_of(one.path))
        self.look_again()
        return thrown.id

    def restore(self, identifier: str) -> str:
        """Take a file back from the trash; where it is now. Raises NotFound, BadRequest where the name is taken, NotMoved."""
        path = trash.restore(identifier, self.inventory.shelves.roots())
        self.look_again()
        return self.inventory.shelves.shown(path)

    def empty(self, identifier: str | None = None) -> int:
        """Delete the trash, or one thing in it, for good; the bytes that it took. Raises NotFound."""
        freed = trash.empty(self.inventory.shelves.roots(), identifier)
        self.inventory.refresh()
        return freed

    def where(self, sha256: str | None) -> str | None:
        """The file that has a hash, as far as hashes are known."""
        found = next((one for one in self.inventory.files() if sha256 and one.sha256 == sha256), None)
        return f"{found.folder}/{found.name}" if found else None

    def look_again(self) -> None:
        """After a change."""
        self.inventory.refresh()
        self.changed()


def line(one: ModelFile) -> dict[str, Any]:
    """A file as JSON; its whole path is only among its details."""
    return {name: value for name, value in asdict(one).items() if name != "path"}


def existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next(each for each in (folder, *folder.parents) if each.exists())


class Hashing:
    """Computes the hashes that a person asks for, one file after the other, beside everything else."""

    def __init__(self, hashes: HashCache) -> None:
        self.hashes = hashes
        self.lock = threading.Lock()
        self.waiting: dict[str, tuple[Path, int]] = {}
        self.current: tuple[str, int, int] | None = None
        self.worker: threading.Thread | None = None
        self.finished = 0

    def add(self, files: Sequence[ModelFile]) -> None:
        """Ask for the hashes of some files."""
        with self.lock:
            self.waiting.update({one.id: (one.path, one.size) for one in files if one.path.is_file()})
            if self.waiting and self.worker is None:
                self.worker = threading.Thread(target=self.work, name="model hashes", daemon=True)
                self.worker.start()

    def clear(self) -> None:
        """Forget what waits."""
        with self.lock:
            self.waiting.clear()

    def state(self) -> dict[str, Any]:
        """How many wait, and how far the one is that is being read."""
        with self.lock:
            current = self.current
            return {
                "waiting": list(self.waiting),
                "id": current and current[0],
                "done": current and current[1],
                "total": current and current[2],
            }

    def work(self) -> None:
        """Read one file after the other."""
        while True:
            with self.lock:
                if not self.waiting:
                    self.current = None
                    self.worker = None
                    return
                identifier, (path, size) = next(iter(self.waiting.items()))
                self.current = (identifier, 0, size)

            def read(identifier: str = identifier, size: int = size) -> None:
                done = (self.current[1] if self.current else 0) + BLOCK
                self.current = (identifier, min(done, size), size)

            try:
                self.hashes.sha256(path, read)
            except OSError as error:
                log.warning("The hash of %s could not be computed (%s).", path.name, error)
            with self.lock:
                self.waiting.pop(identifier, None)
                self.finished += 1
