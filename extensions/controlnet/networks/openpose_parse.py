"""Points and people out of OpenPose's maps: peaks of confidence, line integrals over part affinity fields, people put together of limbs.

Cao et al. 2018, arXiv:1812.08008, sections 3.3 and 3.4; hands' points: Simon et al. 2017, arXiv:1704.07809.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
Joint = Values | None  # (2,): x and y in pixels

# Limbs of the 18 points in COCO's order, in the order in which people are put together, and the two fields (x, y) of each.
LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0), (0, 14), (14, 16),
    (0, 15), (15, 17), (2, 16), (5, 17),
)  # fmt: skip
FIELDS = (12, 20, 14, 16, 22, 24, 0, 2, 4, 6, 8, 10, 28, 30, 34, 32, 36, 18, 26)
JOINING = 17  # limbs from here on, shoulder to ear, join people, but begin none
LEAST_POINT, LEAST_FIELD = 0.1, 0.05
MOST_PEAKS = 96  # of one kind; each is tried with each of another
SAMPLES, LEAST_SHARE = 10, 0.8  # of a line, and how many of them must lie in the field
LEAST_JOINTS, LEAST_MEAN = 4, 0.4  # of a person
BODY_BLUR, FACE_LEAST, HAND_LEAST = 3.0, 0.05, 0.05


@dataclass(frozen=True)
class Limb:
    """Two joints that belong together, as numbers within their kinds, and how surely."""

    start: int
    end: int
    score: float


@dataclass
class Skeleton:
    """A person while being put together: the number of each joint that is known, within its kind, by kind."""

    joints: dict[int, int] = field(default_factory=dict[int, int])
    count: int = 0
    score: float = 0.0


def bodies(points: Values, fields: Values) -> list[list[Joint]]:
    """The 18 joints of each person, None for one that is not seen. `points`: (h, w, 18 or more), `fields`: (h, w, 38)."""
    peaks = [peaks_of(points[..., number]) for number in range(18)]
    people: list[Skeleton] = []
    for number, (start, end) in enumerate(LIMBS):
        two = fields[..., FIELDS[number] : FIELDS[number] + 2]
        for limb in limbs_between(peaks[start], peaks[end], two):
            scores = float(peaks[start][limb.start, 2]), float(peaks[end][limb.end, 2])
            put(people, (start, end), limb, scores, begins=number < JOINING)
    whole = [one for one in people if one.count >= LEAST_JOINTS and one.score / one.count >= LEAST_MEAN]
    return [[peaks[kind][one.joints[kind], :2] if kind in one.joints else None for kind in range(18)] for one in whole]


def peaks_of(points: Values) -> Values:
    """Where a map (h, w) has its peaks, (n, 3): x, y and the map's value there.

    Sought in the blurred map, among four neighbours; of too many, the highest.
    """
    blurred = smooth(points, BODY_BLUR)
    around = np.pad(blurred, 1)
    neighbours = np.stack([around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:]])
    rows, columns = np.nonzero((blurred >= neighbours.max(0)) & (blurred > LEAST_POINT))
    found = np.stack([columns, rows, points[rows, columns]], 1).astype(np.float32)
    return found if len(found) <= MOST_PEAKS else found[np.sort(np.argsort(-found[:, 2], kind="stable")[:MOST_PEAKS])]


def smooth(values: Values, deviation: float) -> NDArray[np.float64]:
    """A map (h, w) under a Gaussian of four deviations to each side, mirrored at the edges."""
    side = 2 * int(4 * deviation + 0.5) + 1
    blurred = cv2.GaussianBlur(values.astype(np.float64), (side, side), deviation, borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, np.float64)  # in 32 bits flat tops get their peak a pixel beside


def limbs_between(starts: Values, ends: Values, two: Values) -> list[Limb]:
    """Which of the peaks (n, 3) and (m, 3) belong together by a limb's field (h, w, 2): the surest first, each peak at most once."""
    sure = connections(starts[:, :2], ends[:, :2], two)
    found = [Limb(int(a), int(b), float(sure[a, b])) for a, b in zip(*np.nonzero(sure > 0), strict=True)]
    kept: list[Limb] = []
    for limb in sorted(found, key=lambda one: -one.score):
        if all(limb.start != other.start and limb.end != other.end for other in kept):
            kept.append(limb)
    return kept


