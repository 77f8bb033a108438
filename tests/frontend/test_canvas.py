"""What a request makes of the canvas: pictures and masks pixel by pixel, in each of A1111's modes."""

import io
import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from modules.contract.errors import BadRequest
from modules.frontend.canvas import OVERLAP, CanvasValue, Drawn, Mode, canvas_value, source_of

WIDTH, HEIGHT = 96, 64
MODES: tuple[Mode, ...] = ("img2img", "sketch", "inpaint", "inpaint sketch", "inpaint upload")


class Desk:
    """Takes the place of the uploads: gives ids for pictures and the pictures for ids."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def keep(self, image: Image.Image, kind: str = "PNG", **more: Any) -> str:
        file = io.BytesIO()
        image.save(file, kind, **more)
        identifier = f"{len(self.files):064x}"
        self.files[identifier] = file.getvalue()
        return identifier

    def source(self, mode: Mode, *, picture: str | None = None, transparency: float = 0.0, blur: float = 0.0, **more: Any) -> Drawn:
        value = CanvasValue(picture=picture or self.keep(scene()), **more)
        return source_of(value, mode, self.files.__getitem__, mask_transparency=transparency, mask_blur=blur)


def scene(mode: str = "RGB") -> Image.Image:
    channels = {"L": 1, "RGB": 3, "RGBA": 4}[mode]
    values = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, channels), dtype=np.uint8)
    return Image.fromarray(values[:, :, 0] if channels == 1 else values)


def paint(alpha: int = 255, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Image.Image:
    """A green rectangle from (20, 10) up to (50, 40) on nothing."""
    layer = Image.new("RGBA", size)
    layer.paste((0, 200, 0, alpha), (20, 10, 50, 40))
    return layer


def rectangle() -> Image.Image:
    mask = Image.new("L", (WIDTH, HEIGHT))
    mask.paste(255, (20, 10, 50, 40))
    return mask


def pixels(data: bytes | None) -> NDArray[np.uint8]:
    assert data is not None
    return np.asarray(Image.open(io.BytesIO(data)))


def test_img2img_gets_the_file_itself() -> None:
    desk = Desk()
    id = desk.keep(scene("RGBA"))
    drawn = desk.source("img2img", picture=id, paint=desk.keep(paint()), mask=desk.keep(rectangle()))
    assert drawn == Drawn(desk.files[id], None, drawn.size)
    assert drawn.size == (WIDTH, HEIGHT)


def test_a_turned_photograph_is_as_large_as_it_is_seen() -> None:
    desk, exif = Desk(), Image.Exif()
    exif[0x0112] = 6
    assert desk.source("img2img", picture=desk.keep(scene(), "JPEG", exif=exif)).size == (HEIGHT, WIDTH)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_sketch_is_painted_over_the_picture_and_what_is_transparent_stays_so(mode: str) -> None:
    desk = Desk()
    found = pixels(desk.source("sketch", picture=desk.keep(scene(mode)), paint=desk.keep(paint())).picture)
    before = np.asarray(scene(mode).convert("RGBA" if mode == "RGBA" else "RGB"))
    inside = np.asarray(rectangle()) > 0
    assert np.array_equal(found[~inside], before[~inside])
    assert np.all(found[inside][:, :3] == (0, 200, 0))


def test_thin_paint_lets_the_picture_through() -> None:
    desk = Desk()
    red = desk.keep(Image.new("RGB", (WIDTH, HEIGHT), (100, 0, 0)))
    found = pixels(desk.source("sketch", picture=red, paint=desk.keep(paint(128))).picture)
    assert np.all(np.abs(found[20, 30].astype(int) - (50, 100, 0)) <= 1)


def test_inpaint_gets_picture_and_mask_as_they_are() -> None:
    desk = Desk()
    drawn = desk.source("inpaint", mask=desk.keep(rectangle()))
    assert np.array_equal(pixels(drawn.mask), np.asarray(rectangle()))
    assert not drawn.blank


@pytest.mark.parametrize("mode", ["inpaint", "inpaint sketch"])
def test_nothing_painted_is_a_black_mask_that_is_called_blank(mode: Mode) -> None:
    drawn = Desk().source(mode)
    assert drawn.blank
    assert pixels(drawn.mask).max() == 0


def test_an_inpaint_sketch_masks_what_is_painted_however_thinly() -> None:
    desk = Desk()
    drawn = desk.source("inpaint sketch", paint=desk.keep(paint(1)))
    assert np.array_equal(pixels(drawn.mask), np.asarray(rectangle()))


def test_mask_transparency_fades_the_mask_and_the_paint_as_in_a1111() -> None:
    desk = Desk()
    black = desk.keep(Image.new("RGB", (WIDTH, HEIGHT)))
    drawn = desk.source("inpaint sketch", picture=black, paint=desk.keep(paint()), transparency=50)
    assert pixels(drawn.mask)[20, 30] == 127
    assert tuple(pixels(drawn.picture)[20, 30]) == (0, 100, 0)
    assert pixels(drawn.mask)[50, 80] == 0


def test_mask_blur_softens_the_paints_edge_as_in_a1111() -> None:
    desk = Desk()
    drawn = desk.source("inpaint sketch", paint=desk.keep(paint()), blur=4)
    soft = ImageFilter.GaussianBlur(4)
    painted = scene()
    painted.paste((0, 200, 0), (20, 10, 50, 40))
    wanted = Image.composite(painted.filter(soft), scene(), rectangle().filter(soft))
    assert np.array_equal(pixels(drawn.picture), np.asarray(wanted))
    assert np.array_equal(pixels(drawn.mask), np.asarray(rectangle()))


@pytest.mark.parametrize("mode", MODES)
def test_margins_are_filled_from_the_edges_and_masked_with_a_little_overlap_in_every_mode(mode: Mode) -> None:
    left, top, right, bottom = 16, 0, 8, 24
    drawn = Desk().source(mode, margin=(left, top, right, bottom))
    assert drawn.size == (WIDTH + 24, HEIGHT + 24)
    found, before = pixels(drawn.picture), np.asarray(scene())
    assert np.array_equal(found[:HEIGHT, left : left + WIDTH], before)
    assert np.all(found[30, :left] == before[30, 0])
    assert np.all(found[HEIGHT:, 50] == before[-1, 50 - left])
    wanted = np.full(drawn.size[::-1], 255, np.uint8)
    wanted[: HEIGHT - OVERLAP, left + OVERLAP : left + WIDTH - OVERLAP] = 0
    assert np.array_equal(pixels(drawn.mask), wanted)
    assert not drawn.blank


def test_what_is_masked_and_painted_in_margins_counts_too() -> None:
    desk = Desk()
    layer = paint(size=(WIDTH + 16, HEIGHT))
    drawn = desk.source("inpaint sketch", paint=desk.keep(layer), margin=(16, 0, 0, 0))
    assert pixels(drawn.mask)[20, 45] == 255
    assert tuple(pixels(drawn.picture)[20, 45]) == (0, 200, 0)


def test_without_a_picture_there_is_a_sentence() -> None:
    with pytest.raises(BadRequest, match="There is no picture to work on"):
        source_of(CanvasValue(), "img2img", {}.__getitem__)


def test_inpaint_upload_needs_its_mask() -> None:
    with pytest.raises(BadRequest, match="There is no mask to go with the picture"):
        Desk().source("inpaint upload")


def test_a_drawing_that_could_not_be_sent_is_no_picture_less() -> None:
    with pytest.raises(BadRequest, match="could not be sent"):
        Desk().source("inpaint", failed=True)


def test_a_layer_of_another_size_and_a_picture_too_large_are_refused() -> None:
    desk = Desk()
    with pytest.raises(BadRequest, match="The drawing has 5x5 pixels, the picture 96x64"):
        desk.source("inpaint", mask=desk.keep(Image.new("L", (5, 5))))
    with pytest.raises(BadRequest, match="4160x64 pixels with its margins; at most 4096"):
        desk.source("inpaint", picture=desk.keep(Image.new("RGB", (4000, 64))), margin=(160, 0, 0, 0))


@pytest.mark.parametrize("value", [None, "", "null", "{}", {}])
def test_an_empty_canvas_is_no_picture(value: Any) -> None:
    assert canvas_value(value) == CanvasValue()


def test_the_browsers_value_is_read() -> None:
    id = "ab" * 32
    text = json.dumps({"picture": id, "paint": None, "mask": id, "width": 9, "height": 9, "margin": [8, 0, 0, 16], "failed": False})
    assert canvas_value(text) == CanvasValue(picture=id, mask=id, margin=(8, 0, 0, 16))


@pytest.mark.parametrize("value", ["{", "[1]", {"picture": "../../etc/passwd"}, {"margin": [-8, 0, 0, 0]}, {"margin": [8, 8]}])
def test_what_no_canvas_sends_is_refused(value: Any) -> None:
    with pytest.raises(BadRequest):
        canvas_value(value)
