"""DWPose: people by YOLOX, the 133 points of each, body, hands and face, by an RTMPose network, as OpenPose's.

Yang et al. 2023 (arXiv:2307.15880); Ge et al. 2021 (arXiv:2107.08430); Jiang et al. 2023 (arXiv:2303.07399); Li et al. 2021, SimCC
(arXiv:2107.03332). Both are `.onnx` files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.contract.errors import NotSupported
from modules.perception.found import Found, best
from modules.perception.onnx_facts import onnx_facts
from modules.perception.runtimes import Runs, opened

from .declaration import Pixels
from .network_files import NetworkFile, place_of
from .people import drawn_poses
from .poses import MOST_PEOPLE, Joint, Person, Poses

Values = NDArray[np.float32]

NAME = "dw_openpose_full"
DETECTOR, POINTS = NetworkFile("yolox_l.onnx"), NetworkFile("dw-ll_ucoco_384.onnx")
DETECTOR_SIZE, POINTS_SIZE = (640, 640), (384, 288)  # height and width of what they see, where a file does not say
STRIDES = (8, 16, 32)  # of YOLOX's three grids
GREY = 114  # right of the picture and below it, as YOLOX was taught
LEAST_PERSON, OVERLAP = 0.3, 0.45
AROUND = 1.25  # of a box, for what is cut out
MEAN, DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)  # of ImageNet, RGB
BINS = 2  # to a pixel, in SimCC's answers
WHOLE_BODY = 133  # points of COCO-WholeBody: 17 of the body, 6 of the feet, 68 of the face, 21 of each hand, the left before the right
LEAST_POINT = 0.3
SHOULDERS = (5, 6)
BODY_POINTS = (0, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)  # OpenPose's 18; -1, the neck, is between the shoulders
FACE, LEFT_HAND, RIGHT_HAND = slice(23, 91), slice(91, 112), slice(112, 133)
EYES = (14, 15)  # of OpenPose's body, right and left: a face's last two points


@dataclass(frozen=True)
class OnnxNetwork:
    """A network in an `.onnx` file. `size`: height and width of what it sees."""

    name: str
    run: Runs
    size: tuple[int, int]


def found(models: Path | None, pixels: Pixels, confidence: float = 0) -> Poses:
    """The people of a picture (h, w, 3), RGB. `confidence` counts for nothing: the estimator has thresholds of its own.

    Raises NotSupported where a network is missing, cannot be run or is another.
    """
    detector = network(place_of(DETECTOR, models, NAME), DETECTOR_SIZE)
    points = network(place_of(POINTS, models, NAME), POINTS_SIZE)
    people = [person_of(*points_in(points, pixels, box)) for box in boxes(detector, pixels)]
    return Poses([one for one in people if any(one.parts)], pixels.shape[1], pixels.shape[0])


def drawn(models: Path, pixels: Pixels, a: float, b: float) -> Pixels:
    """The people of a picture as OpenPose draws them. Raises NotSupported."""
    return drawn_poses(found(models, pixels))


def network(path: Path, size: tuple[int, int]) -> OnnxNetwork:
    """The network in a file; `size` where the file leaves it open. Raises NotSupported."""
    return kept(path, path.stat().st_mtime_ns, size)


@lru_cache(maxsize=2)
def kept(path: Path, modified: int, size: tuple[int, int]) -> OnnxNetwork:
    """A file's network, as it was at a time."""
    sides = next(iter(onnx_facts(path).inputs.values()), ())
    if len(sides) != 4 or sides[1] not in (0, 3):
        raise NotSupported(f"{path.name} sees no pictures: its input has the shape {list(sides)} instead of [1, 3, {size[0]}, {size[1]}].")
    return OnnxNetwork(path.name, opened(path), (sides[2] or size[0], sides[3] or size[1]))


def boxes(detector: OnnxNetwork, pixels: Pixels) -> list[Values]:
    """The people of a picture (h, w, 3), RGB: left, top, right, bottom in its pixels, the surest first."""
    height, width = detector.size
    scale = min(height / pixels.shape[0], width / pixels.shape[1])
    inside = max(int(pixels.shape[1] * scale), 1), max(int(pixels.shape[0] * scale), 1)
    sight = np.full((height, width, 3), GREY, np.uint8)
    sight[: inside[1], : inside[0]] = cv2.resize(pixels, inside, interpolation=cv2.INTER_LINEAR)
    answer = detector.run(np.ascontiguousarray(sight[..., ::-1].transpose(2, 0, 1)[None], np.float32))[0]  # BGR, 0..255: as it was taught
    placed, scores = decoded(answer, detector)
    people = [Found("person", (float(one[0]), float(one[1]), float(one[2]), float(one[3])), float(score))
              for one, score in zip(placed / scale, scores, strict=True) if score > LEAST_PERSON]  # fmt: skip
    return [np.asarray(one.box, np.float32) for one in best(people, overlap=OVERLAP)[:MOST_PEOPLE]]


