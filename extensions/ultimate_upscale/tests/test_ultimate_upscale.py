"""Ultimate SD upscale: every pixel in one tile, seams in the middle of what mends them, and pictures put together again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extensions.ultimate_upscale.regions import Region, bands, between, corners, in_order, span, tiles
from modules.contract.errors import BadRequest
from modules.contract.request import GenerationRequest, Size, SourceImage
from modules.imaging.opening import open_image
from modules.plugins import as_source
from tests.extensions.drawing import Drawing, driven
from tests.extensions.pictures import varied

SOURCE = SourceImage(pictures=(as_source(varied(96, 72)),), strength=0.3)
REQUEST = GenerationRequest(size=Size(192, 144), seed=5, prompt="a cat", source=SOURCE)
SIZE, TILE = Size(192, 144), Size(64, 64)


@given(st.integers(64, 400), st.integers(64, 400), st.integers(64, 128))
def test_each_pixel_lies_in_one_tile(width: int, height: int, side: int) -> None:
    counts = np.zeros((height, width), int)
    for group in in_order(tiles(Size(width, height), Size(side, side)), "Chess"):
        for region in group:
            counts[region.box[1] : region.box[3], region.box[0] : region.box[2]] += 1
    assert (counts == 1).all()


@given(st.integers(1, 500), st.integers(1, 200), st.integers(0, 64), st.integers(1, 600))
def test_a_crop_holds_its_region_and_lies_inside(begin: int, extent: int, padding: int, more: int) -> None:
    length = (begin + extent + more) // 8 * 8 + 8
    first, end = span(begin, begin + extent, length, padding)
    assert 0 <= first <= begin and begin + extent <= end <= length
    assert (end - first) % 8 == 0 or end - first == length


def test_tiles_of_one_colour_of_the_chessboard_share_no_side() -> None:
    for group in in_order(tiles(SIZE, TILE), "Chess"):
        for one in group:
            for other in group:
                if one is not other:
                    across = min(one.box[2], other.box[2]) - max(one.box[0], other.box[0])
                    down = min(one.box[3], other.box[3]) - max(one.box[1], other.box[1])
                    assert min(across, down) < 0 or max(across, down) <= 0


@pytest.mark.parametrize("regions", [bands(SIZE, TILE, 32), between(SIZE, TILE)])
def test_every_seam_is_painted_most_in_its_middle(regions: list[Region]) -> None:
    painted = np.zeros((SIZE.height, SIZE.width))
    for region in regions:
        mask = np.asarray(region.mask((0, 0, SIZE.width, SIZE.height)))
        painted = np.maximum(painted, mask)
    assert painted[:, 64].min() > 220 and painted[:, 128].min() > 220
    assert painted[64].min() > 220 and painted[128].min() > 220
    assert painted[30, 32] < 20


def test_corners_are_where_four_tiles_meet() -> None:
    assert [region.box for region in corners(SIZE, TILE)] == [
        (32, 32, 96, 96), (96, 32, 160, 96), (32, 112, 96, 144), (96, 112, 160, 144),
    ]  # fmt: skip


def test_tiles_that_come_back_unchanged_give_the_enlarged_picture() -> None:
    drawing = Drawing()
    result = driven(drawing, REQUEST, "ultimate_upscale", tile_width=64, padding=16, mask_blur=0, upscaler="Lanczos")
    enlarged = np.asarray(varied(96, 72).resize((192, 144))).astype(int)
    painted = np.asarray(result.images[0].image).astype(int)
    assert painted.shape == enlarged.shape
    assert {one.size for one in drawing.asked} <= {Size(96, 96), Size(96, 48)}
    assert len(drawing.asked) == 9 and np.median(painted - enlarged) >= 1  # each tile comes back brighter


def test_chess_paints_as_many_tiles_at_once_as_the_batch_size_says() -> None:
    drawing = Drawing()
    source = SourceImage(pictures=(as_source(varied(320, 320)),), strength=0.3)
    request = REQUEST.replace(size=Size(320, 320), source=source, batch_size=4)
    driven(drawing, request, "ultimate_upscale", tile_width=64, padding=16, redraw="Chess")
    assert sum(one.batch_size for one in drawing.asked) == 25
    assert max(one.batch_size for one in drawing.asked) > 1


def test_the_seams_are_painted_after_the_tiles_with_their_own_strength() -> None:
    drawing = Drawing()
    result = driven(
        drawing, REQUEST, "ultimate_upscale", tile_width=64, seams="Half tile offset pass + intersections", seams_strength=0.5
    )  # fmt: skip
    strengths = [one.source.strength for one in drawing.asked if one.source]
    assert strengths == [0.3] * 9 + [0.5] * (2 * 3 + 3 * 2 + 4)
    assert len(result.images) == 2


def test_only_finished_pictures_are_saved() -> None:
    drawing = Drawing()
    driven(drawing, REQUEST, "ultimate_upscale", tile_width=64, seams="Band pass", save_upscaled=False)
    assert not any(one.save for one in drawing.asked)
    assert [size for name, size, _ in drawing.kept if not name] == [(192, 144)]


def test_what_a_tile_sees_is_the_picture_around_it() -> None:
    drawing = Drawing()
    driven(drawing, REQUEST, "ultimate_upscale", tile_width=64, padding=16)
    first = drawing.asked[0].source
    assert first and first.inpaint
    mask = np.asarray(open_image(first.inpaint.mask).convert("L"))
    assert mask.shape == (96, 96) and (mask[:64, :64] == 255).all() and (mask[64:] == 0).all()


def test_a_scale_gives_the_size_and_odd_sizes_are_kept() -> None:
    drawing = Drawing()
    result = driven(drawing, REQUEST, "ultimate_upscale", tile_width=128, target="Scale from image size", scale=1.39)
    assert result.images[0].image.size == (133, 100)


def test_the_infotext_names_it_as_the_original_does() -> None:
    text = driven(Drawing(), REQUEST, "ultimate_upscale", tile_width=64, upscaler="Lanczos").images[0].infotext
    assert "Ultimate SD upscale upscaler: Lanczos, Ultimate SD upscale tile_width: 64" in text


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"tile_width": 0, "tile_height": 0}, "at least 64"),
        ({"target": "Scale from image size", "scale": 16.0, "tile_width": 64}, None),
        ({"target": "Custom size", "width": 20000}, "at most 16384"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, object], sentence: str | None) -> None:
    if sentence is None:
        huge = REQUEST.replace(source=SourceImage(pictures=(as_source(varied(1100, 64)),)))
        with pytest.raises(BadRequest, match="at most 16384"):
            driven(Drawing(), huge, "ultimate_upscale", **options)
        return
    with pytest.raises(BadRequest, match=sentence):
        driven(Drawing(), REQUEST, "ultimate_upscale", **options)
