"""Parts of a picture as networks want to see them, and the way back from their coordinates."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.perception.found import Pixels, Points


@dataclass(frozen=True)
class Square:
    """A square part of a picture, turned by `angle` (radians, clockwise as seen): its middle and side in pixels."""

    x: float
    y: float
    side: float
    angle: float = 0.0

    def matrix(self, size: int) -> NDArray[np.float64]:
        """The affine map (2, 3) from the square's own pixels, `size` a side, to the picture's. Pixel centres are at halves."""
        scale = self.side / size
        cos, sin = math.cos(self.angle) * scale, math.sin(self.angle) * scale
        half = size / 2
        return np.array([[cos, -sin, self.x - cos * half + sin * half], [sin, cos, self.y - sin * half - cos * half]])

    def cut(self, image: Pixels, size: int) -> Pixels:
        """What it shows, (size, size, 3); black outside the picture."""
        matrix = self.matrix(size)
        # warpAffine counts pixel centres from whole numbers: half a pixel goes in on one side and out on the other
        matrix[:, 2] += matrix[:, :2] @ np.array([0.5, 0.5]) - 0.5
        reach = self.side * (abs(math.cos(self.angle)) + abs(math.sin(self.angle))) / 2 + 2
        left, top = max(math.floor(self.x - reach), 0), max(math.floor(self.y - reach), 0)
        image = image[top : max(math.ceil(self.y + reach), top + 1), left : max(math.ceil(self.x + reach), left + 1)]
        if not image.size:
            return np.zeros((size, size, 3), np.uint8)
        matrix[:, 2] -= (left, top)
        factor = self.side / size
        if factor >= 2:  # warpAffine looks at four pixels only: what is shrunk a lot is smoothed beforehand
            image = np.asarray(cv2.blur(image, (int(factor), int(factor))), np.uint8)
        warped = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        return np.asarray(warped, np.uint8)

    def to_picture(self, points: Points, size: int) -> Points:
        """Points (n, 2 or 3) of the square's pixels in the picture's; a third value is a depth, and is scaled alike."""
        matrix = self.matrix(size)
        flat = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        depth = points[:, 2:] * (self.side / size)
        return np.concatenate([flat, depth], axis=1).astype(np.float32)


def letterbox(width: int, height: int) -> Square:
    """The smallest square around a whole picture, with equal margins."""
    return Square(width / 2, height / 2, max(width, height))


def blob(pixels: Pixels, *, signed: bool = False) -> NDArray[np.float32]:
    """A picture as a network's input (1, 3, h, w), red first, in 0..1, or in -1..1."""
    values = pixels.astype(np.float32).transpose(2, 0, 1)[None]
    return values / 127.5 - 1 if signed else values / 255


def sigmoid(values: NDArray[np.float32] | float) -> NDArray[np.float32]:
    """1 / (1 + exp(-values)), without overflow."""
    return (1 / (1 + np.exp(-np.clip(values, -80, 80)))).astype(np.float32)
