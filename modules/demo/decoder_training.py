"""Sharpens the decoder on the kept latents. The encoder stays as it is, so the denoiser need not learn anything again."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportOptionalCall=false, reportOptionalSubscript=false
# (what diffusers annotates is narrower than what it takes and gives)

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from . import latents as album
from . import networks
from .autoencoder_training import LATENT_NOISE, to_tensor
from .checkpoints import read_state, write_tensors
from .course import Course
from .pictures import picture_of
from .progress import learning_rate

SEED = 6
STEPS = 1200
BATCH = 4
PEAK_RATE = 3e-4
SAVE_EVERY = 100


def train(work: Path, device: torch.device, steps: int = STEPS) -> None:
    """Rewrites the decoder in `vae.safetensors`, going on where an earlier process stopped."""
    path = work / "decoder.pt"
    model = album.scaled(work).to(device)
    assert model.post_quant_conv is not None
    weights = [*model.decoder.parameters(), *model.post_quant_conv.parameters()]
    optimizer = torch.optim.AdamW(weights, betas=(0.9, 0.98), weight_decay=1e-4)
    course = Course(
        "decoder", path, model, optimizer, steps=steps, rate=lambda step: learning_rate(step / steps, PEAK_RATE), every=SAVE_EVERY
    )
    for step, latents, pictures in _batches(work, course.first, steps):
        with torch.autocast(device.type, torch.bfloat16):
            decoded = model.decode(latents.to(device) / networks.LATENT_SCALE).sample
        difference = decoded.float() - pictures.to(device)
        error = difference.abs().mean()
        across = F.l1_loss(difference[..., 1:], difference[..., :-1])
        down = F.l1_loss(difference[..., 1:, :], difference[..., :-1, :])
        course.learn(step, error + across + down, error=error.item(), edges=(across + down).item())
    write_tensors(work / "vae.safetensors", model.state_dict())


def _batches(work: Path, first: int, steps: int) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Steps with noisy latents (B, 4, 16, 16) and the pictures they came from (B, 3, 128, 128)."""
    state = read_state(work / "latents.pt")
    assert state is not None, f"Keep latents first: {work / 'latents.pt'} is not there."
    kept = state["latents"]

    def batch(step: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng((SEED, step))
        chosen = rng.integers(len(kept), size=BATCH)
        noise = torch.from_numpy(rng.normal(0, LATENT_NOISE, (BATCH, *kept.shape[1:]))).float()
        pictures = to_tensor([picture_of(album.SEED, int(index), album.SIZE) for index in chosen])
        return kept[torch.from_numpy(chosen)].float() + noise, pictures

    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(batch, first)
        for step in range(first, steps):
            latents, pictures = coming.result()
            coming = pool.submit(batch, step + 1)
            yield step, latents, pictures
