"""Trains the autoencoder on drawings, small ones first, and scales its latents to what SD1 expects."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportOptionalCall=false, reportOptionalSubscript=false
# (what diffusers annotates is narrower than what it takes and gives)

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional as F

from . import networks
from .beginnings import begin_autoencoder
from .course import Course
from .pictures import picture_of
from .progress import learning_rate

SEED = 1
STEPS = 1800
BATCH = 16
PEAK_RATE = 4e-4
SIZES = ((0.34, 32, 16), (0.53, 64, 8), (1.0, 128, 2))  # up to this share of the steps: pixels, pictures
SPREAD_WEIGHT = 1e-3  # holds the latents' spread near one, so that the noise below means something
LATENT_NOISE = 0.06  # the decoder learns to forgive what a small denoiser gets slightly wrong
SAVE_EVERY = 50


def train(work: Path, device: torch.device, steps: int = STEPS) -> None:
    """Writes `autoencoder.pt` in the work folder, going on where an earlier process stopped."""
    path = work / "autoencoder.pt"
    torch.manual_seed(SEED)
    model = networks.autoencoder()
    begin_autoencoder(model)
    model.to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=1e-4)
    course = Course(
        "autoencoder", path, model, optimizer, steps=steps, rate=lambda step: learning_rate(step / steps, PEAK_RATE), every=SAVE_EVERY
    )
    for step, pictures in _batches(course.first, steps):
        error, edges, spread = _losses(model, pictures.to(device), step)
        course.learn(step, error + edges + SPREAD_WEIGHT * spread, error=error.item(), edges=edges.item(), spread=spread.item())


def to_tensor(pictures: list[np.ndarray]) -> Tensor:
    """Pictures as (B, 3, h, w) in -1..1."""
    stack = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return stack.contiguous(memory_format=torch.channels_last)


def _losses(model: AutoencoderKL, pictures: Tensor, step: int) -> tuple[Tensor, Tensor, Tensor]:
    """Mean error of pixels, of their differences to the neighbours, and how far the latents' spread is from one.

    The latents are the encoder's means: drawn ones, as wide as the means when training begins, learn far slower.
    """
    random = torch.Generator("cpu").manual_seed(SEED * 1_000_003 + step)
    with torch.autocast(pictures.device.type, torch.bfloat16):
        latents = model.encode(pictures).latent_dist.mean.float()
        noise = torch.randn(latents.shape, generator=random).to(latents)
        decoded = model.decode(latents + LATENT_NOISE * noise).sample
    difference = decoded.float() - pictures
    edges = F.l1_loss(difference[..., 1:], difference[..., :-1]) + F.l1_loss(difference[..., 1:, :], difference[..., :-1, :])
    means, spreads = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    spread = (means**2).mean() + (spreads.log() ** 2).mean()
    return difference.abs().mean(), edges, spread


def _batches(first: int, steps: int) -> Iterator[tuple[int, Tensor]]:
    """Steps and their pictures; the next batch is drawn while one is trained on."""

    def batch(step: int) -> Tensor:
        size, count = next((size, count) for share, size, count in SIZES if step < share * steps or share == 1)
        return to_tensor([picture_of(SEED, step * BATCH + index, size) for index in range(count)])

    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(batch, first)
        for step in range(first, steps):
            ready = coming.result()
            coming = pool.submit(batch, step + 1)
            yield step, ready
