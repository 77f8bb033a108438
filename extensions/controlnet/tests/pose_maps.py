"""Maps as OpenPose's networks would make them of people whose joints are known, and of nobody at all."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from extensions.controlnet.networks.openpose_parse import FIELDS, LIMBS

Values = NDArray[np.float32]
Place = tuple[float, float]
STANDING: Sequence[Place] = (  # OpenPose's 18 joints of somebody who faces the viewer, in shares of the height
    (0.0, 0.12), (0.0, 0.24), (-0.11, 0.24), (-0.16, 0.38), (-0.18, 0.52), (0.11, 0.24), (0.16, 0.38), (0.18, 0.52), (-0.06, 0.54),
    (-0.07, 0.74), (-0.08, 0.94), (0.06, 0.54), (0.07, 0.74), (0.08, 0.94), (-0.03, 0.09), (0.03, 0.09), (-0.06, 0.11), (0.06, 0.11),
)  # fmt: skip


def standing(x: float, top: float, size: float, lean: float = 0) -> dict[int, Place]:
    """Somebody's 18 joints in pixels; `lean`: how far, in shares of the size, the feet are moved to the right of the head."""
    return {number: (x + (across + lean * down) * size, top + down * size) for number, (across, down) in enumerate(STANDING)}


def maps_of(people: Sequence[Mapping[int, Place]], height: int, width: int, deviation: float) -> tuple[Values, Values]:
    """Points (h, w, 19) and fields (h, w, 38) of people. Cao et al. 2018, arXiv:1812.08008, equations 6 to 9."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    points, fields = np.zeros((height, width, 19), np.float32), np.zeros((height, width, 38), np.float32)
    covered = np.zeros((height, width, 38), np.float32)
    for person in people:
        for number, (x, y) in person.items():
            near = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * deviation**2))
            points[..., number] = np.maximum(points[..., number], near)
        for (start, end), first in zip(LIMBS, FIELDS, strict=True):
            if start in person and end in person:
                one, other = np.array(person[start]), np.array(person[end])
                length = float(np.hypot(*(other - one)))
                x, y = (other - one) / length
                along, beside = (columns - one[0]) * x + (rows - one[1]) * y, (columns - one[0]) * y - (rows - one[1]) * x
                inside = (along > -1) & (along < length + 1) & (abs(beside) <= deviation)
                fields[inside, first : first + 2] += np.array([x, y], np.float32)
                covered[inside, first : first + 2] += 1
    points[..., 18] = 1 - points[..., :18].max(2)
    return points, np.asarray(fields / np.maximum(covered, 1), np.float32)


def blobs(count: int, height: int, width: int, seed: int, strength: float) -> Values:
    """Maps (count, height, width) of soft spots without a meaning."""
    drawn = np.random.default_rng(seed).normal(size=(count, max(height // 3, 2), max(width // 3, 2))).astype(np.float32)
    return np.stack([cv2.resize(one, (width, height), interpolation=cv2.INTER_CUBIC) for one in drawn]) * np.float32(strength)


class Answers(nn.Module):
    """A network that answers to any picture with maps of soft spots: `kinds` of (how many, seed, strength)."""

    def __init__(self, *kinds: tuple[int, int, float]) -> None:
        super().__init__()
        self.kinds = kinds

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        height, width = pictures.shape[2] // 8, pictures.shape[3] // 8
        return tuple(torch.from_numpy(blobs(count, height, width, seed, strength))[None] for count, seed, strength in self.kinds)
