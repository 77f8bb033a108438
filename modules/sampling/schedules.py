"""Step counts to noise levels: the schedules, each a function of (steps, prediction, bounds)."""

from typing import NamedTuple

import torch
from torch import Tensor

from modules.sampling.prediction import Prediction


class Bounds(NamedTuple):
    """The ends of a schedule; `rho` bends the Karras schedule, 0 takes its default."""

    sigma_min: float
    sigma_max: float
    rho: float = 0.0


def with_zero(sigmas: Tensor) -> Tensor:
    """The levels with a final 0: the clean picture."""
    return torch.cat([sigmas, sigmas.new_zeros(1)])


def uniform(steps: int, prediction: Prediction, bounds: Bounds) -> Tensor:
    """Equal distances in timesteps, from the last to the first: (steps + 1,). The model's own range, whatever the bounds."""
    t = torch.linspace(len(prediction.sigmas) - 1, 0, steps, device=prediction.sigmas.device)
    return with_zero(prediction.t_to_sigma(t))


def karras(steps: int, prediction: Prediction, bounds: Bounds) -> Tensor:
    """Karras et al. 2022, arXiv:2206.00364, eq. 5: (steps + 1,)."""
    rho = bounds.rho or 7.0
    ramp = torch.linspace(0, 1, steps, device=prediction.sigmas.device)
    low, high = bounds.sigma_min ** (1 / rho), bounds.sigma_max ** (1 / rho)
    return with_zero((high + ramp * (low - high)) ** rho)


def ddim_timesteps(steps: int, count: int = 1000) -> Tensor:
    """The timesteps of the DDIM family, rising. Song et al. 2020, arXiv:2010.02502, appendix D.2, moved up by one.

    Every (count // steps)-th: a step count that does not divide `count` gives one or more timesteps too many, as in A1111.
    """
    return torch.clip(torch.arange(0, count, max(count // steps, 1)) + 1, 0, count - 1)
