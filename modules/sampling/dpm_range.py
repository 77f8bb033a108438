"""DPM-Solver samplers that choose their own levels between two ends: DPM fast and DPM adaptive.

Lu et al. 2022, "DPM-Solver", arXiv:2206.00927. Of `sigmas` they take the first as the greatest level, the last, above 0, as the
smallest, and (DPM fast) one less than their number as the number of evaluations.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from modules.contract.errors import BadRequest
from modules.sampling.dpm_solvers import level, time
from modules.sampling.samplers import Denoise, Noise, SamplerSettings, ancestral_step, everywhere, slope

Eps = Callable[[Tensor, Tensor], Tensor]


def eps_of(denoise: Denoise) -> Eps:
    """The noise in x at a time, from x0 at its level."""
    return lambda x, t: slope(x, denoise(x, everywhere(x, level(t))), level(t))


def first_order(x: Tensor, t_next: Tensor, h: Tensor, eps: Tensor) -> Tensor:
    """DPM-Solver-1, eq. 3.7: exact if the noise does not change."""
    return x - level(t_next) * h.expm1() * eps


class Step:
    """One step from x at t: solutions of each order, which share their evaluations of the network."""

    def __init__(self, eps: Eps, x: Tensor, t: Tensor, t_next: Tensor) -> None:
        self.eps, self.x, self.t, self.t_next = eps, x, t, t_next
        self.h = t_next - t
        self.here = eps(x, t)
        self.between: Tensor | None = None

    def at(self, share: float) -> tuple[Tensor, Tensor]:
        """The time after a share of the step, and how far it is."""
        return self.t + share * self.h, share * self.h

    def eps_between(self, share: float) -> Tensor:
        """The noise after a share of the step, along the first order's solution; evaluated once."""
        if self.between is None:
            s, h = self.at(share)
            self.between = self.eps(first_order(self.x, s, h, self.here), s)
        return self.between

    def solution(self, order: int, r1: float) -> Tensor:
        """x at the end of the step. `r1` is where, in 0..1, the second evaluation is made; 1/3 for order 3."""
        straight = first_order(self.x, self.t_next, self.h, self.here)
        if order == 1:
            return straight
        change = self.eps_between(r1) - self.here
        if order == 2:  # algorithm 4 in the form for any r1
            return straight - level(self.t_next) / (2 * r1) * self.h.expm1() * change
        r2 = 2 / 3  # algorithm 5
        s2, h2 = self.at(r2)
        there = first_order(self.x, s2, h2, self.here) - level(s2) * (r2 / r1) * (h2.expm1() / h2 - 1) * change
        last = self.eps(there, s2) - self.here
        return straight - level(self.t_next) / r2 * (self.h.expm1() / self.h - 1) * last


def ancestral_time(t: Tensor, t_next: Tensor, t_end: Tensor, eta: float) -> tuple[Tensor, Tensor]:
    """The time to step to, later than `t_next`, and the noise that leads back from it to `t_next`."""
    if not eta:
        return t_next, torch.zeros_like(t_next)
    down, _ = ancestral_step(level(t), level(t_next), eta)
    goal = torch.minimum(t_end, time(down))
    return goal, (level(t_next) ** 2 - level(goal) ** 2) ** 0.5


def times(sigmas: Tensor) -> tuple[Tensor, Tensor]:
    """The first and the last time. Raises BadRequest where there is nothing between them."""
    if len(sigmas) < 2 or not sigmas[0] > sigmas[-1] > 0:
        raise BadRequest("DPM fast and DPM adaptive have no noise levels to go through; they need more steps or a higher strength.")
    return time(sigmas[0]), time(sigmas[-1])


def dpm_fast(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """DPM-Solver-fast: as many steps of third order as the number of evaluations allows, the rest of lower order. Appendix D.3."""
    evaluations = len(sigmas) - 1
    start, end = times(sigmas)
    steps = evaluations // 3 + 1
    orders = [3] * (steps - 2) + [2, 1] if evaluations % 3 == 0 else [3] * (steps - 1) + [evaluations % 3]
    grid = torch.linspace(start.item(), end.item(), steps + 1)
    for i, order in enumerate(orders):
        goal, up = ancestral_time(grid[i], grid[i + 1], end, settings.eta)
        x = Step(eps_of(denoise), x, grid[i], goal).solution(order, 1 / 2 if order == 2 else 1 / 3)
        x = x + up * settings.s_noise * noise.next()
    return x


class StepLength:
    """The length of the next step, from the error of the last: an integral controller that never changes it suddenly.

    Soederlind 2003, "Digital filters in adaptive time-stepping"; the limiter is 1 + atan(factor - 1).
    """

    def __init__(self, h: float, order: float) -> None:
        self.h = h
        self.order = order

    def accepts(self, error: float) -> bool:
        """Whether a step with this error is good enough; sets the next length."""
        factor = 1 + math.atan((1 / (error + 1e-8)) ** (1 / self.order) - 1)
        self.h *= factor
        return factor >= 0.81


def dpm_adaptive(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """DPM-Solver-23: steps of third order, as long as the second order's result lets them be. Appendix C.4."""
    t, end = times(sigmas)
    absolute, relative = 0.0078, 0.05
    length = StepLength(0.05, 1.5 if settings.eta else 3)
    before = x
    while t < end - 1e-5:
        t_next = torch.minimum(end, t + length.h)
        goal, up = ancestral_time(t, t_next, end, settings.eta)
        step = Step(eps_of(denoise), x, t, goal)
        low, high = step.solution(2, 1 / 3), step.solution(3, 1 / 3)
        tolerated = torch.clamp(relative * torch.maximum(low.abs(), before.abs()), min=absolute)
        error = ((low - high) / tolerated).square().mean().sqrt()
        if length.accepts(error.item()):
            before = low
            x = high + up * settings.s_noise * noise.next()
            t = t_next
    return x
