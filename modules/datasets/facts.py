"""What decoding a picture file finds out, remembered by the file's path, size and time."""

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from modules.contract.errors import BadRequest
from modules.contract.files import write_whole
from modules.datasets.duplicates import look_of
from modules.datasets.pictures import OTHER_SUFFIXES, SUFFIXES, content_of, opaque
from modules.imaging.opening import LONGEST_SIDE, MOST_PIXELS, header_of, open_image

Problem = Literal["", "empty file", "not a picture", "damaged", "too large", "outside", "not readable", "other format"]

VERSION = 1
MOST_KEPT = 200_000  # files; more than that were not all looked at lately
ORIENTATION = 0x0112  # EXIF's tag; 1 is upright


@dataclass(frozen=True)
class PictureFacts:
    """A decoded file. `width`, `height`: upright, 0 where `problem` says why it cannot be used and `detail` puts that into a sentence."""

    width: int = 0
    height: int = 0
    mode: str = ""
    format: str = ""
    frames: int = 1
    turned: bool = False
    transparent: bool = False
    digest: str = ""
    look: int = 0
    colors: str = ""
    bytes: int = 0
    problem: Problem = ""
    detail: str = ""


def facts_of(path: Path) -> PictureFacts:
    """Decode a file in full and tell what it is."""
    if path.suffix.lower() in OTHER_SUFFIXES:
        known = ", ".join(sorted(suffix[1:].upper() for suffix in SUFFIXES))
        return PictureFacts(problem="other format", detail=f"{path.name} has a format that is not read here; {known} are.")
    try:
        data = content_of(path)
    except BadRequest as error:
        problem: Problem = "empty file" if str(error).endswith("is empty.") else "not readable"
        return PictureFacts(problem=problem, detail=str(error))
    digest = hashlib.sha256(data).hexdigest()
    try:
        image = open_image(data, name=path.name)
        return decoded(image, data, digest)
    except BadRequest as error:
        return PictureFacts(digest=digest, problem=kind_of_failure(data), detail=str(error))


def decoded(image: Image.Image, data: bytes, digest: str) -> PictureFacts:
    """The facts of a picture that could be opened; `image` is upright."""
    raw = header_of(data)
    plain = image if image.mode == "RGB" else opaque(image)
    look, small = look_of(plain)
    return PictureFacts(
        width=image.width,
        height=image.height,
        mode=raw.mode,
        format=raw.format or "",
        frames=int(getattr(raw, "n_frames", 1)),
        turned=raw.getexif().get(ORIENTATION, 1) not in (0, 1),
        transparent=image.has_transparency_data and image.convert("RGBA").getchannel("A").getextrema() != (255, 255),
        digest=digest,
        look=look,
        colors=small,
        bytes=len(data),
    )


def kind_of_failure(data: bytes) -> Problem:
    """Why a file that `open_image` refuses is refused."""
    try:
        image = header_of(data)
    except Image.DecompressionBombError:
        return "too large"
    except (OSError, ValueError, SyntaxError):
        return "not a picture"
    large = image.width * image.height > MOST_PIXELS or max(image.size) > LONGEST_SIDE
    return "too large" if large else "damaged"


class Facts:
    """Remembers facts by file; kept in a file of its own between programs where one is given. Thread-safe."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.lock = threading.Lock()
        self.changed = False
        self.known: dict[str, tuple[int, int, PictureFacts]] = {}
        if file is not None:
            self.known = read(file)

    def of(self, path: Path) -> PictureFacts:
        """The facts of a file, decoded once for as long as it does not change."""
        try:
            state = path.stat()
        except OSError as error:
            return PictureFacts(problem="not readable", detail=f"{path.name} cannot be read ({error.strerror or error}).")
        key, stamp = str(path), (state.st_size, state.st_mtime_ns)
        with self.lock:
            known = self.known.get(key)
        if known is not None and known[:2] == stamp:
            return known[2]
        found = facts_of(path)
        with self.lock:
            self.known.pop(key, None)  # so that what was looked at last stands last
            self.known[key] = (*stamp, found)
            self.changed = True
        return found

    def save(self) -> None:
        """Put what is new on the disk."""
        with self.lock:
            if self.file is None or not self.changed:
                return
            self.changed = False
            kept = dict(list(self.known.items())[-MOST_KEPT:])
        rows = {key: [size, time, asdict(facts)] for key, (size, time, facts) in kept.items()}
        write_whole(self.file, json.dumps({"version": VERSION, "files": rows}).encode())


def read(file: Path) -> dict[str, tuple[int, int, PictureFacts]]:
    """What was remembered; nothing from a file that is missing, damaged or of another version."""
    try:
        value: Mapping[str, Any] = json.loads(file.read_bytes())
        if value["version"] != VERSION:
            return {}
        return {str(key): (int(size), int(time), PictureFacts(**facts)) for key, (size, time, facts) in value["files"].items()}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
