"""What self-attention guidance looks at and how it spoils it. Hong et al. 2023, arXiv:2210.00939."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def heard(layer: Any, hidden: Tensor) -> Tensor:
    """How much each place is looked at (N, T): a self-attention layer's weights over hidden (N, T, C), their mean over heads summed over
    all places that look. The mean over places is 1 (eq. 10)."""
    queries, keys = (part(hidden).unflatten(-1, (layer.heads, -1)).transpose(1, 2).float() for part in (layer.to_q, layer.to_k))
    weights = torch.softmax(queries @ keys.transpose(-1, -2) * layer.scale, dim=-1)  # (N, heads, T, T)
    return weights.mean(dim=1).sum(dim=1)


def degraded(x0: Tensor, mask: Tensor, sigma: float) -> Tensor:
    """Clean latents (B, C, h, w) blurred where a mask (B, 1, a, b) says so; the mask is enlarged without smoothing (eq. 12)."""
    large = functional.interpolate(mask.to(x0.dtype), size=x0.shape[2:], mode="nearest")
    return blurred(x0, sigma) * large + x0 * (1 - large)


def blurred(x: Tensor, sigma: float) -> Tensor:
    """A Gaussian blur of (B, C, h, w) that reaches four deviations, at least one pixel, with mirrored edges."""
    reach = max(1, round(4 * sigma))
    places = torch.arange(-reach, reach + 1, device=x.device, dtype=x.dtype)
    kernel = torch.exp(-0.5 * (places / sigma) ** 2)
    kernel = kernel / kernel.sum()
    for dimension in (2, 3):
        index = mirrored(x.shape[dimension], reach, x.device)
        wide = x.index_select(dimension, index)
        x = (wide.unfold(dimension, len(kernel), 1) * kernel).sum(dim=-1)
    return x


def mirrored(length: int, reach: int, device: torch.device) -> Tensor:
    """The places of a line with `reach` mirrored ones at each end, however short the line is."""
    if length == 1:
        return torch.zeros(1 + 2 * reach, dtype=torch.long, device=device)
    period = 2 * (length - 1)
    places = torch.arange(-reach, length + reach, device=device) % period
    return torch.where(places < length, places, period - places)
