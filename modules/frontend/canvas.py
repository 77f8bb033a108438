"""What the canvas in the browser hands over, and the picture and mask that a request makes of it."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from PIL import Image, ImageFilter
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from modules.contract.errors import BadRequest
from modules.contract.request import LARGEST_SIDE, Size
from modules.imaging.opening import open_image

Mode = Literal["img2img", "sketch", "inpaint", "inpaint sketch", "inpaint upload"]
Read = Callable[[str], bytes]
Identifier = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Margin = Annotated[int, Field(ge=0, le=LARGEST_SIDE)]

MASKED = ("inpaint", "inpaint sketch", "inpaint upload")
OVERLAP = 8  # pixels of the old picture along an outpainted edge that are painted anew too, so that no seam is left


class CanvasValue(BaseModel):
    """What `webui.canvas(name).value()` gives: ids of uploads, and new pixels on the left, top, right and bottom.

    `picture` is the file as it was chosen. `paint` (RGBA) and `mask` (white: painted anew) cover it and its margins; None is none.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    picture: Identifier | None = None
    paint: Identifier | None = None
    mask: Identifier | None = None
    margin: tuple[Margin, Margin, Margin, Margin] = (0, 0, 0, 0)
    failed: bool = Field(default=False, description="Something could not be sent; the page has said why")


@dataclass(frozen=True)
class Drawn:
    """A source picture and its mask as files, of one size. `blank`: a mask was wanted and is black throughout."""

    picture: bytes
    mask: bytes | None
    size: Size
    blank: bool = False


def canvas_value(value: str | dict[str, Any] | None) -> CanvasValue:
    """The value from JSON, as text or already read; empty where there is none. Raises BadRequest."""
    try:
        return CanvasValue.model_validate(json.loads(value or "null") or {} if isinstance(value, str) else value or {})
    except (ValidationError, ValueError):
        raise BadRequest("The canvas sent something that is no picture.", "Reload the page.") from None


def source_of(
    value: CanvasValue, mode: Mode, read: Read, *, mask_transparency: float = 0.0, mask_blur: float = 0.0
) -> Drawn:
    """The picture and mask that a request of this mode starts from; `read` gives the bytes of an upload by its id.

    `mask_transparency` (0..100) makes what is painted in "inpaint sketch" fainter in the mask, and `mask_blur` (pixels, as in
    the form) softens its edge, both as A1111. With margins there is a mask in every mode, and the edge's colours fill them.
    Raises BadRequest without a picture, and without a mask in "inpaint upload"; NotFound for an upload that is gone.
    """
    if value.failed:
        raise BadRequest("What is on the canvas could not be sent to the program.", "Try again.")
    if value.picture is None:
        raise BadRequest("There is no picture to work on.", "Drop one on the canvas, paste it, or choose a file.")
    if mode == "inpaint upload" and value.mask is None and not any(value.margin):
        raise BadRequest("There is no mask to go with the picture.", "Choose the mask's file, or paint one in inpaint.")
    data = read(value.picture)
    original = open_image(data)
    picture = enlarged(original, value.margin)
    size = within_limits(Size(*picture.size))
    paint = layer(read, value.paint, "RGBA", size) if "sketch" in mode else None
    if mode == "inpaint sketch":
        mask = faded(painted(paint, size), mask_transparency)
        picture = softly_painted(picture, paint, mask, mask_blur)
    else:
        picture = painted_over(picture, paint)
        mask = (layer(read, value.mask, "L", size) or Image.new("L", size)) if mode in MASKED else None
    if any(value.margin):
        mask = with_margins(mask or Image.new("L", size), value.margin)
    blank = mask is not None and mask.getextrema() == (0, 0)
    return Drawn(data if picture is original else png(picture), png(mask) if mask else None, size, blank)


def within_limits(size: Size) -> Size:
    """The size, unless a side is too long for a request: then BadRequest."""
    if max(size) > LARGEST_SIDE:
        raise BadRequest(f"The picture has {size} pixels with its margins; at most {LARGEST_SIDE} a side can be used.")
    return size


def layer(read: Read, identifier: str | None, mode: Literal["RGBA", "L"], size: Size) -> Image.Image | None:
    """A drawn layer; None where nothing was drawn. Raises BadRequest for one of another size than the picture."""
    if identifier is None:
        return None
    drawn = open_image(read(identifier), name="The drawing")
    if drawn.size != size:
        raise BadRequest(f"The drawing has {Size(*drawn.size)} pixels, the picture {size}.", "Load the picture into the canvas again.")
    return drawn.convert(mode)


def enlarged(picture: Image.Image, margin: tuple[int, int, int, int]) -> Image.Image:
    """A picture with margins (left, top, right, bottom) in the colours of its edges; the same one where all are 0."""
    if not any(margin):
        return picture
    left, top, right, bottom = margin
    stretched = np.pad(np.asarray(colours(picture)), ((top, bottom), (left, right), (0, 0)), mode="edge")
    return Image.fromarray(stretched)


def colours(picture: Image.Image) -> Image.Image:
    """A picture as RGBA if it may be transparent, else as RGB."""
    transparent = picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info
    return picture.convert("RGBA" if transparent else "RGB")


def painted_over(picture: Image.Image, paint: Image.Image | None) -> Image.Image:
    """A picture under a layer of paint (RGBA); the same one where there is none."""
    if paint is None:
        return picture
    below = colours(picture)
    whole = below.convert("RGBA")
    whole.alpha_composite(paint)
    return whole.convert(below.mode)


def painted(paint: Image.Image | None, size: Size) -> Image.Image:
    """The mask of what a layer of paint covers, however thinly."""
    return paint.getchannel("A").point([0] + [255] * 255) if paint else Image.new("L", size)


def faded(mask: Image.Image, transparency: float) -> Image.Image:
    """A mask of less brightness; `transparency` is 0..100."""
    left = 1 - min(max(transparency, 0.0), 100.0) / 100
    return mask.point([int(value * left) for value in range(256)])


def softly_painted(picture: Image.Image, paint: Image.Image | None, mask: Image.Image, blur: float) -> Image.Image:
    """A picture under paint, laid on through its blurred mask: a faint mask lets as much of the paint through as it is white."""
    if paint is None:
        return picture
    soft = ImageFilter.GaussianBlur(blur)
    below = colours(picture)
    return Image.composite(painted_over(below, paint).filter(soft), below, mask.filter(soft))


def with_margins(mask: Image.Image, margin: tuple[int, int, int, int]) -> Image.Image:
    """A mask (L) that is also white over the margins, and a little way into the picture beside each."""
    values = np.asarray(mask).copy()
    height, width = values.shape
    left, top, right, bottom = (side + OVERLAP if side else 0 for side in margin)
    values[:top], values[height - bottom :], values[:, :left], values[:, width - right :] = 255, 255, 255, 255
    return Image.fromarray(values)


def png(picture: Image.Image) -> bytes:
    """A picture as a PNG file, packed for speed."""
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue()
