"""Pictures of what was found: masks tinted, boxes outlined."""

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

from .finding import Place

COLOURS = ((255, 96, 64), (64, 160, 255), (96, 200, 96), (230, 180, 40), (190, 110, 230), (60, 200, 200))
TINT = 0.45


def outlined(image: Image.Image, places: Sequence[Place]) -> Image.Image:
    """A picture with each place tinted in a colour of its own, its box and its number from 1."""
    pixels = np.ascontiguousarray(np.asarray(image.convert("RGB")), np.uint8).copy()
    width, size = max(round(max(image.size) / 250), 1), max(image.size) / 700
    for number, place in enumerate(places):
        colour = COLOURS[number % len(COLOURS)]
        inside = place.mask > 0
        pixels[inside] = (pixels[inside] * (1 - TINT) + np.array(colour) * TINT).astype(np.uint8)
        left, top, right, bottom = place.box
        cv2.rectangle(pixels, (left, top), (right - 1, bottom - 1), colour, width)
        at = left + width, top + round(24 * size) + width
        cv2.putText(pixels, str(number + 1), at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, width)
    return Image.fromarray(pixels)


def cut(image: Image.Image, place: Place, padding: float = 0.15, side: int = 160) -> Image.Image:
    """A place of a picture in small, with something around it: `padding` is a share of its sides, `side` the longest one in pixels."""
    left, top, right, bottom = place.box
    across, down = round((right - left) * padding), round((bottom - top) * padding)
    box = max(left - across, 0), max(top - down, 0), min(right + across, image.width), min(bottom + down, image.height)
    small = image.convert("RGB").crop(box)
    small.thumbnail((side, side))
    return small
