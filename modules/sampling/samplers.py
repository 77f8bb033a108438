"""Samplers that step along noise levels, each a function of (denoise, x, sigmas, noise, options).

`denoise(x, sigma)` gives x0 for noisy latents x = x0 + sigma * noise, (B, C, h, w), at the level `sigma` (B,). `noise()`
draws standard normal latents. `sigmas` falls to 0; the result is the latents at its last level.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

Denoise = Callable[[Tensor, Tensor], Tensor]
Noise = Callable[[], Tensor]


@dataclass(frozen=True)
class SamplerSettings:
    """What samplers may be told. `eta`: share of noise put back; `s_*`: churn of Karras et al. 2022, algorithm 2."""

    eta: float = 1.0
    s_churn: float = 0.0
    s_tmin: float = 0.0
    s_tmax: float = float("inf")
    s_noise: float = 1.0


def everywhere(x: Tensor, sigma: Tensor) -> Tensor:
    """One noise level for each picture of a batch: (B,)."""
    return x.new_ones(x.shape[0]) * sigma


def ancestral_step(sigma: Tensor, sigma_next: Tensor, eta: float = 1.0) -> tuple[Tensor | float, Tensor | float]:
    """The noise level to step down to and the noise to add back. Karras et al. 2022, arXiv:2206.00364, after k-diffusion."""
    if not eta:
        return sigma_next, 0.0
    up = min(sigma_next, eta * (sigma_next**2 * (sigma**2 - sigma_next**2) / sigma**2) ** 0.5)
    return (sigma_next**2 - up**2) ** 0.5, up


def euler(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """Euler's method with optional churn. Karras et al. 2022, arXiv:2206.00364, algorithm 2 without its correction."""
    steps = len(sigmas) - 1
    for sigma, sigma_next in pairwise(sigmas):
        churns = settings.s_tmin <= sigma <= settings.s_tmax
        gamma = min(settings.s_churn / steps, 2**0.5 - 1) if churns else 0.0
        eps = noise() * settings.s_noise  # drawn even without churn: later draws must not depend on the bounds
        sigma_hat = sigma * (gamma + 1)
        if gamma > 0:
            x = x + eps * (sigma_hat**2 - sigma**2) ** 0.5
        x0 = denoise(x, everywhere(x, sigma_hat))
        x = x + (x - x0) / sigma_hat * (sigma_next - sigma_hat)
    return x


def euler_ancestral(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """Euler steps below the next level, then noise up to it."""
    for sigma, sigma_next in pairwise(sigmas):
        x0 = denoise(x, everywhere(x, sigma))
        down, up = ancestral_step(sigma, sigma_next, settings.eta)
        x = x + (x - x0) / sigma * (down - sigma)
        if sigma_next > 0:
            x = x + noise() * settings.s_noise * up
    return x


def dpmpp_2m(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """DPM-Solver++(2M): second order from the step before. Lu et al. 2022, arXiv:2211.01095, algorithm 2."""
    before: Tensor | None = None
    for i in range(len(sigmas) - 1):
        x0 = denoise(x, everywhere(x, sigmas[i]))
        t, t_next = -sigmas[i].log(), -sigmas[i + 1].log()
        h = t_next - t
        if before is None or sigmas[i + 1] == 0:
            direction = x0
        else:
            r = (t - -sigmas[i - 1].log()) / h
            direction = (1 + 1 / (2 * r)) * x0 - (1 / (2 * r)) * before
        x = (torch.exp(-t_next) / torch.exp(-t)) * x - torch.expm1(-h) * direction
        before = x0
    return x
