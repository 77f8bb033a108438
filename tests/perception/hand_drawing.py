"""A drawn left hand, its palm to the viewer: there is no photograph of a hand in scikit-image's data."""

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 512
SKIN, BEHIND = (224, 172, 140), (205, 215, 225)
# From, to, and the half widths there.
FOREARM, PALM = (((256, 560), (256, 400), 42, 40), ((256, 360), (256, 330), 72, 70))
ROOTS = (((215, 300), (215, 290), 32, 30), ((300, 300), (300, 290), 32, 30))
FINGERS = (
    ((195, 370), (110, 280), 28, 19), ((200, 285), (178, 130), 23, 17), ((240, 275), (232, 95), 24, 18),
    ((282, 278), (290, 110), 23, 17), ((320, 295), (345, 165), 20, 15),
)  # fmt: skip
TIPS = np.array([to for _, to, _, _ in FINGERS], np.float32)  # (5, 2): thumb to little finger


def drawn_hand() -> NDArray[np.uint8]:
    """The picture (512, 512, 3)."""
    picture = np.full((SIDE, SIDE, 3), BEHIND, np.float32)
    for start, end, wide, narrow in (FOREARM, PALM, *ROOTS, *FINGERS):
        limb = np.zeros((SIDE, SIDE), np.uint8)
        for share in np.linspace(0, 1, 25):
            x, y = (start[axis] + (end[axis] - start[axis]) * share for axis in (0, 1))
            cv2.circle(limb, (round(x), round(y)), round(wide + (narrow - wide) * share), 255, -1, cv2.LINE_AA)
        inside = limb > 127
        depth = np.clip(cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5) / max(wide, narrow), 0, 1)
        light = 0.72 + 0.28 * np.sqrt(depth)
        picture[inside] = (np.array(SKIN) * light[..., None])[inside]
    soft = cv2.GaussianBlur(picture, (0, 0), 1.2) + np.random.default_rng(0).normal(0, 2, picture.shape)
    return np.clip(soft, 0, 255).astype(np.uint8)
