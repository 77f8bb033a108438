"""What a detector answers with, and which of several overlapping answers stays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # (H, W, 3), red first
Mask = NDArray[np.uint8]  # (H, W), 0 or 255
Points = NDArray[np.float32]  # (n, 2) or (n, 3): x, y in pixels of the picture, and a third value that the detector explains
Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels of the picture
INSIDE = 0.7  # the share of a box's area from which on it counts as a part of a larger one
WITHIN = 0.8  # the share of a face's box that lies in a larger one, from which on the two may be of one face
ANOTHER = 0.2  # of the larger box's area: a smaller one within it is another face, in front of it or seen past it
COMPARABLE = 0.8  # of the score of a box within: with so much the larger one, which has the whole face, stays


@dataclass(frozen=True, eq=False)
class Found:
    """Something in a picture. `score` is 0..1; `mask` is of the whole picture, None where the box is all that is known."""

    kind: str
    box: Box
    score: float
    landmarks: Points | None = None
    mask: Mask | None = None

    @property
    def area(self) -> float:
        """Of the box, in pixels."""
        return max(self.box[2] - self.box[0], 0.0) * max(self.box[3] - self.box[1], 0.0)

    @property
    def middle(self) -> tuple[float, float]:
        """Of the box."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2

    def area_mask(self, width: int, height: int) -> Mask:
        """Where it is, (height, width): its mask, or its box filled."""
        if self.mask is not None:
            return self.mask
        mask = np.zeros((height, width), np.uint8)
        left, top, right, bottom = (round(side) for side in self.box)
        mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = 255
        return mask


def clipped(box: Box, width: int, height: int) -> Box:
    """A box cut to what lies inside a picture."""
    return (min(max(box[0], 0.0), width), min(max(box[1], 0.0), height), min(max(box[2], 0.0), width), min(max(box[3], 0.0), height))


def box_of(points: NDArray[np.float32]) -> Box:
    """The smallest box around points (n, 2 or more)."""
    (left, top), (right, bottom) = points[:, :2].min(0), points[:, :2].max(0)
    return float(left), float(top), float(right), float(bottom)


def box_of_mask(mask: Mask) -> Box:
    """The smallest box around what is set in a mask; four zeros for an empty one."""
    left, top, width, height = cv2.boundingRect(mask)
    return float(left), float(top), float(left + width), float(top + height)


def hull_mask(points: NDArray[np.float32], width: int, height: int) -> Mask:
    """The convex hull of points (n, 2 or more), filled, (height, width)."""
    mask = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(points[:, :2]).astype(np.int32)), 255)
    return mask


def shared(one: Box, other: Box) -> float:
    """The area that two boxes have in common, in pixels."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)


def likeness(one: Found, other: Found) -> float:
    """Intersection over union of two boxes, 0..1."""
    common = shared(one.box, other.box)
    whole = one.area + other.area - common
    return common / whole if whole > 0 else 0.0


def best(found: Sequence[Found], *, overlap: float = 0.3, parts: bool = False) -> list[Found]:
    """The surest of each heap of boxes that overlap by more than `overlap` (intersection over union), the surest first.

    With `parts`, what lies for the most part inside a surer box goes too, and what a surer box lies in.
    """
    kept: list[Found] = []
    for one in sorted(found, key=lambda one: -one.score):
        smaller = [min(one.area, other.area) or 1.0 for other in kept]
        inside = parts and any(shared(one.box, other.box) / area > INSIDE for other, area in zip(kept, smaller, strict=True))
        if not inside and all(likeness(one, other) <= overlap for other in kept):
            kept.append(one)
    return kept


def of_one_face(one: Found, other: Found) -> bool:
    """Whether two boxes are of one face although they overlap too little to be alike: one lies in the other, as eyes to mouth in a head.

    A second box of the same face has a good part of the first one's area. A face in front of another leaves most of that to be
    seen, or nobody would find it, and one in the background shows in a corner beside a round head: both are much smaller.
    """
    small, large = sorted((one, other), key=lambda one: one.area)
    return shared(one.box, other.box) >= WITHIN * small.area and small.area >= ANOTHER * large.area


def faces_once(found: Sequence[Found]) -> list[Found]:
    """Faces without second boxes of the same ones, the surest first; of two as sure as each other the larger stays.

    A box around two faces that are surer is of neither, and goes.
    """
    kept: list[Found] = []
    for one in sorted(found, key=lambda one: -one.score):
        same = [other for other in kept if of_one_face(one, other)]
        if not same:
            kept.append(one)
        elif len(same) == 1 and one.area > same[0].area and one.score >= COMPARABLE * same[0].score:
            kept[kept.index(same[0])] = one
    return sorted(kept, key=lambda one: -one.score)


def averaged(found: Sequence[Found], *, overlap: float = 0.3) -> list[Found]:
    """One answer for each heap, its box and landmarks the mean of the heap's, by score. Bazarevsky et al. 2019, arXiv:1907.05047."""
    left = sorted(found, key=lambda one: -one.score)
    answers: list[Found] = []
    while left:
        first = left[0]
        heap = [one for one in left if one is first or likeness(first, one) > overlap]
        left = [one for one in left if not any(one is other for other in heap)]
        weights = np.array([one.score for one in heap])
        box = np.average(np.array([one.box for one in heap]), axis=0, weights=weights)
        points = None
        if all(one.landmarks is not None for one in heap):
            points = np.average(np.stack([one.landmarks for one in heap if one.landmarks is not None]), axis=0, weights=weights)
            points = points.astype(np.float32)
        answers.append(replace(first, box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])), landmarks=points))
    return answers
