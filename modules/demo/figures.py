"""The shapes of the things the demo draws, as polygons in a square from -1 to 1, y downwards."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Polygon = NDArray[np.float64]  # (n, 2), x and y in -1..1


@dataclass(frozen=True)
class Figure:
    """What is filled with the thing's colour, what is cut out of that, and what is drawn on it in the accent colour."""

    body: list[Polygon]
    holes: list[Polygon] = field(default_factory=list)
    details: list[Polygon] = field(default_factory=list)


def ellipse(x: float, y: float, width: float, height: float) -> Polygon:
    """An ellipse around (x, y); `width` and `height` are its half axes."""
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    return np.stack([x + width * np.cos(angle), y + height * np.sin(angle)], 1)


def polygon(*points: tuple[float, float]) -> Polygon:
    return np.array(points, np.float64)


def circle() -> Figure:
    return Figure([ellipse(0, 0, 0.95, 0.95)])


def square() -> Figure:
    return Figure([polygon((-0.84, -0.84), (0.84, -0.84), (0.84, 0.84), (-0.84, 0.84))])


def triangle() -> Figure:
    return Figure([polygon((0, -0.95), (1, 0.8), (-1, 0.8))])


def star() -> Figure:
    angle = np.arange(10) * np.pi / 5 - np.pi / 2
    radius = np.where(np.arange(10) % 2 == 0, 1.05, 0.43)
    return Figure([np.stack([radius * np.cos(angle), radius * np.sin(angle) + 0.05], 1)])


def heart() -> Figure:
    t = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    x = np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) / 16
    return Figure([np.stack([x, y - 0.08], 1)])


def diamond() -> Figure:
    return Figure([polygon((0, -1.05), (0.7, 0), (0, 1.05), (-0.7, 0))])


def ring() -> Figure:
    return Figure([ellipse(0, 0, 0.96, 0.96)], holes=[ellipse(0, 0, 0.5, 0.5)])


def cross() -> Figure:
    arm = 0.32
    return Figure(
        [
            polygon((-arm, -0.95), (arm, -0.95), (arm, 0.95), (-arm, 0.95)),
            polygon((-0.95, -arm), (0.95, -arm), (0.95, arm), (-0.95, arm)),
        ]
    )


def house() -> Figure:
    walls = polygon((-0.68, -0.15), (0.68, -0.15), (0.68, 0.9), (-0.68, 0.9))
    roof = polygon((0, -0.98), (0.98, -0.1), (-0.98, -0.1))
    door = polygon((-0.16, 0.3), (0.2, 0.3), (0.2, 0.9), (-0.16, 0.9))
    return Figure([walls, roof], details=[door])


def tree() -> Figure:
    crown = [ellipse(0, -0.5, 0.55, 0.5), ellipse(-0.42, -0.1, 0.48, 0.42), ellipse(0.42, -0.1, 0.48, 0.42)]
    trunk = polygon((-0.17, -0.2), (0.17, -0.2), (0.22, 1), (-0.22, 1))
    return Figure([*crown, trunk])


def sun() -> Figure:
    rays: list[Polygon] = []
    for angle in np.arange(8) * np.pi / 4:
        along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        rays.append(np.stack([0.66 * along - 0.15 * across, 0.66 * along + 0.15 * across, 1.08 * along]))
    return Figure([ellipse(0, 0, 0.53, 0.53), *rays])


def moon() -> Figure:
    return Figure([ellipse(-0.05, 0, 0.95, 0.95)], holes=[ellipse(0.42, -0.16, 0.8, 0.8)])


def fish() -> Figure:
    tail = polygon((0.4, 0), (1.02, -0.55), (0.88, 0), (1.02, 0.55))
    return Figure([ellipse(-0.25, 0, 0.78, 0.52), tail], details=[ellipse(-0.6, -0.12, 0.11, 0.11)])


def flower() -> Figure:
    angles = np.arange(5) * 2 * np.pi / 5 - np.pi / 2
    petals = [ellipse(0.56 * float(np.cos(a)), 0.56 * float(np.sin(a)), 0.42, 0.42) for a in angles]
    return Figure([*petals, ellipse(0, 0, 0.4, 0.4)], details=[ellipse(0, 0, 0.25, 0.25)])


def boat() -> Figure:
    hull = polygon((-1, 0.38), (1, 0.38), (0.62, 0.9), (-0.62, 0.9))
    mast = polygon((-0.07, -0.95), (0.03, -0.95), (0.03, 0.4), (-0.07, 0.4))
    sail = polygon((0.1, -0.95), (0.85, 0.22), (0.1, 0.22))
    return Figure([hull, mast, sail])


def face() -> Figure:
    angle = np.linspace(0.15 * np.pi, 0.85 * np.pi, 24)
    curve = np.stack([np.cos(angle), np.sin(angle)], 1)
    smile = np.concatenate([0.62 * curve, (0.46 * curve + [0, -0.02])[::-1]])
    return Figure(
        [ellipse(0, 0, 0.97, 0.97)],
        details=[ellipse(-0.34, -0.3, 0.14, 0.18), ellipse(0.34, -0.3, 0.14, 0.18), smile],
    )


THINGS: dict[str, Callable[[], Figure]] = {
    "circle": circle,
    "square": square,
    "triangle": triangle,
    "star": star,
    "heart": heart,
    "diamond": diamond,
    "ring": ring,
    "cross": cross,
    "house": house,
    "tree": tree,
    "sun": sun,
    "moon": moon,
    "fish": fish,
    "flower": flower,
    "boat": boat,
    "face": face,
}
NAMES: tuple[str, ...] = tuple(THINGS)
