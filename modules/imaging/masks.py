"""Masks: where to paint, as pictures of mode L, white for what is painted anew."""

from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageFilter, ImageOps

from modules.contract.request import Size

OPAQUE = 128  # an alpha above it is white in a rounded mask
FILL_PASSES = ((256, 1), (64, 1), (16, 2), (4, 4), (2, 2), (0, 1))  # radius of the blur, times it is laid over


class Box(NamedTuple):
    """A rectangle of pixels; right and bottom are the first ones outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> Size:
        return Size(self.right - self.left, self.bottom - self.top)


def mask_from(picture: Image.Image, *, rounded: bool = True) -> Image.Image:
    """The mask that a picture stands for: its alpha, if that is not opaque throughout, else its brightness.

    `rounded` makes an alpha black or white; brightness is never rounded.
    """
    if picture.mode == "RGBA" and picture.getchannel("A").getextrema() != (255, 255):
        alpha = picture.getchannel("A")
        return alpha.point([255 if value > OPAQUE else 0 for value in range(256)]) if rounded else alpha
    return picture.convert("L")


def blurred(mask: Image.Image, across: float, down: float) -> Image.Image:
    """A mask with soft edges; `across` and `down` are the Gaussian's standard deviations in pixels, cut off at 2.5 of them."""
    values = np.array(mask)
    for sigma, horizontal in ((across, True), (down, False)):
        if sigma > 0:
            length = 2 * int(2.5 * sigma + 0.5) + 1
            values = cv2.GaussianBlur(values, (length, 1) if horizontal else (1, length), sigma)
    return Image.fromarray(values)


def crop_around(mask: Image.Image, padding: int) -> Box | None:
    """The smallest box around all that is not black, grown by `padding` on each side and kept inside; None for a blank mask."""
    found = mask.getbbox()
    if found is None:
        return None
    left, top, right, bottom = found
    return Box(max(left - padding, 0), max(top - padding, 0), min(right + padding, mask.width), min(bottom + padding, mask.height))


def expanded(box: Box, size: Size, bounds: Size) -> Box:
    """The box grown towards the proportions of `size`, moved to stay inside `bounds`, and cut off where even that is not enough."""
    wanted = size.width / size.height
    if box.size.width / box.size.height > wanted:
        more = int(box.size.width / wanted - box.size.height)
        top, bottom = grown(box.top, box.bottom, more, bounds.height)
        return Box(box.left, top, box.right, bottom)
    more = int(box.size.height * wanted - box.size.width)
    left, right = grown(box.left, box.right, more, bounds.width)
    return Box(left, box.top, right, box.bottom)


def grown(start: int, end: int, more: int, limit: int) -> tuple[int, int]:
    """A span with `more` pixels, half on each side, moved inside 0..limit."""
    start, end = start - more // 2, end + more - more // 2
    over = max(end - limit, 0)
    start, end = start - over, end - over
    return max(start, 0), min(end - min(start, 0), limit)


def without(image: Image.Image, mask: Image.Image) -> Image.Image:
    """A picture with the mask's white cut out of it, premultiplied (mode RGBa); soft edges stay half transparent."""
    left = Image.new("RGBa", image.size)
    left.paste(image.convert("RGBA").convert("RGBa"), mask=ImageOps.invert(mask.convert("L")))
    return left


def fill(image: Image.Image, mask: Image.Image) -> Image.Image:
    """A picture (RGB) whose masked part takes its surroundings' colours: blurred copies over one another, the sharpest last."""
    left = without(image, mask)
    filled = Image.new("RGBA", image.size)
    for radius, times in FILL_PASSES:
        layer = left.filter(ImageFilter.GaussianBlur(radius)).convert("RGBA")
        for _ in range(times):
            filled.alpha_composite(layer)
    return filled.convert("RGB")


def doubled(mask: Image.Image) -> Image.Image:
    """A mask of twice the brightness: where it is at least half white, nothing of the original is laid over the result."""
    return Image.fromarray(np.clip(np.asarray(mask).astype(np.float32) * 2, 0, 255).astype(np.uint8))
