"""Pictures to colours: blurred, shuffled, coarse, or their light without colour."""

import zlib
from functools import partial
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from .declaration import Pixels
from .lines import as_rgb, luminance

GRID = 64  # pixels of a field of T2I-Adapter's colour grid; Mou et al. 2023, arXiv:2302.08453, section 3.3
SHUFFLE_SCALE = 256  # pixels over which the shuffled content hangs together; Zhang 2023, ControlNet 1.1's description
Light = Literal["luminance", "intensity"]


def blur_gaussian(image: Pixels, a: float, b: float) -> Pixels:
    """Smoothed by `a` pixels."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), a), np.uint8)


def color_grid(image: Pixels, a: float, b: float) -> Pixels:
    """Fields of 64 pixels in one colour each."""
    height, width = image.shape[:2]
    small = cv2.resize(image, (max(width // GRID, 1), max(height // GRID, 1)), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def tile_resample(image: Pixels, a: float, b: float) -> Pixels:
    """Smaller by the factor `a`, each pixel the mean of those that it stands for; below 1.1 as it is, as in A1111."""
    if a < 1.1:
        return image
    height, width = image.shape[:2]
    size = (max(int(width / a), 1), max(int(height / a), 1))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def shuffle(image: Pixels, a: float, b: float) -> Pixels:
    """The picture's content and colours at other places, bent along two smooth random fields; the same picture gives the same."""
    height, width = image.shape[:2]
    random = np.random.default_rng(zlib.crc32(image.tobytes()))
    across = smooth_noise(random, height, width) * (width - 1)
    down = smooth_noise(random, height, width) * (height - 1)
    return np.asarray(cv2.remap(image, across, down, cv2.INTER_LINEAR), np.uint8)


def smooth_noise(random: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """A field (h, w) between 0 and 1, both reached, that changes over some 256 pixels."""
    rows, columns = height // SHUFFLE_SCALE + 4, width // SHUFFLE_SCALE + 4  # more than is seen: its edges are flat
    coarse = random.random((rows, columns), np.float32)
    scale = SHUFFLE_SCALE // 2
    fine = cv2.resize(coarse, (max(columns * scale, width), max(rows * scale, height)), interpolation=cv2.INTER_CUBIC)[:height, :width]
    least, most = float(fine.min()), float(fine.max())
    return np.asarray((fine - least) / max(most - least, 1e-6), np.float32)


def recolor(image: Pixels, a: float, b: float, *, light: Light) -> Pixels:
    """The picture's light as grey, with the gamma `a`: the L of CIE L*a*b*, or the V of HSV."""
    levels = light_of(image, light).astype(np.float32) / 255
    return as_rgb(np.minimum(levels**a * 255, 255))


recolor_luminance = partial(recolor, light="luminance")
recolor_intensity = partial(recolor, light="intensity")


def light_of(image: Pixels, light: Light) -> NDArray[np.uint8]:
    """The (h, w) levels of a picture's light, 0 to 255."""
    if light == "luminance":
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[:, :, 0], np.uint8)
    return image.max(axis=2)


def with_light(image: Pixels, levels: NDArray[np.uint8], light: Light) -> Pixels:
    """A picture's colours in another light, (h, w) levels 0 to 255 of the same kind."""
    there, back = (cv2.COLOR_RGB2LAB, cv2.COLOR_LAB2RGB) if light == "luminance" else (cv2.COLOR_RGB2HSV, cv2.COLOR_HSV2RGB)
    values = cv2.cvtColor(image, there)
    values[:, :, 0 if light == "luminance" else 2] = levels
    return np.asarray(cv2.cvtColor(values, back), np.uint8)


def normal_luminance(image: Pixels, a: float, b: float) -> Pixels:
    """A normal map of the picture taken as a relief whose bright parts stand out; `a` is its height, `b` the smoothing in pixels.

    Blue faces the viewer, red left, green up. It is no depth: a dark hole and a dark stripe are the same to it.
    """
    height = np.asarray(cv2.GaussianBlur(luminance(image), (0, 0), b), np.float32) / 255 * a * 10
    across, down = cv2.Scharr(height, cv2.CV_32F, 1, 0) / 32, cv2.Scharr(height, cv2.CV_32F, 0, 1) / 32
    # Scharr sums up to 32 times the slope
    normal = np.dstack([across, down, np.ones_like(across)])  # up is where the height falls off to the top: rising downwards
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    return np.asarray((normal * 127.5 + 127.5).round(), np.uint8)
