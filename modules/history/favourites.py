"""The favourites once more, in a small file beside the list: if the list is lost, they are not."""

import json
import logging
import os
import threading
from collections.abc import Iterable
from pathlib import Path

from modules.contract.files import write_whole
from modules.history.rows import shown

log = logging.getLogger(__name__)


class Favourites:
    """Which pictures are favourites, by their fingerprints. Thread-safe. A file that cannot be read is put aside."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.paths: dict[str, str] = self.load()

    def load(self) -> dict[str, str]:
        """Fingerprint in hex -> the path it had, which is for people to read."""
        try:
            values = json.loads(self.path.read_text("utf8"))
            return {str(one["fingerprint"]): str(one["path"]) for one in values["favourites"]}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            aside = self.path.with_suffix(".unreadable.json")
            log.warning("%s could not be read (%s); it was kept as %s.", self.path.name, error, aside.name)
            os.replace(self.path, aside)
            return {}

    def __contains__(self, fingerprint: bytes) -> bool:
        return fingerprint.hex() in self.paths

    def change(self, pictures: Iterable[tuple[bytes, str]], *, favourite: bool) -> None:
        """Add or take out pictures, each as fingerprint and path; on the disk when this returns."""
        with self.lock:
            for fingerprint, path in pictures:
                if favourite:
                    self.paths[fingerprint.hex()] = shown(path)
                else:
                    self.paths.pop(fingerprint.hex(), None)
            lines = [{"path": path, "fingerprint": fingerprint} for fingerprint, path in self.paths.items()]
            write_whole(self.path, json.dumps({"favourites": lines}, ensure_ascii=False, indent=1).encode())
