"""Soft inpainting: blending in latent space, and the mask that follows from what changed."""

import io

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from modules.contract.request import Inpaint, Size
from modules.imaging.inpainting import prepare
from modules.imaging.soft_inpainting import SoftOptions, adaptive_mask, neighbours, window_mean
from modules.pipeline.soft_inpainting import blended, overlays, soft_blend
from tests.pipeline.pictures import noise

OPTIONS = SoftOptions()


def latents(seed: int) -> torch.Tensor:
    return torch.randn(2, 4, 6, 6, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("weight", "which"), [(0.0, 0), (1.0, 1)])
def test_at_its_ends_a_blend_is_one_or_the_other(weight: float, which: int) -> None:
    pair = latents(0), latents(1)
    # 1e-5 is added to the length that is divided by, against zero.
    assert torch.allclose(blended(*pair, torch.full((1, 1, 6, 6), weight), 4.0), pair[which], rtol=1e-4)


def test_between_two_latents_the_strength_lies_between_theirs() -> None:
    a, b = latents(0), latents(1)
    made = blended(a, b, torch.full((1, 1, 6, 6), 0.5), 1.0).norm(dim=1)
    assert torch.allclose(made, (a.norm(dim=1) + b.norm(dim=1)) / 2, rtol=1e-3)


def test_a_boost_brings_it_nearer_to_the_stronger() -> None:
    a, b = latents(0), 3 * latents(1)
    half = torch.full((1, 1, 6, 6), 0.5)
    assert (blended(a, b, half, 16.0).norm(dim=1) >= blended(a, b, half, 1.0).norm(dim=1) - 1e-4).all()


def test_where_the_mask_is_full_nothing_is_blended_at_any_level() -> None:
    made = soft_blend(latents(0), latents(1), torch.ones(1, 1, 6, 6), 14.6, OPTIONS)
    assert torch.allclose(made, latents(1), rtol=1e-4)


def test_the_original_counts_more_where_there_is_more_noise() -> None:
    init, denoised, mask = torch.zeros(1, 4, 1, 1), torch.ones(1, 4, 1, 1), torch.full((1, 1, 1, 1), 0.5)
    early, late = (soft_blend(init, denoised, mask, level, OPTIONS).mean() for level in (10.0, 0.1))
    assert early < 0.5 < late


def plainly(values: NDArray[np.float64], y: int, x: int, low: float, high: float) -> float:
    """One pixel of `window_mean`, step by step: its neighbours as a stack, sorted, and the mean of what lies between two heights."""
    weights, around = neighbours(values)
    stack = sorted(zip(around[y, x], weights[y, x], strict=True))
    total = sum(weight for _, weight in stack)
    start, stop = total * low, total * high
    if stop - start < 1:
        start, stop = (start + stop) / 2 - 0.5, (start + stop) / 2 + 0.5
        if stop > total:
            start, stop = total - 1, total
    height = mean = counted = 0.0
    for value, weight in stack:
        taken = max(0.0, min(height + weight, stop) - max(height, start))
        mean, counted, height = mean + value * taken, counted + taken, height + weight
    return mean / counted


@pytest.mark.parametrize(("low", "high"), [(0.9, 1.0), (0.25, 0.75)])
def test_the_window_mean_is_that_of_the_sorted_neighbours(low: float, high: float) -> None:
    values = np.random.default_rng(0).random((7, 9))
    made = window_mean(values, low, high)
    for y, x in ((0, 0), (3, 4), (6, 8), (0, 5)):
        assert made[y, x] == pytest.approx(plainly(values, y, x, low, high))


def test_what_moved_far_shows_and_what_stayed_is_the_originals() -> None:
    distance = np.zeros((8, 8))
    distance[:, 4:] = 5
    mask = np.asarray(adaptive_mask(distance, np.ones((8, 8)), OPTIONS, Size(64, 64)))
    assert mask[:, :12].max() < 60
    assert mask[:, 52:].min() > 200


def file(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("only_masked", [False, True])
def test_latents_that_did_not_move_give_the_original_back(only_masked: bool) -> None:
    mask = Image.new("L", (64, 64))
    mask.paste(255, (16, 16, 48, 48))
    inpaint = Inpaint(mask=file(mask), only_masked=only_masked, padding=8)
    ready = prepare([noise(64, 64)], inpaint, "just resize", Size(64, 64), background="#ffffff")
    same = torch.zeros(1, 4, 8, 8)
    ((overlay, cut),) = overlays(ready, torch.ones(1, 1, 8, 8), same, same, Size(64, 64), OPTIONS)
    assert cut.getextrema() == (0, 0)
    assert overlay.convert("RGB").tobytes() == noise(64, 64).tobytes()


def test_the_infotexts_pairs_are_in_a1111s_order() -> None:
    notes = [key.removeprefix("Soft inpainting ") for key in OPTIONS.notes()]
    assert notes[:3] == ["enabled", "schedule bias", "preservation strength"]
    assert notes[3:] == ["transition contrast boost", "mask influence", "difference threshold", "difference contrast"]
