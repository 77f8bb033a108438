"""DPM-Solver++ samplers: like those of `samplers.py`, exact where x0 does not change, in t = -log(sigma).

Lu et al. 2022, "DPM-Solver++", arXiv:2211.01095: first to third order, with one or several evaluations a step, as equations or as
stochastic equations whose noise a Brownian path gives.
"""

from functools import partial
from itertools import pairwise

import torch
from torch import Tensor

from modules.sampling.samplers import Denoise, Noise, SamplerSettings, ancestral_step, everywhere, slope


def time(sigma: Tensor) -> Tensor:
    """Half the logarithm of the signal-to-noise ratio."""
    return sigma.log().neg()


def level(t: Tensor) -> Tensor:
    """The noise level of a time: the inverse of `time`."""
    return t.neg().exp()


def dpmpp_2m(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """DPM-Solver++(2M): second order from the step before. Algorithm 2."""
    before: Tensor | None = None
    for i in range(len(sigmas) - 1):
        x0 = denoise(x, everywhere(x, sigmas[i]))
        t, t_next = time(sigmas[i]), time(sigmas[i + 1])
        h = t_next - t
        if before is None or sigmas[i + 1] == 0:
            direction = x0
        else:
            r = (t - time(sigmas[i - 1])) / h
            direction = (1 + 1 / (2 * r)) * x0 - (1 / (2 * r)) * before
        x = (level(t_next) / level(t)) * x - torch.expm1(-h) * direction
        before = x0
    return x


def dpmpp_2s_ancestral(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """DPM-Solver++(2S) steps (algorithm 1) below the next level, then noise up to it."""
    for sigma, sigma_next in pairwise(sigmas):
        x0 = denoise(x, everywhere(x, sigma))
        down, up = ancestral_step(sigma, sigma_next, settings.eta)
        if down == 0:
            x = x + slope(x, x0, sigma) * (down - sigma)
        else:
            t, t_next = time(sigma), time(down)
            h = t_next - t
            middle = level(t + 0.5 * h)
            there = (middle / level(t)) * x - torch.expm1(-h * 0.5) * x0
            x = (level(t_next) / level(t)) * x - torch.expm1(-h) * denoise(there, everywhere(x, middle))
        if sigma_next > 0:
            x = x + noise.next() * settings.s_noise * up
    return x


def dpmpp_sde(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """Two ancestral steps of DPM-Solver++ from each level: to the middle, and with x0 from there to the next level."""
    for sigma, sigma_next in pairwise(sigmas):
        x0 = denoise(x, everywhere(x, sigma))
        if sigma_next == 0:
            x = x + slope(x, x0, sigma) * (sigma_next - sigma)
            continue
        t, t_next = time(sigma), time(sigma_next)
        here, middle, there = level(t), level(t + (t_next - t) * 0.5), level(t_next)

        def stepped(x: Tensor, x0: Tensor, here: Tensor, goal: Tensor, t: Tensor = t) -> Tensor:
            down, up = ancestral_step(here, goal, settings.eta)
            at = time(down)
            moved = (level(at) / here) * x - torch.expm1(t - at) * x0
            return moved + noise.between(here, goal) * settings.s_noise * up

        x = stepped(x, denoise(stepped(x, x0, here, middle), everywhere(x, middle)), here, there)
    return x


def sde_noise(noise: Noise, sigma: Tensor, sigma_next: Tensor, h: Tensor, settings: SamplerSettings) -> Tensor:
    """The noise of one step of the stochastic equation; eq. 12's last term, with eta times its variance's exponent."""
    return noise.between(sigma, sigma_next) * sigma_next * torch.expm1(-2 * h * settings.eta).neg().sqrt() * settings.s_noise


def dpmpp_2m_sde(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, settings: SamplerSettings, *, heun: bool = False) -> Tensor:
    """SDE-DPM-Solver++(2M): appendix D.2, or with `heun` the exact weight of the change of x0 in its place."""
    before: tuple[Tensor, Tensor] | None = None  # x0 and step length
    for sigma, sigma_next in pairwise(sigmas):
        x0 = denoise(x, everywhere(x, sigma))
        if sigma_next == 0:
            return x0
        h = time(sigma_next) - time(sigma)
        eta_h = settings.eta * h
        share = torch.expm1(-h - eta_h).neg()
        x = sigma_next / sigma * (-eta_h).exp() * x + share * x0
        if before is not None:
            r = before[1] / h
            weight = share / (-h - eta_h) + 1 if heun else 0.5 * share
            x = x + weight * (1 / r) * (x0 - before[0])
        if settings.eta:
            x = x + sde_noise(noise, sigma, sigma_next, h, settings)
        before = x0, h
    return x


dpmpp_2m_sde_heun = partial(dpmpp_2m_sde, heun=True)


def dpmpp_3m_sde(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """The third order of the same: x0's first and second derivative from the two steps before. After k-diffusion."""
    before: list[tuple[Tensor, Tensor]] = []  # x0 and step length, latest first
    for sigma, sigma_next in pairwise(sigmas):
        x0 = denoise(x, everywhere(x, sigma))
        if sigma_next == 0:
            return x0
        h = time(sigma_next) - time(sigma)
        h_eta = h * (settings.eta + 1)
        x = torch.exp(-h_eta) * x + torch.expm1(-h_eta).neg() * x0
        phi_2 = torch.expm1(-h_eta) / h_eta + 1
        if len(before) == 2:
            (x0_1, h_1), (x0_2, h_2) = before
            r0, r1 = h_1 / h, h_2 / h
            near, far = (x0 - x0_1) / r0, (x0_1 - x0_2) / r1
            first = near + (near - far) * r0 / (r0 + r1)
            second = (near - far) / (r0 + r1)
            x = x + phi_2 * first - (phi_2 / h_eta - 0.5) * second
        elif before:
            x0_1, h_1 = before[0]
            x = x + phi_2 * ((x0 - x0_1) / (h_1 / h))
        if settings.eta:
            x = x + sde_noise(noise, sigma, sigma_next, h, settings)
        before = [(x0, h), *before[:1]]
    return x