def decoded(answer: Values, detector: OnnxNetwork) -> tuple[Values, Values]:
    """YOLOX's answer (1, n, 5 + kinds) as boxes (n, 4) in the network's pixels and how surely each is a person, the first kind.

    A row is x and y in cells from its cell's corner, the logarithms of width and height in cells, that there is something, the kinds.
    Raises NotSupported for an answer of another shape.
    """
    cells = [(x, y, stride) for stride in STRIDES for y in range(detector.size[0] // stride) for x in range(detector.size[1] // stride)]
    if answer.ndim != 3 or answer.shape[1] != len(cells) or answer.shape[2] < 6:
        raise NotSupported(f"{detector.name} does not answer as YOLOX does: {list(answer.shape)} instead of [1, {len(cells)}, 85].")
    grid, rows = np.asarray(cells, np.float32), answer[0]
    middle, half = (rows[:, :2] + grid[:, :2]) * grid[:, 2:], np.exp(rows[:, 2:4]) * grid[:, 2:] / 2
    return np.concatenate([middle - half, middle + half], 1).astype(np.float32), rows[:, 4] * rows[:, 5]


def points_in(points: OnnxNetwork, pixels: Pixels, box: Values) -> tuple[Values, Values]:
    """The 133 points of the person in a box: places (133, 2) in the picture's pixels, and how surely each is seen (133,)."""
    height, width = points.size
    middle, size = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) * AROUND
    seen = max(float(size[0]), float(size[1]) * width / height)  # pixels of the picture across what is cut out
    scale = width / max(seen, 1e-3)
    matrix = np.array([[scale, 0, width / 2 - middle[0] * scale], [0, scale, height / 2 - middle[1] * scale]], np.float64)
    part = cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_LINEAR)
    levels = ((part - np.asarray(MEAN)) / DEVIATION).astype(np.float32)
    places, sure = simcc(points.run(np.ascontiguousarray(levels.transpose(2, 0, 1)[None])), points)
    return ((places - matrix[:, 2]) / scale).astype(np.float32), sure


def simcc(answers: Sequence[Values], points: OnnxNetwork) -> tuple[Values, Values]:
    """Places (133, 2) in the network's pixels and how surely each is seen, out of a row over x and one over y for each point.

    A point is where its rows are highest, and as sure as the lower of the two heights. Raises NotSupported for answers of other shapes.
    """
    height, width = points.size
    rows = {answer.shape: answer[0] for answer in answers}
    across, down = rows.get((1, WHOLE_BODY, BINS * width)), rows.get((1, WHOLE_BODY, BINS * height))
    if across is None or down is None:
        shapes = ", ".join(str(list(answer.shape)) for answer in answers)
        wanted = f"[1, {WHOLE_BODY}, {BINS * width}] and [1, {WHOLE_BODY}, {BINS * height}]"
        raise NotSupported(f"{points.name} does not answer as DWPose does: {shapes} instead of {wanted}.")
    places = np.stack([across.argmax(1), down.argmax(1)], 1).astype(np.float32) / BINS
    return np.asarray(places, np.float32), np.minimum(across.max(1), down.max(1))


def person_of(places: Values, sure: Values) -> Person:
    """Somebody in OpenPose's order, of COCO-WholeBody's 133 places and how surely each is seen."""
    points: list[Joint] = [place if one > LEAST_POINT else None for place, one in zip(places, sure, strict=True)]
    neck = places[list(SHOULDERS)].mean(0) if all(points[one] is not None for one in SHOULDERS) else None
    body = [neck if number < 0 else points[number] for number in BODY_POINTS]
    face = [*points[FACE], *(body[eye] for eye in EYES)]
    return Person(known(body), known(points[LEFT_HAND]), known(points[RIGHT_HAND]), face if known(points[FACE]) else ())


def known(part: Sequence[Joint]) -> Sequence[Joint]:
    """A part of which something is seen; else an empty one."""
    return part if any(joint is not None for joint in part) else ()
