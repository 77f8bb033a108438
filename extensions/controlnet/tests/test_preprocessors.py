"""The hints, each against another way to come by it: SciPy's and scikit-image's functions, arithmetic by hand, or geometry."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage
from skimage import color

from extensions.controlnet.preprocessors import PREPROCESSORS, after_decode, available, find, run_preprocessor
from modules.contract.errors import BadRequest, NotFound

Plane = NDArray[np.float64]


def noise(width: int = 96, height: int = 64, seed: int = 1) -> Image.Image:
    """Colours at random, smooth enough to have shapes."""
    random = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(random.random((height, width, 3)), (4, 4, 0))
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    return Image.fromarray((smooth * 255).astype(np.uint8))


def square(side: int = 128, inner: int = 64, light: int = 255, dark: int = 0) -> Image.Image:
    """A light square in the middle of a dark picture."""
    image = Image.new("RGB", (side, side), (dark,) * 3)
    start = (side - inner) // 2
    image.paste((light,) * 3, (start, start, start + inner, start + inner))
    return image


def array(image: Image.Image) -> NDArray[np.int64]:
    return np.asarray(image.convert("RGB")).astype(np.int64)


def grey(image: Image.Image) -> NDArray[np.int64]:
    """Its one channel; that all three are the same is asserted."""
    pixels = array(image)
    assert (pixels == pixels[:, :, :1]).all()
    return pixels[:, :, 0]


def gaussian(values: NDArray[np.generic], sigma: float) -> Plane:
    """SciPy's Gaussian over (h, w, 3), cut off and mirrored as OpenCV does."""
    return ndimage.gaussian_filter(values.astype(np.float64), (sigma, sigma, 0), mode="mirror", truncate=4.0)


def test_canny_finds_the_outline_of_a_square_and_nothing_else() -> None:
    found = grey(run_preprocessor("canny", square(), resolution=128)) > 0
    rows, columns = np.nonzero(found)
    outside = np.maximum(abs(rows - 63.5), abs(columns - 63.5))  # the outline lies at 32
    assert (abs(outside - 32) <= 1).all()
    assert found.sum() == pytest.approx(4 * 64, abs=8)  # a closed line, one pixel wide


@pytest.mark.parametrize(("light", "seen"), [(40, False), (60, True)])
def test_the_thresholds_of_canny_are_of_the_gradient(light: int, seen: bool) -> None:
    """A straight step of n levels has a Sobel gradient of 4 n: 160 does not reach the high threshold of 200, 240 does."""
    step = Image.new("RGB", (128, 128))
    step.paste((light,) * 3, (64, 0, 128, 128))
    assert bool(grey(run_preprocessor("canny", step, resolution=128)).any()) is seen


def test_invert_is_what_is_missing_to_white() -> None:
    image = noise()
    assert (array(run_preprocessor("invert", image)) == 255 - array(image)).all()


def test_threshold_is_white_where_every_channel_is_above() -> None:
    image = noise(64, 64)
    wanted = [[255 if min(image.getpixel((x, y))) > 100 else 0 for x in range(64)] for y in range(64)]  # type: ignore[arg-type]
    assert (grey(run_preprocessor("threshold", image, resolution=64, a=100)) == np.array(wanted)).all()


def test_the_standard_lineart_is_the_depth_of_strokes_over_their_median() -> None:
    image = Image.new("RGB", (96, 64), "white")
    ImageDraw.Draw(image).line((10, 10, 80, 50), (90, 40, 60), 3)
    depth = (gaussian(array(image), 6) - array(image)).min(axis=2).clip(0)
    wanted = (depth * 127 / max(16, np.median(depth[depth > 8]))).clip(0, 255)
    assert abs(grey(run_preprocessor("lineart_standard", image, resolution=64)) - wanted).max() <= 1  # cut off, not rounded


