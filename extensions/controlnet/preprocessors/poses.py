"""Poses as OpenPose's JSON: read with a sentence for each thing that cannot be, and written from what was found."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modules.contract.errors import BadRequest

Points = NDArray[np.float32]
Joint = Points | None  # (2,): x and y in pixels; None for one that is not seen

BODY, HAND, FACE = 18, 21, 70  # points in OpenPose's order, COCO's for bodies
LONG_BODY = 25
OF_LONG_BODY = (*range(8), *range(9, 19))  # of OpenPose's longer list: without the middle of the hips and without the feet
COUNTS = {"pose_keypoints_2d": BODY, "hand_left_keypoints_2d": HAND, "hand_right_keypoints_2d": HAND, "face_keypoints_2d": FACE}
WORDS = {"pose_keypoints_2d": "body", "hand_left_keypoints_2d": "left hand", "hand_right_keypoints_2d": "right hand",
         "face_keypoints_2d": "face"}  # fmt: skip
MOST_PEOPLE = 50
LEAST_SIDE, MOST_SIDE, MOST_PIXELS = 8, 16_384, 2**26  # of the canvas
FAR = 32_768  # pixels from the canvas's corner; what is drawn there is counted in whole numbers of 16 bits


@dataclass(frozen=True)
class Person:
    """Somebody's joints, 18 of the body, 21 of each hand, 70 of the face; an empty part is one that nothing is known of."""

    body: Sequence[Joint] = ()
    hand_left: Sequence[Joint] = ()
    hand_right: Sequence[Joint] = ()
    face: Sequence[Joint] = ()

    @property
    def parts(self) -> tuple[Sequence[Joint], ...]:
        """In the order of `COUNTS`."""
        return self.body, self.hand_left, self.hand_right, self.face


@dataclass(frozen=True)
class Poses:
    """The people of a picture of `width` times `height` pixels."""

    people: Sequence[Person]
    width: int
    height: int


def written(poses: Poses) -> dict[str, Any]:
    """Poses as OpenPose's JSON with A1111's two sizes; a joint that is not seen is three zeros, an empty part null, an empty body zeros."""
    people = [{key: numbers(part) for key, part in zip(COUNTS, person.parts, strict=True)} for person in poses.people]
    for person in people:
        person["pose_keypoints_2d"] = person["pose_keypoints_2d"] or [0.0] * 3 * BODY
    return {"people": people, "canvas_width": poses.width, "canvas_height": poses.height}


def numbers(part: Sequence[Joint]) -> list[float] | None:
    """x, y and confidence of each joint in one list; None for an empty part."""
    return [value for joint in part for value in ((0.0, 0.0, 0.0) if joint is None else (float(joint[0]), float(joint[1]), 1.0))] or None


def read(value: Any) -> Poses:
    """Poses out of OpenPose's JSON; its longer list of 25 body points is taken, too, and coordinates in shares of the canvas.

    `value` is what a JSON parser made, or the text itself. A joint counts as seen if its confidence is above 0. Other keys are left
    alone. Raises BadRequest.
    """
    if isinstance(value, str):
        value = parsed(value)
    if not isinstance(value, dict) or not isinstance(value.get("people"), list):
        raise BadRequest('The poses have no list of "people"; OpenPose\'s JSON is wanted: {"people": [...], "canvas_width": 512, '
                         '"canvas_height": 512}.')  # fmt: skip
    if len(value["people"]) > MOST_PEOPLE:
        raise BadRequest(f"The poses are of {len(value['people'])} people; at most {MOST_PEOPLE} can be drawn.")
    width, height = side(value, "canvas_width"), side(value, "canvas_height")
    if width * height > MOST_PIXELS:
        raise BadRequest(f"The canvas has {width}x{height} pixels; at most {MOST_PIXELS} in all can be drawn.")
    tables = [tables_of(person, number) for number, person in enumerate(value["people"], 1)]
    if are_shares([table for parts in tables for table in parts.values()]):
        scale = np.array([width, height, 1])
        tables = [{key: table * scale for key, table in parts.items()} for parts in tables]
    people = [Person(*(seen(parts[key]) if key in parts else () for key in COUNTS)) for parts in tables]
    return Poses(people, width, height)


def parsed(text: str) -> Any:
    """The value of a JSON text. Raises BadRequest."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadRequest("The poses are no JSON; OpenPose's JSON is wanted.") from None


def side(value: dict[str, Any], key: str) -> int:
    """A side of the canvas in pixels. Raises BadRequest."""
    length = value.get(key)
    if isinstance(length, bool) or not isinstance(length, int | float) or not LEAST_SIDE <= length <= MOST_SIDE or length != int(length):
        raise BadRequest(f'"{key}" is {shortened(length)}; it must be a whole number between {LEAST_SIDE} and {MOST_SIDE}.')
    return int(length)


def tables_of(person: Any, number: int) -> dict[str, NDArray[np.float64]]:
    """The parts of a person, (joints, 3) each: x, y, confidence; without those that are missing. Raises BadRequest."""
    if not isinstance(person, dict):
        raise BadRequest(f'Person {number} is {shortened(person)}; it must be an object with "pose_keypoints_2d".')
    return {key: table(person[key], count, f"The {WORDS[key]} of person {number}") for key, count in COUNTS.items() if person.get(key)}


def table(values: Any, count: int, name: str) -> NDArray[np.float64]:
    """One part as (joints, 3). Raises BadRequest, with the part's `name`."""
    counts = {count, LONG_BODY} if count == BODY else {count}
    if not isinstance(values, list) or len(values) not in {3 * one for one in counts}:
        has = f"{len(values)} numbers" if isinstance(values, list) else shortened(values)
        raise BadRequest(f"{name} has {has}; there must be {3 * count}: x, y and confidence of {count} joints.")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= FAR:
            raise BadRequest(f"{name} has the number {shortened(value)}; each must lie between -{FAR} and {FAR}.")
    found = np.array(values, np.float64).reshape(-1, 3)
    return found if len(found) == count else found[list(OF_LONG_BODY)]


def are_shares(tables: Sequence[NDArray[np.float64]]) -> bool:
    """Whether all seen joints lie between 0 and 1, not all of them in the corner: then they are shares of the canvas, no pixels."""
    places = [one[one[:, 2] > 0, :2] for one in tables]
    joined = np.concatenate(places) if places else np.zeros((0, 2))
    return bool(joined.size and joined.max() <= 1 and joined.min() >= 0 and joined.any())


def seen(part: NDArray[np.float64]) -> list[Joint]:
    """The joints of a table; None for those without confidence."""
    return [row[:2].astype(np.float32) if row[2] > 0 else None for row in part]


def shortened(value: Any) -> str:
    """A value as a sentence can show it."""
    if value is None:
        return "missing"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else f"{text[:40]}..."
