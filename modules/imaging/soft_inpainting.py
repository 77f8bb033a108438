"""Soft inpainting: what is laid back over a result follows how far it has moved away from the original. After A1111's extension."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from modules.contract.request import Size
from modules.imaging.inpainting import pasted
from modules.imaging.masks import Box, without
from modules.imaging.resize import resize_image

Values = NDArray[np.float64]

REACH = 2  # pixels of latents that a filter looks at to each side
SPREAD = 1.5
SMOOTHING = 4  # radius of the blur over the finished mask, in pixels


@dataclass(frozen=True)
class SoftOptions:
    """What soft inpainting is told; the defaults are A1111's."""

    bias: float = 1.0  # 0..8: below 1 the original counts for longer, above it for less long
    preservation: float = 0.5  # 0..8: how often the original is laid over each step
    contrast_boost: float = 4.0  # 1..32: how much the stronger of two latents wins where they blend
    mask_influence: float = 0.0  # 0..1: how much the mask counts in the finished picture
    threshold: float = 0.5  # 0..8: how far latents may move before half of the original shows
    contrast: float = 2.0  # 0..8: how sharp the border between original and result is

    def notes(self) -> dict[str, object]:
        """The pairs for the infotext, in A1111's order."""
        return {
            "Soft inpainting enabled": True,
            "Soft inpainting schedule bias": self.bias,
            "Soft inpainting preservation strength": self.preservation,
            "Soft inpainting transition contrast boost": self.contrast_boost,
            "Soft inpainting mask influence": self.mask_influence,
            "Soft inpainting difference threshold": self.threshold,
            "Soft inpainting difference contrast": self.contrast,
        }


def adaptive_mask(distance: Values, mask: Values, options: SoftOptions, size: Size) -> Image.Image:
    """The mask (mode L, `size`) over a result: white where it has moved so far that nothing of the original is to show.

    `distance` (h, w) is how far each latent is from the original's, `mask` (h, w) in 0..1 is the latents' mask.
    """
    smooth = window_mean(window_mean(distance, 0.9, 1.0), 0.25, 0.75)
    share = 1 - np.clip(mask, 0, 1) ** (options.preservation / 2)
    share = 0.5 * (1 - options.mask_influence) + share * options.mask_influence
    half = options.threshold * share / (1.00001 - share)  # the distance at which half of the original shows
    with np.errstate(divide="ignore", invalid="ignore"):
        original = 1 / (1 + (smooth / half) ** options.contrast)
    original = smootherstep(np.nan_to_num(original, nan=1.0))
    picture = Image.fromarray((255 * (1 - original)).astype(np.uint8))
    return resize_image("resize and fill", picture, size).convert("L").filter(ImageFilter.GaussianBlur(SMOOTHING))


def soft_overlay(original: Image.Image, mask: Image.Image, paste_to: Box | None) -> tuple[Image.Image, Image.Image]:
    """An original (as `composite` lays it over a result) with the mask cut out of it, RGBA, and that mask at the original's size."""
    if paste_to is not None:
        mask = pasted(mask, paste_to, Size(*original.size)).convert("L")
    return without(original, mask).convert("RGBA"), mask


def window_mean(values: Values, low: float, high: float) -> Values:
    """For each pixel the mean of those values around it that lie between two quantiles, weighted by how near they are.

    Values (h, w); the quantiles 0..1 are widened to take in at least the weight of one pixel.
    """
    weights, around = neighbours(values)  # both (h, w, n)
    order = around.argsort(axis=-1, kind="stable")
    around, weights = np.take_along_axis(around, order, -1), np.take_along_axis(weights, order, -1)
    ends = weights.cumsum(-1)
    total = ends[..., -1]
    start, stop = total * low, total * high
    narrow = stop - start < 1
    middle = (start + stop) / 2
    start, stop = np.where(narrow, middle - 0.5, start), np.where(narrow, middle + 0.5, stop)
    over = narrow & (stop > total)
    start, stop = np.where(over, total - 1, start), np.where(over, total, stop)
    under = narrow & (start < 0)
    start, stop = np.where(under, 0.0, start), np.where(under, 1.0, stop)
    taken = np.minimum(ends, stop[..., None]) - np.maximum(ends - weights, start[..., None])
    taken = taken.clip(min=0)
    return (around * taken).sum(-1) / taken.sum(-1)


def neighbours(values: Values) -> tuple[Values, Values]:
    """The weights and the values (h, w, n) of all pixels around each pixel; the weight is 0 outside the picture."""
    height, width = values.shape
    padded = np.pad(values, REACH)
    inside = np.pad(np.ones_like(values), REACH)
    places = [(y, x) for y in range(2 * REACH + 1) for x in range(2 * REACH + 1)]
    weights = np.stack([inside[y : y + height, x : x + width] * weight(y - REACH, x - REACH) for y, x in places], axis=-1)
    return weights, np.stack([padded[y : y + height, x : x + width] for y, x in places], axis=-1)


def weight(y: int, x: int) -> float:
    """How much a pixel counts at a distance: a bell that is 1 in its middle and 0 one pixel beyond its reach."""
    end = math.exp(-(((REACH + 1) / SPREAD) ** 2))
    return max(0.0, (math.exp(-(y * y + x * x) / SPREAD**2) - end) / (1 - end))


def smootherstep(x: Values) -> Values:
    """From 0 to 1 with no bend at the ends. Perlin 2002."""
    return x * x * x * (x * (6 * x - 15) + 10)
