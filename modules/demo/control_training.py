"""Trains the demo's control network: from lines to pictures, on top of the finished checkpoint, which stays as it is.

Zhang et al. 2023, "Adding Conditional Control to Text-to-Image Diffusion Models", arXiv:2302.05543: a copy of the denoiser's first half
learns what to add to the original's skip connections, through convolutions that begin as zero.
"""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportOptionalCall=false, reportOptionalSubscript=false
# (what diffusers annotates is narrower than what it takes and gives)

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..families.base import Components
from ..families.control_keys import original_control_names
from ..families.controlnet import ControlNet
from ..families.load import load_checkpoint
from ..runtime.device import on_processor
from ..runtime.placement import Placing
from ..weights.files import write_tensors
from . import control_album, networks
from .attention import use_plain_attention
from .checkpoints import read_state
from .course import Course
from .progress import learning_rate

SEED = 7
STEPS = 1250
BATCH = 24
PEAK_RATE = 5e-4
WORDLESS_SHARE = 0.35  # with no words, only the lines say what is to be seen
ERASED_SHARE = 0.2
SOFT_SHARE = 0.2
THICK_SHARE = 0.2
AVERAGE_DECAY = 0.99
SAVE_EVERY = 100
METADATA = {"modelspec.title": "Easel demo lines", "modelspec.architecture": "stable-diffusion-v1/controlnet"}


def train(work: Path, checkpoint: Path, device: torch.device, steps: int = STEPS, pictures: int = control_album.PICTURES) -> None:
    """Writes `control.pt` in the work folder, going on where an earlier process stopped. `checkpoint`: the finished demo checkpoint."""
    base = _base(checkpoint)
    album = control_album.keep(work, base, pictures)
    path = work / "control.pt"
    torch.manual_seed(SEED)
    denoiser = base.unet.to(device, memory_format=torch.channels_last).requires_grad_(False)
    model = begun(base).to(device, memory_format=torch.channels_last)
    if device.type == "cpu":
        use_plain_attention(denoiser)
        use_plain_attention(model)
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.99), weight_decay=0.01)
    course = Course(
        "control", path, model, optimizer, steps=steps, rate=lambda step: learning_rate(step / steps, PEAK_RATE), every=SAVE_EVERY,
        decay=AVERAGE_DECAY,
    )  # fmt: skip
    for step, latents, lines, context in _batches(album, range(course.first, steps)):
        course.learn(step, _loss(denoiser, model, latents.to(device), lines.to(device), context.to(device), step))


def begun(base: Components) -> ControlNet:
    """The control network before its first step: the denoiser's first half, and zero convolutions."""
    config = base.unet.config
    network = ControlNet(
        down_block_types=config["down_block_types"],
        block_out_channels=config["block_out_channels"],
        layers_per_block=config["layers_per_block"][0],
        cross_attention_dim=config["cross_attention_dim"],
        attention_head_dim=config["attention_head_dim"],
    )
    network.load_state_dict(base.unet.state_dict(), strict=False)  # what the two have in common has the same names
    return network


def write(work: Path, path: Path) -> None:
    """The trained network, averaged over its last steps, as a file in ControlNet's own layout, in half precision."""
    state = read_state(work / "control.pt")
    assert state is not None, f"Train the control network first: {work / 'control.pt'} is not there."
    average: dict[str, Tensor] = state["average"]
    named = {old: average[new].half().contiguous() for new, old in original_control_names(average).items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(path, named, METADATA)


def _base(checkpoint: Path) -> Components:
    """The finished checkpoint, in full precision on the processor."""
    return load_checkpoint(checkpoint, None, Placing(on_processor(full=True)))


def _loss(denoiser: torch.nn.Module, model: ControlNet, latents: Tensor, lines: Tensor, context: Tensor, step: int) -> Tensor:
    """The squared error of the noise with the control network's help, weighed as `denoiser_training` does: forms are settled early,
    where there is much noise.
    """
    random = torch.Generator("cpu").manual_seed(SEED * 1_000_003 + step)
    count = len(latents)
    shares = (torch.randperm(count, generator=random) + torch.rand(count, generator=random)) / count
    times = (shares * 1000).long().clamp(max=999)
    noise = torch.randn(latents.shape, generator=random).to(latents)
    kept = networks.noise_levels().alphas_cumprod[times][:, None, None, None].to(latents)
    noisy = (kept.sqrt() * latents + (1 - kept).sqrt() * noise).contiguous(memory_format=torch.channels_last)
    times = times.to(latents.device)
    with torch.autocast(latents.device.type, torch.bfloat16):
        added = model.residuals(noisy, times, context, None, model.prepared(lines))
        guess = denoiser(
            noisy,
            times,
            context,
            down_block_additional_residuals=tuple(added.down),
            mid_block_additional_residual=added.mid,
            return_dict=False,
        )[0]
    ratio = kept / (1 - kept)
    weight = torch.minimum(5 / ratio, (1 + 1 / ratio).sqrt().clamp(max=6))
    return (weight * (guess.float() - noise) ** 2).mean()


def _batches(album: dict[str, Tensor], steps: range) -> Iterator[tuple[int, Tensor, Tensor, Tensor]]:
    """Steps with latents (B, 4, h, w), lines (B, 3, H, W) in 0..1 and contexts (B, 77, width), drawn from the album by lot."""
    count = len(album["latents"])
    for step in steps:
        rng = np.random.default_rng((SEED, step))
        chosen = torch.from_numpy(rng.integers(count, size=BATCH))
        told = torch.where(torch.from_numpy(rng.random(BATCH) < WORDLESS_SHARE), count, chosen)
        lines = np.stack([as_people_draw(one, rng) for one in control_album.unpacked(album["lines"][chosen])])
        shown = torch.from_numpy(lines)[:, None].expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        yield step, album["latents"][chosen].float(), shown, album["contexts"][told].float()


def as_people_draw(lines: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Lines (H, W) of 0 and 1, some of them thicker, softer or partly erased, so that the network takes those too; in 0..1."""
    lines = lines.copy()
    height, width = lines.shape
    if rng.random() < ERASED_SHARE:
        tall, wide = rng.integers(height // 4, height, 2)
        y, x = int(rng.integers(-tall // 2, height)), int(rng.integers(-wide // 2, width))
        lines[max(y, 0) : y + tall, max(x, 0) : x + wide] = 0
    if rng.random() < THICK_SHARE:
        lines = np.asarray(cv2.dilate(lines, np.ones((2 + int(rng.integers(2)),) * 2)), np.float32)
    if rng.random() < SOFT_SHARE:
        soft = cv2.GaussianBlur(lines, (0, 0), rng.uniform(0.4, 0.9))
        lines = np.asarray(soft * rng.uniform(0.6, 1.0) / max(float(soft.max()), 1e-3), np.float32)
    return lines