def test_xdog_marks_what_is_darker_than_its_surroundings() -> None:
    image = noise(96, 64)
    depth = (gaussian(array(image), 5) - gaussian(array(image), 0.5)).max(axis=2)
    found = grey(run_preprocessor("scribble_xdog", image, resolution=64, a=20)) > 0
    sure = abs(2 * np.ceil(depth) - 20) > 2  # float32 against float64 may round the other way
    assert sure.mean() > 0.7
    assert (found[sure] == (2 * np.ceil(depth) > 20)[sure]).all()
    assert 0.02 < found.mean() < 0.6


def test_the_own_lineart_draws_a_dark_line_and_leaves_dark_surfaces_empty() -> None:
    image = Image.new("RGB", (128, 128), (220, 220, 220))
    ImageDraw.Draw(image).line((32, 0, 32, 128), (40, 40, 40), 2)
    ImageDraw.Draw(image).rectangle((70, 20, 127, 110), (40, 40, 40))
    drawn = grey(run_preprocessor("lineart_dog", image, resolution=128))
    assert drawn[10:118, 32].min() > 200
    assert drawn[10:118, 40:60].max() == 0
    assert drawn[40:90, 85:110].max() == 0
    assert drawn[60, 68:76].max() > 200  # the edge of the surface, on its dark side


def test_soft_edges_peak_at_a_step_and_a_plain_picture_has_none() -> None:
    edges = grey(run_preprocessor("softedge_sobel", square(), resolution=128))
    assert set(np.argsort(edges[64, :64])[-2:]) == {31, 32}
    assert edges[64, 28] < edges[64, 30] < edges[64, 31]
    assert edges[64, 31] == 255
    assert edges[60:68, 60:68].max() == 0
    assert grey(run_preprocessor("softedge_sobel", Image.new("RGB", (64, 64), "teal"))).max() == 0


def test_scribbles_follow_the_outline_in_one_width() -> None:
    strokes = grey(run_preprocessor("scribble_edges", square(), resolution=128))
    assert set(np.unique(strokes)) == {0, 255}
    assert 4 <= (strokes[64, :64] > 0).sum() <= 7
    assert strokes[64, 30:34].min() == 255
    assert strokes[50:78, 50:78].max() == 0


def test_straight_lines_are_found_where_they_were_drawn_and_short_ones_left_out() -> None:
    image = Image.new("RGB", (256, 256), "white")
    draw = ImageDraw.Draw(image)
    draw.line((20, 30, 230, 90), "black", 3)
    draw.line((60, 200, 72, 200), "black", 3)
    found = grey(run_preprocessor("mlsd_lsd", image, resolution=256, a=40))
    rows, columns = np.nonzero(found)
    away = abs((columns - 20) * 60 - (rows - 30) * 210) / np.hypot(60, 210)  # pixels to the line through both ends
    assert away.max() <= 4
    assert columns.min() < 30
    assert columns.max() > 220
    assert grey(run_preprocessor("mlsd_lsd", image, resolution=256, a=5))[190:210, 55:80].max() == 255


def test_blur_is_a_gaussian() -> None:
    image = noise(96, 64)
    assert abs(array(run_preprocessor("blur_gaussian", image, resolution=64, a=3)) - gaussian(array(image), 3)).max() <= 1.5


def test_the_colour_grid_has_one_colour_in_each_field() -> None:
    pixels = array(run_preprocessor("t2ia_color_grid", noise(256, 192), resolution=192))
    fields = pixels.reshape(3, 64, 4, 64, 3)
    assert (fields == fields[:, :1, :, :1]).all()
    assert len(np.unique(fields[:, 0, :, 0].reshape(-1, 3), axis=0)) == 12


def test_a_tile_is_the_mean_of_its_pixels() -> None:
    image = noise(96, 64)
    found = array(run_preprocessor("tile_resample", image, a=4))
    assert abs(found - array(image).reshape(16, 4, 24, 4, 3).mean(axis=(1, 3))).max() <= 0.5
    assert run_preprocessor("tile_resample", image, a=1).tobytes() == image.tobytes()


