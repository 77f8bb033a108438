"""Cutting pictures to sizes: several out of a long one, around what catches the eye, to the size that suits best."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageOps

from modules.contract.extras import FocalCrop, SizedCrop
from modules.contract.request import Size
from modules.imaging.resize import resampled

STEP = 64  # between the sides that a sized crop tries
FOOT = 0.9  # what lies below this share of the height may be a signature
CORNERS, CORNER_QUALITY, CORNER_DISTANCE = 100, 0.04, 0.06  # at most, of the best, of the shorter side
SHIFT = 4  # pixels between the cuts whose entropy is compared


class Point(NamedTuple):
    """A place in a picture, in pixels."""

    x: float
    y: float


FindFaces = Callable[[Image.Image], Sequence[Point]]  # the middle of each face


def no_faces(image: Image.Image) -> Sequence[Point]:
    """Finds none."""
    return ()


def split_oversized(image: Image.Image, size: Size, threshold: float, overlap: float) -> list[Image.Image]:
    """A picture much longer than `size` as several of that size that overlap by a share; else just the picture.

    `threshold` 0..1: pictures whose proportions are nearer to the wanted ones than that are left alone.
    """
    upright = image.height > image.width
    shape, wanted = (Size(*image.size), size) if upright else (Size(*image.size[::-1]), Size(*size[::-1]))
    nearness = shape.width * wanted.height / (shape.height * wanted.width)
    if nearness >= 1 or nearness > threshold:
        return [image]
    length = shape.height * wanted.width // shape.width
    count = max(2, math.ceil((length - wanted.height * overlap) / (wanted.height * (1 - overlap))))
    starts = [int((length - wanted.height) / (count - 1) * index) for index in range(count)]
    if upright:
        resized = resampled(image, (wanted.width, length))
        return [resized.crop((0, start, wanted.width, start + wanted.height)) for start in starts]
    resized = resampled(image, (length, wanted.width))
    return [resized.crop((start, 0, start + wanted.height, wanted.width)) for start in starts]


def sized_crop(image: Image.Image, options: SizedCrop) -> Image.Image | None:
    """The picture at the size within the bounds that suits it best, its middle; None if none is near enough."""

    def error(size: Size) -> float:
        ratio = image.width / image.height / (size.width / size.height)
        return 1 - min(ratio, 1 / ratio)

    def rank(size: Size) -> tuple[float, float]:
        area, nearness = float(size.width * size.height), -error(size)
        return (area, nearness) if options.aim == "Maximize area" else (nearness, area)

    sides = range(options.shortest, options.longest + 1, STEP)
    fitting = [
        size
        for size in (Size(width, height) for width in sides for height in sides)
        if options.smallest_area <= size.width * size.height <= options.largest_area and error(size) <= options.threshold
    ]
    return centred(image, max(fitting, key=rank)) if fitting else None


def centred(image: Image.Image, size: Size) -> Image.Image:
    """The middle of a picture, as much as has the proportions of `size`, at that size."""
    width = min(image.width, size.width * image.height / size.height)
    height = min(image.height, size.height * image.width / size.width)
    left, top = (image.width - width) / 2, (image.height - height) / 2
    return resampled(image, size, Image.Resampling.LANCZOS, (left, top, left + width, top + height))


def flipped(image: Image.Image, kinds: Iterable[str]) -> list[Image.Image]:
    """Copies of a picture, mirrored: Horizontal, Vertical, Both."""
    ways = {
        "Horizontal": ImageOps.mirror,
        "Vertical": ImageOps.flip,
        "Both": lambda picture: ImageOps.flip(ImageOps.mirror(picture)),
    }
    return [ways[kind](image) for kind in kinds]


def focal_crop(image: Image.Image, size: Size, options: FocalCrop, faces: FindFaces = no_faces) -> tuple[Image.Image, Image.Image]:
    """A picture covering `size`, cut around what catches the eye; and the whole of it with the cut and the points drawn in."""
    scale = max(size.width / image.width, size.height / image.height)
    covering = Size(max(size.width, int(image.width * scale)), max(size.height, int(image.height * scale)))
    resized = resampled(image.convert("RGB"), covering)
    points = [
        (options.edges_weight, corners(resized)),
        (options.entropy_weight, liveliest(resized, size)),
        (options.face_weight, list(faces(resized)) if options.face_weight else []),
    ]
    focus = weighted_middle(points, Point(resized.width / 2, resized.height / 2))
    left = int(min(max(focus.x - size.width // 2, 0), resized.width - size.width))
    top = int(min(max(focus.y - size.height // 2, 0), resized.height - size.height))
    box = (left, top, left + size.width, top + size.height)
    return resized.crop(box), drawn(resized, box, [point for _, found in points for point in found], focus)


def weighted_middle(points: Sequence[tuple[float, Sequence[Point]]], otherwise: Point) -> Point:
    """The mean of the middles of several groups of points, by the groups' weights; empty groups do not count."""
    groups = [(weight, np.mean(found, axis=0)) for weight, found in points if weight > 0 and len(found)]
    if not groups:
        return otherwise
    x, y = np.average([middle for _, middle in groups], axis=0, weights=[weight for weight, _ in groups])
    return Point(float(x), float(y))


def corners(image: Image.Image) -> list[Point]:
    """Where brightness changes in two directions. Shi and Tomasi 1994. The foot of the picture is left out."""
    grey = image.convert("L")
    ImageDraw.Draw(grey).rectangle((0, int(image.height * FOOT), image.width, image.height), fill=255)
    found = cv2.goodFeaturesToTrack(np.asarray(grey), CORNERS, CORNER_QUALITY, min(image.size) * CORNER_DISTANCE)
    return [] if found is None else [Point(float(x), float(y)) for x, y in np.asarray(found).reshape(-1, 2)]


def liveliest(image: Image.Image, size: Size) -> list[Point]:
    """The middle of the cut of that size, along the longer side, that holds the most; nothing for a picture that already fits."""
    across, down = image.width - size.width, image.height - size.height
    if across <= 0 and down <= 0:
        return []
    starts = [(start, 0) if across > 0 else (0, start) for start in range(0, max(across, down), SHIFT)]
    left, top = max(starts, key=lambda start: entropy(image.crop((*start, start[0] + size.width, start[1] + size.height))))
    return [Point(left + size.width / 2, top + size.height / 2)]


def entropy(image: Image.Image) -> float:
    """How evenly a picture's brightness levels are used, in bits."""
    counts = np.bincount(np.asarray(image.convert("L")).ravel(), minlength=256)
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def drawn(image: Image.Image, box: tuple[int, int, int, int], points: Sequence[Point], focus: Point) -> Image.Image:
    """A picture with a cut and the points that led to it drawn in."""
    shown = image.copy()
    pen = ImageDraw.Draw(shown)
    for point in points:
        pen.ellipse((point.x - 4, point.y - 4, point.x + 4, point.y + 4), outline="red")
    pen.ellipse((focus.x - 9, focus.y - 9, focus.x + 9, focus.y + 9), outline="lime", width=2)
    pen.rectangle((box[0], box[1], box[2] - 1, box[3] - 1), outline="lime")
    return shown
