"""Whether anything was added to, taken from or renamed in the folders of models since they were last looked at."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path


def stamp_of_folders(folders: Iterable[Path]) -> str:
    """A text that changes whenever a name appears in or vanishes from one of the folders or those below them.

    Only folders are looked at, not the files in them, so that it is cheap with thousands of files; a file that is overwritten in
    place does not change it.
    """
    digest = hashlib.sha256()
    for folder in sorted(set(folders)):
        for place, below, _ in os.walk(folder):
            below[:] = sorted(name for name in below if not name.startswith("."))
            try:
                digest.update(f"{place}\0{Path(place).stat().st_mtime_ns}\0".encode("utf8", "backslashreplace"))
            except OSError:  # it went while it was looked at
                continue
    return digest.hexdigest()[:16]
