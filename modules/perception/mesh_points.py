"""Which of the 468 points of a face's mesh make up what, as MediaPipe's face model numbers them. Right and left are the person's own."""

from itertools import pairwise

OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
MOUTH = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)  # inside the lips
RIGHT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
RIGHT_BROW = (46, 53, 52, 65, 55, 107, 66, 105, 63, 70)
LEFT_BROW = (276, 283, 282, 295, 285, 336, 296, 334, 293, 300)
RIGHT_EYE_CORNERS = (33, 133)  # outer, inner
LEFT_EYE_CORNERS = (263, 362)
NOSE_TIP = 1


def loop(points: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """The edges of a closed line through points."""
    return tuple(zip(points, (*points[1:], points[0]), strict=True))


CONTOURS = tuple(edge for part in (OVAL, LIPS, MOUTH, RIGHT_EYE, LEFT_EYE) for edge in loop(part)) + tuple(
    edge for brow in (RIGHT_BROW, LEFT_BROW) for half in (brow[:5], brow[5:]) for edge in pairwise(half)
)
"""The pairs of points that MediaPipe draws lines between to show a face."""