def test_shuffling_moves_content_without_inventing_colours_and_is_the_same_each_time() -> None:
    image = Image.new("RGB", (256, 256), "red")
    image.paste("blue", (128, 0, 256, 256))
    first, second = (run_preprocessor("shuffle", image, resolution=256) for _ in range(2))
    assert first.tobytes() == second.tobytes()
    pixels = array(first)
    assert (pixels[:, :, 1] == 0).all()
    assert abs(pixels[:, :, 0] + pixels[:, :, 2] - 255).max() <= 1  # red, blue, and what lies between at the border
    assert (array(image) != pixels).any(axis=2).mean() > 0.2
    assert run_preprocessor("shuffle", square(256)).tobytes() != first.tobytes()


def test_luminance_is_the_l_of_cielab_and_intensity_the_largest_channel() -> None:
    image = noise(64, 64)
    lightness = color.rgb2lab(np.asarray(image))[:, :, 0] * 2.55
    assert abs(grey(run_preprocessor("recolor_luminance", image)) - lightness).max() <= 2
    assert (grey(run_preprocessor("recolor_intensity", image)) == array(image).max(axis=2)).all()
    darker = grey(run_preprocessor("recolor_intensity", image, a=2))
    assert abs(darker - (array(image).max(axis=2) / 255) ** 2 * 255).max() <= 1


@pytest.mark.parametrize("name", ["recolor_luminance", "recolor_intensity"])
def test_a_recoloured_picture_has_the_light_of_the_source_and_its_own_colours(name: str) -> None:
    random = np.random.default_rng(3)
    source = Image.fromarray(random.integers(60, 200, (64, 64, 3)).astype(np.uint8))
    picture = Image.new("RGB", (64, 64), (120, 100, 110))  # so dull that every light of it can be shown
    hint = run_preprocessor(name, source)
    result = after_decode(name, picture, hint)
    assert abs(grey(run_preprocessor(name, result)) - grey(hint)).max() <= 2
    hues = color.rgb2lab(np.asarray(result))[:, :, 1:]
    assert np.std(hues, axis=(0, 1)).max() < 4
    assert after_decode("canny", picture, hint) is picture


def test_normals_of_a_bump_are_red_left_green_above_and_blue_in_front() -> None:
    y, x = np.mgrid[:128, :128] - 64.0
    bump = Image.fromarray((220 * np.exp(-(x * x + y * y) / (2 * 20**2))).astype(np.uint8)).convert("RGB")
    normals = array(run_preprocessor("normal_luminance", bump, resolution=128, a=2)) / 127.5 - 1
    assert abs(np.linalg.norm(normals, axis=2) - 1).max() < 0.02
    assert normals[64, 44, 0] > 0.3 > 0 > -0.3 > normals[64, 84, 0]
    assert normals[44, 64, 1] > 0.3 > 0 > -0.3 > normals[84, 64, 1]
    assert normals[2, 2, 2] > 0.99


def test_a_slope_has_the_normal_of_its_gradient() -> None:
    ramp = Image.fromarray(np.tile(np.arange(128, dtype=np.uint8), (128, 1))).convert("RGB")
    slope = 10 / 255 * 2  # one level a pixel, at ten pixels for white, twice
    across, down, front = array(run_preprocessor("normal_luminance", ramp, resolution=128, a=2))[64, 64] / 127.5 - 1
    assert across / front == pytest.approx(slope, abs=0.015)
    assert down == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("name", ["inpaint_only", "inpaint_global_harmonious"])
def test_inpainting_keeps_the_picture_and_marks_what_to_paint(name: str) -> None:
    image, mask = noise(), Image.new("L", (48, 32))
    mask.paste(200, (0, 0, 24, 32))
    hint = run_preprocessor(name, image, mask=mask)
    assert hint.mode == "RGBA"
    assert (array(hint) == array(image)).all()
    alpha = np.asarray(hint.getchannel("A"))
    assert alpha[:, :44].min() == 255
    assert alpha[:, 52:].max() == 0
    assert set(np.unique(np.asarray(run_preprocessor(name, image).getchannel("A")))) == {0}


