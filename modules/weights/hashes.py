"""SHA-256 of model files, remembered by size and time, so that a file is read for it once."""

import hashlib
import json
import threading
from collections.abc import Callable
from pathlib import Path

from modules.contract.files import write_whole

BLOCK = 1 << 20


def sha256_of(path: Path, check: Callable[[], None] = lambda: None) -> str:
    """The SHA-256 of a file, in hex. `check` is called between blocks and may raise to stop."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            check()
    return digest.hexdigest()


class HashCache:
    """Hashes by path, valid while a file's size and time stay the same. Kept as JSON; a damaged cache is only slow."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.entries: dict[str, list[str | int]] = {}
        try:
            loaded = json.loads(path.read_text("utf8"))
            self.entries = {k: v for k, v in loaded.items() if isinstance(v, list) and len(v) == 3}
        except (OSError, ValueError, AttributeError):
            self.entries = {}

    def known(self, path: Path) -> str | None:
        """The hash of a file, if it was computed since the file last changed."""
        try:
            status = path.stat()
        except OSError:
            return None
        entry = self.entries.get(str(path))
        return str(entry[2]) if entry and entry[:2] == [status.st_size, status.st_mtime_ns] else None

    def sha256(self, path: Path) -> str:
        """The hash of a file, computed if need be."""
        found = self.known(path)
        if found is None:
            status = path.stat()
            found = sha256_of(path)
            with self.lock:
                self.entries[str(path)] = [status.st_size, status.st_mtime_ns, found]
                write_whole(self.path, json.dumps(self.entries, indent=0).encode())
        return found
