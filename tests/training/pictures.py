"""Folders of drawn pictures, and a tiny checkpoint's parts, for the tests of the trainer's data."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from modules.contract.training import TrainingRequest, training_request_from
from modules.training.runs.run_folder import Phase

SIZES = ((64, 64), (96, 64), (64, 96), (128, 128))


def picture(place: int, size: tuple[int, int] = (64, 64)) -> Image.Image:
    """A drawing that differs from those of other numbers, also in very small."""
    image = Image.new("RGB", size, (40 * place % 256, 90 * place % 256, 140 * place % 256))
    draw = ImageDraw.Draw(image)
    x, y = (place * 13) % (size[0] // 2), (place * 29) % (size[1] // 2)
    draw.rectangle((x, y, x + size[0] // 3, y + size[1] // 3), fill=(255 - 30 * place % 256, 70 * place % 256, 200))
    return image


def folder_of(
    path: Path, count: int = 6, *, sizes: Sequence[tuple[int, int]] = ((64, 64),), captions: Mapping[int, str] | None = None
) -> Path:
    """A folder of so many pictures, their sizes in turn, each with a caption."""
    path.mkdir(parents=True, exist_ok=True)
    for place in range(count):
        picture(place, sizes[place % len(sizes)]).save(path / f"{place:02d}.png")
        text = f"a drawing of number {place}" if captions is None else captions.get(place)
        if text is not None:
            (path / f"{place:02d}.txt").write_text(text)
    return path


def request_for(folder: Path, **values: Any) -> TrainingRequest:
    """A decided request for a folder, 64 pixels; dicts go into the request's groups."""
    base: dict[str, dict[str, Any]] = {
        "data": {"folders": [{"folder": str(folder)}], "resolution": 64, "bucket_step": 32, "cache_latents": "memory"},
        "steps": {"steps": 10, "batch": 2, "seed": 7},
        "optimizer": {"rate": 1e-3},
    }
    for name, value in values.items():
        base[name] = {**base.get(name, {}), **value} if isinstance(value, dict) else value
    return training_request_from(base)


class Told:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[Phase, int, int]] = []

    def __call__(self, phase: Phase, done: int, total: int) -> None:
        self.said.append((phase, done, total))

    def count(self, phase: Phase) -> int:
        """How many it was told that there are."""
        return max((total for said, _, total in self.said if said == phase), default=0)
