"""The models on disk that a person chooses from, found by listing and known by their names, titles and hashes."""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from modules.contract.errors import BadRequest, NotFound, WebuiError
from modules.contract.services import ModelEntry
from modules.weights.config import config_beside
from modules.weights.hashes import HashCache

log = logging.getLogger(__name__)
SUFFIXES = {".safetensors", ".ckpt"}


class Catalogue:
    """The checkpoints of some folders, and single files beside them.

    `check(path)` raises a WebuiError for a file that cannot be used; such a file stays in the list with its `problem`.
    """

    def __init__(self, folders: Sequence[Path], files: Sequence[Path], hashes: HashCache, check: Callable[[Path], None]) -> None:
        self.folders = [folder.resolve() for folder in folders]
        self.files = [file.resolve() for file in files]
        self.hashes = hashes
        self.check = check
        self.lock = threading.Lock()
        self.problems: dict[tuple[str, int, int], str | None] = {}
        self.found: list[tuple[str, Path]] = []
        self.refresh()

    def refresh(self) -> None:
        """Look at the folders again."""
        found: dict[Path, str] = {file: file.name for file in self.files if file.is_file()}
        for folder in self.folders:
            for path in sorted(folder.rglob("*"), key=lambda path: str(path).lower()) if folder.is_dir() else []:
                hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
                if path.suffix.lower() in SUFFIXES and path.is_file() and not hidden and ".vae." not in path.name:
                    found.setdefault(path, path.relative_to(folder).as_posix())
        with self.lock:
            self.found = [(name, path) for path, name in found.items()]

    def entries(self) -> list[ModelEntry]:
        """All of them, by name."""
        with self.lock:
            found = list(self.found)
        return [self.entry(name, path) for name, path in found if path.is_file()]

    def entry(self, name: str, path: Path) -> ModelEntry:
        sha256 = self.hashes.known(path)
        short = sha256[:10] if sha256 else None
        title = f"{name} [{short}]" if short else name
        return ModelEntry(title, path.stem, path, short, sha256, config_beside(path), self.problem(path))

    def problem(self, path: Path) -> str | None:
        """Why a file cannot be used; looked for once, as long as it stays the same."""
        status = path.stat()
        key = (str(path), status.st_size, status.st_mtime_ns)
        if key not in self.problems:
            try:
                self.check(path)
                self.problems[key] = None
            except WebuiError as error:
                self.problems[key] = str(error)
                log.warning("%s", error)
        return self.problems[key]

    def hashed(self, entry: ModelEntry) -> ModelEntry:
        """The entry with its hash; reads the whole file the first time."""
        if entry.sha256:
            return entry
        self.hashes.sha256(entry.path)
        name = next((name for name, path in self.found if path == entry.path), entry.path.name)
        return self.entry(name, entry.path)

    def find(self, name: str) -> ModelEntry:
        """The one entry of a title, file name, name or hash (whole or its first 8 to 64 digits), or that contains the text.

        Raises NotFound with near names, BadRequest when several contain it.
        """
        entries = self.entries()
        bare = name.rsplit(" [", 1)[0]
        for wanted in (name, bare):
            for entry in entries:
                relative = entry.title.rsplit(" [", 1)[0]
                if wanted in (entry.title, relative, relative.rsplit(".", 1)[0], entry.name, entry.path.name, entry.sha256):
                    return entry
        digits = name.lower().strip("[]")
        if 8 <= len(digits) <= 64 and all(character in "0123456789abcdef" for character in digits):
            for entry in entries:
                if entry.sha256 and entry.sha256.startswith(digits):
                    return entry
        containing = [entry for entry in entries if bare.lower() in entry.title.lower()] if bare else []
        if len(containing) == 1:
            return containing[0]
        if containing:
            raise BadRequest(f"'{name}' may be {' or '.join(entry.title for entry in containing[:5])}.", "Give more of the name.")
        raise NotFound.among("checkpoint", name, [entry.name for entry in entries])
