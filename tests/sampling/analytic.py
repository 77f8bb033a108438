"""A denoiser that is one line, and noise that is torch's: what samplers are compared on."""

from typing import Any

import torch
from torch import Tensor

SHAPE = (2, 1, 4, 4)
LEVELS = [14.6146, 6.2, 3.1, 1.4, 0.9, 0.35, 0.12, 0.0292, 0.0]  # unequal on purpose
CASES: list[tuple[str, str, dict[str, Any]]] = [  # our sampler, k-diffusion's function, what both are told
    ("Euler", "sample_euler", {}),
    ("Euler", "sample_euler", {"s_churn": 3.0, "s_tmin": 0.2, "s_tmax": 5.0, "s_noise": 1.02}),
    ("Heun", "sample_heun", {"s_churn": 3.0, "s_tmin": 0.2, "s_tmax": 5.0, "s_noise": 1.02}),
    ("DPM2", "sample_dpm_2", {"s_churn": 3.0, "s_tmin": 0.2, "s_tmax": 5.0, "s_noise": 1.02}),
    ("Heun", "sample_heun", {}),
    ("DPM2", "sample_dpm_2", {}),
    ("LMS", "sample_lms", {}),
    ("Euler a", "sample_euler_ancestral", {"eta": 1.0}),
    ("Euler a", "sample_euler_ancestral", {"eta": 0.4}),
    ("Euler a", "sample_euler_ancestral", {"eta": 0.0}),
    ("DPM2 a", "sample_dpm_2_ancestral", {"eta": 1.0, "s_noise": 1.02}),
    ("DPM2 a", "sample_dpm_2_ancestral", {"eta": 0.4}),
    ("DPM++ 2S a", "sample_dpmpp_2s_ancestral", {"eta": 1.0, "s_noise": 1.02}),
    ("DPM++ 2S a", "sample_dpmpp_2s_ancestral", {"eta": 0.4}),
    ("DPM++ 2M", "sample_dpmpp_2m", {}),
    ("DPM++ SDE", "sample_dpmpp_sde", {"eta": 1.0, "s_noise": 1.02}),
    ("DPM++ SDE", "sample_dpmpp_sde", {"eta": 0.4}),
    ("DPM++ 2M SDE", "sample_dpmpp_2m_sde", {"eta": 1.0, "s_noise": 1.02}),
    ("DPM++ 2M SDE", "sample_dpmpp_2m_sde", {"eta": 0.0}),
    ("DPM++ 2M SDE Heun", "sample_dpmpp_2m_sde", {"eta": 0.4, "solver_type": "heun"}),
    ("DPM++ 3M SDE", "sample_dpmpp_3m_sde", {"eta": 1.0, "s_noise": 1.02}),
    ("DPM++ 3M SDE", "sample_dpmpp_3m_sde", {"eta": 0.0}),
    ("DPM fast", "sample_dpm_fast", {"eta": 1.0, "s_noise": 1.02, "n": 8}),
    ("DPM fast", "sample_dpm_fast", {"eta": 0.0, "n": 9}),
    ("DPM fast", "sample_dpm_fast", {"eta": 0.5, "n": 7}),
    ("DPM adaptive", "sample_dpm_adaptive", {"eta": 1.0}),
    ("DPM adaptive", "sample_dpm_adaptive", {"eta": 0.0}),
]


def denoise(x: Tensor, sigma: Tensor) -> Tensor:
    """An x0 that is no linear function of x."""
    sigma = sigma.view(-1, 1, 1, 1)
    return torch.tanh(x / (1 + sigma)) + 0.1 * sigma / (1 + sigma)


def start() -> Tensor:
    """Noise at the first level, in double precision: what differs then is the method, not the rounding."""
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(7)).double() * LEVELS[0]


class TorchNoise:
    """Noise of one generator, whatever is asked for."""

    def __init__(self, shape: tuple[int, ...] = SHAPE) -> None:
        self.shape = shape
        self.generator = torch.Generator().manual_seed(0)

    def next(self) -> Tensor:
        return torch.randn(self.shape, generator=self.generator, dtype=torch.float64)

    def between(self, sigma: Tensor, sigma_next: Tensor) -> Tensor:
        return self.next()
