"""Noise levels and schedules, against A1111's tables."""

import numpy as np
import pytest
import torch

from modules.contract.errors import NotFound
from modules.sampling.prediction import Epsilon, scaled_linear_alphas
from modules.sampling.registry import SCHEDULE_FUNCTIONS, find_sampler, find_schedule, resolve
from modules.sampling.schedules import Bounds, ddim_timesteps
from tests.golden import golden_json, needs_golden

EPSILON = Epsilon(scaled_linear_alphas())
BOUNDS = Bounds(EPSILON.sigmas[0].item(), EPSILON.sigmas[-1].item())
KNOWN = [
    case
    for case in golden_json("pure/sigmas_sd1.json")
    if (sampler := find_sampler(case["sampler"])) and not sampler.timesteps and find_schedule(case["scheduler"])
    if not {"always_discard_next_to_last_sigma", "use_old_karras_scheduler_sigmas"} & set(case.get("opts", {}))
]


@needs_golden
def test_the_alphas_are_a1111s_to_the_last_bit() -> None:
    recorded = np.float32(golden_json("pure/model_sigmas_sd1.json")["alphas_cumprod"])
    assert np.array_equal(scaled_linear_alphas().numpy(), recorded)


@needs_golden
def test_levels_and_timesteps_convert_as_in_a1111() -> None:
    recorded = golden_json("pure/sigma_to_t.json")
    assert np.allclose(EPSILON.sigma_to_t(torch.tensor(recorded["sigma"])), recorded["t"], atol=1e-3)
    assert np.allclose(EPSILON.t_to_sigma(torch.tensor(recorded["t_in"])), recorded["sigma_of_t"], rtol=1e-6)


def test_converting_there_and_back_changes_nothing() -> None:
    t = torch.linspace(0, 999, 500)
    assert torch.allclose(EPSILON.sigma_to_t(EPSILON.t_to_sigma(t)), t, atol=2e-2)  # the table is flat near 0: float32 shows


@pytest.mark.parametrize("case", KNOWN, ids=lambda case: f"{case['sampler']}-{case['scheduler']}-{case['steps']}")
def test_a_schedule_has_a1111s_levels(case: dict) -> None:
    choice = resolve(case["sampler"], case["scheduler"])
    options = case.get("opts", {})
    bounds = Bounds(options.get("sigma_min") or BOUNDS.sigma_min, options.get("sigma_max") or BOUNDS.sigma_max, options.get("rho", 0.0))
    sigmas = SCHEDULE_FUNCTIONS[choice.effective](case["steps"], EPSILON, bounds)
    assert np.allclose(sigmas.numpy(), np.float32(case["sigmas"]), rtol=5e-7, atol=0)  # a few units in the last place


@pytest.mark.parametrize(
    "case", [case for case in golden_json("pure/ddim_timesteps.json") if "discard" not in case], ids=lambda case: str(case["steps"])
)
def test_ddim_counts_a1111s_timesteps(case: dict) -> None:
    assert ddim_timesteps(case["steps"]).tolist() == case["timesteps"]


@pytest.mark.parametrize(
    ("name", "schedule", "wanted"),
    [
        ("DPM++ 2M Karras", "Automatic", ("DPM++ 2M", "karras")),
        ("euler a", "karras", ("Euler a", "karras")),
        ("k_euler", "Automatic", ("Euler", "uniform")),
        ("DPM++ 2M", "Automatic", ("DPM++ 2M", "karras")),
        ("DDIM", "Automatic", ("DDIM", "uniform")),
    ],
)
def test_names_aliases_and_old_combined_names_are_understood(name: str, schedule: str, wanted: tuple[str, str]) -> None:
    choice = resolve(name, schedule)
    assert (choice.sampler.name, choice.effective) == wanted


def test_an_unknown_sampler_is_refused_with_near_names() -> None:
    with pytest.raises(NotFound, match="Euler"):
        resolve("Eulr")
