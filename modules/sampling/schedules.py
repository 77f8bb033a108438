"""Step counts to noise levels: the schedules, each a function of (steps, prediction, bounds), on the CPU.

Noise levels fall; all schedules but one end with 0, the clean picture.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from modules.sampling.prediction import Prediction

# Sabour et al. 2024, arXiv:2404.14507: levels found best for a network in ten steps.
AYS_SD1 = (14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029)
AYS_SDXL = (14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029)


class Bounds(NamedTuple):
    """The ends of a schedule, and what bends it: `rho` for Karras and polyexponential (0: their own), alpha and beta for Beta.

    `sdxl` chooses the table of Align Your Steps.
    """

    sigma_min: float
    sigma_max: float
    rho: float = 0.0
    alpha: float = 0.6
    beta: float = 0.6
    sdxl: bool = False


@dataclass(frozen=True)
class ScheduleOptions:
    """What a person may set about schedules. 0 for `sigma_min`, `sigma_max` and `rho` is the model's or the schedule's own.

    `beta_alpha`, `beta_beta`: of the Beta schedule. `old_karras`: 0.1 to 10 for the model's range. `discard_penultimate`: as some
    samplers have it, for all. `sdxl`: the model is of that family.
    """

    sigma_min: float = 0.0
    sigma_max: float = 0.0
    rho: float = 0.0
    beta_alpha: float = 0.6
    beta_beta: float = 0.6
    old_karras: bool = False
    discard_penultimate: bool = False
    sdxl: bool = False


def with_zero(sigmas: Tensor) -> Tensor:
    """The levels on the CPU in float32, with a final 0."""
    return torch.cat([sigmas.float().cpu(), torch.zeros(1)])


def uniform(steps: int, prediction: Prediction, bounds: Bounds) -> Tensor:
    """Equal distances in timesteps, from the last to the first: (steps + 1,). The model's own range, whatever the bounds."""
    first, last = prediction.sigma_to_t(prediction.sigmas[0]), prediction.sigma_to_t(prediction.sigmas[-1])
    t = torch.linspace(last.item(), first.item(), steps, device=prediction.sigmas.device)
    return with_zero(prediction.t_to_sigma(t))


def karras_levels(steps: int, bounds: Bounds) -> Tensor:
    """Karras et al. 2022, arXiv:2206.00364, eq. 5: (steps + 1,). It needs no model."""
    rho = bounds.rho or 7.0
    low, high = bounds.sigma_min ** (1 / rho), bounds.sigma_max ** (1 / rho)
    return with_zero((high + torch.linspace(0, 1, steps) * (low - high)) ** rho)


def karras(steps: int, prediction: Prediction, bounds: Bounds) -> Tensor:
    """Karras et al. 2022, arXiv:2206.00364, eq. 5: (steps + 1,)."""
    return karras_levels(steps, bounds)


def exponential(steps: int, prediction: Prediction, bounds: Bounds) -> Tensor:
    """Equal ratios: (steps + 1,)."""
    low, high = math.log(bounds.sigma_min), math.log(bounds.sigma_max)
    return with_zero(torch.linspace(high, low, steps).exp())


def polyexponential(steps: int, prediction: Prediction, bounds: Bounds) -> Tensor:
    """Logarithms along a power, `rho`, of the way: (steps + 1,). As in k-diffusion; rho 1 is exponential."""
    low, high = math.log(bounds.sigma_min), math.log(bounds.sigma_max)
    return with_zero((torch.linspace(1, 0, steps) ** (bounds.rho or 1.0) * (high - low) + low).exp())


def ends(prediction: Prediction, bounds: Bounds) -> tuple[Tensor, Tensor]:
    """The timesteps of the greatest and the smallest level."""
    device = prediction.sigmas.device
    start, end = torch.tensor(bounds.sigma_max, device=device), torch.tensor(bounds.sigma_min, device=device)
    return prediction.sigma_to_t(start), prediction.sigma_to_t(end)


