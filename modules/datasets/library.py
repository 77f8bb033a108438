"""Which folders of pictures the program may touch: those uploaded to it, and those that a person at this machine named."""

import hashlib
import json
import threading
from dataclasses import dataclass
from pathlib import Path

from modules.contract.errors import BadRequest, NotFound
from modules.contract.files import write_whole
from modules.contract.training import DatasetFolder
from modules.datasets.facts import Facts
from modules.datasets.journal import Journal
from modules.datasets.pictures import SUFFIXES
from modules.datasets.scan import Scan, root_of, scan, silent

FOLDER = "datasets"
NAMED = "folders.json"
UPLOADED = SUFFIXES | {".txt", ".caption"}
MOST_NAMED = 500


@dataclass(frozen=True)
class Shelf:
    """A data set as it is listed. `own`: it was uploaded and lies in the program's folder."""

    id: str
    name: str
    path: Path
    own: bool


class Library:
    """Data sets by id. Thread-safe."""

    def __init__(self, data: Path) -> None:
        self.home = data / FOLDER
        self.facts = Facts(data / "cache" / "datasets.json")
        self.lock = threading.RLock()
        self.journals: dict[Path, Journal] = {}

    def shelves(self) -> list[Shelf]:
        """All data sets, those in the program's folder first, each by name."""
        inside = sorted(path for path in self.home.glob("*") if path.is_dir() and not path.name.startswith("."))
        with self.lock:
            outside = [path for path in self.named() if path.is_dir()]
        own = [Shelf(id_of(path.resolve()), path.name, path.resolve(), own=True) for path in inside]
        return own + [Shelf(id_of(path), path.name, path, own=False) for path in outside]

    def open(self, id: str) -> Path:
        """The folder of a data set. Raises NotFound."""
        for shelf in self.shelves():
            if shelf.id == id:
                return shelf.path
        raise NotFound("This data set is not there any more.", "Choose another one, or name its folder again.")

    def allowed(self, folder: str) -> Path:
        """A folder by its path, if it is a data set or lies in one. Raises BadRequest, NotFound."""
        path = root_of(folder)
        if not any(path.is_relative_to(shelf.path) for shelf in self.shelves()):
            raise BadRequest(f"The folder {folder} is not among the data sets.", "It is named on the machine that the program runs on.")
        return path

    def name(self, folder: str) -> Shelf:
        """Take a folder of this machine among the data sets. The caller has seen to it that a person at this machine asks.

        Raises BadRequest, NotFound.
        """
        path = root_of(folder)
        with self.lock:
            for shelf in self.shelves():
                if shelf.path == path:
                    return shelf
            named = [path, *self.named()]
            if len(named) > MOST_NAMED:
                raise BadRequest(f"There are {MOST_NAMED} folders among the data sets.", "Take some off the list.")
            self.write(named)
        return Shelf(id_of(path), path.name, path, own=False)

    def forget(self, id: str) -> None:
        """Take a named folder off the list; its files stay. Raises NotFound, and BadRequest for an uploaded one."""
        path = self.open(id)
        with self.lock:
            named = self.named()
            if path not in named:
                raise BadRequest(f"{path.name} lies in the program's own folder and is always listed.", f"Remove the folder {path}.")
            self.write([one for one in named if one != path])

    def create(self, name: str) -> Shelf:
        """A new, empty data set in the program's folder. Raises BadRequest for a name that cannot be or is taken."""
        plain = " ".join(name.split())
        if not plain or len(plain) > 100 or plain.startswith(".") or any(sign in '/\\:*?"<>|' or sign < " " for sign in plain):
            raise BadRequest(f"'{name}' cannot be the name of a folder.", 'It has 1 to 100 characters, none of them / \\ : * ? " < > |.')
        path = self.home / plain
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            raise BadRequest(f"There is a data set called '{plain}' already.") from None
        return Shelf(id_of(path.resolve()), plain, path.resolve(), own=True)

    def put(self, id: str, name: str, data: bytes) -> str:
        """Add an uploaded file; its name, with a number where it was taken. Raises BadRequest, NotFound."""
        file = Path(name.replace("\\", "/")).name
        if Path(file).suffix.lower() not in UPLOADED or file.startswith("."):
            raise BadRequest(
                f"{file or 'This file'} is neither a picture nor a caption.", "PNG, JPEG, WEBP, GIF, AVIF and .txt can be uploaded."
            )
        path = self.open(id) / file
        write_whole(path, data)
        path.chmod(0o644)
        return file

    def scan(self, path: Path) -> Scan:
        """What lies in a data set's folder now."""
        return scan([DatasetFolder(folder=str(path))], facts=self.facts, progress=silent)

    def journal(self, path: Path) -> Journal:
        """The changes of a folder; one journal for all who ask."""
        with self.lock:
            if path not in self.journals:
                self.journals[path] = Journal(path)
            return self.journals[path]

    def named(self) -> list[Path]:
        """The folders that were named, the last one first."""
        try:
            values = json.loads((self.home / NAMED).read_text("utf8"))
        except (OSError, ValueError):
            return []
        return [Path(value) for value in values if isinstance(value, str)]

    def write(self, named: list[Path]) -> None:
        write_whole(self.home / NAMED, json.dumps([str(path) for path in named], indent=1).encode())


def id_of(path: Path) -> str:
    """What a folder is called in addresses."""
    return hashlib.sha256(str(path).encode()).hexdigest()[:16]
