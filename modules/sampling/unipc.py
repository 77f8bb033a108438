"""UniPC: a predictor and a corrector of any order. Zhao et al. 2023, "UniPC", arXiv:2302.04867.

A timestep sampler (see `timestep_samplers.py`) with a grid of its own, in continuous time: timestep i is (i + 1) / T.
"""

from typing import NamedTuple, cast

import torch
from torch import Tensor

from modules.sampling.samplers import Noise, SamplerSettings
from modules.sampling.timestep_samplers import Predict


def interpolated(x: Tensor, xs: Tensor, ys: Tensor) -> Tensor:
    """The piecewise linear function through the points (xs, ys), xs rising, continued beyond its ends."""
    low = (torch.searchsorted(xs, x) - 1).clamp(0, len(xs) - 2)
    return ys[low] + (x - xs[low]) * (ys[low + 1] - ys[low]) / (xs[low + 1] - xs[low])


class Path:
    """A model's table of alphas as functions of continuous time, 1/T..1; after Lu et al. 2022, arXiv:2206.00927, appendix D.4."""

    def __init__(self, alphas: Tensor) -> None:
        self.count = len(alphas)
        self.logs = (0.5 * alphas.cpu().log()).float()
        self.times = torch.linspace(0.0, 1.0, self.count + 1)[1:]

    def log_alpha(self, t: Tensor) -> Tensor:
        """The logarithm of the picture's share in x."""
        return interpolated(t, self.times, self.logs)

    def sigma(self, t: Tensor) -> Tensor:
        """The noise's share in x."""
        return torch.sqrt(1.0 - torch.exp(2.0 * self.log_alpha(t)))

    def half_snr(self, t: Tensor) -> Tensor:
        """Lambda: half the logarithm of the signal-to-noise ratio."""
        log_alpha = self.log_alpha(t)
        return log_alpha - 0.5 * torch.log(1.0 - torch.exp(2.0 * log_alpha))

    def time_of(self, half_snr: Tensor) -> Tensor:
        """The inverse of `half_snr`."""
        log_alpha = -0.5 * torch.logaddexp(torch.zeros(1), -2.0 * half_snr)
        return interpolated(log_alpha, self.logs.flip(0), self.times.flip(0))

    def grid(self, kind: str, start: float, steps: int) -> Tensor:
        """Times from `start` to 1/T: (steps + 1,); equally far in time, in its root or in half_snr."""
        end = 1.0 / self.count
        if kind == "logSNR":
            first, last = self.half_snr(torch.tensor([start, end]))
            return self.time_of(torch.linspace(first.item(), last.item(), steps + 1))
        if kind == "time_quadratic":
            return torch.linspace(start**0.5, end**0.5, steps + 1) ** 2
        return torch.linspace(start, end, steps + 1)


class Known(NamedTuple):
    """An evaluation of the network that is past: when, and x0."""

    t: Tensor
    x0: Tensor


