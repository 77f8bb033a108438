"""Samplers that count in timesteps, as A1111 has them: functions of (predict, x, timesteps, alphas, noise, settings).

`predict(x, t)` gives the noise in x = sqrt(alpha) * x0 + sqrt(1 - alpha) * noise, (B, C, h, w), at timesteps `t` (B,).
`timesteps` rises; its first entry is only the end of the last step.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from modules.sampling.samplers import Noise, SamplerSettings

Predict = Callable[[Tensor, Tensor], Tensor]


def ddim(predict: Predict, x: Tensor, timesteps: Tensor, alphas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """Song et al. 2020, arXiv:2010.02502, eq. 12 and 16; `settings.eta` 0 is deterministic."""
    at = alphas[timesteps]
    before = alphas[torch.nn.functional.pad(timesteps[:-1], (1, 0))].double()
    root = torch.sqrt(1 - at)
    added = settings.eta * torch.sqrt((1 - before) / (1 - at) * (1 - at / before))
    each = x.new_ones((x.shape[0], 1, 1, 1))
    for i in range(len(timesteps) - 1, 0, -1):
        eps = predict(x, timesteps[i].item() * x.new_ones(x.shape[0]))
        a, a_before, sigma = at[i].item() * each, before[i].item() * each, added[i].item() * each
        x0 = (x - root[i].item() * each * eps) / a.sqrt()
        towards = (1.0 - a_before - sigma**2).sqrt() * eps
        x = a_before.sqrt() * x0 + towards + sigma * noise()
    return x
