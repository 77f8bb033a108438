"""The samplers that step along noise levels: against k-diffusion's, and on data whose exact denoiser is one line, a Gaussian."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from modules.contract.errors import BadRequest
from modules.sampling import restart
from modules.sampling.prediction import Epsilon, scaled_linear_alphas
from modules.sampling.registry import SAMPLERS, evaluations
from modules.sampling.samplers import SamplerSettings, adams_coefficients, ancestral_step, euler, heun, lms
from modules.sampling.schedules import Bounds, karras
from tests.golden import golden_json
from tests.sampling.analytic import LEVELS, SHAPE, TorchNoise, denoise, start

EPSILON = Epsilon(scaled_linear_alphas())
MEAN, SPREAD = 0.7, 0.5
END = 0.0292
LEVEL_SAMPLERS = [name for name, sampler in SAMPLERS.items() if not sampler.timesteps]
RECORDED = golden_json("k_diffusion/samplers.json")


def levels(name: str, *, steps: int = 8) -> Tensor:
    """The analytic case's levels as a sampler wants them; `steps` counts for those that find their own."""
    if SAMPLERS[name].levels == "range":
        return torch.linspace(LEVELS[0], LEVELS[-2], steps + 1).double()
    return torch.tensor(LEVELS, dtype=torch.float64)


@pytest.mark.parametrize("case", RECORDED, ids=[f"{case['sampler']}-{case['told']}" for case in RECORDED])
def test_a_sampler_goes_k_diffusions_way(case: dict[str, Any]) -> None:
    told = {name: value for name, value in case["told"].items() if name not in ("n", "solver_type")}
    sigmas = levels(case["sampler"], steps=case["told"].get("n", 8))
    result = SAMPLERS[case["sampler"]].function(denoise, start(), sigmas, TorchNoise(), SamplerSettings(**told))
    assert torch.allclose(result.flatten(), torch.tensor(case["x"]).double(), rtol=2e-5, atol=2e-6)  # k-diffusion rounds some to float32


def gaussian(x: Tensor, sigma: Tensor) -> Tensor:
    """The exact x0 for data that are normal around MEAN with SPREAD."""
    variance = sigma.view(-1, 1, 1, 1) ** 2
    return (x * SPREAD**2 + MEAN * variance) / (SPREAD**2 + variance)


def exact(x: Tensor, sigma: float) -> Tensor:
    """Where the probability flow takes x from `sigma` to END. Song et al. 2020, arXiv:2011.13456, eq. 13."""
    return MEAN + (x - MEAN) * (SPREAD**2 + END**2) ** 0.5 / (SPREAD**2 + sigma**2) ** 0.5


def error_after(sampler: Callable[..., Tensor], steps: int) -> float:
    sigmas = karras(steps, EPSILON, Bounds(END, 14.6146)).double()[:-1]  # the last step, to 0, is of first order in all
    x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0)).double() * sigmas[0]
    settings = SamplerSettings(eta=0.0)
    return (sampler(gaussian, x, sigmas, TorchNoise(x.shape), settings) - exact(x, sigmas[0].item())).abs().max().item()


@pytest.mark.parametrize(
    ("name", "order"), [("Euler", 1), ("Heun", 2), ("DPM2", 2), ("DPM++ 2M", 2), ("DPM++ 2S a", 2), ("DPM++ 2M SDE Heun", 2), ("LMS", 2)]
)
def test_the_error_falls_with_the_order_of_the_method(name: str, order: int) -> None:
    sampler = SAMPLERS[name].function
    assert error_after(sampler, 80) < error_after(sampler, 40) / 2 ** (order - 0.35)


@pytest.mark.parametrize("name", [name for name in LEVEL_SAMPLERS if name != "LCM"])
def test_every_sampler_reaches_the_data(name: str) -> None:
    sigmas = karras(40, EPSILON, Bounds(END, 14.6146)).double()
    x = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)).double() * sigmas[0]
    result = SAMPLERS[name].function(gaussian, x, SAMPLERS[name].levels_of(sigmas, EPSILON), TorchNoise(x.shape), SamplerSettings())
    assert result.mean().item() == pytest.approx(MEAN, abs=0.04)
    assert result.std().item() == pytest.approx(SPREAD, abs=0.06)  # 4096 numbers, and 40 steps are not infinitely many


@pytest.mark.parametrize("name", [name for name in LEVEL_SAMPLERS if name != "DPM adaptive"])  # whose steps depend on all pictures
def test_a_picture_alone_is_the_picture_in_a_batch(name: str) -> None:
    noises = torch.randn(80, *SHAPE, generator=torch.Generator().manual_seed(1)).double()

    class Rows(TorchNoise):
        def __init__(self, rows: slice) -> None:
            self.draws = iter(noises[:, rows])

        def next(self) -> Tensor:
            return next(self.draws)

    def sample(rows: slice) -> Tensor:
        return SAMPLERS[name].function(denoise, start()[rows], levels(name), Rows(rows), SamplerSettings())

    assert torch.equal(sample(slice(0, 2))[1:], sample(slice(1, 2)))


@pytest.mark.parametrize("name", LEVEL_SAMPLERS)
def test_the_calls_are_counted_beforehand(name: str) -> None:
    calls: list[Tensor] = []

    def counted(x: Tensor, sigma: Tensor) -> Tensor:
        calls.append(sigma)
        return denoise(x, sigma)

    for sigmas in (levels(name), karras(24, EPSILON, Bounds(END, 14.6146)).double(), karras(40, EPSILON, Bounds(END, 14.6146)).double()):
        calls.clear()
        SAMPLERS[name].function(counted, start(), SAMPLERS[name].levels_of(sigmas, EPSILON), TorchNoise(), SamplerSettings())
        if name != "DPM adaptive":
            assert len(calls) == evaluations(SAMPLERS[name], sigmas)


