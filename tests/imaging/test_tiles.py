"""Pictures as tiles and back."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from modules.contract.errors import BadRequest
from modules.contract.request import Size
from modules.imaging.tiles import combine, grid, split


def noise(width: int, height: int) -> Image.Image:
    """A picture of which every pixel is different."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


@given(st.integers(1, 90), st.integers(1, 90), st.integers(8, 40), st.integers(8, 40), st.integers(0, 7))
def test_untouched_tiles_make_the_same_picture_again(width: int, height: int, across: int, down: int, overlap: int) -> None:
    image = noise(width, height)
    whole = grid(Size(width, height), Size(across, down), min(overlap, width - 1, height - 1))
    assert combine(list(split(image, whole)), whole).tobytes() == image.tobytes()


@given(st.integers(1, 500), st.integers(9, 64), st.integers(0, 8))
def test_neighbouring_tiles_share_at_least_the_overlap(length: int, side: int, overlap: int) -> None:
    starts = grid(Size(length, side), Size(side, side), overlap).columns
    assert starts[0] == 0
    assert starts[-1] + min(side, length) == length
    assert all(after - before <= side - overlap for before, after in pairwise(starts))


def test_a_tile_fades_into_the_next() -> None:
    whole = grid(Size(24, 16), Size(16, 16), 8)
    black, white = Image.new("RGB", (16, 16), "black"), Image.new("RGB", (16, 16), "white")
    row = np.asarray(combine([black, white], whole))[0, :, 0]
    assert list(row[:8]) == [0] * 8
    assert (np.diff(row[8:16].astype(int)) > 0).all()
    assert list(row[16:]) == [255] * 8


def test_the_grid_of_an_enlarged_picture_has_its_tiles_in_the_same_places() -> None:
    image = noise(50, 40)
    small = grid(Size(50, 40), Size(24, 24), 4)
    doubled = [tile.resize((48, 48), Image.Resampling.NEAREST) for tile in split(image, small)]
    assert combine(doubled, small.scaled(2)).tobytes() == image.resize((100, 80), Image.Resampling.NEAREST).tobytes()


def test_an_overlap_as_wide_as_the_tile_is_refused() -> None:
    with pytest.raises(BadRequest, match="overlap is 16"):
        grid(Size(64, 64), Size(16, 16), 16)
