"""Masks, and the originals laid back over what was painted."""

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from modules.contract.errors import BadRequest
from modules.contract.request import Inpaint, Size
from modules.imaging.inpainting import composite, flattened, mask_composite, mask_picture, prepare
from modules.imaging.masks import blurred, crop_around, expanded, fill, mask_from
from tests.golden import golden_json

SIZES = {"m128": Size(128, 128), "m192x128": Size(192, 128), "m256": Size(256, 256)}
WHITE = "#ffffff"


def rectangle(size: tuple[int, int], box: tuple[int, int, int, int]) -> Image.Image:
    """A black mask with a white box."""
    mask = Image.new("L", size)
    mask.paste(255, box)
    return mask


def noise(width: int = 64, height: int = 64, seed: int = 0) -> Image.Image:
    """A picture of which every pixel is different."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def file(image: Image.Image) -> bytes:
    """A picture's PNG bytes."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


CROPS = golden_json("pure/crop_region.json")
FOUND = {case["mask"]: tuple(case["crop"]) for case in CROPS if case["pad"] == 0}


@pytest.mark.parametrize("case", CROPS)
def test_the_region_around_a_mask_is_a1111s(case: dict[str, Any]) -> None:
    size = SIZES[case["mask"]]
    box = crop_around(rectangle(size, FOUND[case["mask"]]), case["pad"])
    assert box is not None
    assert list(box) == case["crop"]
    assert list(expanded(box, Size(case["w"], case["h"]), size)) == case["expanded"]


def test_a_blank_mask_has_no_region() -> None:
    assert crop_around(Image.new("L", (8, 8)), 4) is None


@given(
    st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(1, 40), st.integers(1, 40)),
    st.integers(0, 40),
    st.tuples(st.integers(8, 512), st.integers(8, 512)),
)
def test_a_region_stays_inside_and_keeps_its_mask(box: tuple[int, int, int, int], padding: int, size: tuple[int, int]) -> None:
    left, top, right, bottom = box[0], box[1], min(box[0] + box[2], 64), min(box[1] + box[3], 64)
    found = crop_around(rectangle((64, 64), (left, top, right, bottom)), padding)
    assert found is not None
    grown = expanded(found, Size(*size), Size(64, 64))
    assert 0 <= grown.left <= left
    assert right <= grown.right <= 64
    assert 0 <= grown.top <= top
    assert bottom <= grown.bottom <= 64


def test_a_transparent_picture_is_a_mask_by_its_alpha() -> None:
    picture = Image.new("RGBA", (3, 1), (0, 0, 0, 255))
    picture.putpixel((1, 0), (255, 255, 255, 128))
    picture.putpixel((2, 0), (255, 255, 255, 129))
    assert list(mask_from(picture).tobytes()) == [255, 0, 255]
    assert list(mask_from(picture, rounded=False).tobytes()) == [255, 128, 129]


def test_an_opaque_picture_is_a_mask_by_its_brightness() -> None:
    picture = Image.new("RGBA", (1, 1), (90, 90, 90, 255))
    assert mask_from(picture).tobytes() == bytes([90])


def test_blur_across_leaves_rows_apart() -> None:
    mask = rectangle((32, 32), (8, 8, 24, 24))
    values = np.asarray(blurred(mask, 4, 0))
    assert not values[:8].any()
    assert 0 < values[16, 6] < 255


def test_the_fill_takes_the_surroundings_colour() -> None:
    image = Image.new("RGB", (64, 64), (200, 40, 10))
    image.paste((0, 0, 255), (24, 24, 40, 40))
    filled = np.asarray(fill(image, rectangle((64, 64), (22, 22, 42, 42))))
    assert np.abs(filled.astype(int) - (200, 40, 10)).max() <= 6  # premultiplied colours are rounded at low alpha


