"""Faces, bodies, hands: landmarks drawn as the networks that follow them were taught, found by `modules.perception`."""

import colorsys
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from modules.perception.hands import hands
from modules.perception.mesh import meshes
from modules.perception.mesh_points import LEFT_BROW, LEFT_EYE, LIPS, MOUTH, OVAL, RIGHT_BROW, RIGHT_EYE, loop
from modules.perception.people import person_share
from modules.perception.people import poses as bodies

from .declaration import Pixels
from .poses import Joint, Person, Points, Poses
from .segment_colours import PERSON, Colour

Edges = Sequence[tuple[int, int]]

SMALLEST_FACE = 64  # pixels, as the data of the face network had it
FACE_COLOURS: Sequence[tuple[tuple[int, ...], bool, Colour]] = (  # of CrucibleAI's ControlNetMediaPipeFace: part, whether closed, RGB
    (OVAL, True, (10, 200, 10)),
    (LEFT_EYE, True, (10, 200, 180)),
    (RIGHT_EYE, True, (180, 200, 10)),
    (LIPS, True, (10, 180, 10)),
    (MOUTH, True, (10, 180, 10)),
    (LEFT_BROW[:5], False, (10, 220, 180)),
    (LEFT_BROW[5:], False, (10, 220, 180)),
    (RIGHT_BROW[:5], False, (180, 220, 10)),
    (RIGHT_BROW[5:], False, (180, 220, 10)),
)
PUPILS: Sequence[tuple[tuple[int, ...], Colour]] = ((RIGHT_EYE, (250, 200, 10)), (LEFT_EYE, (10, 200, 250)))

