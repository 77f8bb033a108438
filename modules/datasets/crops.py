"""Where pictures are cut: around their middle, around what catches the eye, or into several; at their own resolution."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from PIL import Image

from modules.contract.errors import NotSupported
from modules.contract.request import Size
from modules.datasets.pictures import opaque
from modules.imaging.cropping import FindFaces, Point, corners, liveliest, no_faces, weighted_middle
from modules.imaging.masks import Box
from modules.perception.faces import faces

How = Literal["middle", "focal", "face"]

SEEN = 512  # pixels: the longer side of the copy in which the focus is looked for
FACE, EDGES, ENTROPY = 0.9, 0.5, 0.15  # how much each counts, as in A1111's focal crop
OVERLAP = 0.2
MOST_PARTS = 16


def crop_box(image: Image.Image, proportions: Size, how: How = "focal", find: FindFaces = no_faces) -> Box:
    """The largest part of a picture that has the given proportions, around its middle, its focus, or its faces.

    "face" is as "focal" where there is a face, and the middle where there is none.
    """
    scale = min(image.width / proportions.width, image.height / proportions.height)
    width = min(image.width, max(1, round(proportions.width * scale)))
    height = min(image.height, max(1, round(proportions.height * scale)))
    x, y = (image.width / 2, image.height / 2) if how == "middle" else focus(image, Size(width, height), how, find)
    left = round(min(max(x - width / 2, 0), image.width - width))
    top = round(min(max(y - height / 2, 0), image.height - height))
    return Box(left, top, left + width, top + height)


def focus(image: Image.Image, size: Size, how: How, find: FindFaces) -> Point:
    """What catches the eye, in the picture's own pixels. `size` is that of the part that will be cut."""
    share = min(1.0, SEEN / max(image.size))
    small = opaque(image).resize((max(1, round(image.width * share)), max(1, round(image.height * share))), Image.Resampling.BICUBIC)
    part = Size(max(1, round(size.width * share)), max(1, round(size.height * share)))
    found = list(find(small))
    groups = [(FACE, found)]
    if how == "focal":
        groups += [(EDGES, corners(small)), (ENTROPY, liveliest(small, part))]
    x, y = weighted_middle(groups, Point(small.width / 2, small.height / 2))
    return Point(x / share, y / share)


def faces_in(image: Image.Image) -> Sequence[Point]:
    """The middle of each face; none where the networks that find them cannot run."""
    try:
        return [Point(*one.middle) for one in faces(np.asarray(image.convert("RGB")))]
    except NotSupported:
        return ()


def parts(size: Size, proportions: Size, overlap: float = OVERLAP) -> list[Box]:
    """Boxes of the given proportions that together cover a long picture, each overlapping the next by a share at least.

    One box, of all of it, where it is hardly longer than the proportions.
    """
    across = size.width / size.height >= proportions.width / proportions.height
    length, side = (size.width, size.height) if across else (size.height, size.width)
    ratio = proportions.width / proportions.height if across else proportions.height / proportions.width
    one = min(length, round(side * ratio))
    if length <= one * 1.1:
        return [Box(0, 0, *size)]
    count = min(MOST_PARTS, max(2, math.ceil((length - one) / (one * (1 - overlap))) + 1))
    starts = [round(number * (length - one) / (count - 1)) for number in range(count)]
    return [Box(start, 0, start + one, side) if across else Box(0, start, side, start + one) for start in starts]
