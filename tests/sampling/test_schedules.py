"""Noise levels and schedules, against A1111's tables."""

from typing import Any

import numpy as np
import pytest
import torch

from modules.sampling.prediction import Epsilon, scaled_linear_alphas
from modules.sampling.registry import SCHEDULES, resolve, sigmas_for, start_at, timesteps_for
from modules.sampling.schedules import Bounds, ScheduleOptions, align_your_steps, img2img_steps
from tests.golden import golden_json

EPSILON = Epsilon(scaled_linear_alphas())
KEYS = {
    "sigma_min": "sigma_min",
    "sigma_max": "sigma_max",
    "rho": "rho",
    "beta_dist_alpha": "beta_alpha",
    "beta_dist_beta": "beta_beta",
    "use_old_karras_scheduler_sigmas": "old_karras",
    "always_discard_next_to_last_sigma": "discard_penultimate",
}
LEVELS = golden_json("pure/sigmas_sd1.json")


def options_of(case: dict[str, Any]) -> ScheduleOptions:
    return ScheduleOptions(**{KEYS[key]: value for key, value in case.get("opts", {}).items()})


@pytest.mark.parametrize(("sampler", "schedule"), sorted({(case["sampler"], case["scheduler"]) for case in LEVELS}))
def test_a_schedule_has_a1111s_levels_and_label(sampler: str, schedule: str) -> None:
    choice = resolve(sampler, schedule)
    for case in LEVELS:
        if (case["sampler"], case["scheduler"]) == (sampler, schedule):
            told = f"{case['steps']} steps, {case.get('opts')}"
            sigmas = sigmas_for(choice, case["steps"], choice.sampler.seen(EPSILON), options_of(case))
            assert len(sigmas) == len(case["sigmas"]), told
            assert np.allclose(sigmas.numpy(), np.float32(case["sigmas"]), rtol=5e-7, atol=0), told  # a few units in the last place
            assert choice.label == case["params"].get("Schedule type", "Automatic"), told


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("discard", [False, True])
def test_every_schedule_can_be_of_any_number_of_steps(name: str, discard: bool) -> None:
    for steps in (0, 1, 2, 3, 150):
        sigmas = sigmas_for(resolve("Euler", name), steps, EPSILON, ScheduleOptions(discard_penultimate=discard))
        assert sigmas.dtype == torch.float32
        assert sigmas.isfinite().all()
        assert (sigmas.diff() < 0).all()
        assert len(sigmas) > steps


def test_align_your_steps_has_a_table_for_sdxl() -> None:
    sigmas = align_your_steps(11, EPSILON, Bounds(0.0, 0.0, sdxl=True))
    assert sigmas[:4].tolist() == pytest.approx([14.615, 6.315, 3.771, 2.181])
    assert align_your_steps(5, EPSILON, Bounds(0.0, 0.0, sdxl=True)).tolist() == pytest.approx(
        [14.615, (3.771 * 2.181) ** 0.5, 0.862, (0.380 * 0.234) ** 0.5, 0.029, 0.0]
    )


@pytest.mark.parametrize("case", golden_json("pure/ddim_timesteps.json"), ids=lambda case: f"{case['steps']}-{case.get('discard', False)}")
def test_ddim_counts_a1111s_timesteps(case: dict[str, Any]) -> None:
    options = ScheduleOptions(discard_penultimate=case.get("discard", False))
    assert timesteps_for(resolve("DDIM"), case["steps"], EPSILON, options).tolist() == case["timesteps"]


@pytest.mark.parametrize("exact", [False, True])
def test_img2img_takes_a1111s_steps(exact: bool) -> None:
    for case in golden_json("pure/img2img_steps.json"):
        if case["fix"] == exact:
            assert list(img2img_steps(case["steps"], case["denoise"], exact=exact)) == case["result"], case


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("strength", [0.0, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("name", ["Euler", "DPM++ 3M SDE", "DDIM", "UniPC", "LCM"])
def test_a_picture_can_start_anywhere(name: str, strength: float, exact: bool) -> None:
    choice = resolve(name)
    prediction = choice.sampler.seen(EPSILON)
    total, encoded = img2img_steps(8, strength, exact=exact)
    points = (timesteps_for if choice.sampler.timesteps else sigmas_for)(choice, total, prediction, ScheduleOptions())
    start = start_at(choice, points, total, encoded, prediction)
    if not choice.sampler.timesteps:
        assert (start.signal, start.noise) == (1.0, start.levels[0])
        assert len(start.levels) == (encoded + 2 if total else 1)
    else:
        assert start.signal**2 + start.noise**2 == pytest.approx(1.0)
        assert len(start.levels) == min(encoded, len(points))
