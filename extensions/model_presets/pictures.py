"""The small pictures of presets: one WebP file each, in the folder `pictures` beside the JSON files.

The JSON files stay as the original writes them.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from modules.contract.errors import NotFound
from modules.contract.files import write_whole
from modules.imaging.metadata import encode
from modules.imaging.opening import open_image
from modules.imaging.thumbnails import fitting

SIDE = 300  # pixels of the longer side, as the original keeps its thumbnails
QUALITY = 88
DIGITS = 20  # of the SHA-256 of a preset's name, which may hold what no file's name can


class PresetPictures:
    """The pictures of all models' presets. `folder` is made when there is a first one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def place(self, model: str, preset: str) -> Path:
        """Where the picture of a preset is or will be. `model`: the first ten digits of its file's hash."""
        known = hashlib.sha256(preset.encode("utf8", "surrogatepass")).hexdigest()[:DIGITS]
        return self.folder / f"{model}-{known}.webp"

    def versions(self, model: str, presets: Iterable[str]) -> dict[str, str]:
        """Those presets that have a picture, each with a text that changes with its picture."""
        if not self.folder.is_dir():
            return {}
        found = {preset: stamp(self.place(model, preset)) for preset in presets}
        return {preset: version for preset, version in found.items() if version}

    def find(self, model: str, preset: str) -> Path:
        """A preset's picture. Raises NotFound."""
        path = self.place(model, preset)
        if not path.is_file():
            raise NotFound(f"There is no picture of the preset '{preset[:100]}'.")
        return path

    def put(self, model: str, preset: str, small: bytes) -> None:
        """Have a picture, as `made_small` gives it, show a preset; without one its picture is taken away."""
        path = self.place(model, preset)
        if small:
            write_whole(path, small)
        else:
            path.unlink(missing_ok=True)

    def move(self, model: str, preset: str, to: str) -> None:
        """Let a picture follow a preset that was given another name."""
        path = self.place(model, preset)
        if path.is_file():
            path.replace(self.place(model, to))


def made_small(data: bytes) -> bytes:
    """A picture file as a WebP file at most 300 pixels wide and high. Raises BadRequest for what is no picture."""
    return encode(fitting(open_image(data), SIDE), format="webp", infotext=None, quality=QUALITY)


def stamp(path: Path) -> str:
    """The version of a file; empty where there is none."""
    try:
        facts = path.stat()
    except OSError:
        return ""
    return f"{facts.st_mtime_ns:x}-{facts.st_size}"