def test_what_is_transparent_is_to_be_painted_and_white_paper_for_lines() -> None:
    image = Image.new("RGBA", (64, 64))
    ImageDraw.Draw(image).line((32, 0, 32, 64), (0, 0, 0, 255), 3)
    alpha = np.asarray(run_preprocessor("inpaint_only", image).getchannel("A"))
    assert (alpha[32, 0], alpha[32, 32]) == (255, 0)
    lines = grey(run_preprocessor("invert", image))
    assert (lines[32, 0], lines[32, 32]) == (0, 255)


@pytest.mark.parametrize("name", [one.name for one in available(None) if not {"OpenPose", "Segmentation"} & set(one.types)])
def test_each_gives_rgb_at_its_resolution_and_the_same_again(name: str) -> None:
    image = noise(90, 60)
    first, second = (run_preprocessor(name, image, resolution=120) for _ in range(2))
    assert first.mode == ("RGBA" if PREPROCESSORS[name].takes_mask else "RGB")
    assert first.size == ((180, 120) if PREPROCESSORS[name].resolution else image.size)
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize(
    ("name", "sliders"),
    [
        ("canny", [("Low Threshold", 0, 256, 100), ("High Threshold", 0, 256, 200)]),
        ("scribble_xdog", [("XDoG Threshold", 1, 64, 32)]),
        ("threshold", [("Binarization Threshold", 0, 255, 127)]),
        ("blur_gaussian", [("Sigma", 0.01, 64, 9)]),
        ("tile_resample", [("Down Sampling Rate", 1, 8, 1)]),
        ("tile_colorfix+sharp", [("Variation", 3, 32, 8), ("Sharpness", 0, 2, 1)]),
        ("recolor_luminance", [("Gamma Correction", 0.1, 2, 1)]),
        ("reference_only", [("Style Fidelity (only for Balanced mode)", 0, 1, 0.5)]),
        ("mediapipe_face", [("Max Faces", 1, 10, 1), ("Min Face Confidence", 0.01, 1, 0.5)]),
    ],
)
def test_the_sliders_are_a1111s(name: str, sliders: list[tuple[str, float, float, float]]) -> None:
    one = PREPROCESSORS[name]
    assert [(s.label, s.least, s.most, s.default) for s in (one.slider_1, one.slider_2) if s] == sliders


@pytest.mark.parametrize(
    ("given", "name"),
    [("None", "none"), ("Canny", "canny"), ("inpaint", "inpaint_global_harmonious"), ("color", "t2ia_color_grid"),
     ("invert (from white bg & black line)", "invert"), ("tile_colorfix+sharp", "tile_colorfix+sharp")],
)  # fmt: skip
def test_a1111s_other_names_are_understood(given: str, name: str) -> None:
    assert find(given).name == name


def test_an_unknown_name_is_refused_with_near_ones() -> None:
    with pytest.raises(NotFound, match="canny"):
        find("cany")


@pytest.mark.parametrize(
    ("resolution", "size", "words"), [(5000, (64, 64), "between 8 and 4096"), (4, (64, 64), "is 4"), (2048, (2000, 50), "81920 long")]
)
def test_a_resolution_that_cannot_be_is_refused(resolution: int, size: tuple[int, int], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        run_preprocessor("canny", Image.new("RGB", size), resolution=resolution)


@pytest.mark.parametrize("given", [-1, None, 5000])
def test_a_slider_left_open_has_its_default(given: float | None) -> None:
    image = noise(64, 64)
    run: Callable[[float | None], bytes] = lambda a: run_preprocessor("canny", image, resolution=64, a=a).tobytes()  # noqa: E731
    assert run(given) == run(100)
