"""Where tiles of latents lie, what each weighs, and a call of the network cut into them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from modules.imaging.tiles import spread
from modules.sampling.guidance import Call, Residuals

VARIANCE = 0.01  # of the bell over a tile whose side is 1, as in Mixture of Diffusers


@dataclass(frozen=True, eq=False)
class Tiles:
    """Tiles of latents. `size` and `tile` are height and width; `places` are top and left of each, row by row.

    `weight` (height, width of a tile) is each pixel's, `total` (h, w) what those of all tiles sum up to.
    """

    size: tuple[int, int]
    tile: tuple[int, int]
    places: tuple[tuple[int, int], ...]
    weight: Tensor
    total: Tensor

    @classmethod
    def of(cls, height: int, width: int, options: Any, *, device: torch.device) -> "Tiles | None":
        """The tiles that latents of a size need; None if they are one."""
        tile = (min(options.height, height), min(options.width, width))
        if tile == (height, width):
            return None
        rows, columns = (begins(side, part, options.overlap) for side, part in zip((height, width), tile, strict=True))
        places = tuple((top, left) for top in rows for left in columns)
        weight = torch.ones(tile, device=device)
        if options.method == "Mixture of Diffusers":
            weight = gaussian(tile[0]).to(device)[:, None] * gaussian(tile[1]).to(device)[None]
        total = torch.zeros(height, width, device=device)
        for top, left in places:
            total[top : top + tile[0], left : left + tile[1]] += weight
        return cls((height, width), tile, places, weight, total)


def begins(length: int, tile: int, overlap: int) -> tuple[int, ...]:
    """Where the tiles of a line begin: evenly, as few as the overlap allows."""
    return (0,) if tile == length else spread(length, tile, min(overlap, tile - 1))


def gaussian(length: int) -> Tensor:
    """A bell over a line, highest in its middle."""
    places = (torch.arange(length, dtype=torch.float32) - (length - 1) / 2) / length
    return torch.exp(-(places**2) / (2 * VARIANCE)).clamp(min=1e-6)


def crop(latents: Tensor, tiles: Tiles, place: tuple[int, int]) -> Tensor:
    """A tile's view of latents (N, C, h, w)."""
    top, left = place
    return latents[:, :, top : top + tiles.tile[0], left : left + tiles.tile[1]]


def part_of(call: Call, tiles: Tiles, places: Sequence[tuple[int, int]]) -> Call:
    """A call for some tiles, one after the other: all rows of the first, then all of the second."""
    count = len(places)
    return Call(
        torch.cat([crop(call.x, tiles, place) for place in places]),
        call.level.repeat(count),
        [condition for _ in places for condition in call.conditions],
        call.context.repeat(count, 1, 1),
        None if call.vector is None else call.vector.repeat(count, 1),
        None if call.residuals is None else cut(call.residuals, tiles, places),
    )


def cut(residuals: Residuals, tiles: Tiles, places: Sequence[tuple[int, int]]) -> Residuals:
    """What control networks add, for some tiles: of each level the same part as of the latents."""

    def parts(one: Tensor) -> Tensor:
        return torch.cat([share(one, tiles, place) for place in places])

    mid = None if residuals.mid is None else parts(residuals.mid)
    return replace(residuals, down=list(map(parts, residuals.down)), mid=mid, levels=list(map(parts, residuals.levels)))


def share(one: Tensor, tiles: Tiles, place: tuple[int, int]) -> Tensor:
    """A tile's part of a level (N, C, a, b), as large as that level of a tile's own would be."""
    found = one
    for dimension, (start, side, part) in enumerate(zip(place, tiles.size, tiles.tile, strict=True), 2):
        length, wanted, whole = one.shape[dimension], part, side
        while whole > length:
            whole, wanted = (whole + 1) // 2, (wanted + 1) // 2
        first = min(round(start * length / side), length - wanted)
        found = found.narrow(dimension, first, wanted)
    return found
