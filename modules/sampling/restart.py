"""Restart sampling: Heun's method that goes back up some way and comes down again. Xu et al. 2023, arXiv:2306.14878."""

from itertools import pairwise
from typing import NamedTuple

from torch import Tensor

from modules.sampling.samplers import Denoise, Noise, SamplerSettings, heun_step
from modules.sampling.schedules import Bounds, karras_levels

LOW, HIGH = 0.1, 2.0  # the levels between which it goes back


class Plan(NamedTuple):
    """The way down, and the steps that are gone again, so many times."""

    down: Tensor
    again: int
    times: int


def plan(sigmas: Tensor) -> Plan:
    """How a number of steps is divided. From 20 steps on the levels are Karras', whatever they were."""
    steps = len(sigmas) - 1
    if steps < 20:
        return Plan(sigmas, 0, 0)
    again, times = (steps // 4, 2) if steps >= 36 else (9, 1)
    bounds = Bounds(sigmas[-2].item(), sigmas[0].item())
    return Plan(karras_levels(steps - again * times, bounds), again, times)


def restart_steps(sigmas: Tensor) -> list[tuple[Tensor, Tensor]]:
    """All steps, each from a level to a lower one; one that starts above the end of the step before is a restart."""
    down, again, times = plan(sigmas)
    steps = list(pairwise(down))
    if not times:
        return steps
    lowest, highest = (int((down - level).abs().argmin()) for level in (LOW, HIGH))
    if lowest == 0 or highest >= lowest:
        return steps
    around = karras_levels(again + 1, Bounds(down[lowest].item(), down[highest].item()))[:-1]
    return steps[:lowest] + list(pairwise(around)) * times + steps[lowest:]


def restart(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """Heun's method; from 20 steps on with one or two restarts, whose noise replaces what they go back up."""
    reached: Tensor | None = None
    for sigma, sigma_next in restart_steps(sigmas):
        if reached is not None and reached < sigma:
            x = x + noise.next() * (sigma**2 - reached**2) ** 0.5
        x = heun_step(denoise, x, sigma, sigma_next)
        reached = sigma_next
    return x
