"""Pictures and hints to sizes: the working resolution, pixel perfect, and a hint fitted to the picture that is made."""

from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .declaration import Pixels

ResizeMode = Literal["Just Resize", "Crop and Resize", "Resize and Fill"]
Size = tuple[int, int]  # width, height
Resized = Callable[[NDArray[np.uint8], Size], NDArray[np.uint8]]
FEW_COLOURS = 200  # a map with more is a photograph; one with fewer has colours that mean something and must not be mixed
LINE_LEVEL = 127


def pixel_perfect(picture: Size, target: Size, mode: ResizeMode) -> int:
    """The resolution at which a picture's short side has just the pixels that it will have in the target, as A1111 counts it."""
    across, down = target[0] / picture[0], target[1] / picture[1]
    scale = min(across, down) if mode == "Resize and Fill" else max(across, down)
    return max(round(scale * min(picture)), 1)


def at_resolution(image: Pixels, resolution: int) -> Pixels:
    """A picture whose short side has `resolution` pixels: cubic to enlarge, means of areas to shrink."""
    height, width = image.shape[:2]
    scale = resolution / min(height, width)
    return stretched(image, (max(round(width * scale), 1), max(round(height * scale), 1)))


def stretched(image: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """An (h, w) or (h, w, 3) array at another size: cubic to enlarge, means of areas to shrink."""
    height, width = image.shape[:2]
    if (width, height) == size:
        return image
    kind = cv2.INTER_AREA if size[0] * size[1] < width * height else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=kind), np.uint8)


def fit(image: Image.Image, target: Size, mode: ResizeMode) -> Image.Image:
    """A hint at the size of the picture that is made, RGB, or RGBA if it has alpha (where is to be painted).

    "Crop and Resize" covers it and cuts off; "Resize and Fill" fits inside and fills the rest with the median colour of the hint's
    border, which is black for lines; alpha is 255 there, so that what is added to a picture gets painted. Lines of one pixel stay so.
    """
    if "A" in image.getbands():
        colours, alpha = fit(image.convert("RGB"), target, mode), np.asarray(image.getchannel("A"))
        colours.putalpha(Image.fromarray(placed(alpha, target, mode, np.uint8(255), resized_mask)))
        return colours
    pixels = np.asarray(image.convert("RGB"))
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return Image.fromarray(placed(pixels, target, mode, np.median(border, axis=0).astype(np.uint8), resized_hint))


def placed(
    pixels: NDArray[np.uint8], target: Size, mode: ResizeMode, fill: "NDArray[np.uint8] | np.uint8", resized: Resized
) -> NDArray[np.uint8]:
    """An array resized by `resized(array, size)` and put into the middle of the target."""
    if mode == "Just Resize":
        return resized(pixels, target)
    height, width = pixels.shape[:2]
    across, down = target[0] / width, target[1] / height
    scale = min(across, down) if mode == "Resize and Fill" else max(across, down)
    inner = resized(pixels, (max(round(width * scale), 1), max(round(height * scale), 1)))
    left, top = (target[0] - inner.shape[1]) // 2, (target[1] - inner.shape[0]) // 2
    result = np.empty((target[1], target[0], *pixels.shape[2:]), np.uint8)
    result[:] = fill
    inside = inner[max(-top, 0) : max(-top, 0) + target[1], max(-left, 0) : max(-left, 0) + target[0]]
    result[max(top, 0) : max(top, 0) + inside.shape[0], max(left, 0) : max(left, 0) + inside.shape[1]] = inside
    return result


def resized_mask(mask: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """A mask of 0 and 255 at another size, still black and white."""
    return np.where(stretched(mask, size) > LINE_LEVEL, 255, 0).astype(np.uint8)


def resized_hint(pixels: Pixels, size: Size) -> Pixels:
    """A hint at another size: lines stay sharp and thin, colours that mean something stay unmixed, all else is interpolated."""
    if (pixels.shape[1], pixels.shape[0]) == size:
        return pixels
    if is_black_and_white(pixels):
        lines = np.where(stretched(pixels, size)[:, :, 0] > (LINE_LEVEL if size[0] > pixels.shape[1] else 0), 255, 0).astype(np.uint8)
        if size[0] > pixels.shape[1] and is_thin(pixels[:, :, 0]):
            lines = thinned(lines)
        return np.repeat(lines[:, :, None], 3, axis=2)
    if has_few_colours(pixels):
        return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    return stretched(pixels, size)


def is_black_and_white(pixels: Pixels) -> bool:
    """Whether there is nothing but black and white in it."""
    first = pixels[:, :, :1]
    return bool(((first == 0) | (first == 255)).all() and (pixels == first).all())


def has_few_colours(pixels: Pixels) -> bool:
    """Whether it is a map of some colours with hard borders, such as a segmentation."""
    codes = pixels.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    return 2 < len(np.unique(codes)) < FEW_COLOURS


def is_thin(lines: NDArray[np.uint8]) -> bool:
    """Whether no white part is 3 pixels wide: an erosion by 3x3 leaves nothing."""
    return not cv2.erode(lines, np.ones((3, 3), np.uint8)).any()


def thinned(lines: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """White parts (255) as lines one pixel wide. Zhang and Suen 1984, "A fast parallel algorithm for thinning digital patterns"."""
    alive = np.pad(lines > 0, 1)
    while True:
        before = int(alive.sum())
        for second in (False, True):
            alive[1:-1, 1:-1] &= ~to_remove(alive, second=second)
        if int(alive.sum()) == before:
            return np.where(alive[1:-1, 1:-1], 255, 0).astype(np.uint8)


def to_remove(alive: NDArray[np.bool_], *, second: bool) -> NDArray[np.bool_]:
    """What one half-step of the thinning takes away; `alive` has a margin of one pixel, the answer none."""
    height, width = alive.shape[0] - 2, alive.shape[1] - 2
    around = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))  # clockwise from the one above, as (across, -down)
    ring = [alive[1 - dy : 1 - dy + height, 1 + dx : 1 + dx + width] for dx, dy in around]
    neighbours = np.sum(ring, axis=0, dtype=np.uint8)
    rises = np.sum([~one & other for one, other in zip(ring, [*ring[1:], ring[0]], strict=True)], axis=0, dtype=np.uint8)
    up, right, down, left = ring[0], ring[2], ring[4], ring[6]
    sides = ~(up & right & left) & ~(up & down & left) if second else ~(up & right & down) & ~(right & down & left)
    return alive[1:-1, 1:-1] & (neighbours >= 2) & (neighbours <= 6) & (rises == 1) & sides
