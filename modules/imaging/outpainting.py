"""How far a picture grows on which side."""

from collections.abc import Collection
from typing import Literal, NamedTuple

from PIL import Image, ImageDraw

from modules.contract.errors import BadRequest
from modules.contract.request import Size

Side = Literal["left", "right", "up", "down"]
MULTIPLE = 64  # pixels


class Margins(NamedTuple):
    """New pixels on each side."""

    left: int
    right: int
    up: int
    down: int


def rounded_up(size: Size) -> Size:
    """A size whose sides are multiples of 64, not smaller."""
    return Size(-(-size.width // MULTIPLE) * MULTIPLE, -(-size.height // MULTIPLE) * MULTIPLE)


def margins(size: Size, pixels: int, sides: Collection[Side]) -> tuple[Margins, Size]:
    """At least `pixels` more on the sides named, and the size (multiples of 64) that comes of it.

    What the rounding adds goes to the sides named, half to each of two; across or down, where none is named, it stays over.
    Raises BadRequest for no side at all.
    """
    if not sides:
        raise BadRequest("There is no side for the picture to grow on; choose left, right, up or down.")
    left, right, up, down = (pixels if side in sides else 0 for side in ("left", "right", "up", "down"))
    target = rounded_up(Size(size.width + left + right, size.height + up + down))
    return Margins(*shared(left, right, target.width - size.width), *shared(up, down, target.height - size.height)), target


def shared(before: int, after: int, room: int) -> tuple[int, int]:
    """Two margins grown to take up `room` together; one that is 0 stays so."""
    first = before * room // (before + after) if before else 0
    return first, room - first if after else 0


def all_but(size: Size, box: tuple[int, int, int, int]) -> Image.Image:
    """A mask (L) that is white but for a box: left, top, and the right and bottom pixels that are still inside."""
    mask = Image.new("L", size, 255)
    left, top, right, bottom = box
    if left <= right and top <= bottom:
        ImageDraw.Draw(mask).rectangle(box, fill=0)
    return mask
