"""Samplers that step along noise levels, each a function of (denoise, x, sigmas, noise, settings).

`denoise(x, sigma)` gives x0 for noisy latents x = x0 + sigma * noise, (B, C, h, w), at the level `sigma` (B,). `sigmas` (n + 1,)
are the levels, falling, on the CPU; the result is the latents at the last one. Here those that are not of the DPM-Solver family.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol

import torch
from torch import Tensor

Denoise = Callable[[Tensor, Tensor], Tensor]


class Noise(Protocol):
    """Where a sampler's noise comes from: standard normal, (B, C, h, w)."""

    def next(self) -> Tensor:
        """Noise as it comes."""
        ...

    def between(self, sigma: Tensor, sigma_next: Tensor) -> Tensor:
        """A Brownian path's noise between two levels."""
        ...


@dataclass(frozen=True)
class SamplerSettings:
    """What samplers may be told; each takes what concerns it.

    `eta`: share of noise put back; `s_*`: churn of Karras et al. 2022, algorithm 2; `unipc_*`: see `unipc.unipc`;
    `from_picture`: the start is a picture with noise, not noise alone.
    """

    eta: float = 1.0
    s_churn: float = 0.0
    s_tmin: float = 0.0
    s_tmax: float = float("inf")
    s_noise: float = 1.0
    from_picture: bool = False
    unipc_variant: Literal["bh1", "bh2", "vary_coeff"] = "bh1"
    unipc_skip: Literal["time_uniform", "time_quadratic", "logSNR"] = "time_uniform"
    unipc_order: int = 3
    unipc_lower_order_final: bool = True


def everywhere(x: Tensor, sigma: Tensor) -> Tensor:
    """One noise level for each picture of a batch: (B,)."""
    return x.new_ones(x.shape[0]) * sigma


def slope(x: Tensor, x0: Tensor, sigma: Tensor) -> Tensor:
    """The change of x with the noise level: dx/dsigma. Karras et al. 2022, arXiv:2206.00364, eq. 3."""
    return (x - x0) / sigma


def ancestral_step(sigma: Tensor, sigma_next: Tensor, eta: float = 1.0) -> tuple[Tensor, Tensor]:
    """The noise level to step down to and the noise to add back. Karras et al. 2022, arXiv:2206.00364, after k-diffusion."""
    if not eta:
        return sigma_next, torch.zeros_like(sigma_next)
    up = torch.minimum(sigma_next, eta * (sigma_next**2 * (sigma**2 - sigma_next**2) / sigma**2) ** 0.5)
    return (sigma_next**2 - up**2) ** 0.5, up


def churned(x: Tensor, sigma: Tensor, steps: int, noise: Noise, settings: SamplerSettings) -> tuple[Tensor, Tensor]:
    """The latents with some noise added, and the level that they are at then. Karras et al. 2022, algorithm 2, lines 4 to 6."""
    churns = settings.s_tmin <= sigma <= settings.s_tmax
    gamma = min(settings.s_churn / steps, 2**0.5 - 1) if churns else 0.0
    eps = noise.next() * settings.s_noise  # drawn even without churn: later draws must not depend on the bounds
    sigma_hat = sigma * (gamma + 1)
    return (x + eps * (sigma_hat**2 - sigma**2) ** 0.5 if gamma > 0 else x), sigma_hat


