"""A picture as tiles that overlap, and tiles put together again."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from modules.contract.errors import BadRequest
from modules.contract.request import Size


@dataclass(frozen=True)
class Grid:
    """Where the tiles of a picture lie: the left edge of each column, the top of each row, in pixels."""

    size: Size
    tile: Size
    overlap: int  # at least; tiles are spread evenly
    columns: tuple[int, ...]
    rows: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.columns) * len(self.rows)

    def places(self) -> Iterator[tuple[int, int]]:
        """Left and top of each tile, row by row."""
        return ((left, top) for top in self.rows for left in self.columns)

    def scaled(self, factor: int) -> "Grid":
        """The grid of a picture `factor` times as large."""
        return Grid(
            Size(self.size.width * factor, self.size.height * factor),
            Size(self.tile.width * factor, self.tile.height * factor),
            self.overlap * factor,
            tuple(left * factor for left in self.columns),
            tuple(top * factor for top in self.rows),
        )


def grid(size: Size, tile: Size, overlap: int) -> Grid:
    """The tiles that a picture of `size` needs. A tile larger than the picture is made as large as it.

    Raises BadRequest unless the overlap is smaller than the tile.
    """
    tile = Size(min(tile.width, size.width), min(tile.height, size.height))
    overlap = 0 if tile == size else overlap
    if not 0 <= overlap < min(tile):
        raise BadRequest(f"The tiles' overlap is {overlap}; it must be at least 0 and less than the tile's side, {min(tile)}.")
    return Grid(size, tile, overlap, spread(size.width, tile.width, overlap), spread(size.height, tile.height, overlap))


def spread(length: int, tile: int, overlap: int) -> tuple[int, ...]:
    """Where tiles begin that cover a length evenly, as few as the overlap allows."""
    count = max(1, math.ceil((length - overlap) / (tile - overlap)))
    step = (length - tile) / (count - 1) if count > 1 else 0
    return (*(int(index * step) for index in range(count - 1)), length - tile)  # the last one not by a product that may round down


def split(image: Image.Image, grid: Grid) -> Iterator[Image.Image]:
    """The tiles of a picture, row by row; each is cut when it is asked for."""
    return (image.crop((left, top, left + grid.tile.width, top + grid.tile.height)) for left, top in grid.places())


def combine(tiles: Sequence[Image.Image], grid: Grid) -> Image.Image:
    """The picture (RGB) of its tiles, row by row. Over the first `overlap` pixels of each the one before fades out: across, then down."""
    width = grid.size.width
    across, down = fading(grid.overlap, grid.tile.height, horizontal=True), fading(grid.overlap, width, horizontal=False)
    whole = Image.new("RGB", grid.size)
    each = iter(tiles)
    for top in grid.rows:
        row = Image.new("RGB", (width, grid.tile.height))
        for left in grid.columns:
            lay(row, next(each), left, 0, mask=across, start=(grid.overlap, 0) if left else (0, 0))
        lay(whole, row, 0, top, mask=down, start=(0, grid.overlap) if top else (0, 0))
    return whole


def lay(onto: Image.Image, piece: Image.Image, left: int, top: int, *, mask: Image.Image, start: tuple[int, int]) -> None:
    """Put a piece at its place; before `start` (across, down) it fades in through the mask."""
    x, y = start
    if x:
        onto.paste(piece.crop((0, 0, x, piece.height)), (left, top), mask)
    elif y:
        onto.paste(piece.crop((0, 0, piece.width, y)), (left, top), mask)
    onto.paste(piece.crop((x, y, piece.width, piece.height)), (left + x, top + y))


def fading(overlap: int, length: int, *, horizontal: bool) -> Image.Image:
    """A mask from black to (almost) white over `overlap` pixels, `length` the other way."""
    values = (np.arange(overlap, dtype=np.float32) * 255 / max(overlap, 1)).astype(np.uint8)
    shape = (length, overlap) if horizontal else (overlap, length)
    return Image.fromarray(np.ascontiguousarray(np.broadcast_to(values if horizontal else values[:, None], shape)))
