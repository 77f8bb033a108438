"""The answers of BlazeFace and BlazePalm: boxes and key points relative to anchors (Bazarevsky et al. 2019, arXiv:1907.05047)."""

import numpy as np
from numpy.typing import NDArray

from modules.perception.crops import Square, sigmoid
from modules.perception.found import Found, averaged, box_of

STRIDES = ((8, 2), (16, 6))  # pixels from one anchor to the next, and how many stand on one place


def anchors(size: int) -> NDArray[np.float32]:
    """The anchors' middles (n, 2), x and y in pixels, of a network whose input is `size` pixels a side."""
    rows: list[NDArray[np.float32]] = []
    for stride, times in STRIDES:
        places = (np.arange(size // stride, dtype=np.float32) + 0.5) * stride
        y, x = np.meshgrid(places, places, indexing="ij")
        rows.append(np.repeat(np.stack([x.ravel(), y.ravel()], 1), times, axis=0))
    return np.concatenate(rows)


def decoded(
    kind: str, boxes: NDArray[np.float32], scores: NDArray[np.float32], part: Square, size: int, threshold: float
) -> list[Found]:
    """What a network found in a part of a picture, in the picture's pixels, its key points as landmarks (k, 2).

    boxes (n, 4 + 2k) are offsets from the anchors in pixels, scores (n,) are logits.
    """
    sure = sigmoid(scores)
    chosen = np.flatnonzero(sure >= threshold)
    middles = anchors(size)[chosen]
    rows = boxes[chosen]
    found: list[Found] = []
    for row, middle, score in zip(rows, middles, sure[chosen], strict=True):
        x, y = row[:2] + middle
        half_width, half_height = row[2:4] / 2
        corners = np.array(
            [[x - half_width, y - half_height], [x + half_width, y - half_height],
             [x + half_width, y + half_height], [x - half_width, y + half_height]], np.float32,
        )  # fmt: skip
        points = part.to_picture(row[4:].reshape(-1, 2) + middle, size)
        found.append(Found(kind, box_of(part.to_picture(corners, size)), float(score), points))
    return averaged(found)
