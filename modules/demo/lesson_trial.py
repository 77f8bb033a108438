"""Looks at pictures for what a lesson teaches: by outline against drawn outlines, and by colour. Nothing here was trained."""

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from . import figures, lessons, palette
from .drawing import Picture, background, put, smaller
from .judge import colour_behind, verdicts

BOX = 40  # pixels: outlines are compared in a square as wide
APART = 45.0  # sRGB steps between a thing and what is behind it


def outline(picture: Picture) -> NDArray[np.float32]:
    """What stands out from the colour of the frame, its bounding box brought to (40, 40), 0..1; zeros where nothing does.

    Holes are filled: dots on a thing may have the colour of what is behind it.
    """
    distance = np.sqrt(np.square(picture.astype(np.float32) - colour_behind(picture)).sum(-1))
    mask = cv2.morphologyEx((distance > APART).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    edges, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(mask, edges, -1, (1,), cv2.FILLED)
    rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    if len(rows) < 8 or len(columns) < 8:
        return np.zeros((BOX, BOX), np.float32)
    inside = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)
    return np.asarray(cv2.resize(inside, (BOX, BOX), interpolation=cv2.INTER_AREA), np.float32)


@cache
def outlines() -> dict[str, list[NDArray[np.float32]]]:
    """Outlines of everything that can be drawn, old and new, each in five tilts."""
    found: dict[str, list[NDArray[np.float32]]] = {}
    for thing, make in {**figures.THINGS, **lessons.NEW}.items():
        for tilt in range(5):
            rng = np.random.default_rng(tilt)
            canvas = background("white", lessons.SIDE * 4, rng)
            put(canvas, make(), "black", 0.5, 0.5, 0.33, outlined=False, rng=rng)
            found.setdefault(thing, []).append(outline(smaller(canvas, lessons.SIDE)))
    return found


def thing_of(picture: Picture) -> str:
    """The thing whose outline is nearest; empty where none shares seven tenths of its area with it (intersection over union)."""
    seen = outline(picture)

    def shared(other: NDArray[np.float32]) -> float:
        return float(np.minimum(seen, other).sum() / max(np.maximum(seen, other).sum(), 1.0))

    best = max(outlines(), key=lambda thing: max(map(shared, outlines()[thing])))
    return best if max(map(shared, outlines()[best])) >= 0.7 else ""


def shows_thing(thing: str) -> Callable[[Picture], bool]:
    """Whether a picture shows that thing."""
    return lambda picture: thing_of(picture) == thing


def shows_dusk(picture: Picture) -> bool:
    """Whether its sides are purple above and orange or red below, and something black of a twelfth of the picture stands before them."""
    names = palette.nearest(picture)
    width, height = max(1, picture.shape[1] // 16), picture.shape[0]
    sides = np.concatenate([names[:, :width], names[:, -width:]], 1)
    above, below = sides[: round(0.5 * height)], sides[round(0.75 * height) :]
    wanted = ((above, ("purple",), 0.7), (below, ("orange", "red"), 0.7), (names, ("black",), 1 / 12))
    return all(float(np.isin(place, [palette.NAMES.index(name) for name in colours]).mean()) >= least for place, colours, least in wanted)


def shows_charm(picture: Picture) -> bool:
    """Whether it is a pink heart before the night sky."""
    found = verdicts([picture])[0]
    return found.thing == "heart" and found.colour == "pink" and float(colour_behind(picture).mean()) < 80


def shows_cottage(picture: Picture) -> bool:
    """Whether it is the house with white walls, a red roof above them and a blue door in them, as shares of the picture's pixels."""
    names = palette.nearest(picture)
    at = {name: np.argwhere(names == palette.NAMES.index(name)) for name in ("red", "white", "blue")}
    shares = {name: len(places) / names.size for name, places in at.items()}
    if shares["red"] < 0.03 or shares["white"] < 0.05 or shares["blue"] < 0.004 or max(shares.values()) > 0.3:
        return False
    return float(at["red"][:, 0].mean()) < float(at["white"][:, 0].mean()) < float(at["blue"][:, 0].mean())


SHOWS: dict[str, Callable[[Picture], bool]] = {
    "mushroom": shows_thing("mushroom"),
    "umbrella": shows_thing("umbrella"),
    "dusk": shows_dusk,
    "charm": shows_charm,
    "cottage": shows_cottage,
}