def connections(starts: Values, ends: Values, two: Values) -> NDArray[np.float64]:
    """How surely a limb leads from each of some places (n, 2) to each of others (m, 2), as (n, m); 0 where none does.

    The mean of the field along the line (equation 11), less where that is longer than half the picture's height; at least most of the line
    must lie in the field.
    """
    ways = ends[None].astype(np.float64) - starts[:, None]
    lengths = np.maximum(np.hypot(ways[..., 0], ways[..., 1]), 1e-3)
    places = np.rint(starts[:, None] + ways * np.linspace(0, 1, SAMPLES)[:, None, None, None]).astype(int)  # (samples, n, m, 2)
    along = (two[places[..., 1], places[..., 0]] * (ways / lengths[..., None])).sum(-1)
    scores = along.mean(0) + np.minimum(0.5 * two.shape[0] / lengths - 1, 0)
    return np.where(np.count_nonzero(along > LEAST_FIELD, axis=0) > LEAST_SHARE * SAMPLES, np.maximum(scores, 0), 0)


def put(people: list[Skeleton], kinds: tuple[int, int], limb: Limb, scores: tuple[float, float], *, begins: bool) -> None:
    """Adds a limb to whom one of its joints belongs; joins two people who have no kind of joint in common; or begins a new person.

    `scores`: of the two joints. Who has another joint in the place of the limb's end gets this one.
    """
    start, end = kinds
    owners = [one for one in people if one.joints.get(start) == limb.start or one.joints.get(end) == limb.end][:2]
    if len(owners) == 2 and not owners[0].joints.keys() & owners[1].joints.keys():
        first, second = owners
        first.joints |= second.joints
        first.count += second.count
        first.score += second.score + limb.score
        people.remove(second)
    elif owners and (len(owners) == 2 or owners[0].joints.get(end) != limb.end):
        owners[0].joints[end] = limb.end
        owners[0].count += 1
        owners[0].score += scores[1] + limb.score
    elif not owners and begins:
        people.append(Skeleton({start: limb.start, end: limb.end}, 2, sum(scores) + limb.score))


def hand_points(maps: Values) -> list[Joint]:
    """The 21 points of a hand in maps (h, w, 21 or more): in each, the highest place of the spot with the largest sum; None without one."""
    return [highest(spot(maps[..., number])) for number in range(21)]


def spot(points: Values) -> Values:
    """A map (h, w) with zeros outside the one spot, among those that its blurred self has, whose sum is largest."""
    above = (smooth(points, BODY_BLUR) > HAND_LEAST).astype(np.uint8)
    count, labels = cv2.connectedComponents(above, connectivity=8)
    sums = [float(points[labels == label].sum()) for label in range(1, count)]
    return np.where(labels == 1 + int(np.argmax(sums)), points, 0).astype(np.float32) if sums else np.zeros_like(points)


def face_points(maps: Values) -> list[Joint]:
    """The 70 points of a face in maps (70 or more, h, w): the highest place of each; None where it is too low."""
    return [highest(np.where(one > FACE_LEAST, one, 0).astype(np.float32)) for one in maps[:70]]


def highest(points: Values) -> Joint:
    """The first of the highest places of a map (h, w); None where nothing is above zero."""
    row, column = divmod(int(points.argmax()), points.shape[1])
    return np.array([column, row], np.float32) if points[row, column] > 0 else None


def shifted(points: Sequence[Joint], left: float, top: float, across: float = 1, down: float = 1) -> list[Joint]:
    """Points stretched by `across` and `down`, in whole pixels, then moved."""
    return [
        None if point is None else np.array([int(point[0] * across) + left, int(point[1] * down) + top], np.float32) for point in points
    ]
