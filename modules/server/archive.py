"""A ZIP archive that is made while it is sent, so that its size does not matter."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

BLOCK = 1 << 20


class Outlet(io.RawIOBase):
    """Takes what an archive writes until it is drawn off; it cannot go back."""

    def __init__(self) -> None:
        self.waiting: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.waiting.append(bytes(data))
        return len(data)

    def drawn(self) -> bytes:
        """What was written since the last time."""
        data, self.waiting = b"".join(self.waiting), []
        return data


def archived(files: Iterable[tuple[Path, str]]) -> Iterator[bytes]:
    """The bytes of an archive with files under the names given, part by part. Nothing is compressed: pictures are so already.

    A file that cannot be opened is left out.
    """
    outlet = Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED) as archive:
        for path, name in files:
            try:
                source = path.open("rb")
            except OSError:
                continue
            with source, archive.open(zipfile.ZipInfo.from_file(path, name), "w", force_zip64=True) as target:
                while block := source.read(BLOCK):
                    target.write(block)
                    yield outlet.drawn()
    yield outlet.drawn()
