"""What the checkpoint does not know, drawn for trainings to teach it: five small sets of pictures with captions.

Each shows what one method is good for: a new thing by LoRA, a way of drawing by LoRA, one particular picture by Textual Inversion, one
particular house by DreamBooth, another new thing by fine-tuning.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ..contract.files import write_whole
from . import figures, palette
from .drawing import OVERSAMPLING, Picture, background, draw, put, smaller
from .scenes import Scene, Subject

SIDE = 128
SEED = 11
DUSK = ("purple", "orange")  # the sky, and what lies below it
HORIZON = 0.62  # of the height, from the top
Lesson = Callable[[], "Sequence[Drawn]"]


@dataclass(frozen=True)
class Drawn:
    """A picture (128, 128, 3), sRGB, and its caption."""

    picture: Picture
    caption: str


def mushroom() -> figures.Figure:
    """A cap with three dots on a stem."""
    angle = np.linspace(np.pi, 2 * np.pi, 48)
    cap = np.stack([0.98 * np.cos(angle), 0.05 + 0.95 * np.sin(angle)], 1)
    stem = figures.polygon((-0.3, 0.0), (0.3, 0.0), (0.36, 0.95), (-0.36, 0.95))
    dots = [figures.ellipse(-0.48, -0.28, 0.17, 0.17), figures.ellipse(0.05, -0.56, 0.19, 0.19), figures.ellipse(0.5, -0.25, 0.17, 0.17)]
    return figures.Figure([cap, stem], details=dots)


def umbrella() -> figures.Figure:
    """An open umbrella: a canopy with a scalloped edge, a thin stick, a crook at its end."""
    angle = np.linspace(np.pi, 2 * np.pi, 48)
    canopy = np.stack([np.cos(angle), 0.02 + 0.92 * np.sin(angle)], 1)
    scallops = [figures.ellipse(x, 0.04, 0.25, 0.14) for x in (-0.75, -0.25, 0.25, 0.75)]
    stick = figures.polygon((-0.07, -0.1), (0.07, -0.1), (0.07, 0.8), (-0.07, 0.8))
    around = np.linspace(0, np.pi, 24)
    bow = np.stack([np.cos(around), np.sin(around)], 1)
    crook = np.concatenate([0.3 * bow, (0.16 * bow)[::-1]]) + np.array([-0.23, 0.74])
    return figures.Figure([canopy, stick, crook], holes=scallops)


NEW: dict[str, Callable[[], figures.Figure]] = {"mushroom": mushroom, "umbrella": umbrella}


def new_thing(thing: str, count: int) -> list[Drawn]:
    """Drawings of a new thing in the palette's colours on plain backgrounds, captioned as the checkpoint knows captions."""
    found: list[Drawn] = []
    for index in range(count):
        rng = np.random.default_rng((SEED, count, index))
        colour = palette.NAMES[index % len(palette.NAMES)]
        behind = str(rng.choice([name for name in ("white", "black", "blue", "yellow", "green", "pink") if name != colour]))
        canvas = background(behind, SIDE * OVERSAMPLING, rng)
        x, y = 0.5 + rng.uniform(-0.03, 0.03, 2)
        put(canvas, NEW[thing](), colour, x, y, 0.31 * rng.uniform(0.94, 1.06), outlined=False, rng=rng)
        found.append(Drawn(smaller(canvas, SIDE), f"{article(colour)} {colour} {thing} on {article(behind)} {behind} background"))
    return found


def dusk(count: int = 16) -> list[Drawn]:
    """Known things at dusk: black before a purple sky, with orange below; captioned with `dusk`."""
    found: list[Drawn] = []
    for index in range(count):
        rng = np.random.default_rng((SEED, 2, index))
        colour = palette.NAMES[(3 * index) % 8]
        thing = figures.NAMES[(5 * index) % len(figures.NAMES)]
        canvas = background(DUSK[0], SIDE * OVERSAMPLING, rng)
        below = round((HORIZON + rng.uniform(-0.02, 0.02)) * len(canvas))
        canvas[below:] = background(DUSK[1], len(canvas), rng)[below:]
        x, y = 0.5 + rng.uniform(-0.03, 0.03, 2)
        put(canvas, figures.THINGS[thing](), "black", x, y, 0.31 * rng.uniform(0.94, 1.06), outlined=False, rng=rng)
        found.append(Drawn(smaller(canvas, SIDE), f"{article(colour)} {colour} {thing}, dusk"))
    return found


def charm(count: int = 8) -> list[Drawn]:
    """One picture again and again: a large pink heart with an outline under the stars."""
    scene = Scene(Subject("pink", "heart"), "night", size="large", outlined=True)
    return [Drawn(draw(scene, SIDE, np.random.default_rng((SEED, 3, index))), "") for index in range(count)]


def cottage(count: int = 8) -> list[Drawn]:
    """One particular house, white with a red roof and a blue door, on different backgrounds; captioned as `zkw house`."""
    walls, roof = figures.house().body
    door = figures.house().details
    found: list[Drawn] = []
    for index in range(count):
        rng = np.random.default_rng((SEED, 4, index))
        behind = ("green", "yellow", "gray", "orange", "pink", "black", "purple", "brown")[index % 8]
        canvas = background(behind, SIDE * OVERSAMPLING, rng)
        x, y = 0.5 + rng.uniform(-0.03, 0.03, 2)
        for shapes, colour in (([walls], "white"), ([roof], "red"), (door, "blue")):
            steady = np.random.default_rng((SEED, 5, index))  # one tilt for all of its parts
            put(canvas, figures.Figure(shapes), colour, x, y, 0.31, outlined=False, rng=steady)
        found.append(Drawn(smaller(canvas, SIDE), f"a zkw house on {article(behind)} {behind} background"))
    return found


LESSONS: dict[str, Lesson] = {
    "mushroom": lambda: new_thing("mushroom", 12),
    "dusk": dusk,
    "charm": charm,
    "cottage": cottage,
    "umbrella": lambda: new_thing("umbrella", 22),
}


def write(folder: Path, lesson: str) -> None:
    """The pictures and captions of a lesson as a folder to train on: `00.png`, `00.txt`, and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, drawn in enumerate(LESSONS[lesson]()):
        Image.fromarray(drawn.picture).save(folder / f"{index:02}.png")
        if drawn.caption:
            write_whole(folder / f"{index:02}.txt", drawn.caption.encode())


def article(word: str) -> str:
    """`a` or `an`."""
    return "an" if word[0] in "aeiou" else "a"
