"""The samplers that count in timesteps, on data whose exact noise is one line, and against each other."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from modules.sampling.prediction import Epsilon, scaled_linear_alphas
from modules.sampling.registry import SAMPLERS, evaluations
from modules.sampling.samplers import SamplerSettings
from modules.sampling.schedules import ddim_timesteps
from modules.sampling.timestep_samplers import ddim, ddim_cfgpp
from modules.sampling.unipc import Path, interpolated, unipc
from tests.golden import golden_json
from tests.sampling.analytic import TorchNoise

EPSILON = Epsilon(scaled_linear_alphas())
ALPHAS = EPSILON.alphas
MEAN, SPREAD = 0.7, 0.5
RECORDED = golden_json("unipc/variants.json")  # what the authors' published code gives for `predict` from `noise_of(4)`


def alpha_at(t: Tensor) -> Tensor:
    """The table between its entries, in double precision."""
    low = t.long().clamp(max=998)
    logs = ALPHAS.double().log()
    return (logs[low] + (logs[low + 1] - logs[low]) * (t - low)).exp()


def predict(x: Tensor, t: Tensor) -> Tensor:
    """The exact noise for data that are normal around MEAN with SPREAD."""
    alpha = alpha_at(t.double()).view(-1, 1, 1, 1)
    x0 = (x * alpha.sqrt() * SPREAD**2 + MEAN * (1 - alpha)) / (alpha * SPREAD**2 + 1 - alpha)
    return (x - alpha.sqrt() * x0) / (1 - alpha).sqrt()


def both(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    return predict(x, t), predict(x, t)


def noise_of(side: int) -> Tensor:
    return torch.randn(1, 1, side, side, generator=torch.Generator().manual_seed(0)).double()


@pytest.mark.parametrize("name", ["DDIM", "DDIM CFG++", "PLMS", "UniPC"])
def test_every_sampler_reaches_the_data(name: str) -> None:
    x = noise_of(64)
    asked = both if SAMPLERS[name].needs_unguided else predict
    result = SAMPLERS[name].function(asked, x, ddim_timesteps(50), ALPHAS, TorchNoise(x.shape), SamplerSettings(eta=0.0))
    assert result.mean().item() == pytest.approx(MEAN, abs=0.04)
    assert result.std().item() == pytest.approx(SPREAD, abs=0.04)  # 4096 numbers


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: "-".join(str(value) for value in case["told"].values()))
def test_unipc_goes_its_authors_way(case: dict[str, Any]) -> None:
    x, steps = noise_of(4), torch.arange(case["steps"])
    result = unipc(predict, x, steps, ALPHAS, TorchNoise(x.shape), SamplerSettings(**case["told"])).flatten()
    assert torch.allclose(result, torch.tensor(case["x"]).double(), atol=2e-6)  # theirs in float64, our times and weights in float32


@pytest.mark.parametrize("steps", [1, 2])
def test_unipc_takes_a_lower_order_where_there_are_fewer_steps(steps: int) -> None:
    x = noise_of(8)
    results = [
        unipc(predict, x, torch.arange(steps), ALPHAS, TorchNoise(x.shape), SamplerSettings(unipc_order=order)) for order in (steps, 3)
    ]
    assert torch.equal(*results)


def test_unipc_starts_at_the_pictures_timestep() -> None:
    seen: list[float] = []

    def watched(x: Tensor, t: Tensor) -> Tensor:
        seen.append(t[0].item())
        return predict(x, t)

    x = noise_of(8)
    unipc(watched, x, ddim_timesteps(8)[:4], ALPHAS, TorchNoise(x.shape), SamplerSettings(from_picture=True))
    assert seen == pytest.approx([376.0, 282.0, 188.0, 94.0], abs=1e-2)


def test_nothing_to_do_changes_nothing() -> None:
    x = noise_of(8)
    for name in ("DDIM", "DDIM CFG++", "PLMS", "UniPC"):
        assert torch.equal(SAMPLERS[name].function(both, x, ddim_timesteps(8)[:0], ALPHAS, TorchNoise(x.shape), SamplerSettings()), x)


@pytest.mark.parametrize("name", ["DDIM", "DDIM CFG++", "PLMS", "UniPC"])
@pytest.mark.parametrize("steps", [1, 3, 8, 30])
def test_the_calls_are_counted_beforehand(name: str, steps: int) -> None:
    calls: list[Tensor] = []

    def counted(x: Tensor, t: Tensor) -> Any:
        calls.append(t)
        return both(x, t) if SAMPLERS[name].needs_unguided else predict(x, t)

    timesteps, x = ddim_timesteps(steps), noise_of(4)
    SAMPLERS[name].function(counted, x, timesteps, ALPHAS, TorchNoise(x.shape), SamplerSettings(eta=0.0))
    assert len(calls) == evaluations(SAMPLERS[name], timesteps)


def test_ddim_cfgpp_with_one_prediction_for_both_is_ddim() -> None:
    x, timesteps, settings = noise_of(8), ddim_timesteps(8), SamplerSettings(eta=0.5)
    assert torch.equal(
        ddim_cfgpp(both, x, timesteps, ALPHAS, TorchNoise(x.shape), settings),
        ddim(predict, x, timesteps, ALPHAS, TorchNoise(x.shape), settings),
    )


def test_ddim_cfgpp_goes_in_the_unguided_direction() -> None:
    x, timesteps = torch.zeros(1, 1, 1, 1, dtype=torch.float64), torch.tensor([1, 501])
    guided, unguided = 2.0, 3.0
    result = ddim_cfgpp(
        lambda x, t: (torch.full_like(x, guided), torch.full_like(x, unguided)),
        x,
        timesteps,
        ALPHAS,
        TorchNoise(x.shape),
        SamplerSettings(eta=0.0),
    )
    alpha, before = ALPHAS[501].item(), ALPHAS[1].item()
    x0 = (0 - math.sqrt(1 - alpha) * guided) / math.sqrt(alpha)
    assert result.item() == pytest.approx(math.sqrt(before) * x0 + math.sqrt(1 - before) * unguided, rel=1e-6)


def test_interpolation_goes_on_beyond_its_ends() -> None:
    xs, ys = torch.tensor([0.0, 1.0, 3.0]), torch.tensor([0.0, 2.0, 3.0])
    assert interpolated(torch.tensor([-1.0, 0.5, 1.0, 2.0, 5.0]), xs, ys).tolist() == [-2.0, 1.0, 2.0, 2.5, 4.0]


def test_times_and_signal_to_noise_convert_both_ways() -> None:
    path = Path(ALPHAS)
    t = torch.linspace(0.01, 1.0, 50)
    assert torch.allclose(path.time_of(path.half_snr(t)), t, atol=1e-4)  # float32, and the curve is flat in places
