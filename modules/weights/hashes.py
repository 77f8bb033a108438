"""SHA-256 of model files, remembered by size and time, so that a file is read for it once."""

import hashlib
import json
import struct
import threading
from collections.abc import Callable
from pathlib import Path

from modules.contract.files import write_whole

BLOCK = 1 << 20
Stamp = list[str | int]
LEGACY_START, LEGACY_LENGTH = 0x100000, 0x10000


def sha256_of(path: Path, check: Callable[[], None] = lambda: None, *, start: int = 0) -> str:
    """The SHA-256 of a file from a byte on, in hex. `check` is called between blocks and may raise to stop."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(start)
        while block := file.read(BLOCK):
            digest.update(block)
            check()
    return digest.hexdigest()


def tensors_start(path: Path) -> int:
    """The byte at which a safetensors file's tensors begin; 0 for any other file."""
    if path.suffix.lower() != ".safetensors":
        return 0
    with path.open("rb") as file:
        length = file.read(8)
    return 8 + struct.unpack("<Q", length)[0] if len(length) == 8 else 0


def legacy_hash(path: Path) -> str:
    """The 8 digits that models were known by at first: of the SHA-256 of 64 KiB at 1 MiB. Files often share them."""
    with path.open("rb") as file:
        file.seek(LEGACY_START)
        return hashlib.sha256(file.read(LEGACY_LENGTH)).hexdigest()[:8]


class HashCache:
    """Hashes by path, valid while a file's size, time and number stay the same. Kept as JSON; a damaged cache is only slow."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.entries: dict[str, list[str | int]] = {}
        try:
            loaded = json.loads(path.read_text("utf8"))
            self.entries = {k: v for k, v in loaded.items() if isinstance(v, list) and len(v) == 4}
        except (OSError, ValueError, AttributeError):
            self.entries = {}

    def known(self, path: Path, *, part: str = "", stamp: Stamp | None = None) -> str | None:
        """The hash of a file, if it was computed since the file last changed. `stamp`: the file's, where that is known already."""
        try:
            stamp = stamp or stamp_of(path)
        except OSError:
            return None
        entry = self.entries.get(part + str(path))
        return str(entry[3]) if entry and entry[:3] == stamp else None

    def sha256(self, path: Path, check: Callable[[], None] = lambda: None) -> str:
        """The hash of a file, computed if need be. `check` is called meanwhile and may raise to stop."""
        return self.found("", path, 0, check)

    def remember(self, path: Path, sha256: str) -> None:
        """Keep a file's hash that is known from elsewhere, as of a download that was compared with it. Raises OSError."""
        with self.lock:
            self.entries[str(path)] = [*stamp_of(path), sha256]
            write_whole(self.path, json.dumps(self.entries, indent=0).encode())

    def tensors_sha256(self, path: Path, check: Callable[[], None] = lambda: None) -> str:
        """The hash of what lies behind a safetensors file's header: it stays when metadata change. LoRAs are known by it."""
        return self.found("tensors:", path, tensors_start(path), check)

    def found(self, part: str, path: Path, start: int, check: Callable[[], None]) -> str:
        found = self.known(path, part=part)
        if found is None:
            stamp = stamp_of(path)
            found = sha256_of(path, check, start=start)
            with self.lock:
                self.entries[part + str(path)] = [*stamp, found]
                write_whole(self.path, json.dumps(self.entries, indent=0).encode())
        return found


def stamp_of(path: Path) -> Stamp:
    """What changes when a file does: its size, its time, and its number on the disk."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ino]