def euler(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """Euler's method with optional churn. Karras et al. 2022, arXiv:2206.00364, algorithm 2 without its correction."""
    for sigma, sigma_next in pairwise(sigmas):
        x, sigma_hat = churned(x, sigma, len(sigmas) - 1, noise, settings)
        x0 = denoise(x, everywhere(x, sigma_hat))
        x = x + slope(x, x0, sigma_hat) * (sigma_next - sigma_hat)
    return x


def euler_ancestral(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """Euler steps below the next level, then noise up to it."""
    for sigma, sigma_next in pairwise(sigmas):
        x0 = denoise(x, everywhere(x, sigma))
        down, up = ancestral_step(sigma, sigma_next, settings.eta)
        x = x + slope(x, x0, sigma) * (down - sigma)
        if sigma_next > 0:
            x = x + noise.next() * up
    return x


def heun_step(denoise: Denoise, x: Tensor, sigma: Tensor, sigma_next: Tensor) -> Tensor:
    """From one level to the next with the mean of the slopes at both; to 0 with the first alone."""
    first = slope(x, denoise(x, everywhere(x, sigma)), sigma)
    there = x + first * (sigma_next - sigma)
    if sigma_next == 0:
        return there
    second = slope(there, denoise(there, everywhere(x, sigma_next)), sigma_next)
    return x + (first + second) / 2 * (sigma_next - sigma)


def heun(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """Heun's method with optional churn. Karras et al. 2022, arXiv:2206.00364, algorithm 2."""
    for sigma, sigma_next in pairwise(sigmas):
        x, sigma_hat = churned(x, sigma, len(sigmas) - 1, noise, settings)
        x = heun_step(denoise, x, sigma_hat, sigma_next)
    return x


def midpoint_step(denoise: Denoise, x: Tensor, sigma: Tensor, sigma_next: Tensor) -> Tensor:
    """From one level to the next with the slope at their geometric mean; to 0 with the slope at the first."""
    first = slope(x, denoise(x, everywhere(x, sigma)), sigma)
    if sigma_next == 0:
        return x + first * (sigma_next - sigma)
    middle = sigma.log().lerp(sigma_next.log(), 0.5).exp()
    there = x + first * (middle - sigma)
    return x + slope(there, denoise(there, everywhere(x, middle)), middle) * (sigma_next - sigma)


def dpm2(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """The midpoint method in the logarithm of the noise, with churn as Heun has it. Lu et al. 2022, arXiv:2206.00927, DPM-Solver-2."""
    for sigma, sigma_next in pairwise(sigmas):
        x, sigma_hat = churned(x, sigma, len(sigmas) - 1, noise, settings)
        x = midpoint_step(denoise, x, sigma_hat, sigma_next)
    return x


def dpm2_ancestral(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """Midpoint steps below the next level, then noise up to it."""
    for sigma, sigma_next in pairwise(sigmas):
        down, up = ancestral_step(sigma, sigma_next, settings.eta)
        x = midpoint_step(denoise, x, sigma, down)
        if down > 0:
            x = x + noise.next() * settings.s_noise * up
    return x


def adams_coefficients(sigmas: Sequence[float], i: int, order: int) -> list[float]:
    """The weights of the last `order` slopes, at most 4, latest first, for the step from level i to i + 1.

    Integrals of the Lagrange polynomials through these levels (Adams-Bashforth for uneven steps; Hairer, Norsett, Wanner,
    Solving Ordinary Differential Equations I, III.5), by Gauss' rule with two points: exact up to the third degree.
    """
    middle, half = (sigmas[i] + sigmas[i + 1]) / 2, (sigmas[i + 1] - sigmas[i]) / 2

    def polynomial(j: int, sigma: float) -> float:
        return math.prod((sigma - sigmas[i - k]) / (sigmas[i - j] - sigmas[i - k]) for k in range(order) if k != j)

    return [half * sum(polynomial(j, middle + side * half / 3**0.5) for side in (-1, 1)) for j in range(order)]


def lms(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """Linear multistep: the slopes of up to four levels, through which a polynomial goes."""
    levels = [sigma.item() for sigma in sigmas]
    slopes: list[Tensor] = []  # latest first
    for i in range(len(sigmas) - 1):
        slopes = [slope(x, denoise(x, everywhere(x, sigmas[i])), sigmas[i]), *slopes[:3]]
        weighted = [weight * each for weight, each in zip(adams_coefficients(levels, i, len(slopes)), slopes, strict=True)]
        x = x + sum(weighted[1:], weighted[0])
    return x
