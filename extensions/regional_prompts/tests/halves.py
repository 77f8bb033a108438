"""Forty prompts of two halves for the demo checkpoint, and whether the named colours are in the named halves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image

from modules.demo import figures, palette
from modules.demo.judge import verdicts

SEED = 11
Kind = Literal["backgrounds", "things"]


@dataclass(frozen=True)
class Case:
    """Two halves: left and right, or top and bottom. `words` are the colours that each half is to show."""

    kind: Kind
    rows: bool
    texts: tuple[str, str]
    backgrounds: tuple[str, str]
    things: tuple[str, str]
    seed: int

    @property
    def prompt(self) -> str:
        return f"{self.texts[0]} BREAK {self.texts[1]}"

    def options(self, **more: Any) -> dict[str, Any]:
        """Those of the extension."""
        return {"divide": "Rows" if self.rows else "Columns", **more}


def cases() -> list[Case]:
    """Twenty with plain backgrounds, twenty with a thing on a background in each half; half of them left and right. Drawn by lot once."""
    rng = np.random.default_rng(SEED)
    found: list[Case] = []
    for number in range(40):
        first, second, one, other = rng.choice(palette.NAMES, 4, replace=False).tolist()
        shapes = rng.choice(figures.NAMES, 2, replace=False).tolist()
        if number < 20:
            texts = (f"a plain {first} background", f"a plain {second} background")
        else:
            pairs = ((one, shapes[0], first), (other, shapes[1], second))
            texts = tuple(f"{article(colour)} {shape} on {article(behind)} background" for colour, shape, behind in pairs)
        kind: Kind = "backgrounds" if number < 20 else "things"
        found.append(Case(kind, bool(number % 2), (texts[0], texts[1]), (first, second), (one, other), seed=number))
    return found


def article(colour: str) -> str:
    """`a red`, `an orange`."""
    return f"{'an' if colour[0] in 'aeiou' else 'a'} {colour}"


def halves(image: Image.Image, rows: bool) -> list[np.ndarray]:
    """The two halves of a picture."""
    pixels = np.asarray(image.convert("RGB"))
    height, width = pixels.shape[:2]
    return [pixels[: height // 2], pixels[height // 2 :]] if rows else [pixels[:, : width // 2], pixels[:, width // 2 :]]


def most(pixels: np.ndarray) -> str:
    """The name of the colour that most pixels have."""
    counts = np.bincount(palette.nearest(pixels.reshape(-1, 3)), minlength=len(palette.NAMES))
    return palette.NAMES[int(counts.argmax())]


def right(case: Case, image: Image.Image) -> tuple[bool, bool]:
    """Whether most of each half is of its background's colour; and whether the thing in it has its colour too."""
    parts = halves(image, case.rows)
    behind = all(most(part) == colour for part, colour in zip(parts, case.backgrounds, strict=True))
    if case.kind == "backgrounds":
        return behind, behind
    return behind, behind and all(one.colour == colour for one, colour in zip(verdicts(parts), case.things, strict=True))


def share(answers: Sequence[bool]) -> float:
    """How many are right, of 1."""
    return sum(answers) / len(answers)
