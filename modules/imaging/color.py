"""A result's colours brought back to those of its original."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

LUMINOSITY = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, the share of red, green and blue


def match_colors(result: Image.Image, original: Image.Image) -> Image.Image:
    """The result (RGB) with the original's colours and its own brightness, pixel for pixel.

    The histograms of the three LAB channels are made those of the original; of that picture only hue and saturation are kept.
    The original may have another size. Gonzalez and Woods, Digital Image Processing, "Histogram matching".
    """
    pixels = np.asarray(result.convert("RGB"))
    lab, wanted = as_lab(result), as_lab(original)
    matched = np.stack([with_histogram(lab[..., channel], wanted[..., channel]) for channel in range(3)], -1)
    coloured = np.asarray(cv2.cvtColor(matched, cv2.COLOR_LAB2RGB), np.float64)
    blended = with_luminosity(coloured / 255, luminosity(pixels / 255))
    return Image.fromarray((np.clip(blended, 0, 1) * 255).astype(np.uint8))


def as_lab(image: Image.Image) -> NDArray[np.uint8]:
    """A picture's LAB values (h, w, 3), each in 0..255."""
    return np.asarray(cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2LAB), np.uint8)


def with_histogram(values: NDArray[np.uint8], wanted: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Values moved so that as many lie below each as in `wanted`; between two levels of that, in proportion, cut off not rounded."""
    shares = np.cumsum(np.bincount(values.ravel())) / values.size
    counts = np.bincount(wanted.ravel())
    levels = np.nonzero(counts)[0]
    moved = np.interp(shares, np.cumsum(counts[levels]) / wanted.size, levels)
    return moved[values].astype(np.uint8)


def luminosity(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """The brightness (h, w) of colours (h, w, 3)."""
    return (colours * LUMINOSITY).sum(-1)


def with_luminosity(colours: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colours (h, w, 3) in 0..1 made as bright as `wanted` (h, w); what leaves 0..1 is drawn back towards grey.

    W3C, Compositing and Blending Level 1, section 10.2, SetLum and ClipColor.
    """
    moved = colours + (wanted - luminosity(colours))[..., None]
    grey, low, high = luminosity(moved)[..., None], moved.min(-1, keepdims=True), moved.max(-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        raised = np.where(low < 0, grey + (moved - grey) * grey / (grey - low), moved)
        return np.where(high > 1, grey + (raised - grey) * (1 - grey) / (high - grey), raised)
