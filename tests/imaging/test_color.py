"""Colours brought back to those of an original."""

import numpy as np
from PIL import Image

from modules.imaging.color import as_lab, luminosity, match_colors


def picture(red: float, green: float, blue: float, seed: int = 0) -> Image.Image:
    """Noise around a colour."""
    values = np.random.default_rng(seed).normal((red, green, blue), 25, (48, 48, 3))
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def test_a_tint_is_taken_out() -> None:
    original, tinted = picture(120, 110, 100), picture(160, 110, 70, seed=1)
    matched = match_colors(tinted, original)
    before = np.abs(as_lab(tinted).mean((0, 1)) - as_lab(original).mean((0, 1)))
    after = np.abs(as_lab(matched).mean((0, 1)) - as_lab(original).mean((0, 1)))
    assert after[1:].max() < 2 < before[1:].max()  # what is left comes from the brightness that is kept, and from truncation


def test_brightness_is_the_results_own() -> None:
    original, result = picture(200, 190, 180), picture(90, 100, 140, seed=1)
    matched = match_colors(result, original)
    difference = luminosity(np.asarray(matched, np.float64)) - luminosity(np.asarray(result, np.float64))
    assert np.abs(difference).max() <= 1.01  # each channel is cut off to a whole number


def test_the_original_may_have_another_size() -> None:
    result = picture(90, 100, 140)
    assert match_colors(result, picture(120, 100, 90).resize((31, 77))).size == result.size
