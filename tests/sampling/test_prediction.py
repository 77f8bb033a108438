"""What outputs mean, and tables of noise levels, against A1111's."""

import numpy as np
import pytest
import torch

from modules.sampling.prediction import Consistency, Epsilon, Prediction, Velocity, downcast, scaled_linear_alphas, zero_terminal_snr
from tests.golden import golden_json

ALPHAS = scaled_linear_alphas()
EPSILON, VELOCITY = Epsilon(ALPHAS), Velocity(ALPHAS)


def test_the_alphas_are_a1111s_to_the_last_bit() -> None:
    recorded = golden_json("pure/model_sigmas_sd1.json")
    assert np.array_equal(ALPHAS.numpy(), np.float32(recorded["alphas_cumprod"]))
    assert np.allclose(EPSILON.sigmas.numpy(), np.float32(recorded["sigmas"]), rtol=2e-7, atol=0)  # a unit in the last place


def test_a_stretched_table_is_a1111s() -> None:
    recorded = np.float32(golden_json("pure/ztsnr_alphas.json"))
    stretched = zero_terminal_snr(ALPHAS)
    assert np.allclose(stretched.numpy(), recorded, rtol=0, atol=3e-7)
    assert stretched[-1].item() == pytest.approx(4.8973451890853435e-08)
    assert ALPHAS[-1] > 0.004  # the model's own table stays


def test_levels_and_timesteps_convert_as_in_a1111() -> None:
    recorded = golden_json("pure/sigma_to_t.json")
    assert np.allclose(EPSILON.sigma_to_t(torch.tensor(recorded["sigma"])), recorded["t"], atol=1e-3)
    assert np.allclose(EPSILON.t_to_sigma(torch.tensor(recorded["t_in"])), recorded["sigma_of_t"], rtol=1e-6)
    assert EPSILON.with_whole_timesteps().sigma_to_t(torch.tensor(recorded["sigma"])).tolist() == recorded["t_quantized"]


def test_converting_there_and_back_changes_nothing() -> None:
    t = torch.linspace(0, 999, 500)
    assert torch.allclose(EPSILON.sigma_to_t(EPSILON.t_to_sigma(t)), t, atol=2e-2)  # the table is flat near 0: float32 shows


@pytest.mark.parametrize("prediction", [EPSILON, VELOCITY])
def test_the_true_output_gives_back_picture_and_noise(prediction: Prediction) -> None:
    generator = torch.Generator().manual_seed(0)
    x0, noise = torch.randn(2, 4, 8, 8, generator=generator), torch.randn(2, 4, 8, 8, generator=generator)
    t = torch.tensor([100, 900])
    alpha = ALPHAS[t].view(-1, 1, 1, 1)
    output = noise if isinstance(prediction, Epsilon) else alpha.sqrt() * noise - (1 - alpha).sqrt() * x0
    sigma = prediction.sigmas[t]
    assert torch.allclose(prediction.x0(x0 + sigma.view(-1, 1, 1, 1) * noise, output, sigma), x0, atol=1e-5)
    scaled = alpha.sqrt() * x0 + (1 - alpha).sqrt() * noise
    assert torch.allclose(prediction.noise(scaled, output, t.float()), noise, atol=1e-6)
    assert torch.allclose(prediction.network_input(x0 + sigma.view(-1, 1, 1, 1) * noise, sigma), scaled, atol=1e-6)


def test_another_table_keeps_the_meaning_and_the_rounding() -> None:
    replaced = VELOCITY.with_whole_timesteps().replaced(zero_terminal_snr(ALPHAS))
    assert isinstance(replaced, Velocity)
    assert replaced.quantized
    assert replaced.sigmas[-1].item() == pytest.approx(4518.8, rel=1e-4)
    assert EPSILON.quantized is False


def test_a_rounded_table_stays_in_half_precision() -> None:
    rounded = EPSILON.replaced(downcast(ALPHAS))
    assert rounded.sigmas.dtype == torch.float16
    assert rounded.t_to_sigma(torch.tensor([3.5])).dtype == torch.float32


def test_a_consistency_model_knows_fifty_timesteps() -> None:
    seen = Consistency(EPSILON)
    assert torch.equal(seen.sigmas, Epsilon(ALPHAS[19::20]).sigmas)
    assert seen.sigma_to_t(EPSILON.sigmas[[19, 25, 30, 999]]).tolist() == [19.0, 19.0, 39.0, 999.0]
    assert seen.t_to_sigma(torch.tensor([0.0, 19.0, 999.0])).tolist() == pytest.approx(EPSILON.sigmas[[19, 19, 999]].tolist())


def test_a_level_half_way_between_two_timesteps_takes_the_higher() -> None:
    seen = Consistency(EPSILON)
    assert seen.sigma_to_t(seen.t_to_sigma(torch.tensor([509.0, 849.0, 109.0]))).tolist() == [519.0, 859.0, 119.0]


def test_a_consistency_model_trusts_its_output_but_near_the_end() -> None:
    seen, x, output = Consistency(VELOCITY), torch.ones(1, 1, 1, 1), torch.full((1, 1, 1, 1), 0.2)
    sigma = seen.sigmas[[30]]
    assert seen.x0(x, output, sigma).item() == pytest.approx(1 - 0.2 * sigma.item(), rel=1e-5)  # c_skip is 7e-10 here


def test_a_consistency_model_of_another_table_has_other_levels() -> None:
    seen = Consistency(EPSILON).replaced(zero_terminal_snr(ALPHAS))
    assert seen.sigmas[-1] > 4000
    assert seen.with_whole_timesteps() is seen
