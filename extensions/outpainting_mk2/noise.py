"""Noise that looks like a picture: with its spectrum, and its distribution of each colour."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def matched_noise(picture: Values, mask: Values, *, falloff: float, variation: float) -> Values:
    """The picture (h, w, 3), 0 to 1, with noise where the mask (h, w) is 1. Sides must be even. The noise is always the same one.

    The noise's spectrum is its own squared, times the picture's to the power of `falloff`, with the picture's phases.
    `variation`, 0 to 1, is the share of colour in it; the rest is grey.
    """
    painted = mask[:, :, None]
    seen = picture * (1 - painted)
    seen = seen / (seen.max() or 1) + picture.mean() * painted  # black in the new part would be a sharp edge in the spectrum
    spectrum = transformed(seen)
    random = np.random.default_rng(0).random(picture.shape)
    noise = variation * random + (1 - variation) * random.mean(axis=2, keepdims=True)
    smooth = restored(transformed(noise) * low_pass(*mask.shape)[:, :, None])
    phase = np.exp(1j * np.angle(spectrum))
    shaped = restored(np.abs(transformed(smooth)) ** 2 * np.abs(spectrum) ** falloff * phase)
    shaped = shaped - shaped.min()
    shaped = shaped / (shaped.max() or 1)
    inside, known = mask > 1e-6, mask < 1e-3
    if known.any() and inside.any():
        for channel in range(3):
            shaped[inside, channel] = with_distribution(shaped[inside, channel], picture[known, channel])
    return np.clip(picture * (1 - painted) + shaped * painted, 0, 1)


def transformed(values: Values) -> NDArray[np.complex128]:
    """The spectrum of each channel (h, w, 3), its lowest frequency in the middle."""
    axes = (0, 1)
    return np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(values, axes), axes=axes, norm="ortho"), axes)


def restored(spectrum: NDArray[Any]) -> Values:
    """The real values of a spectrum with its lowest frequency in the middle."""
    axes = (0, 1)
    return np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(spectrum, axes), axes=axes, norm="ortho"), axes).real


def low_pass(height: int, width: int) -> Values:
    """Weights (h, w) that fall from 1 in the middle as 1 / (1 + d^2) across and down; d is 1 where the shorter side ends."""
    down, across = ((np.arange(side) / side * 2 - 1) * (side / min(height, width)) for side in (height, width))
    return 1 / ((down[:, None] ** 2 + 1) * (across[None, :] ** 2 + 1))


def with_distribution(values: Values, wanted: Values) -> Values:
    """Values moved, their order kept, so that their shares are those of `wanted`."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    levels, level_counts = np.unique(wanted, return_counts=True)
    moved = np.interp(np.cumsum(counts) / values.size, np.cumsum(level_counts) / wanted.size, levels)
    return moved[places]