def normal(steps: int, prediction: Prediction, bounds: Bounds) -> Tensor:
    """Equal distances in timesteps, within the bounds: (steps + 1,)."""
    return with_zero(prediction.t_to_sigma(torch.linspace(*ends(prediction, bounds), steps, device=prediction.sigmas.device)))


def sgm_uniform(steps: int, prediction: Prediction, bounds: Bounds) -> Tensor:
    """Equal distances in timesteps, the smallest level left out: (steps + 1,). As Stability's generative-models has it."""
    t = torch.linspace(*ends(prediction, bounds), steps + 1, device=prediction.sigmas.device)
    return with_zero(prediction.t_to_sigma(t[:-1]))


def kl_optimal(steps: int, prediction: Prediction, bounds: Bounds) -> Tensor:
    """Equal distances in arctan: (steps + 1,), the smallest level last, no 0. Sabour et al. 2024, arXiv:2404.14507, theorem 3.1."""
    low, high = torch.tensor(bounds.sigma_min).arctan(), torch.tensor(bounds.sigma_max).arctan()
    way = torch.arange(steps + 1) / max(steps, 1)
    return torch.tan(way * low + (1.0 - way) * high)


def align_your_steps(steps: int, prediction: Prediction, bounds: Bounds) -> Tensor:
    """The tables of Sabour et al. 2024, arXiv:2404.14507, log-linear between their entries: (steps + 1,), whatever the bounds."""
    table = torch.tensor(AYS_SDXL if bounds.sdxl else AYS_SD1, dtype=torch.float64)
    if steps != len(table):
        logs = table.log().flip(0)
        at = torch.linspace(0, len(table) - 1, steps, dtype=torch.float64)
        low = at.long().clamp(max=len(table) - 2)
        table = (logs[low] + (logs[low + 1] - logs[low]) * (at - low)).exp().flip(0)
    return with_zero(table)


def simple(steps: int, prediction: Prediction, bounds: Bounds) -> Tensor:
    """Every so-many-th level of the model's table, from the greatest: (steps + 1,), whatever the bounds."""
    stride = len(prediction.sigmas) / max(steps, 1)
    return with_zero(prediction.sigmas[[-(1 + int(i * stride)) for i in range(steps)]])


def ddim(steps: int, prediction: Prediction, bounds: Bounds) -> Tensor:
    """The levels of DDIM's timesteps, the model's table from 1 on: some more than steps + 1 where `steps` does not divide it."""
    stride = max(len(prediction.sigmas) // max(steps, 1), 1)
    return with_zero(prediction.sigmas[1::stride].flip(0))


def beta(steps: int, prediction: Prediction, bounds: Bounds) -> Tensor:
    """Levels at equal quantiles of a beta distribution: (steps + 1,). Lee et al. 2024, arXiv:2407.12173, but linear in sigma, as A1111."""
    from scipy.special import betaincinv  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType] - loads slowly

    quantiles = 1 - torch.linspace(0, 1, steps, dtype=torch.float64)
    share = torch.tensor([float(betaincinv(bounds.alpha, bounds.beta, q.item())) for q in quantiles], dtype=torch.float64)
    return with_zero(bounds.sigma_min + share * (bounds.sigma_max - bounds.sigma_min))


def ddim_timesteps(steps: int, count: int = 1000) -> Tensor:
    """The timesteps of the DDIM family, rising. Song et al. 2020, arXiv:2010.02502, appendix D.2, moved up by one.

    Every (count // steps)-th: a step count that does not divide `count` gives one or more timesteps too many, as in A1111.
    """
    return torch.clip(torch.arange(0, count, max(count // max(steps, 1), 1)) + 1, 0, count - 1)


def img2img_steps(steps: int, strength: float, *, exact: bool) -> tuple[int, int]:
    """The steps that a schedule is computed for, and how many of its last ones are done, less one.

    `strength` 0..1 is the share of the steps that is done; 1 counts as 0.999. `exact`: as many steps as asked for are done,
    and the schedule is computed for more; strength 0 then is no schedule at all.
    """
    share = min(strength, 0.999)
    if exact:
        return (int(steps / share) if strength > 0 else 0), steps - 1
    return steps, int(share * steps)
