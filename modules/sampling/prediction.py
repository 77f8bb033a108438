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


def zero_terminal_snr(alphas: Tensor) -> Tensor:
    """The table stretched so that nothing of the picture is left at its end. Lin et al. 2023, arXiv:2305.08891, algorithm 1.

    The last value is not 0, whose noise level would be infinite, but A1111's: a noise level of 4518.8.
    """
    roots = alphas.sqrt()
    stretched = ((roots - roots[-1]) * (roots[0] / (roots[0] - roots[-1]))) ** 2
    stretched[-1] = 4.8973451890853435e-08
    return stretched


def downcast(alphas: Tensor) -> Tensor:
    """The table in float16, as A1111 once kept it. It stays in float16: the noise levels are computed from it in float16 too."""
    return alphas.half()


class Prediction(Protocol):
    """How noisy latents go into a network and how its output comes back as x0 or as noise."""

    alphas: Tensor
    sigmas: Tensor

    def replaced(self, alphas: Tensor) -> "Prediction": ...
    def with_whole_timesteps(self) -> "Prediction": ...
    def sigma_to_t(self, sigma: Tensor) -> Tensor: ...
    def t_to_sigma(self, t: Tensor) -> Tensor: ...
    def network_input(self, x: Tensor, sigma: Tensor) -> Tensor: ...
    def x0(self, x: Tensor, output: Tensor, sigma: Tensor) -> Tensor: ...
    def noise(self, x: Tensor, output: Tensor, t: Tensor) -> Tensor: ...


Table = TypeVar("Table", bound="Discrete")


class Discrete:
    """The table of noise levels of a network trained on numbered timesteps, with log-linear interpolation between them.

    sigma = sqrt((1 - alpha) / alpha); Karras et al. 2022, arXiv:2206.00364, appendix C.3.4. `quantized`: a level's timestep
    is the nearest whole one.
    """

    def __init__(self, alphas: Tensor, *, quantized: bool = False) -> None:
        self.alphas = alphas  # (T,), products of alphas, falling
        self.sigmas = ((1 - alphas) / alphas) ** 0.5  # (T,), rising
        self.log_sigmas = self.sigmas.log()
        self.quantized = quantized

    def replaced(self: Table, alphas: Tensor) -> Table:
        """The same meaning of outputs with another table."""
        return type(self)(alphas, quantized=self.quantized)

    def with_whole_timesteps(self: Table) -> Table:
        """The same, `quantized`."""
        return type(self)(self.alphas, quantized=True)

    def to(self: Table, device: torch.device) -> Table:
        """The same tables on another device."""
        moved = self.replaced(self.alphas)
        moved.alphas, moved.sigmas, moved.log_sigmas = (x.to(device) for x in (self.alphas, self.sigmas, self.log_sigmas))
        return moved

    def sigma_to_t(self, sigma: Tensor) -> Tensor:
        """The timestep of a noise level, fractional unless `quantized`; levels outside the table give its ends."""
        log_sigma = sigma.log()
        distances = log_sigma - self.log_sigmas[:, None]
        if self.quantized:
            return distances.abs().argmin(dim=0).view(sigma.shape).float()
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


class Velocity(Discrete):
    """The network predicts v = sqrt(alpha) * noise - sqrt(1 - alpha) * x0. Salimans and Ho 2022, arXiv:2202.00512, appendix D."""

    def x0(self, x: Tensor, output: Tensor, sigma: Tensor) -> Tensor:
        """The clean latents that an output at noise level `sigma` (B,) stands for; x as in `network_input`."""
        sigma = sigma.view(-1, 1, 1, 1)
        return output * (-sigma / (sigma**2 + 1) ** 0.5) + x * (1 / (sigma**2 + 1))

    def noise(self, x: Tensor, output: Tensor, t: Tensor) -> Tensor:
        """The noise that an output at timestep `t` (B,) stands for; x in the timestep samplers' scale.

        A fractional timestep (UniPC has them) takes the table's entry below it, as in A1111.
        """
        at = t.int()
        return self.alphas.sqrt()[at].view(-1, 1, 1, 1) * output + (1 - self.alphas).sqrt()[at].view(-1, 1, 1, 1) * x


class Consistency:
    """A model as a latent consistency model: fewer timesteps, and x0 blended with x by their number.

    Luo et al. 2023, arXiv:2310.04378: 50 of the teacher's timesteps; c_skip and c_out with sigma_data 0.5 and timesteps times 10.
    The noise levels are those of these timesteps alone. The output is always taken for noise: so A1111 does it, for v models too.
    """

    def __init__(self, teacher: Prediction, timesteps: int = 50) -> None:
        self.teacher = teacher
        self.stride = len(teacher.alphas) // timesteps
        self.table = Epsilon(teacher.alphas[self.stride - 1 :: self.stride].float())
        self.alphas, self.sigmas = self.table.alphas, self.table.sigmas

    def replaced(self, alphas: Tensor) -> "Consistency":
        """The same with another table of the teacher's."""
        return Consistency(self.teacher.replaced(alphas), len(self.alphas))

    def with_whole_timesteps(self) -> "Consistency":
        """The same: they are whole."""
        return self

    def sigma_to_t(self, sigma: Tensor) -> Tensor:
        """The nearest of the timesteps, as numbered by the teacher; of two that are equally near, the higher.

        Schedules of an even number of steps have a level half-way between two. Which is nearer is then a matter of rounding, and
        on the machine that A1111's pictures were recorded on it was the higher.
        """
        distances = (sigma.log() - self.table.log_sigmas[:, None]).abs()
        near = distances <= distances.amin(dim=0) + 1e-5
        nearest = torch.where(near, torch.arange(len(near), device=near.device)[:, None], 0).amax(dim=0).view(sigma.shape)
        return (nearest * self.stride + self.stride - 1).float()

    def t_to_sigma(self, t: Tensor) -> Tensor:
        """The noise level of one of the teacher's timesteps; those outside the table give its ends."""
        return self.table.t_to_sigma(((t - (self.stride - 1)) / self.stride).clamp(0, len(self.sigmas) - 1))

    def network_input(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Noisy latents x = x0 + sigma * noise, (B, C, h, w), scaled to the variance that the network was trained on."""
        return self.table.network_input(x, sigma)

    def x0(self, x: Tensor, output: Tensor, sigma: Tensor) -> Tensor:
        """The clean latents that an output at noise level `sigma` (B,) stands for; x as in `network_input`."""
        data = 0.5  # standard deviation that the model takes the data to have
        t = self.sigma_to_t(sigma).view(-1, 1, 1, 1) * 10
        return t / (t**2 + data**2) ** 0.5 * self.table.x0(x, output, sigma) + data**2 / (t**2 + data**2) * x

    def noise(self, x: Tensor, output: Tensor, t: Tensor) -> Tensor:
        """The noise that an output at timestep `t` (B,) stands for; x in the timestep samplers' scale."""
        return output
