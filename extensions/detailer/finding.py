"""From a picture to masks: which things were found, which of them count, and where each is painted anew."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from modules.contract.errors import BadRequest
from modules.perception.detectors import Detectors
from modules.perception.found import Found, box_of_mask

from .units import Detail

Mask = NDArray[np.uint8]  # (H, W), 0 or 255
Sorting = Literal["None", "Position (left to right)", "Position (center to edge)", "Area (large to small)"]


@dataclass(frozen=True, eq=False)
class Place:
    """Where something is painted anew: the mask, and what was found there; several things where masks were merged."""

    mask: Mask
    found: tuple[Found, ...]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Around the mask: left, top, right, bottom in pixels."""
        left, top, right, bottom = (int(side) for side in box_of_mask(self.mask))
        return left, top, right, bottom


def found_in(image: Image.Image, unit: Detail, detectors: Detectors, sorting: Sorting = "None") -> list[Found]:
    """The things in a picture that count, in the order in which they are painted. Raises NotFound, NotSupported for the detector."""
    least, largest = unit.least_share, unit.largest_share
    if least > largest:
        raise BadRequest(f"Detailer: the mask min area ratio is {least:g} and the max is {largest:g}; the first must not be larger.")
    pixels = np.asarray(image.convert("RGB"))
    kinds = {kind.strip().lower() for kind in unit.classes.split(",") if kind.strip()}
    whole = pixels.shape[0] * pixels.shape[1]
    found = [
        one
        for one in detectors.get(unit.detector).find(pixels, unit.confidence)
        if (not kinds or one.kind.lower() in kinds) and least <= one.area / whole <= largest
    ]
    if unit.most:
        found = sorted(found, key=lambda one: -one.area if unit.method == "Area" else -one.score)[: unit.most]
    return in_order(found, image.width, image.height, sorting)


def in_order(found: Sequence[Found], width: int, height: int, sorting: Sorting) -> list[Found]:
    """Found things in the order that the settings want; "None" is the detector's."""
    match sorting:
        case "Position (left to right)":
            return sorted(found, key=lambda one: one.box[0])
        case "Position (center to edge)":
            return sorted(found, key=lambda one: (one.middle[0] - width / 2) ** 2 + (one.middle[1] - height / 2) ** 2)
        case "Area (large to small)":
            return sorted(found, key=lambda one: -one.area)
        case _:
            return list(found)


def places(found: Sequence[Found], unit: Detail, width: int, height: int) -> list[Place]:
    """The masks of found things: moved, then grown or shrunk, then merged. Empty masks are left out."""
    each = [Place(grown(moved(one.area_mask(width, height), unit.x_offset, unit.y_offset), unit.dilate), (one,)) for one in found]
    each = [place for place in each if place.mask.any()]
    if unit.merge == "None" or not each:
        return each
    merged = np.bitwise_or.reduce([place.mask for place in each])
    if unit.merge == "Merge and Invert":
        merged = 255 - merged
    return [Place(merged, tuple(found))] if merged.any() else []


def moved(mask: Mask, right: int, up: int) -> Mask:
    """A mask moved by some pixels; what leaves the picture is gone."""
    if not right and not up:
        return mask
    way = np.array([[1, 0, right], [0, 1, -up]], np.float32)
    return np.asarray(cv2.warpAffine(mask, way, (mask.shape[1], mask.shape[0]), flags=cv2.INTER_NEAREST), np.uint8)


def grown(mask: Mask, pixels: int) -> Mask:
    """A mask grown by a square brush of that many pixels, so by half of them on each side; shrunk for a number below 0."""
    if not pixels:
        return mask
    brush = np.ones((abs(pixels), abs(pixels)), np.uint8)
    return np.asarray((cv2.dilate if pixels > 0 else cv2.erode)(mask, brush), np.uint8)


def reaching(places: Sequence[Place], painted: Image.Image | None) -> list[Place]:
    """Those of some places that lie at least in part where a person's own mask paints; all without one."""
    if painted is None or not places:
        return list(places)
    height, width = places[0].mask.shape
    drawn = np.asarray(painted.convert("L").resize((width, height), Image.Resampling.NEAREST)) > 127
    return [place for place in places if place.mask[drawn].any()]


def texts(written: str, picture: str, count: int) -> list[str | None]:
    """The prompt for each of `count` places: the written ones by [SEP], the last for all further ones; None is [SKIP]."""
    parts = [part.strip() for part in re.split(r"\s*\[SEP\]\s*", written)]
    given = [parts[min(number, len(parts) - 1)] for number in range(count)]
    return [None if text == "[SKIP]" else text.replace("[PROMPT]", picture) or picture for text in given]
