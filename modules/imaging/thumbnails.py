"""Small copies of pictures, each made once and kept in a folder of bounded size."""

import hashlib
import io
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from PIL import Image

from modules.contract.errors import BadRequest, NotFound
from modules.contract.files import write_whole
from modules.imaging.metadata import eight_bits
from modules.imaging.opening import open_image

LEAST_SIDE, MOST_SIDE = 16, 1024
LARGEST_FILE = 512 * 2**20  # bytes: more than an uncompressed picture of the most pixels that may be opened
QUALITY = 80
TOUCHED_SECONDS = 86_400  # one that was used within a day counts as used now
CHECK_EVERY = 256  # new files between two looks at the folder's size
KEPT_SHARE = 0.8


class Thumbnails:
    """WebP copies of picture files in a folder that nobody else writes to. Thread-safe.

    A copy is known by the picture's path, time and size, so that a changed picture gets a new one. Once the folder holds more
    than `most_bytes`, the copies that were not used for longest go. At most `at_once` pictures are unpacked at a time.
    """

    def __init__(self, folder: Path, *, most_bytes: int = 2**30, at_once: int = 2) -> None:
        self.folder = folder
        self.most_bytes = most_bytes
        self.places = threading.BoundedSemaphore(at_once)
        self.lock = threading.Lock()
        self.making: dict[Path, threading.Lock] = {}
        self.trimming = threading.Lock()
        self.made = 0

    def of(self, path: Path, side: int) -> Path:
        """The file of a copy that fits into a square of `side` pixels, 16 to 1024; never larger than the picture.

        The caller has checked that `path` may be read. Raises NotFound if it is not there, BadRequest if it is no picture, or
        too large to be opened.
        """
        if not LEAST_SIDE <= side <= MOST_SIDE:
            raise BadRequest(f"The side of a thumbnail is {side}; it must be between {LEAST_SIDE} and {MOST_SIDE}.")
        small = self.place(path, side)
        if used(small):
            return small
        with self.alone(small):
            if not used(small):
                with self.places:
                    write_whole(small, shrunk(path, side))
                self.count()
        return small

    def place(self, path: Path, side: int) -> Path:
        """Where the copy is or will be. Raises NotFound."""
        try:
            facts = path.stat()
        except OSError:
            raise NotFound(f"The picture {path.name} is not there any more.") from None
        known = f"{path.absolute()}\0{facts.st_mtime_ns}\0{facts.st_size}\0{side}"
        key = hashlib.sha256(os.fsencode(known)).hexdigest()[:40]
        return self.folder / key[:2] / f"{key[2:]}.webp"

    def alone(self, small: Path) -> "Alone":
        """Holds off other threads that want the same copy."""
        return Alone(self, small)

    def count(self) -> None:
        """One more copy was made; now and then the oldest go."""
        with self.lock:
            self.made += 1
            due = self.made % CHECK_EVERY == 1  # the first one too: the folder may be full from earlier
        if due and self.trimming.acquire(blocking=False):
            try:
                self.trim()
            finally:
                self.trimming.release()

    def trim(self) -> None:
        """Take away the copies not used for longest if the folder holds too much."""
        found: list[tuple[float, int, Path]] = []
        for path in self.folder.glob("*/*.webp"):
            with suppress(OSError):
                facts = path.stat()
                found.append((facts.st_mtime, facts.st_size, path))
        total = sum(size for _, size, _ in found)
        if total <= self.most_bytes:
            return
        for _, size, path in sorted(found):
            path.unlink(missing_ok=True)
            total -= size
            if total <= KEPT_SHARE * self.most_bytes:
                return


class Alone:
    """A lock for one file, gone once nobody wants it."""

    def __init__(self, thumbnails: Thumbnails, small: Path) -> None:
        self.thumbnails, self.small = thumbnails, small
        with thumbnails.lock:
            self.mine = thumbnails.making.setdefault(small, threading.Lock())

    def __enter__(self) -> None:
        self.mine.acquire()

    def __exit__(self, *reason: object) -> None:
        with self.thumbnails.lock:
            self.thumbnails.making.pop(self.small, None)
        self.mine.release()


def used(small: Path) -> bool:
    """Whether a copy is there; it then counts as used now."""
    try:
        age = time.time() - small.stat().st_mtime
    except OSError:
        return False
    if age > TOUCHED_SECONDS:
        with suppress(OSError):
            os.utime(small)
    return True


def shrunk(path: Path, side: int) -> bytes:
    """A picture file as a small WebP file. Raises NotFound, BadRequest."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadRequest(f"{path.name} is larger than {LARGEST_FILE // 2**20} MB.")
        data = path.read_bytes()
    except OSError:
        raise NotFound(f"The picture {path.name} cannot be read.") from None
    image = fitting(open_image(data, name=path.name), side)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=QUALITY, method=2)
    return buffer.getvalue()


def fitting(image: Image.Image, side: int) -> Image.Image:
    """A copy in RGB or RGBA, 8 bits, that fits into a square of `side` pixels; never larger than the picture. Its texts stay in `info`."""
    small = eight_bits(image)
    small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return small
