"""Pictures and a reporter for the tests of what is done with pictures."""

import io

import numpy as np
from PIL import Image

from modules.contract.progress import Filed, Stop


def noise(width: int = 48, height: int = 32, seed: int = 0) -> Image.Image:
    """A picture of which every pixel is different."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def file(image: Image.Image, format: str = "PNG") -> bytes:
    """A picture file's bytes."""
    buffer = io.BytesIO()
    image.save(buffer, format)
    return buffer.getvalue()


class Counting:
    """A reporter that counts steps, keeps warnings, and stops the work after so many steps."""

    def __init__(self, *, stop: type[Stop] | None = None, after: int = 0) -> None:
        self.stop, self.after = stop, after
        self.total = self.done = 0
        self.warnings: list[str] = []
        self.files: dict[int, Filed] = {}

    def start(self, total: int) -> None:
        self.total = total

    def extend(self, steps: int) -> None:
        self.total += steps

    def step(self, text: str = "") -> None:
        self.done += 1
        self.check()

    def check(self) -> None:
        if self.stop and self.done >= self.after:
            raise self.stop

    def check_between(self) -> None:
        self.check()

    def wants_preview(self) -> bool:
        return False

    def preview(self, picture: bytes) -> None: ...

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def filed(self, number: int) -> Filed | None:
        return self.files.get(number)

    def filing(self, number: int, filed: Filed) -> None:
        self.files[number] = filed
