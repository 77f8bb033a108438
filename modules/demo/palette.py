"""The named colours of the demo's pictures and how a measured colour is named."""

import numpy as np
from numpy.typing import NDArray

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (222, 30, 38),
    "orange": (255, 140, 0),
    "yellow": (255, 226, 40),
    "green": (26, 150, 56),
    "blue": (28, 80, 224),
    "purple": (130, 38, 172),
    "pink": (255, 150, 192),
    "brown": (116, 68, 28),
    "black": (14, 14, 14),
    "white": (250, 250, 250),
    "gray": (128, 128, 128),
}
NAMES: tuple[str, ...] = tuple(COLOURS)
TABLE: NDArray[np.float32] = np.array(list(COLOURS.values()), np.float32)  # (11, 3), sRGB 0..255


def nearest(colours: NDArray[np.number]) -> NDArray[np.intp]:
    """The index into `NAMES` of the closest named colour; `colours` is (..., 3), sRGB 0..255."""
    distance = np.asarray(colours, np.float32)[..., None, :] - TABLE
    return np.square(distance).sum(-1).argmin(-1)


def accent(colour: str) -> tuple[int, int, int]:
    """The colour of eyes, doors and outlines on something of this colour: near black, or light on the dark colours."""
    return (236, 236, 236) if colour in ("black", "blue", "purple", "brown") else (30, 24, 28)
