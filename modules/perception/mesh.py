"""Faces as a mesh of 468 points (Kartynnik et al. 2019, arXiv:1907.06724), its regions, and which way a face looks."""

import math
from dataclasses import replace

import numpy as np

from modules.perception.crops import Square, blob, sigmoid
from modules.perception.faces import LEFT_EYE, RIGHT_EYE, faces
from modules.perception.found import Box, Found, Pixels, Points, best, box_of, clipped, hull_mask
from modules.perception.mediapipe_files import network
from modules.perception.mesh_points import LEFT_EYE_CORNERS, OVAL, RIGHT_EYE_CORNERS

SIZE = 192
AROUND = 1.5  # the crop's side over the box's
LOOKS = 3  # each look's points say where the next one looks
PRESENT = 0.5


def meshes(image: Pixels, threshold: float = 0.5, *, most: int = 0) -> list[Found]:
    """The faces of a picture (H, W, 3) with 468 landmarks (468, 3): x, y in pixels, z in the same scale, smaller towards the viewer.

    The surest first, `most` of them at most (0: all). `box` is that of the points, `mask` the face's oval. Drawn faces are often
    found by `faces` and have no mesh. Raises NotSupported.
    """
    found = [mesh for face in faces(image, threshold) if (mesh := mesh_of(image, face)) is not None]
    kept = best(found, parts=True)
    return kept[:most] if most else kept


def mesh_of(image: Pixels, face: Found) -> Found | None:
    """The mesh of a face that was found with its eyes; None if the network sees no face there."""
    assert face.landmarks is not None
    height, width = image.shape[:2]
    square = around(face.box, face.landmarks[RIGHT_EYE], face.landmarks[LEFT_EYE])
    points, present = np.zeros((468, 3), np.float32), 0.0
    for _ in range(LOOKS):
        points, present = mesh_in(image, square)
        if present < PRESENT:
            return None
        square = around(box_of(points), *eye_corners(points))
    box = clipped(box_of(points), width, height)
    if box[0] >= box[2] or box[1] >= box[3]:
        return None
    return replace(face, box=box, landmarks=points, mask=hull_mask(points[list(OVAL)], width, height))


def mesh_in(image: Pixels, square: Square) -> tuple[Points, float]:
    """The points (468, 3) of the face in a part of a picture, in the picture's pixels, and how sure it is that there is one."""
    answers = network("mesh")(blob(square.cut(image, SIZE)))
    points = answers["conv2d_21"].reshape(468, 3)
    return square.to_picture(points, SIZE), float(sigmoid(answers["conv2d_31"].ravel())[0])


def eye_corners(points: Points) -> tuple[Points, Points]:
    """The outer corners (2,) of the person's right and left eye."""
    return points[RIGHT_EYE_CORNERS[0], :2], points[LEFT_EYE_CORNERS[0], :2]


def around(box: Box, right_eye: Points, left_eye: Points) -> Square:
    """The square that the network wants to see of a face: larger than its box, its eyes level."""
    angle = math.atan2(float(left_eye[1] - right_eye[1]), float(left_eye[0] - right_eye[0]))
    side = max(box[2] - box[0], box[3] - box[1])
    return Square((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, side * AROUND, angle)


def yaw(points: Points) -> float:
    """How far a face with these points (468, 3) is turned, in degrees: 0 looks here, above 0 to the right of the picture.

    From the depth of the left and right side of the oval, which are level in a face that looks here; with the picture's own tilt taken out.
    """
    right, left = points[[234, 127, 93]].mean(0), points[[454, 356, 323]].mean(0)
    across = math.hypot(float(left[0] - right[0]), float(left[1] - right[1]))
    return math.degrees(math.atan2(float(left[2] - right[2]), across))
