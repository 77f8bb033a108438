"""Hands: palms by BlazePalm, and 21 points of each hand (Zhang et al. 2020, arXiv:2006.10214)."""

import math
from dataclasses import replace

import cv2
import numpy as np

from modules.perception.anchors import decoded
from modules.perception.crops import Square, blob, letterbox
from modules.perception.faces import is_cut, squares
from modules.perception.found import Box, Found, Mask, Pixels, Points, best, box_of, clipped
from modules.perception.mediapipe_files import network

PALM_SIZE = 192
HAND_SIZE = 224
LEAST = 0.5  # of a palm's score: below it hands are seen in drawings that have none
PRESENT = 0.5  # of the second network, which has to agree
LARGER = (2.6, 3.4)  # the crop's side over the palm's: the second for palms that were found too small
UNLIKELY = 0.15  # below it another look is not worth it
LOOKS = 2
PARTS = (0.55,)  # see faces.PARTS; this network is ten times as slow, and sees smaller things
GROWN = 0.15  # of the hand's size, around its points: they lie inside the fingers
WRIST, MIDDLE_FINGER = 0, 2  # the palm's landmarks between which it points upwards
KNUCKLES = (0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18)  # of a hand's points, those that its place is told by
BONES = (
    (0, 1), (1, 2), (2, 3), (3, 4), (0, 5), (5, 6), (6, 7), (7, 8), (5, 9), (9, 10), (10, 11), (11, 12),
    (9, 13), (13, 14), (14, 15), (15, 16), (13, 17), (17, 18), (18, 19), (19, 20), (0, 17),
)  # fmt: skip


def hands(image: Pixels, threshold: float = 0.5, *, parts: bool = True) -> list[Found]:
    """The hands of a picture (H, W, 3), the surest first, each with 21 landmarks (21, 3): x, y in pixels, z in the same scale.

    `kind` is "left hand" or "right hand", the person's own; `mask` the hull of the points, grown. A threshold below 0.5 is taken as
    0.5. Raises NotSupported.
    """
    height, width = image.shape[:2]
    found = palms_in(image, letterbox(width, height), max(threshold, LEAST))
    for part in squares(width, height, PARTS) if parts else ():
        found += [one for one in palms_in(image, part, max(threshold, LEAST)) if not is_cut(one, part, width, height)]
    seen = [hand for palm in best(found, overlap=0.6) if (hand := hand_of(image, palm)) is not None]
    return best(seen, overlap=0.5, parts=True)


def palms_in(image: Pixels, part: Square, threshold: float) -> list[Found]:
    """The palms that the network sees in one part, with seven landmarks each."""
    answers = network("palm")(blob(part.cut(image, PALM_SIZE)))
    return decoded("palm", answers["Identity"].reshape(-1, 18), answers["Identity_1"].ravel(), part, PALM_SIZE, threshold)


def hand_of(image: Pixels, palm: Found) -> Found | None:
    """The hand around a palm; None where the second network sees none."""
    assert palm.landmarks is not None
    height, width = image.shape[:2]
    for larger in LARGER:
        square = upright(palm.box, palm.landmarks[WRIST], palm.landmarks[MIDDLE_FINGER], larger=larger, higher=0.5)
        points, present, right = looked_at(image, square)
        for _ in range(LOOKS - 1):
            if present < UNLIKELY:
                break
            points, present, right = looked_at(image, next_look(points))
        box = clipped(box_of(points), width, height)
        if present >= PRESENT and box[0] < box[2] and box[1] < box[3]:
            kind = "right hand" if right >= 0.5 else "left hand"
            mask = hand_mask(points, width, height)
            return replace(palm, kind=kind, box=box, score=min(palm.score, present), landmarks=points, mask=mask)
    return None


def looked_at(image: Pixels, square: Square) -> tuple[Points, float, float]:
    """The 21 points in a part of a picture, in the picture's pixels; how sure a hand is there, and that it is a right one."""
    answers = network("hand")(blob(square.cut(image, HAND_SIZE)))
    points = square.to_picture(answers["Identity"].reshape(21, 3), HAND_SIZE)
    # The file's labels are for pictures as in a mirror, "Left" first: what it calls left is the person's right.
    return points, float(answers["Identity_1"].ravel()[0]), float(answers["Identity_2"].ravel()[0])


def next_look(points: Points) -> Square:
    """Where to look again for a hand whose points (21, 3) are known roughly."""
    wrist, fingers = points[0], (points[6] + points[14]) / 4 + points[10] / 2
    return upright(box_of(points[list(KNUCKLES)]), wrist, fingers, larger=2.0, higher=0.1)


def upright(box: Box, low: Points, high: Points, *, larger: float, higher: float) -> Square:
    """A square in which the line from `low` to `high` points upwards, moved along it by `higher` of the box's size."""
    angle = math.atan2(float(high[0] - low[0]), float(low[1] - high[1]))
    side = max(box[2] - box[0], box[3] - box[1])
    x, y = (box[0] + box[2]) / 2 + side * higher * math.sin(angle), (box[1] + box[3]) / 2 - side * higher * math.cos(angle)
    return Square(x, y, side * larger, angle)


def hand_mask(points: Points, width: int, height: int) -> Mask:
    """Where a hand with these points (21, 3) is: their hull, grown by a part of its size, (height, width)."""
    mask = np.zeros((height, width), np.uint8)
    outline = cv2.convexHull(np.rint(points[:, :2]).astype(np.int32))
    cv2.fillConvexPoly(mask, outline, 255)
    left, top, right, bottom = box_of(points)
    thick = max(round(2 * GROWN * max(right - left, bottom - top)), 1)
    cv2.polylines(mask, [outline], True, 255, thick, cv2.LINE_AA)
    return np.where(mask > 127, 255, 0).astype(np.uint8)
