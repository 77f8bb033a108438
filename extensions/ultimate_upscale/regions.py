"""Which parts of a large picture are painted anew, in what order, and how softly each ends."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from modules.contract.request import Size

STEP = 8  # pixels that the sides of what the network sees are multiples of
Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels
Profile = Literal["whole", "across", "down", "round"]


@dataclass(frozen=True)
class Region:
    """A part of the picture that is painted: all of its box, or most in the middle and nothing at the edges.

    `profile`: "across" fades to the left and right edge, "down" to top and bottom, "round" to all four.
    """

    box: Box
    profile: Profile = "whole"

    def crop(self, size: Size, padding: int) -> Box:
        """What is shown of a picture of `size` while the region is painted: so many pixels more on each side, moved to lie inside."""
        left, top, right, bottom = self.box
        across = span(left, right, size.width, padding)
        down = span(top, bottom, size.height, padding)
        return across[0], down[0], across[1], down[1]

    def mask(self, crop: Box) -> Image.Image:
        """How much of each pixel of a crop is painted: 255 all of it, 0 nothing."""
        left, top, right, bottom = self.box
        weights = np.zeros((crop[3] - crop[1], crop[2] - crop[0]), np.float32)
        across = slope(right - left) if self.profile in ("across", "round") else np.ones(right - left, np.float32)
        down = slope(bottom - top) if self.profile in ("down", "round") else np.ones(bottom - top, np.float32)
        weights[top - crop[1] : bottom - crop[1], left - crop[0] : right - crop[0]] = np.minimum(down[:, None], across[None])
        return Image.fromarray((weights * 255).round().astype(np.uint8))


def span(begin: int, end: int, length: int, padding: int) -> tuple[int, int]:
    """A stretch with its padding, as long as a multiple of 8, inside of 0..length; all of it where that is shorter."""
    wanted = -(-(end - begin + 2 * padding) // STEP) * STEP
    if wanted >= length:
        return 0, length
    first = min(max((begin + end - wanted) // 2, 0), length - wanted)
    return first, first + wanted


def slope(length: int) -> NDArray[np.float32]:
    """1 in the middle, falling evenly to nearly 0 at both ends; (length,)."""
    at = np.arange(length, dtype=np.float32) + 0.5
    return np.minimum(at, length - at) * np.float32(2 / length)


def cuts(length: int, tile: int) -> list[int]:
    """Where tiles begin, and the end: 0, tile, 2 tile, ..., length."""
    return [*range(0, length, tile), length]


def tiles(size: Size, tile: Size) -> list[list[Region]]:
    """The tiles side by side, row by row; those at the right and at the bottom may be smaller."""
    columns, rows = cuts(size.width, tile.width), cuts(size.height, tile.height)
    return [[Region((left, top, right, bottom)) for left, right in pairs(columns)] for top, bottom in pairs(rows)]


def in_order(rows: Sequence[Sequence[Region]], mode: Literal["Linear", "Chess"]) -> list[list[Region]]:
    """Groups of tiles, one after another; those of a group do not touch each other's sides. Linear: each alone, row by row."""
    if mode == "Linear":
        return [[region] for row in rows for region in row]
    fields = [[region for y, row in enumerate(rows) for x, region in enumerate(row) if (x + y) % 2 == colour] for colour in (0, 1)]
    return [field for field in fields if field]


def bands(size: Size, tile: Size, width: int) -> list[Region]:
    """Narrow regions over each seam between tiles, a tile long."""
    columns, rows = cuts(size.width, tile.width), cuts(size.height, tile.height)
    found: list[Region] = []
    for left, right in halfway(columns, width):
        found += [Region((left, top, right, bottom), "across") for top, bottom in pairs(rows)]
    for top, bottom in halfway(rows, width):
        found += [Region((left, top, right, bottom), "down") for left, right in pairs(columns)]
    return found


def between(size: Size, tile: Size) -> list[Region]:
    """Tiles moved by half of one, so that each seam lies in the middle of one: first across, then down."""
    columns, rows = cuts(size.width, tile.width), cuts(size.height, tile.height)
    across = [Region((left, top, right, bottom), "across") for left, right in halfway(columns, tile.width) for top, bottom in pairs(rows)]
    down = [Region((left, top, right, bottom), "down") for top, bottom in halfway(rows, tile.height) for left, right in pairs(columns)]
    return [*across, *down]


def corners(size: Size, tile: Size) -> list[Region]:
    """Tiles around the points where four meet."""
    columns, rows = cuts(size.width, tile.width), cuts(size.height, tile.height)
    return [
        Region((left, top, right, bottom), "round")
        for top, bottom in halfway(rows, tile.height)
        for left, right in halfway(columns, tile.width)
    ]


def halfway(cut: Sequence[int], tile: int) -> list[tuple[int, int]]:
    """Stretches around each inner cut, a tile long or as far as the nearer end is: the cut is their middle."""
    return [(at - reach, at + reach) for at in cut[1:-1] for reach in [min(tile // 2, at, cut[-1] - at)]]


def pairs(cut: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Each stretch between two cuts."""
    return pairwise(cut)
