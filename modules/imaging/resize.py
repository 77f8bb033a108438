"""Pictures to other sizes: the four ways of fitting a source picture, and the sizes of a Hires. fix."""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

from PIL import Image

from modules.contract.request import Size

BICUBIC = Image.Resampling.BICUBIC
LANCZOS = Image.Resampling.LANCZOS
ResizeMode = Literal["just resize", "crop and resize", "resize and fill", "latent upscale"]
MODES: tuple[ResizeMode, ...] = ("just resize", "crop and resize", "resize and fill", "latent upscale")  # their place is A1111's number
Upscale = Callable[[Image.Image, float], Image.Image]  # a picture and by how much to enlarge it
LATENT_PIXELS = 8  # picture pixels a side of one latent
OLD_FIRST_PASS_PIXELS = 512 * 512
UNSET = Size(0, 0)


class Target(NamedTuple):
    """What the second pass of Hires. fix works on: `size` in pixels, of whose latents `truncate` (across, down) are cut away."""

    size: Size
    truncate: tuple[int, int]


def resize_image(mode: ResizeMode | int, image: Image.Image, size: Size, *, upscale: Upscale | None = None) -> Image.Image:
    """A picture at another size.

    "just resize" stretches; "crop and resize" covers the size and cuts off what stands over; "resize and fill" fits inside and
    stretches the outermost pixels over the rest. Those two give RGB whatever they get. "latent upscale" leaves the picture alone:
    its latents are enlarged instead. `upscale` enlarges, except masks (mode L); without it, and to shrink, Lanczos.
    """
    name = MODES[mode] if isinstance(mode, int) else mode
    if name == "latent upscale":
        return image
    if name == "just resize":
        return stretched(image, size, upscale)
    return fitted(image, size, upscale, cover=name == "crop and resize")


def stretched(image: Image.Image, size: Size, upscale: Upscale | None = None) -> Image.Image:
    """A picture of exactly this size, its proportions given up."""
    if upscale is None or image.mode == "L":
        return resampled(image, size, LANCZOS)
    scale = max(size.width / image.width, size.height / image.height)
    if scale > 1:
        image = upscale(image, scale)
    return image if image.size == tuple(size) else resampled(image, size, LANCZOS)


def resampled(
    image: Image.Image, size: tuple[int, int], kind: Image.Resampling = BICUBIC, box: tuple[float, float, float, float] | None = None
) -> Image.Image:
    """A picture, or what is inside `box` (left, top, right, bottom), stretched to a size: across first, then down.

    Pillow from 13 on starts with the direction that is cheaper. What lies between the two is rounded to whole levels, so that the
    order is seen in the result, by up to 11 of 255; A1111's pictures were all made across first.
    """
    if image.mode in ("RGBA", "LA"):
        return resampled(image.convert({"RGBA": "RGBa", "LA": "La"}[image.mode]), size, kind, box).convert(image.mode)
    left, top, right, bottom = box or (0, 0, *image.size)
    across = image.resize((size[0], image.height), kind, (left, 0, right, image.height))
    return across.resize(size, kind, (0, top, size[0], bottom))


def fitted(image: Image.Image, size: Size, upscale: Upscale | None, *, cover: bool) -> Image.Image:
    """A picture around the size (`cover`) or inside it, in its middle, as RGB. What it leaves free takes its edge's pixels, stretched."""
    wanted, given = size.width / size.height, image.width / image.height
    if wanted > given if cover else wanted < given:
        inner = Size(size.width, image.height * size.width // image.width)
    else:
        inner = Size(image.width * size.height // image.height, size.height)
    resized = stretched(image, inner, upscale)
    left, top = size.width // 2 - inner.width // 2, size.height // 2 - inner.height // 2
    result = Image.new("RGB", size)
    result.paste(resized, (left, top))
    if not cover and top > 0:
        result.paste(resized.resize((size.width, top), box=(0, 0, resized.width, 0)), (0, 0))
        result.paste(resized.resize((size.width, top), box=(0, resized.height, resized.width, resized.height)), (0, top + inner.height))
    if not cover and left > 0:
        result.paste(resized.resize((left, size.height), box=(0, 0, 0, resized.height)), (0, 0))
        result.paste(resized.resize((left, size.height), box=(resized.width, 0, resized.width, resized.height)), (left + inner.width, 0))
    return result


def hires_target(size: Size, scale: float, resize: Size = UNSET) -> Target:
    """Where the second pass of Hires. fix leads, from the first one's size.

    `scale` counts if both sides of `resize` are 0; one side that is 0 follows from the other; with both given the first pass is
    enlarged to cover them, and what stands over is cut from the latents.
    """
    if resize == UNSET:
        return Target(Size(int(size.width * scale), int(size.height * scale)), (0, 0))
    across = Size(resize.width, resize.width * size.height // size.width)
    down = Size(resize.height * size.width // size.height, resize.height)
    if 0 in resize:
        return Target(across if resize.width else down, (0, 0))
    larger = across if size.width / size.height < resize.width / resize.height else down
    return Target(larger, ((larger.width - resize.width) // LATENT_PIXELS, (larger.height - resize.height) // LATENT_PIXELS))


def old_first_pass(size: Size) -> Size:
    """The first pass's size where the given one is the final one: about 512x512 pixels, in steps of 64 (A1111 before 2023)."""
    scale = math.sqrt(OLD_FIRST_PASS_PIXELS / (size.width * size.height))
    return Size(math.ceil(scale * size.width / 64) * 64, math.ceil(scale * size.height / 64) * 64)
