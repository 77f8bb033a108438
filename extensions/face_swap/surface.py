"""A face's mesh as a surface: its triangles, which way they look, and what lies where in another picture of it."""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from modules.perception.found import Pixels, Points
from modules.perception.mesh import yaw

Triangles = NDArray[np.int64]  # (n, 3), numbers of points
MOST_STRETCHED = 12.0  # a triangle's longest side over its height, from which on it is none of the face's


@dataclass(frozen=True)
class Portrait:
    """A picture (H, W, 3) and the mesh (468, 3) of one face in it."""

    pixels: Pixels
    points: Points

    def mirrored(self, points: Points) -> "Portrait":
        """The picture as in a mirror, with the mesh that was found there."""
        return Portrait(np.ascontiguousarray(self.pixels[:, ::-1]), points)

    def scaled(self, scale: float) -> "Portrait":
        """The same, smaller or larger."""
        height, width = self.pixels.shape[:2]
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        factors = np.array([size[0] / width, size[1] / height, scale], np.float32)
        return Portrait(np.asarray(cv2.resize(self.pixels, size, interpolation=kind), np.uint8), self.points * factors)


def frontal(points: Points) -> Points:
    """A mesh turned (about the vertical only) until it looks at the viewer."""
    angle = math.radians(yaw(points))
    middle = points.mean(0)
    x, y, z = (points - middle).T
    cos, sin = math.cos(angle), math.sin(angle)
    return np.stack([x * cos + z * sin, y, z * cos - x * sin], 1) + middle


def triangles_of(points: Points) -> Triangles:
    """The triangles between a mesh's points, as they lie in the face seen from the front; without the slivers along its edge."""
    flat = frontal(points)[:, :2].astype(np.float64)
    found = np.asarray(Delaunay(flat).simplices, np.int64)
    corners = flat[found]
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    area = np.abs(crossed(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    return found[sides.max(1) ** 2 < MOST_STRETCHED * np.maximum(area, 1e-6)]


def crossed(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float64]:
    """The cross products of vectors (n, 2): twice the area between them, its sign the way around."""
    return np.asarray(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0], np.float64)


def facing(points: Points, triangles: Triangles) -> NDArray[np.float32]:
    """How much the surface at each point (468,) looks at the viewer: 1 straight, 0 sideways, below 0 away."""
    corners = points[triangles].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat = frontal(points)[triangles][:, :, :2]
    turned = crossed(flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0])
    normals *= np.sign(turned)[:, None]  # all corners the same way around, as seen from the front
    every = np.zeros((len(points), 3))
    for corner in range(3):
        np.add.at(every, triangles[:, corner], normals)
    length = np.maximum(np.linalg.norm(every, axis=1), 1e-9)
    return (every[:, 2] / length).astype(np.float32)


def numbered(points: Points, triangles: Triangles, width: int, height: int) -> NDArray[np.int32]:
    """Which triangle is seen at each pixel (height, width), -1 where there is none; the nearer one where two lie over each other."""
    seen = np.full((height, width), -1, np.int32)
    depth = points[:, 2][triangles].mean(1)
    corners = np.rint(points[:, :2][triangles] * 16).astype(np.int32)
    for number in np.argsort(-depth):
        cv2.fillConvexPoly(seen, corners[number], int(number), lineType=cv2.LINE_8, shift=4)
    return seen


def places(points: Points, triangles: Triangles, seen: NDArray[np.int32], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values at the mesh's points (468, k), between them as the triangles say: (height, width, k), 0 where no triangle is seen."""
    rows, columns = np.nonzero(seen >= 0)
    chosen = triangles[seen[rows, columns]]
    corners = points[:, :2][chosen].astype(np.float64)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    here = np.stack([columns, rows], 1) - corners[:, 0]
    area = crossed(first, second)
    area = np.where(np.abs(area) < 1e-9, 1e-9, area)
    one, two = crossed(here, second) / area, crossed(first, here) / area
    shares = np.clip(np.stack([1 - one - two, one, two], 1), 0, 1)  # a pixel that lies on the edge is taken for one inside
    shares /= shares.sum(1, keepdims=True)
    result = np.zeros((*seen.shape, values.shape[1]), np.float32)
    result[rows, columns] = np.einsum("nc,nck->nk", shares, values[chosen])
    return result