class Update:
    """One step from the latest known evaluation to time t, by those before it. Section 3.2; x0 prediction, appendix B."""

    def __init__(self, path: Path, known: list[Known], t: Tensor, order: int) -> None:
        last = known[-1]
        half_snr = path.half_snr(last.t)
        self.x0 = last.x0
        self.h = path.half_snr(t) - half_snr
        self.alpha = torch.exp(path.log_alpha(t))
        self.ratio = path.sigma(t) / path.sigma(last.t)
        earlier = known[-2 : -order - 1 : -1] if order > 1 else []
        self.r = torch.stack([(path.half_snr(each.t) - half_snr) / self.h for each in earlier] + [torch.ones(())])
        self.changes = [(each.x0 - last.x0) / r for each, r in zip(earlier, self.r, strict=False)]

    def straight(self, x: Tensor) -> Tensor:
        """x at t if x0 did not change."""
        return self.ratio * x - self.alpha * torch.expm1(-self.h) * self.x0

    def bent(self, x: Tensor, weights: Tensor, changes: list[Tensor]) -> Tensor:
        """x at t with the changes of x0, each in its weight."""
        total = sum((w * change for w, change in zip(weights, changes, strict=True)), torch.zeros_like(x))
        return self.straight(x) - self.alpha * total

    def phis(self, count: int) -> list[Tensor]:
        """h * phi_k for k = 1..count, with phi_1 = (e^h - 1) / h, phi_k+1 = (phi_k - 1 / k!) / h, of -h."""
        h = -self.h
        result, factorial = [torch.expm1(h)], 1
        for k in range(1, count):
            result.append(result[-1] / h - 1 / factorial)
            factorial *= k + 1
        return result

    def bh_weights(self, scale: Tensor, *, correct: bool) -> Tensor:
        """Weights of the changes for B(h) = `scale`, eq. 6 and 9; lower orders have them in closed form."""
        order = len(self.r)
        if order == (1 if correct else 2):
            return scale * 0.5 * torch.ones(1)
        powers = torch.stack([self.r**k for k in range(order)])
        factorial = torch.cumprod(torch.arange(1, order + 1), 0)
        wanted = torch.stack(self.phis(order + 1)[1:]) * factorial / scale
        size = order if correct else order - 1
        return scale * cast(Tensor, torch.linalg.solve(powers[:size, :size], wanted[:size]))  # pyright: ignore[reportUnknownMemberType]

    def varying_weights(self, *, correct: bool) -> Tensor:
        """Weights of the changes for the variant with varying coefficients, appendix C.

        The corrector's last weight is the one that A1111's code gives: with two changes or more it takes the matrix's last row but one.
        """
        order = len(self.r)
        size = order if correct else order - 1
        factorial = torch.cumprod(torch.arange(1, order + 1), 0)
        matrix = torch.stack([self.r**k / factorial[k] for k in range(order)], dim=1)[:size, :size]
        inverse = matrix.inverse()
        phis = self.phis(order + 1)
        rows = sum((phis[k + 1] * inverse[k][: order - 1] for k in range(order - 1)), torch.zeros(order - 1))
        if not correct:
            return rows
        return torch.cat([rows, (phis[order] * inverse[max(order - 2, 0)][-1]).view(1)])

    def weights(self, variant: str, *, correct: bool) -> Tensor:
        if variant == "vary_coeff":
            return self.varying_weights(correct=correct)
        scale = -self.h if variant == "bh1" else torch.expm1(-self.h)
        return self.bh_weights(scale, correct=correct)

    def predicted(self, x: Tensor, variant: str) -> Tensor:
        """x at t from what is known."""
        if not self.changes:
            return self.straight(x)
        return self.bent(x, self.weights(variant, correct=False), self.changes)

    def corrected(self, x: Tensor, x0: Tensor, variant: str) -> Tensor:
        """x at t, given x0 as evaluated at the predicted x there."""
        return self.bent(x, self.weights(variant, correct=True), [*self.changes, x0 - self.x0])


def unipc(predict: Predict, x: Tensor, timesteps: Tensor, alphas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """As many steps as there are `timesteps`, each of one evaluation; the last has no corrector.

    Of `timesteps` itself only the last counts, and that only where the start is a picture. Orders above the number of steps are
    taken for it; with `unipc_lower_order_final` the last steps are of falling order.
    """
    count = len(timesteps)
    if not count:
        return x
    path = Path(alphas)
    start = (int(timesteps[-1]) + 1) / 1000 if settings.from_picture else 1.0  # a bit off for other tables, as in A1111
    grid = path.grid(settings.unipc_skip, start, count)
    order = min(settings.unipc_order, count)

    def x0_at(x: Tensor, t: Tensor) -> Tensor:
        eps = predict(x, ((t - 1.0 / path.count) * 1000.0).item() * x.new_ones(x.shape[0]))
        return (x - path.sigma(t) * eps) / torch.exp(path.log_alpha(t))

    known = [Known(grid[0], x0_at(x, grid[0]))]
    for i in range(1, count + 1):
        t = grid[i]
        step_order = min(order, i, count + 1 - i if settings.unipc_lower_order_final and i >= order else order)
        update = Update(path, known, t, step_order)
        predicted = update.predicted(x, settings.unipc_variant)
        if i == count:
            return predicted
        x0 = x0_at(predicted, t)
        x = update.corrected(x, x0, settings.unipc_variant)
        known = [*known, Known(t, x0)][-order:]
    return x
