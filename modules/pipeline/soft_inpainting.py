"""Soft inpainting in latent space: blending that keeps latents as strong as they were, weaker where the mask is, step by step."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from modules.contract.request import Size
from modules.imaging.inpainting import Prepared
from modules.imaging.soft_inpainting import SoftOptions, Values, adaptive_mask, soft_overlay


def soft_blend(init: Tensor, latents: Tensor, mask: Tensor, level: Tensor | float, options: SoftOptions) -> Tensor:
    """What a step goes on with: the denoised `latents` over the original `init`, both (B, C, h, w).

    `mask` (1 or B, 1 or C, h, w), 1 = paint anew, not rounded. `level` is the noise level of the step: sigma, or the timestep
    for samplers that go by those. At the very end nothing is blended any more.
    """
    weight = mask ** (torch.as_tensor(level, device=mask.device) ** options.bias * options.preservation)
    return blended(init, latents, weight, options.contrast_boost)


def blended(a: Tensor, b: Tensor, weight: Tensor, boost: float) -> Tensor:
    """Latents between `a` and `b`, by `weight` (0 is `a`), with a strength between theirs: the mean of their powers `boost`.

    A plain mean of two unlike vectors is shorter than both, which shows as a blurred seam.
    """
    between = a * (1 - weight) + b * weight
    share = weight[:, :1].double()
    strength = (norm(a) ** boost * (1 - share) + norm(b) ** boost * share) ** (1 / boost)
    return between * (strength / (norm(between) + 1e-5)).to(between.dtype)


def norm(latents: Tensor) -> Tensor:
    """The length of each place's vector (B, 1, h, w), in 64 bits: high powers of it follow."""
    return latents.square().sum(1, keepdim=True).sqrt().double()


def distances(init: Tensor, latents: Tensor) -> list[Values]:
    """How far each picture's latents (B, C, h, w) have moved from the original's: (h, w) each."""
    moved = norm(latents - init)[:, 0].cpu()
    return [np.asarray(one.numpy(), np.float64) for one in moved]


def overlays(
    prepared: Prepared, mask: Tensor, init: Tensor, latents: Tensor, size: Size, options: SoftOptions
) -> list[tuple[Image.Image, Image.Image]]:
    """For each picture of a batch what is to be laid over it (RGBA), and the mask that was cut out of that (L).

    `mask` (1 or B, 1 or C, h, w) is the latents' mask, `init` and `latents` (B, C, h, w) the original's and the finished ones,
    `size` the size that was worked at.
    """
    masks = [np.asarray(one[0].float().cpu().numpy(), np.float64) for one in mask]
    found: list[tuple[Image.Image, Image.Image]] = []
    for index, distance in enumerate(distances(init, latents)):
        shown = adaptive_mask(distance, masks[index % len(masks)], options, size)
        found.append(soft_overlay(prepared.originals[index % len(prepared.originals)], shown, prepared.paste_to))
    return found
