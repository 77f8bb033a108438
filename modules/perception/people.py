"""People: which pixels they are, and the 33 points of a body (Bazarevsky et al. 2020, arXiv:2006.10204)."""

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.perception.crops import Square, blob, sigmoid
from modules.perception.faces import faces
from modules.perception.found import Found, Mask, Pixels, Points, box_of, box_of_mask, clipped
from modules.perception.mediapipe_files import network

SIZE = 256
SMALLEST = 0.01  # of the picture's area; what is less is no person
LOOKS = 4  # the first ones find out where the body is
BONES = (
    (11, 12), (11, 13), (13, 15), (12, 14), (14, 16), (11, 23), (12, 24), (23, 24), (23, 25), (25, 27), (24, 26), (26, 28),
    (27, 29), (27, 31), (29, 31), (28, 30), (28, 32), (30, 32), (15, 17), (15, 19), (15, 21), (17, 19), (16, 18), (16, 20), (16, 22),
    (18, 20),
    (0, 1), (1, 2), (2, 3), (3, 7), (0, 4), (4, 5), (5, 6), (6, 8), (9, 10),
)  # fmt: skip


def person_share(image: Pixels) -> NDArray[np.float32]:
    """How much each pixel of a picture (H, W, 3) belongs to a person, (H, W) in 0..1. Raises NotSupported."""
    height, width = image.shape[:2]
    # The network was trained on pictures that were stretched to its size, not on ones with margins.
    small = cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA if min(height, width) > SIZE else cv2.INTER_LINEAR)
    share = network("selfie")(blob(np.asarray(small, np.uint8)))["activation_10"].reshape(SIZE, SIZE)
    return np.clip(np.asarray(cv2.resize(share, (width, height), interpolation=cv2.INTER_LINEAR), np.float32), 0, 1)


def people(image: Pixels, threshold: float = 0.5) -> list[Found]:
    """The people of a picture (H, W, 3) as masks, the largest first; those that touch are one. Raises NotSupported."""
    height, width = image.shape[:2]
    share = person_share(image)
    mask = (share > threshold).astype(np.uint8)
    count, labels, facts, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    found: list[Found] = []
    for number in range(1, count):
        if facts[number, cv2.CC_STAT_AREA] >= SMALLEST * width * height:
            own: Mask = np.where(labels == number, 255, 0).astype(np.uint8)
            found.append(Found("person", box_of_mask(own), float(share[own > 0].mean()), mask=own))
    return sorted(found, key=lambda one: -one.area)


def poses(image: Pixels, threshold: float = 0.5) -> list[Found]:
    """The bodies of a picture (H, W, 3), each with 33 landmarks (33, 3): x, y in pixels, and how surely it is seen, 0..1.

    One for each face that is found, and one for each person without a face. Points that the picture cuts off lie outside it.
    Raises NotSupported.
    """
    height, width = image.shape[:2]
    found: list[Found] = []
    for square in starts(image):
        pose = pose_in(image, square)
        if pose is None or pose.score < threshold or any(same_body(pose, other) for other in found):
            continue
        found.append(replace(pose, box=clipped(pose.box, width, height)))
    return found


def starts(image: Pixels) -> list[Square]:
    """Where bodies may be: below faces, and where people are."""
    found = [below(face) for face in faces(image)]
    for person in people(image):
        left, top, right, bottom = person.box
        if not any(left <= square.x <= right and top <= square.y <= bottom for square in found):
            found.append(Square((left + right) / 2, (top + bottom) / 2, 1.25 * max(right - left, bottom - top)))
    return found


def below(face: Found) -> Square:
    """Where the body of a face is likely to be: seven faces tall, turned as the face is."""
    assert face.landmarks is not None
    right, left = face.landmarks[0], face.landmarks[1]
    angle = math.atan2(float(left[1] - right[1]), float(left[0] - right[0]))
    side = face.box[2] - face.box[0]
    x, y = face.middle
    return Square(x - 2.6 * side * math.sin(angle), y + 2.6 * side * math.cos(angle), 7.5 * side, angle)


def pose_in(image: Pixels, square: Square) -> Found | None:
    """The body in a part of a picture, looked at again where it turned out to be; None if there is none."""
    points, score = np.zeros((39, 5), np.float32), 0.0
    for _ in range(LOOKS):
        answers = network("pose")(blob(square.cut(image, SIZE)))
        score = float(answers["Identity_1"].ravel()[0])
        points = answers["Identity"].reshape(39, 5)
        placed = square.to_picture(points[:, :2], SIZE)
        if score < 0.1:
            return None
        # Points 33 and 34 are the middle of the hips and the edge of a circle around the whole body, which stands upright in it.
        hips, rim = placed[33], placed[34]
        angle = math.atan2(float(rim[0] - hips[0]), float(hips[1] - rim[1]))
        square_next = Square(float(hips[0]), float(hips[1]), 2.5 * float(np.linalg.norm(rim - hips)), angle)
        result = np.concatenate([placed[:33], sigmoid(points[:33, 3:4])], axis=1).astype(np.float32)
        square = square_next
    return Found("pose", box_of(result), score, landmarks=result)


def same_body(one: Found, other: Found) -> bool:
    """Whether two poses are of one body: shoulders and hips in the same places, measured by the body's size."""
    assert one.landmarks is not None and other.landmarks is not None
    torso = [11, 12, 23, 24]
    apart: Points = np.linalg.norm(one.landmarks[torso, :2] - other.landmarks[torso, :2], axis=1)
    size = float(np.linalg.norm(one.landmarks[11, :2] - one.landmarks[24, :2])) or 1.0
    return float(apart.mean()) < 0.4 * size
