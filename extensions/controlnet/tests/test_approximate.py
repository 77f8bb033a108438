"""Structure without a model: regions in colours of chance."""

import numpy as np
from PIL import Image, ImageDraw

from extensions.controlnet.approximate import has_structure, structure
from extensions.controlnet.preprocessors import PREPROCESSORS


def lines() -> Image.Image:
    """A white circle's line on black."""
    image = Image.new("RGB", (64, 64))
    ImageDraw.Draw(image).ellipse((16, 16, 48, 48), outline="white", width=2)
    return image


def test_each_region_has_one_colour_and_lines_are_dark() -> None:
    found = np.asarray(structure(lines(), 5)).astype(int)
    inside, outside, line = found[32, 32], found[4, 4], found[16, 32]
    assert (found[28:36, 28:36] == inside).all()
    assert (found[:8] == outside).all()
    assert np.abs(inside - outside).max() > 20
    assert line.max() < max(inside.max(), outside.max()) * 0.5 + 20


def test_the_seed_decides_the_colours() -> None:
    first, again, other = (np.asarray(structure(lines(), seed)) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_hints_that_are_the_picture_itself_have_no_structure() -> None:
    with_structure = {name for name in PREPROCESSORS if has_structure(name)}
    assert {"canny", "openpose_landmarks", "mlsd_lsd", "seg_person"} <= with_structure
    assert not with_structure & {"none", "tile_resample", "inpaint_only", "reference_only", "ip-adapter-auto", "shuffle", "blur_gaussian"}
