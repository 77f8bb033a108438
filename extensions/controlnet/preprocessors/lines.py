"""Pictures to lines: edges, drawings, soft edges and straight lines, white on black unless it says otherwise."""

import cv2
import numpy as np
from numpy.typing import NDArray

from .declaration import Pixels

Plane = NDArray[np.float32]  # (h, w)
STROKE = 5  # pixels, of a scribble's width
SOFT_SCALES = (1.0, 2.0, 4.0)  # standard deviations in pixels: from texture to shapes
DOG_SOFTNESS = 6.0  # levels over which a line gets white
DOG_RATIO = 1.6  # of the two Gaussians: the nearest to a Laplacian, Marr and Hildreth 1980


def canny(image: Pixels, a: float, b: float) -> Pixels:
    """Thin edges. Canny 1986; `a` and `b` are the low and the high threshold of the gradient's size, of 8-bit levels.

    OpenCV puts them in order by itself if they come the other way round.
    """
    return as_rgb(cv2.Canny(image, a, b))


def invert(image: Pixels, a: float, b: float) -> Pixels:
    """A drawing on paper as light lines on black."""
    return 255 - image


def threshold(image: Pixels, a: float, b: float) -> Pixels:
    """White where all three channels lie above `a`."""
    return as_rgb(np.where(image.min(axis=2) > a, 255, 0))


def lineart_standard(image: Pixels, a: float, b: float) -> Pixels:
    """Dark strokes on light paper, as light on black: how much darker a pixel is than the paper around it.

    The paper is a Gaussian of 6 pixels. The strokes' median (of what is more than noise, 8 levels) becomes a middle grey, so that a
    pencil drawing and one in ink look alike.
    """
    return as_rgb(strokes(image, 6, 8))


def lineart_dog(image: Pixels, a: float, b: float) -> Pixels:
    """A drawing of a photograph by a difference of Gaussians with a soft threshold, after Winnemöller et al. 2012, "XDoG", eqs. 1 and 5.

    Lines are where a Gaussian of `a` pixels lies below one that is 1.6 times as wide, by more than `b` of 255 levels; from there on
    the hyperbolic tangent carries them to white. Dark surfaces stay empty: only their edges are drawn.
    """
    light = luminance(image)
    depth = blurred(light, a * DOG_RATIO) - blurred(light, a)
    return as_rgb(255 * np.tanh(np.maximum(depth - b, 0) / DOG_SOFTNESS))


def scribble_xdog(image: Pixels, a: float, b: float) -> Pixels:
    """Broad strokes where the picture is darker than its surroundings, after Winnemöller's difference of Gaussians.

    A pixel is a stroke where its darkest channel lies more than `a` / 2 levels below a Gaussian of 5 pixels, itself smoothed by half
    a pixel: `a` is A1111's "XDoG Threshold".
    """
    colours = image.astype(np.float32)
    depth = (blurred(colours, 5) - blurred(colours, 0.5)).max(axis=2)
    whole = np.ceil(depth.clip(0, 255))  # A1111 works in whole levels, rounded away from 0
    return as_rgb(np.where(2 * whole > a, 255, 0))


def scribble_edges(image: Pixels, a: float, b: float) -> Pixels:
    """Strokes of one width along the strongest soft edges: thinned, then thickened. `a` is how strong an edge must be, in %."""
    edges = blurred(soft_edges(image), 2)
    strong = np.where(is_ridge(edges) & (edges > a / 100), 255, 0).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (STROKE, STROKE))
    return as_rgb(np.asarray(cv2.dilate(strong, kernel)))


def softedge_sobel(image: Pixels, a: float, b: float) -> Pixels:
    """Soft edges without a network: gradients of three scales together. `a` is the contrast, in %, at which an edge is white."""
    return as_rgb(255 * np.minimum(soft_edges(image) * (100 / a), 1))


def mlsd_lsd(image: Pixels, a: float, b: float) -> Pixels:
    """Straight lines by von Gioi et al. 2010, "LSD" (OpenCV's), not by M-LSD's network. `a`: the least length in pixels, `b`: the width."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    drawn = np.zeros(grey.shape, np.uint8)
    found = cv2.createLineSegmentDetector().detect(grey)[0]
    segments = np.zeros((0, 4), np.float32) if found is None else np.asarray(found, np.float32).reshape(-1, 4)
    lengths = np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])
    for left, top, right, bottom in segments[lengths >= a].round().astype(int).tolist():
        cv2.line(drawn, (left, top), (right, bottom), 255, int(b))
    return as_rgb(drawn)


def soft_edges(image: Pixels) -> Plane:
    """How strong the edge in each pixel is, 0 to 1: the strongest channel's gradient, the mean over three scales, each by its peak."""
    colours = image.astype(np.float32)
    total = np.zeros(image.shape[:2], np.float32)
    for scale in SOFT_SCALES:
        smooth = blurred(colours, scale)
        across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
        size = np.hypot(across, down).max(axis=2)
        peak = float(np.quantile(size, 0.995))
        total += np.minimum(size / max(peak, 16.0), 1)  # 16: a picture without edges has none, not its noise at full strength
    return (total / len(SOFT_SCALES)).astype(np.float32)


def strokes(image: Pixels, paper: float, noise: float) -> Plane:
    """How much darker a pixel is than a Gaussian of `paper` pixels around it: the median of what is above `noise` levels becomes 127."""
    drawn = image.astype(np.float32)
    depth = np.maximum((blurred(drawn, paper) - drawn).min(axis=2), 0)
    dark = depth[depth > noise]
    middle = max(16.0, float(np.median(dark))) if dark.size else 16.0
    return np.minimum(depth / middle * 127, 255)


def is_ridge(plane: Plane) -> NDArray[np.bool_]:
    """Where a pixel lies above both its neighbours across the ridge: in that of four directions in which it falls off most."""
    padded = np.pad(plane, 1, mode="edge")
    height, width = plane.shape
    steepest = np.zeros(plane.shape, np.float32)
    found = np.zeros(plane.shape, bool)
    for across, down in ((1, 0), (0, 1), (1, 1), (1, -1)):
        before = padded[1 - down : 1 - down + height, 1 - across : 1 - across + width]
        after = padded[1 + down : 1 + down + height, 1 + across : 1 + across + width]
        fall = (2 * plane - before - after) / (across * across + down * down)
        steeper = fall > steepest
        found = np.where(steeper, (plane > before) & (plane >= after), found)
        steepest = np.where(steeper, fall, steepest)
    return found


def luminance(image: Pixels) -> Plane:
    """Its grey, 0 to 255, after ITU-R BT.601."""
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)


def blurred(values: Plane, sigma: float) -> Plane:
    """A Gaussian of `sigma` pixels over (h, w) or (h, w, 3)."""
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), np.float32)


def as_rgb(plane: NDArray[np.generic]) -> Pixels:
    """Levels 0 to 255 of one channel, (h, w), as a grey picture; fractions are cut off."""
    return np.repeat(plane.astype(np.uint8)[:, :, None], 3, axis=2)
