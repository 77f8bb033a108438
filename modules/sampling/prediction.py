"""What a network's output means, and the noise levels that it was trained on."""

from typing import Protocol, TypeVar

import torch
from torch import Tensor


def scaled_linear_alphas(start: float = 0.00085, end: float = 0.0120, count: int = 1000) -> Tensor:
    """The products of alphas of the schedule that Stable Diffusion was trained with: (count,), float32.

    The product is taken in float64: float32 throughout shifts the table by up to 9e-6, which shows in pictures.
    """
    betas = torch.linspace(start**0.5, end**0.5, count, dtype=torch.float64) ** 2
    return torch.cumprod(1.0 - betas, dim=0).float()


class Prediction(Protocol):
    """How noisy latents go into a network and how its output comes back as x0 or as noise."""

    alphas: Tensor
    sigmas: Tensor

    def sigma_to_t(self, sigma: Tensor) -> Tensor: ...
    def t_to_sigma(self, t: Tensor) -> Tensor: ...
    def network_input(self, x: Tensor, sigma: Tensor) -> Tensor: ...
    def x0(self, x: Tensor, output: Tensor, sigma: Tensor) -> Tensor: ...
    def noise(self, x: Tensor, output: Tensor, t: Tensor) -> Tensor: ...


Table = TypeVar("Table", bound="Discrete")


class Discrete:
    """The table of noise levels of a network trained on numbered timesteps, with log-linear interpolation between them.

    sigma = sqrt((1 - alpha) / alpha); Karras et al. 2022, arXiv:2206.00364, appendix C.3.4.
    """

    def __init__(self, alphas: Tensor) -> None:
        self.alphas = alphas  # (T,), products of alphas, falling
        self.sigmas = ((1 - alphas) / alphas) ** 0.5  # (T,), rising
        self.log_sigmas = self.sigmas.log()

    def to(self: Table, device: torch.device) -> Table:
        """The same tables on another device."""
        moved = type(self)(self.alphas)
        moved.alphas, moved.sigmas, moved.log_sigmas = (x.to(device) for x in (self.alphas, self.sigmas, self.log_sigmas))
        return moved

    def sigma_to_t(self, sigma: Tensor) -> Tensor:
        """The (fractional) timestep of a noise level; levels outside the table give its ends."""
        log_sigma = sigma.log()
        distances = log_sigma - self.log_sigmas[:, None]
        low = distances.ge(0).cumsum(dim=0).argmax(dim=0).clamp(max=len(self.sigmas) - 2)
        high = low + 1
        weight = ((self.log_sigmas[low] - log_sigma) / (self.log_sigmas[low] - self.log_sigmas[high])).clamp(0, 1)
        return ((1 - weight) * low + weight * high).view(sigma.shape)

    def t_to_sigma(self, t: Tensor) -> Tensor:
        """The noise level of a (fractional) timestep within 0..T-1."""
        t = t.float()
        low, high, weight = t.floor().long(), t.ceil().long(), t.frac()
        return ((1 - weight) * self.log_sigmas[low] + weight * self.log_sigmas[high]).exp()

    def network_input(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Noisy latents x = x0 + sigma * noise, (B, C, h, w), scaled to the variance that the network was trained on."""
        return x * (1 / (sigma**2 + 1) ** 0.5).view(-1, 1, 1, 1)


class Epsilon(Discrete):
    """The network predicts the noise. Ho et al. 2020, arXiv:2006.11239."""

    def x0(self, x: Tensor, output: Tensor, sigma: Tensor) -> Tensor:
        """The clean latents that an output at noise level `sigma` (B,) stands for; x as in `network_input`."""
        return x + output * -sigma.view(-1, 1, 1, 1)

    def noise(self, x: Tensor, output: Tensor, t: Tensor) -> Tensor:
        """The noise that an output at timestep `t` (B,) stands for; x in the timestep samplers' scale."""
        return output
