"""Faces and where their eyes, nose and mouth are, by BlazeFace; small ones too, in parts of the picture."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from modules.perception.anchors import decoded
from modules.perception.crops import Square, blob, letterbox
from modules.perception.found import Found, Pixels, best, clipped, likeness
from modules.perception.mediapipe_files import network

SIZE = 128
PARTS = (0.6, 0.32, 0.18)  # the sides of the parts, as shares of the longer side: the network overlooks what is under a tenth of its input
SMALLEST_PART = 160  # pixels; smaller parts show no faces that are worth anything
EDGE = 0.02  # of a part's side: a box that comes closer to a cut is of a face that is cut
AGAIN = 2.5  # the side of a second look's square over that of the box
SURE = 0.75  # what that look's score has to be at least
SAME = 0.4  # intersection over union of two boxes of one face
RIGHT_EYE, LEFT_EYE, NOSE, MOUTH, RIGHT_EAR, LEFT_EAR = range(6)  # the landmarks; right and left are the person's own


def faces(image: Pixels, threshold: float = 0.5, *, parts: bool = True) -> list[Found]:
    """The faces of a picture (H, W, 3), the surest first, each with six landmarks (6, 2) in the order of the names above.

    Without `parts` the picture is looked at as a whole only: faster, and blind to what is under a tenth of it. Raises NotSupported.
    """
    height, width = image.shape[:2]
    found = looked_at(image, letterbox(width, height), threshold)
    for part in squares(width, height) if parts else ():
        seen = [one for one in looked_at(image, part, threshold) if not is_cut(one, part, width, height)]
        known = [one for one in seen if any(likeness(one, other) > SAME for other in found)]
        found += [sure for one in seen if one not in known and (sure := seen_again(image, one, threshold)) is not None]
    inside = [replace(one, box=clipped(one.box, width, height)) for one in found]
    return best([one for one in inside if one.area > 0], parts=True)


def looked_at(image: Pixels, part: Square, threshold: float) -> list[Found]:
    """The faces that the network sees in one part."""
    answers = network("face")(blob(part.cut(image, SIZE), signed=True))
    return decoded("face", answers["regressors"].reshape(-1, 16), answers["classificators"].ravel(), part, SIZE, threshold)


def seen_again(image: Pixels, one: Found, threshold: float) -> Found | None:
    """A face that was found in a part, as a look at it alone finds it; None where that finds none: parts hold much that is like a face."""
    left, top, right, bottom = one.box
    square = Square((left + right) / 2, (top + bottom) / 2, AGAIN * max(right - left, bottom - top))
    answers = looked_at(image, square, max(threshold, SURE))
    return max((other for other in answers if likeness(one, other) > SAME), key=lambda other: other.score, default=None)


def squares(width: int, height: int, shares: Sequence[float] = PARTS) -> Iterator[Square]:
    """Parts that cover a picture, each overlapping the next by a fifth at least; their sides are shares of the longer side."""
    for share in shares:
        side = share * max(width, height)
        if side < SMALLEST_PART:
            continue
        for y in middles(height, side):
            for x in middles(width, side):
                yield Square(x, y, side)


def middles(length: int, side: float) -> list[float]:
    """The middles of parts along one direction of a picture."""
    if side >= length:
        return [length / 2]
    count = math.ceil((length - side) / (0.8 * side)) + 1
    return [side / 2 + number * (length - side) / (count - 1) for number in range(count)]


def is_cut(one: Found, part: Square, width: int, height: int) -> bool:
    """Whether a face reaches an edge of a part where the picture goes on."""
    half, near = part.side / 2, EDGE * part.side
    left, top, right, bottom = part.x - half, part.y - half, part.x + half, part.y + half
    return (
        (left > 0 and one.box[0] < left + near)
        or (top > 0 and one.box[1] < top + near)
        or (right < width and one.box[2] > right - near)
        or (bottom < height and one.box[3] > bottom - near)
    )