@pytest.mark.parametrize("name", ["Euler", "Heun", "DPM2"])
def test_noise_is_drawn_in_every_step_even_without_churn(name: str) -> None:
    noise, counted = TorchNoise(), TorchNoise()
    SAMPLERS[name].function(denoise, start(), levels(name), noise, SamplerSettings())
    for _ in LEVELS[1:]:
        counted.next()
    assert torch.equal(noise.next(), counted.next())


def test_s_noise_does_not_act_on_euler_a() -> None:
    plain, loud = (
        SAMPLERS["Euler a"].function(denoise, start(), levels("Euler a"), TorchNoise(), SamplerSettings(s_noise=s)) for s in (1.0, 1.5)
    )
    assert torch.equal(plain, loud)


def test_an_ancestral_step_keeps_the_variance() -> None:
    sigma, following = torch.tensor(3.0), torch.tensor(2.0)
    down, up = ancestral_step(sigma, following)
    assert float(down) ** 2 + float(up) ** 2 == pytest.approx(4.0)
    assert ancestral_step(sigma, following, eta=0.0) == (following, 0.0)


def test_lms_begins_as_euler() -> None:
    sigmas = torch.tensor(LEVELS[:2]).double()
    results = [sampler(denoise, start(), sigmas, TorchNoise(), SamplerSettings()) for sampler in (lms, euler)]
    assert torch.allclose(*results, rtol=1e-12)


def test_the_weights_of_slopes_sum_to_the_step() -> None:
    for order in range(1, 5):
        assert sum(adams_coefficients(LEVELS, 4, order)) == pytest.approx(LEVELS[5] - LEVELS[4])


def test_restart_is_heun_below_twenty_steps() -> None:
    results = [sampler(denoise, start(), levels("Heun"), TorchNoise(), SamplerSettings()) for sampler in (restart.restart, heun)]
    assert torch.equal(*results)


@pytest.mark.parametrize(("steps", "times", "again"), [(20, 1, 9), (35, 1, 9), (36, 2, 9), (50, 2, 12)])
def test_restart_goes_back_up_as_often_as_its_steps_allow(steps: int, times: int, again: int) -> None:
    planned = restart.restart_steps(karras(steps, EPSILON, Bounds(END, 14.6146)))
    jumps = [i for i in range(1, len(planned)) if planned[i][0] > planned[i - 1][1]]
    assert len(planned) == steps
    assert len(jumps) == times
    # It goes up to the level nearest 2, from where as many steps lead down to the one nearest 0.1.
    assert all(planned[jump][0] == pytest.approx(2.0, rel=0.35) for jump in jumps)
    assert all(planned[jump + again - 1][1] == pytest.approx(0.1, rel=0.5) for jump in jumps)


@pytest.mark.parametrize("name", ["DPM fast", "DPM adaptive"])
def test_a_range_without_levels_is_refused(name: str) -> None:
    sigmas = SAMPLERS[name].levels_of(torch.tensor([3.0, 0.0]), EPSILON, from_picture=True)
    with pytest.raises(BadRequest, match="more steps"):
        SAMPLERS[name].function(denoise, start(), sigmas, TorchNoise(), SamplerSettings())


def test_dpm_fast_asks_for_the_models_range_without_a_picture_and_the_schedules_with_one() -> None:
    sigmas = torch.tensor([5.0, 2.0, 0.5, 0.0])
    sampler = SAMPLERS["DPM fast"]
    alone, with_picture = sampler.levels_of(sigmas, EPSILON), sampler.levels_of(sigmas, EPSILON, from_picture=True)
    assert (alone[0], alone[-1]) == (EPSILON.sigmas[-1], EPSILON.sigmas[0])
    assert (with_picture[0], with_picture[-1]) == (5.0, 0.5)
    assert len(alone) == len(with_picture) == 4


def test_lcm_ends_on_what_the_network_says() -> None:
    result = SAMPLERS["LCM"].function(lambda x, sigma: torch.ones_like(x) * 0.3, start(), levels("LCM"), TorchNoise(), SamplerSettings())
    assert torch.equal(result, torch.full_like(result, 0.3))


class Elsewhere(TorchNoise):
    """Noise on a device that holds shapes alone: what mixes devices wrongly fails there as on a graphics card."""

    def next(self) -> Tensor:
        return torch.empty(SHAPE, device="meta")


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "DPM adaptive"])  # which looks at values
def test_pictures_may_lie_on_another_device_than_the_levels(name: str) -> None:
    sampler, x = SAMPLERS[name], torch.empty(SHAPE, device="meta")
    if sampler.timesteps:
        answer = (x, x) if sampler.needs_unguided else x
        result = sampler.function(lambda x, t: answer, x, torch.tensor([1, 251, 501]), EPSILON.alphas, Elsewhere(), SamplerSettings())
    else:
        sigmas = karras(24, EPSILON, Bounds(END, 14.6146))
        result = sampler.function(lambda x, sigma: x * sigma.view(-1, 1, 1, 1), x, sigmas[:-1], Elsewhere(), SamplerSettings())
    assert result.device.type == "meta"
    assert result.dtype == torch.float32
