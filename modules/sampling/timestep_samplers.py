"""Samplers that count in timesteps, as A1111 has them: functions of (predict, x, timesteps, alphas, noise, settings).

`predict(x, t)` gives the noise in x = sqrt(alpha) * x0 + sqrt(1 - alpha) * noise, (B, C, h, w), at timesteps `t` (B,).
`timesteps` rises; its first entry is only the end of the last step. `alphas` (T,) is the model's whole table.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from modules.sampling.samplers import Noise, SamplerSettings

Predict = Callable[[Tensor, Tensor], Tensor]
PredictBoth = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class Steps:
    """What each step of DDIM goes by. Step i ends at timestep i - 1.

    Each number is the table's in double precision, then multiplied as one of x's precision: so A1111 rounds.
    """

    def __init__(self, x: Tensor, timesteps: Tensor, alphas: Tensor, eta: float = 0.0) -> None:
        alphas = alphas.cpu()
        timesteps = timesteps.cpu()
        at = alphas[timesteps]
        before = alphas[torch.nn.functional.pad(timesteps[:-1], (1, 0))].double()
        self.each = x.new_ones((x.shape[0], 1, 1, 1))
        self.timesteps = timesteps
        self.alphas = at
        self.alphas_before = before
        self.roots = torch.sqrt(1 - at)
        self.sigmas = eta * torch.sqrt((1 - before) / (1 - at) * (1 - at / before))

    def t(self, i: int) -> Tensor:
        """Timestep i for each picture: (B,)."""
        return self.timesteps[i].item() * self.each.flatten()

    def taken(self, x: Tensor, i: int, eps: Tensor, direction: Tensor, noise: Tensor | None = None) -> Tensor:
        """x after step i, with the noise prediction `eps`, led back by `direction`. Song et al. 2020, arXiv:2010.02502, eq. 12."""
        a, a_before, sigma = (value[i].item() * self.each for value in (self.alphas, self.alphas_before, self.sigmas))
        x0 = (x - self.roots[i].item() * self.each * eps) / a.sqrt()
        towards = (1.0 - a_before - sigma**2).sqrt() * direction
        result = a_before.sqrt() * x0 + towards
        return result if noise is None else result + sigma * noise


def ddim(predict: Predict, x: Tensor, timesteps: Tensor, alphas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """Song et al. 2020, arXiv:2010.02502, eq. 12 and 16; `settings.eta` 0 is deterministic."""
    steps = Steps(x, timesteps, alphas, settings.eta)
    for i in range(len(timesteps) - 1, 0, -1):
        eps = predict(x, steps.t(i))
        x = steps.taken(x, i, eps, eps, noise.next())
    return x


def ddim_cfgpp(predict: PredictBoth, x: Tensor, timesteps: Tensor, alphas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """DDIM whose direction is the unguided prediction. Chung et al. 2024, "CFG++", arXiv:2406.08070, algorithm 2.

    `predict` gives the guided and the unguided (negative) prediction.
    """
    steps = Steps(x, timesteps, alphas, settings.eta)
    for i in range(len(timesteps) - 1, 0, -1):
        eps, unguided = predict(x, steps.t(i))
        x = steps.taken(x, i, eps, unguided, noise.next())
    return x


# Adams-Bashforth weights of the latest prediction and those before it.
MULTISTEP = ((1.0,), (3 / 2, -1 / 2), (23 / 12, -16 / 12, 5 / 12), (55 / 24, -59 / 24, 37 / 24, -9 / 24))


def plms(predict: Predict, x: Tensor, timesteps: Tensor, alphas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """Pseudo linear multistep of up to fourth order; its first step is Heun's. Liu et al. 2022, arXiv:2202.09778, eq. 9, 12 and 13."""
    steps = Steps(x, timesteps, alphas)
    before: list[Tensor] = []  # latest first
    for i in range(len(timesteps) - 1, 0, -1):
        eps = predict(x, steps.t(i))
        if before:
            before = [eps, *before[:3]]
            mean = sum((w * e for w, e in zip(MULTISTEP[len(before) - 1], before, strict=True)), torch.zeros_like(eps))
        else:
            before = [eps]
            mean = (eps + predict(steps.taken(x, i, eps, eps), steps.t(i - 1))) / 2
        x = steps.taken(x, i, mean, mean)
    return x