# OpenPose's 18 points (Cao et al. 2018, arXiv:1812.08008, COCO order; 1, the neck, is between the shoulders) in MediaPipe's 33.
BODY_POINTS = (0, -1, 12, 14, 16, 11, 13, 15, 24, 26, 28, 23, 25, 27, 5, 2, 8, 7)
NECK, SHOULDERS = 1, (11, 12)
LIMBS: Edges = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0), (0, 14), (14, 16),
    (0, 15), (15, 17),
)  # fmt: skip
WRISTS = {"hand_left": 7, "hand_right": 4}
LIMB_WIDTH, LIMB_LIGHT = 4, 0.6
FINGERS: Edges = tuple((0 if i % 4 == 1 else i - 1, i) for i in range(1, 21))
# The 68 points of a face in the order of the iBUG annotation (Sagonas et al. 2013), in the mesh's numbers; the pupils are put behind.
FACE_POINTS = (
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301, 168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip


def mediapipe_face(image: Pixels, a: float, b: float) -> Pixels:
    """Up to `a` faces as coloured contours, of at least `b` confidence; those under 64 pixels are left out.

    The pupils are put into the middle of the eyes: the mesh without attention has none of its own.
    """
    drawn = np.zeros_like(image)
    for face in meshes(image, b, most=int(a)):
        points = landmarks(face.landmarks)
        if min(np.ptp(points, axis=0)) < SMALLEST_FACE:
            continue
        for part, closed, colour in FACE_COLOURS:
            draw_lines(drawn, list(points), loop(part) if closed else tuple(pairwise(part)), colour)
        for eye, colour in PUPILS:
            x, y = (int(value) for value in points[list(eye)].mean(axis=0))
            drawn[max(y - 2, 0) : y + 2, max(x - 2, 0) : x + 2] = colour
    return drawn


def body(image: Pixels, a: float, b: float) -> Pixels:
    """People as OpenPose draws their bodies."""
    return drawn_poses(found_bodies(None, image, a))


def body_and_hands(image: Pixels, a: float, b: float) -> Pixels:
    """People as OpenPose draws their bodies and hands."""
    return drawn_poses(found_hands(None, image, a))


def body_and_face(image: Pixels, a: float, b: float) -> Pixels:
    """People as OpenPose draws their bodies and faces."""
    return drawn_poses(found_faces(None, image, a))


def whole(image: Pixels, a: float, b: float) -> Pixels:
    """People as OpenPose draws their bodies, hands and faces."""
    return drawn_poses(found_whole(None, image, a))


def found_bodies(models: Path | None, image: Pixels, confidence: float) -> Poses:
    """The people of a picture, their bodies alone."""
    height, width = image.shape[:2]
    people = [Person(openpose_body(np.asarray(one.landmarks, np.float32), width, height)) for one in bodies(image, confidence)]
    return Poses(people, width, height)


def found_hands(models: Path | None, image: Pixels, confidence: float) -> Poses:
    """The people of a picture with their hands."""
    return with_hands(found_bodies(models, image, confidence), [landmarks(one.landmarks) for one in hands(image, confidence)])


def found_faces(models: Path | None, image: Pixels, confidence: float) -> Poses:
    """The people of a picture with their faces."""
    return with_faces(found_bodies(models, image, confidence), faces_in(image, confidence))


def found_whole(models: Path | None, image: Pixels, confidence: float) -> Poses:
    """The people of a picture with hands and faces."""
    return with_faces(found_hands(models, image, confidence), faces_in(image, confidence))


def faces_in(image: Pixels, confidence: float) -> list[Points]:
    """The faces of a picture in OpenPose's points."""
    return [openpose_face(landmarks(one.landmarks)) for one in meshes(image, confidence)]


def with_hands(poses: Poses, hands: Sequence[Points]) -> Poses:
    """Poses with each hand at the nearest wrist that has none yet; one that is far from all of them is a person of its own."""
    people = list(poses.people)
    for hand in hands:
        free = [(math.dist(wrist, hand[0]), number, side) for number, person in enumerate(people) for side, joint in WRISTS.items()
                if person.body and (wrist := person.body[joint]) is not None and not getattr(person, side)]  # fmt: skip
        far, number, side = min(free, default=(math.inf, 0, ""))
        if far <= np.ptp(hand, axis=0).max():
            people[number] = replace(people[number], **{side: list(hand)})
        else:
            people.append(Person(hand_right=list(hand)))
    return replace(poses, people=people)


def with_faces(poses: Poses, faces: Sequence[Points]) -> Poses:
    """Poses with each face at the nearest nose that has none yet; one that no nose lies in is a person of its own."""
    people = list(poses.people)
    for face in faces:
        middle, size = face.mean(axis=0), np.ptp(face, axis=0).max()
        free = [(math.dist(nose, middle), number) for number, person in enumerate(people)
                if person.body and (nose := person.body[0]) is not None and not person.face]  # fmt: skip
        far, number = min(free, default=(math.inf, 0))
        if far <= size / 2:
            people[number] = replace(people[number], face=list(face))
        else:
            people.append(Person(face=list(face)))
    return replace(poses, people=people)


def openpose_face(points: Points) -> Points:
    """OpenPose's 70 points of a face, (70, 2), of the mesh's: the pupils, in the middle of the eyes, are the last two."""
    pupils = [points[list(eye)].mean(axis=0) for eye, _ in PUPILS]
    return np.asarray([*points[list(FACE_POINTS)], *pupils], np.float32)


def drawn_poses(poses: Poses) -> Pixels:
    """Poses on black, in OpenPose's colours: one person after the other, the hands over the body, the face over both."""
    drawn = np.zeros((poses.height, poses.width, 3), np.uint8)
    for person in poses.people:
        if person.body:
            draw_body(drawn, person.body)
        for hand in (person.hand_left, person.hand_right):
            if hand:
                draw_hand(drawn, hand)
        dots = [point for point in person.face if point is not None]
        draw_dots(drawn, dots, [(255, 255, 255)] * len(dots), 3)
    return drawn


def landmarks(points: Points | None) -> Points:
    """The x and y, (n, 2), of something found with landmarks."""
    assert points is not None
    return points[:, :2]


def openpose_body(points: Points, width: int, height: int) -> list[Joint]:
    """OpenPose's 18 points of MediaPipe's 33, (33, 3): x, y, visibility; None for one that is not seen or lies outside."""
    found: list[Joint] = []
    for number in BODY_POINTS:
        three = points[list(SHOULDERS)].mean(axis=0) if number < 0 else points[number]
        seen = min(points[list(SHOULDERS), 2]) if number < 0 else three[2]
        inside = 0 <= three[0] < width and 0 <= three[1] < height
        found.append(three[:2] if seen >= 0.5 and inside else None)
    return found


def draw_body(drawn: Pixels, points: Sequence[Joint]) -> None:
    """The limbs as flat ellipses, darkened, and the joints over them, each in its own colour around the wheel."""
    for (start, end), colour in zip(LIMBS, wheel(18), strict=False):
        one, other = points[start], points[end]
        if one is None or other is None:
            continue
        middle = ((one + other) / 2).astype(int).tolist()
        length, angle = math.dist(one, other), math.degrees(math.atan2(one[1] - other[1], one[0] - other[0]))
        shape = cv2.ellipse2Poly(tuple(middle), (int(length / 2), LIMB_WIDTH), int(angle), 0, 360, 1)
        cv2.fillConvexPoly(drawn, np.asarray(shape), tuple(int(level * LIMB_LIGHT) for level in colour))
    seen = [(point, colour) for point, colour in zip(points, wheel(18), strict=True) if point is not None]
    draw_dots(drawn, [point for point, _ in seen], [colour for _, colour in seen], LIMB_WIDTH)


def draw_hand(drawn: Pixels, points: Sequence[Joint]) -> None:
    """The bones of a hand around the colour wheel, its 21 joints blue."""
    for edge, colour in zip(FINGERS, wheel(len(FINGERS)), strict=True):
        draw_lines(drawn, points, (edge,), colour)
    seen = [point for point in points if point is not None]
    draw_dots(drawn, seen, [(0, 0, 255)] * len(seen), 4)


def draw_lines(drawn: Pixels, points: Sequence[Joint], edges: Iterable[tuple[int, int]], colour: Colour) -> None:
    """Lines of 2 pixels between numbered points, where both are seen."""
    for start, end in edges:
        one, other = points[start], points[end]
        if one is not None and other is not None:
            cv2.line(drawn, whole_pixel(one), whole_pixel(other), colour, 2)


def draw_dots(drawn: Pixels, points: Sequence[Points], colours: Sequence[Colour], radius: int) -> None:
    """Filled circles."""
    for point, colour in zip(points, colours, strict=True):
        cv2.circle(drawn, whole_pixel(point), radius, colour, -1)


def whole_pixel(point: Points) -> tuple[int, int]:
    """The pixel that a point lies in."""
    return int(point[0]), int(point[1])


def wheel(count: int) -> list[Colour]:
    """As many colours, evenly around the wheel, from red over yellow."""
    return [tuple(round(255 * level) for level in colorsys.hsv_to_rgb(i / count, 1, 1)) for i in range(count)]  # pyright: ignore[reportReturnType]


def seg_person(image: Pixels, a: float, b: float) -> Pixels:
    """People in ADE20K's colour of a person, all else black; `a` is how sure a pixel must be."""
    drawn = np.zeros_like(image)
    drawn[person_share(image) >= a] = PERSON
    return drawn
