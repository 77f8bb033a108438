"""The samplers on data whose exact denoiser is one line: a Gaussian."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from modules.sampling.guidance import Condition, Conditions, combine, evaluate
from modules.sampling.prediction import Epsilon, scaled_linear_alphas
from modules.sampling.registry import SAMPLERS
from modules.sampling.samplers import SamplerSettings, ancestral_step, dpmpp_2m, euler
from modules.sampling.schedules import Bounds, ddim_timesteps, karras

EPSILON = Epsilon(scaled_linear_alphas())
MEAN, SPREAD = 0.7, 0.5
END = 0.0292


def gaussian(x: Tensor, sigma: Tensor) -> Tensor:
    """The exact x0 for data that are normal around MEAN with SPREAD."""
    variance = sigma.view(-1, 1, 1, 1) ** 2
    return (x * SPREAD**2 + MEAN * variance) / (SPREAD**2 + variance)


def exact(x: Tensor, sigma: float) -> Tensor:
    """Where the probability flow takes x from `sigma` to END. Song et al. 2020, arXiv:2011.13456, eq. 13."""
    return MEAN + (x - MEAN) * (SPREAD**2 + END**2) ** 0.5 / (SPREAD**2 + sigma**2) ** 0.5


def no_noise() -> Tensor:
    return torch.zeros(1)


def error_after(sampler: Callable[..., Tensor], steps: int) -> float:
    sigmas = karras(steps, EPSILON, Bounds(END, 14.6146)).double()[:-1]  # the last step, to 0, is of first order in all
    x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0)).double() * sigmas[0]
    return (sampler(gaussian, x, sigmas, no_noise, SamplerSettings()) - exact(x, sigmas[0].item())).abs().max().item()


@pytest.mark.parametrize(("sampler", "order"), [(euler, 1), (dpmpp_2m, 2)])
def test_the_error_falls_with_the_order_of_the_method(sampler: Callable[..., Tensor], order: int) -> None:
    assert error_after(sampler, 80) < error_after(sampler, 40) / 2 ** (order - 0.35)


def test_ddim_reaches_the_data() -> None:
    timesteps = ddim_timesteps(100)

    def predict(x: Tensor, t: Tensor) -> Tensor:
        alpha = EPSILON.alphas[t.long()].view(-1, 1, 1, 1).double()
        x0 = (x * alpha.sqrt() * SPREAD**2 + MEAN * (1 - alpha)) / (alpha * SPREAD**2 + 1 - alpha)
        return (x - alpha.sqrt() * x0) / (1 - alpha).sqrt()

    x = torch.randn(1, 4, 64, 64, generator=torch.Generator().manual_seed(0)).double()
    settings = SamplerSettings(eta=0.0)
    result = SAMPLERS["DDIM"].function(predict, x, timesteps, EPSILON.alphas, lambda: torch.randn_like(x), settings)
    assert result.mean().item() == pytest.approx(MEAN, abs=0.03)
    assert result.std().item() == pytest.approx(SPREAD, abs=0.03)


def test_an_ancestral_step_keeps_the_variance() -> None:
    sigma, following = torch.tensor(3.0), torch.tensor(2.0)
    down, up = ancestral_step(sigma, following)
    assert float(down) ** 2 + float(up) ** 2 == pytest.approx(4.0)
    assert ancestral_step(sigma, following, eta=0.0) == (following, 0.0)


@pytest.mark.parametrize("name", [name for name, sampler in SAMPLERS.items() if not sampler.timesteps])
def test_a_picture_alone_is_the_picture_in_a_batch(name: str) -> None:
    sigmas = karras(6, EPSILON, Bounds(END, 14.6146))
    noises = torch.randn(8, 2, 4, 4, 4, generator=torch.Generator().manual_seed(1))

    def sample(rows: slice) -> Tensor:
        draws = iter(noises[:, rows])
        x = next(draws) * sigmas[0]
        return SAMPLERS[name].function(gaussian, x, sigmas, lambda: next(draws), SamplerSettings())

    assert torch.equal(sample(slice(0, 2))[1:], sample(slice(1, 2)))


def conditions(positive: list[tuple[int, float, float]], *, tokens: int = 3) -> Conditions:
    return Conditions(
        [Condition(torch.full((tokens, 2), value), picture, weight) for picture, value, weight in positive],
        [Condition(torch.full((3, 2), 0.0), picture) for picture in range(2)],
    )


@pytest.mark.parametrize("tokens", [3, 6])
@pytest.mark.parametrize("together", [True, False])
def test_guidance_sums_the_weighted_differences_however_it_is_batched(tokens: int, together: bool) -> None:
    asked = conditions([(0, 1.0, 1.0), (0, 2.0, 0.5), (1, 4.0, 1.0)], tokens=tokens)
    calls: list[int] = []

    def network(x: Tensor, level: Tensor, context: Tensor) -> Tensor:
        calls.append(len(x))
        return x + context.mean(dim=(1, 2)).view(-1, 1, 1, 1)

    x = torch.zeros(2, 1, 2, 2)
    positive, negative = evaluate(network, x, torch.ones(2), asked, together=together)
    result = combine(positive, negative, asked.positive, 2.0)
    assert result[:, 0, 0, 0].tolist() == [2 * (1.0 + 0.5 * 2.0), 2 * 4.0]
    assert (len(calls) == 1) == (together and tokens == 3)