@pytest.mark.parametrize("only_masked", [False, True])
@pytest.mark.parametrize("blur", [(0, 0), (4, 4), (2, 10)])
def test_outside_the_mask_the_original_comes_back_byte_for_byte(only_masked: bool, blur: tuple[float, float]) -> None:
    original = noise()
    mask = rectangle((64, 64), (30, 26, 40, 36))
    prepared = prepare(
        [original], Inpaint(mask=file(mask), blur=blur, only_masked=only_masked, padding=4), "just resize", Size(64, 64), background=WHITE
    )
    finished, _ = composite(noise(seed=1), prepared, 0)
    untouched = np.asarray(blurred(mask, *blur)) == 0
    assert untouched.sum() > 1000
    assert np.array_equal(np.asarray(finished)[untouched], np.asarray(original)[untouched])


def test_inside_the_mask_the_result_shows() -> None:
    mask = rectangle((64, 64), (16, 16, 48, 48))
    prepared = prepare([noise()], Inpaint(mask=file(mask), blur=(0, 0)), "just resize", Size(64, 64), background=WHITE)
    finished, _ = composite(noise(seed=1), prepared, 0)
    assert np.array_equal(np.asarray(finished)[16:48, 16:48], np.asarray(noise(seed=1))[16:48, 16:48])


def test_only_masked_pastes_the_result_where_the_mask_is() -> None:
    original = Image.new("RGB", (96, 64), "blue")
    mask = rectangle((96, 64), (50, 20, 70, 40))
    inpaint = Inpaint(mask=file(mask), blur=(0, 0), only_masked=True, padding=6)
    prepared = prepare([original], inpaint, "just resize", Size(128, 128), background=WHITE)
    assert prepared.pictures[0].size == (128, 128)
    assert prepared.paste_to == (44, 14, 76, 46)
    finished, _ = composite(Image.new("RGB", (128, 128), "red"), prepared, 0)
    red = (np.asarray(finished) == (255, 0, 0)).all(-1)
    assert np.array_equal(red, np.asarray(mask) > 0)


def test_a_blank_mask_with_only_masked_becomes_plain_img2img_and_says_so() -> None:
    blank = Inpaint(mask=file(Image.new("L", (64, 64))), only_masked=True)
    prepared = prepare([noise()], blank, "just resize", Size(64, 64), background=WHITE)
    assert (prepared.mask, prepared.overlays) == (None, ())
    assert "blank" in prepared.warnings[0]


def test_a_mask_turned_over_paints_what_it_left_out() -> None:
    mask = rectangle((64, 64), (16, 16, 48, 48))
    inpaint = Inpaint(mask=file(mask), blur=(0, 0), invert=True)
    prepared = prepare([noise()], inpaint, "just resize", Size(64, 64), background=WHITE)
    assert prepared.mask is not None
    assert np.array_equal(np.asarray(prepared.mask), 255 - np.asarray(mask))
    assert prepared.notes == {"Mask mode": "Inpaint not masked"}


def test_a_latent_mask_does_not_cut_the_original() -> None:
    prepared = prepare([noise()], None, "just resize", Size(64, 64), background=WHITE, latent_mask=rectangle((64, 64), (0, 0, 8, 8)))
    assert prepared.mask is not None
    assert prepared.picture_mask is None
    assert prepared.overlays == ()


def test_the_mask_can_be_given_back_with_what_was_painted() -> None:
    mask = rectangle((64, 64), (16, 16, 48, 48))
    prepared = prepare([noise()], Inpaint(mask=file(mask), blur=(0, 0)), "just resize", Size(64, 64), background=WHITE)
    _, before = composite(noise(seed=1), prepared, 0)
    painted, shown = mask_composite(before, prepared), mask_picture(prepared)
    assert painted is not None
    assert shown is not None
    assert np.array_equal(np.asarray(painted)[..., 3], np.asarray(mask))
    assert shown.mode == "RGB"


def test_transparent_parts_take_the_background() -> None:
    picture = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    assert flattened(picture, "#0a64c8").getpixel((0, 0)) == (10, 100, 200)


def test_a_background_that_is_no_colour_is_refused() -> None:
    with pytest.raises(BadRequest, match="notacolour"):
        flattened(Image.new("RGBA", (4, 4)), "notacolour")
