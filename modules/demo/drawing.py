"""Draws a scene as a picture."""

import cv2
import numpy as np
from numpy.typing import NDArray

from . import figures, palette
from .scenes import Place, Scene, Subject

Picture = NDArray[np.uint8]  # (size, size, 3), sRGB
OVERSAMPLING = 4  # drawn this many times larger and averaged down: smooth edges at any size
SUBPIXEL_BITS = 4
CENTRES: dict[Place, tuple[float, float]] = {
    "": (0.5, 0.5),
    "center": (0.5, 0.5),
    "left": (0.26, 0.5),
    "right": (0.74, 0.5),
    "top": (0.5, 0.26),
    "bottom": (0.5, 0.74),
}


def draw(scene: Scene, size: int, rng: np.random.Generator) -> Picture:
    """The scene as a picture of `size` x `size` pixels; `rng` decides the small things no caption names."""
    return draw_and_tell(scene, size, rng)[0]


def draw_and_tell(scene: Scene, size: int, rng: np.random.Generator) -> tuple[Picture, list[tuple[Subject, float, float, float]]]:
    """The same picture, and each subject in it with its centre and radius, in shares of the picture's side."""
    canvas = background(scene.background, size * OVERSAMPLING, rng)
    places = _arrangement(scene, rng)
    for subject, x, y, radius in places:
        put(canvas, figures.THINGS[subject.thing](), subject.colour, x, y, radius, outlined=scene.outlined, rng=rng)
    return smaller(canvas, size), places


def smaller(canvas: Picture, size: int) -> Picture:
    """A canvas as the picture that it is drawn for."""
    return np.asarray(cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def _arrangement(scene: Scene, rng: np.random.Generator) -> list[tuple[Subject, float, float, float]]:
    """Each subject with its centre and radius, in shares of the picture's side."""
    first = scene.first
    if scene.second is not None:
        spots = [(0.5, 0.27), (0.5, 0.73)] if scene.relation in ("above", "below") else [(0.27, 0.5), (0.73, 0.5)]
        if scene.relation in ("right of", "below"):
            spots.reverse()
        subjects, radius = [first, scene.second], 0.19
    elif scene.count > 1:
        across = [(0.27, 0.5), (0.73, 0.5)]
        spots = across if scene.count == 2 else [(0.5, 0.27), (0.26, 0.71), (0.74, 0.71)]
        subjects, radius = [first] * scene.count, 0.19
    else:
        spots, subjects = [CENTRES[scene.place]], [first]
        unnamed = 0.31 if scene.place in ("", "center") else 0.21
        radius = {"small": 0.18, "": unnamed, "large": 0.42}[scene.size]
    wobble = 0.05 * radius
    return [
        (subject, x + rng.uniform(-wobble, wobble), y + rng.uniform(-wobble, wobble), radius * rng.uniform(0.94, 1.06))
        for subject, (x, y) in zip(subjects, spots, strict=True)
    ]


def put(
    canvas: Picture, figure: figures.Figure, colour: str, x: float, y: float, radius: float, *, outlined: bool, rng: np.random.Generator
) -> None:
    """Paints one thing onto the canvas; centre and radius are shares of the canvas's side."""
    side = canvas.shape[0]
    tilt = rng.uniform(-0.1, 0.1)
    turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])

    def fill(image: NDArray[np.uint8], shapes: list[figures.Polygon], value: tuple[int, ...]) -> None:
        for shape in shapes:
            corners = (np.array([x, y]) + radius * shape @ turn) * side * (1 << SUBPIXEL_BITS)
            cv2.fillPoly(image, [corners.round().astype(np.int32)], value, shift=SUBPIXEL_BITS)

    mask = np.zeros(canvas.shape[:2], np.uint8)
    fill(mask, figure.body, (255,))
    fill(mask, figure.holes, (0,))
    if outlined:
        width = max(3, round(0.028 * side)) | 1
        brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
        canvas[cv2.dilate(mask, brush) > 0] = palette.accent(colour)
    canvas[mask > 0] = _shade(palette.COLOURS[colour], rng)
    fill(canvas, figure.details, palette.accent(colour))


def background(name: str, side: int, rng: np.random.Generator) -> Picture:
    """What lies behind: a colour of the palette, or sky, sea or night; (side, side, 3)."""
    canvas = np.empty((side, side, 3), np.uint8)
    if name in palette.COLOURS:
        canvas[:] = _shade(palette.COLOURS[name], rng)
        return canvas
    top, bottom = {
        "sky": ((110, 180, 245), (190, 225, 250)),
        "sea": ((60, 150, 215), (14, 70, 150)),
        "night": ((8, 10, 40), (30, 36, 88)),
    }[name]
    share = np.linspace(0, 1, side)[:, None, None]
    canvas[:] = (1 - share) * np.array(top) + share * np.array(bottom)
    {"sky": _clouds, "sea": _waves, "night": _stars}[name](canvas, rng)
    return canvas


def _clouds(canvas: Picture, rng: np.random.Generator) -> None:
    side = canvas.shape[0]
    for x, y in ((0.18, 0.14), (0.8, 0.2), (0.2, 0.88)):
        middle = (np.array([x, y]) + rng.uniform(-0.06, 0.06, 2)) * side
        for shift, width, height in ((-0.07, 0.07, 0.035), (0.0, 0.08, 0.055), (0.08, 0.07, 0.035)):
            at = (round(middle[0] + shift * side), round(middle[1]))
            cv2.ellipse(canvas, at, (round(width * side), round(height * side)), 0, 0, 360, (248, 250, 252), -1)


def _waves(canvas: Picture, rng: np.random.Generator) -> None:
    side = canvas.shape[0]
    x = np.linspace(0, side, 160)
    for y in (0.1, 0.3, 0.5, 0.7, 0.9):
        height = y * side + 0.018 * side * np.sin(x / side * 2 * np.pi * 4 + rng.uniform(0, 2 * np.pi))
        line = np.stack([x, height], 1).round().astype(np.int32)
        cv2.polylines(canvas, [line], False, (130, 195, 235), max(1, round(0.014 * side)))


def _stars(canvas: Picture, rng: np.random.Generator) -> None:
    side = canvas.shape[0]
    for x, y in rng.uniform(0.03, 0.97, (14, 2)):
        cv2.circle(canvas, (round(x * side), round(y * side)), round(0.012 * side), (245, 240, 200), -1)


def _shade(colour: tuple[int, int, int], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The colour, a little lighter or darker, so that no single value is learned by heart."""
    return np.clip(np.array(colour) + rng.uniform(-6, 6, 3), 0, 255).round().astype(np.uint8)
