"""Sizes: pixel perfect, the three ways of fitting, and lines that stay lines."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage
from skimage.morphology import skeletonize

from extensions.controlnet.preprocessors import (
    CONTROL_TYPES,
    PREPROCESSORS,
    default_model,
    default_preprocessor,
    fit,
    models_for,
    pixel_perfect,
)
from extensions.controlnet.preprocessors.fitting import ResizeMode, at_resolution, thinned

MODELS = ["control_v11p_sd15_canny [d14c016b]", "control_v11p_sd15_seg [e1f51eb9]", "control_v11p_sd15_softedge", "demo-lines [01234567]",
          "t2iadapter_canny_sd15v2", "ip-adapter_sd15", "bleached_tile", "controlnet-union-sdxl-1.0"]  # fmt: skip


@pytest.mark.parametrize(
    ("picture", "target", "mode", "wanted"),
    [
        ((1000, 500), (512, 512), "Crop and Resize", 512),  # 500 high becomes 512
        ((1000, 500), (512, 512), "Just Resize", 512),
        ((1000, 500), (512, 512), "Resize and Fill", 256),  # 1000 wide becomes 512
        ((640, 480), (768, 512), "Crop and Resize", 576),
        ((640, 480), (768, 512), "Resize and Fill", 512),
        ((100, 300), (512, 768), "Crop and Resize", 512),
    ],
)
def test_pixel_perfect_is_the_short_side_that_the_picture_will_have(
    picture: tuple[int, int], target: tuple[int, int], mode: ResizeMode, wanted: int
) -> None:
    assert pixel_perfect(picture, target, mode) == wanted


@pytest.mark.parametrize(
    ("size", "resolution", "wanted"), [((640, 480), 512, (683, 512)), ((300, 1000), 150, (150, 500)), ((64, 64), 64, (64, 64))]
)
def test_the_short_side_has_the_resolution(size: tuple[int, int], resolution: int, wanted: tuple[int, int]) -> None:
    resized = at_resolution(np.zeros((size[1], size[0], 3), np.uint8), resolution)
    assert (resized.shape[1], resized.shape[0]) == wanted


def quarters() -> Image.Image:
    """200x100: red, green, blue, white from left to right, so much noise in it that it counts as a photograph."""
    pixels = np.zeros((100, 200, 3), np.uint8)
    for place, colour in enumerate([(240, 0, 0), (0, 240, 0), (0, 0, 240), (240, 240, 240)]):
        pixels[:, 50 * place : 50 * place + 50] = colour
    return Image.fromarray(pixels + np.random.default_rng(0).integers(0, 15, pixels.shape).astype(np.uint8))


def test_just_resize_stretches() -> None:
    fitted = np.asarray(fit(quarters(), (80, 80), "Just Resize"))
    assert fitted.shape == (80, 80, 3)
    assert fitted[40, 5, 0] > 200
    assert fitted[40, 75].min() > 200


def test_crop_and_resize_shows_the_middle() -> None:
    fitted = np.asarray(fit(quarters(), (80, 80), "Crop and Resize"))
    assert fitted.shape == (80, 80, 3)
    assert fitted[40, 5].argmax() == 1  # green: 40 of the 160 that it would be wide are cut off
    assert fitted[40, 75].argmax() == 2


def test_resize_and_fill_puts_the_border_s_median_around() -> None:
    image = quarters()
    image.paste((9, 8, 7), (0, 0, 200, 2))
    image.paste((9, 8, 7), (0, 98, 200, 100))
    fitted = np.asarray(fit(image, (80, 80), "Resize and Fill"))
    assert fitted.shape == (80, 80, 3)
    assert (fitted[5] == (9, 8, 7)).all()
    assert (fitted[75] == (9, 8, 7)).all()
    assert fitted[40, 5, 0] > 200


def test_what_is_added_to_a_picture_is_to_be_painted() -> None:
    image = quarters()
    image.putalpha(0)
    fitted = fit(image, (80, 80), "Resize and Fill")
    alpha = np.asarray(fitted.getchannel("A"))
    assert fitted.mode == "RGBA"
    assert alpha[:19].min() == 255
    assert alpha[21:59].max() == 0
    assert np.asarray(fit(image, (80, 80), "Crop and Resize").getchannel("A")).max() == 0


def pieces(where: NDArray[np.bool_], structure: NDArray[np.float64] | None = None) -> int:
    """In how many connected parts something is."""
    labels = np.asarray(ndimage.label(where, structure)[0])  # type: ignore[index]
    return int(labels.max())


def circle(size: int = 128) -> Image.Image:
    """A white circle of one pixel on black."""
    image = Image.new("RGB", (size, size))
    ImageDraw.Draw(image).ellipse((size // 8, size // 8, size * 7 // 8, size * 7 // 8), outline="white")
    return image


@pytest.mark.parametrize("side", [192, 320, 512])
def test_enlarged_lines_stay_one_pixel_wide_and_whole(side: int) -> None:
    lines = np.asarray(fit(circle(), (side, side), "Just Resize"))[:, :, 0]
    assert set(np.unique(lines)) == {0, 255}
    assert pieces(lines > 0, np.ones((3, 3))) == 1
    assert pieces(lines == 0) == 2  # inside and outside are still apart
    assert not ndimage.binary_erosion(lines, np.ones((2, 2))).sum() > 0.02 * (lines > 0).sum()
    y, x = np.nonzero(lines)
    radius = np.hypot(x - (side - 1) / 2, y - (side - 1) / 2) / side
    assert abs(radius - 0.375).max() < 0.015


def test_shrunken_lines_do_not_vanish() -> None:
    lines = np.asarray(fit(circle(512), (64, 64), "Just Resize"))[:, :, 0]
    assert set(np.unique(lines)) == {0, 255}
    assert pieces(lines == 0) == 2


def test_thinning_agrees_with_another_implementation() -> None:
    shapes = Image.new("L", (96, 96))
    draw = ImageDraw.Draw(shapes)
    draw.line((10, 10, 80, 60), 255, 7)
    draw.ellipse((30, 40, 80, 90), outline=255, width=6)
    pixels: NDArray[np.uint8] = np.asarray(shapes)
    ours, theirs = thinned(pixels) > 0, np.asarray(skeletonize(pixels > 0, method="zhang"), bool)
    for one, other in ((ours, theirs), (theirs, ours)):  # theirs also cuts corners, and is longer at the ends
        distance: NDArray[np.float64] = np.asarray(ndimage.distance_transform_edt(~other))
        assert distance[one].max() <= 3
        assert pieces(~one) == pieces(~other)
    assert pieces(ours, np.ones((3, 3))) == 1


def test_the_colours_of_a_segmentation_are_not_mixed() -> None:
    pixels = np.zeros((60, 60, 3), np.uint8)
    pixels[:, 20:40], pixels[:, 40:] = (150, 5, 61), (6, 230, 230)
    fitted = np.asarray(fit(Image.fromarray(pixels), (101, 77), "Just Resize"))
    assert {tuple(int(level) for level in one) for one in fitted.reshape(-1, 3)} == {(0, 0, 0), (150, 5, 61), (6, 230, 230)}


def test_models_are_found_by_the_words_of_their_names() -> None:
    assert models_for("Canny", MODELS) == [MODELS[0], MODELS[3], MODELS[4], MODELS[7]]
    assert models_for("Segmentation", MODELS) == [MODELS[1], MODELS[7]]
    assert models_for("SoftEdge", MODELS) == [MODELS[2], MODELS[7]]  # "bleached" is not "hed"
    assert models_for("All", MODELS) == MODELS
    assert models_for("Reference", MODELS) == []


def test_a_fresh_machine_follows_lines() -> None:
    for kind in ("Canny", "Lineart", "Scribble"):
        assert default_model(kind, ["demo-lines [01234567]"]) == "demo-lines [01234567]"
    assert default_model("Depth", ["demo-lines [01234567]"]) == "None"
    assert default_model("Depth", MODELS) == "controlnet-union-sdxl-1.0"


def test_every_type_begins_with_one_of_its_own_preprocessors() -> None:
    for kind, one in CONTROL_TYPES.items():
        assert default_preprocessor(kind) in one.preprocessors
    assert default_preprocessor("Canny") == "canny"
    assert default_preprocessor("Reference") == "reference_only"
    assert CONTROL_TYPES["All"].preprocessors == tuple(PREPROCESSORS)
    assert all(name in CONTROL_TYPES[kind].preprocessors for name, one in PREPROCESSORS.items() for kind in one.types)
