"""Samplers, noise and schedules together against A1111's own way, step by step and without a network.

The traces hold x, the noise level (or timestep) and the network's answer at each of its calls. We give the recorded answers and
compare what we ask.
"""

import json
from math import inf
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from modules.sampling.noise import NoiseSource, StepNoise
from modules.sampling.prediction import Epsilon, scaled_linear_alphas
from modules.sampling.registry import Choice, evaluations, resolve, sigmas_for, start_at, timesteps_for
from modules.sampling.samplers import SamplerSettings
from modules.sampling.schedules import ScheduleOptions, img2img_steps
from tests.golden import golden_path

EPSILON = Epsilon(scaled_linear_alphas())  # all recorded models have the same noise levels
TRACES = golden_path("traces")
NAMES = sorted(folder.name for folder in TRACES.iterdir()) if TRACES else []
FINE = 1e-6  # of the largest value: log, exp and the order of sums differ from library to library


class Recorded:
    """One trace, with the request that it is of. Answers as the network did, and notes how far the questions were off."""

    def __init__(self, name: str) -> None:
        assert TRACES
        self.body: dict[str, Any] = json.loads((TRACES.parent / "cases" / f"{name}.json").read_text("utf8"))
        self.settings: dict[str, Any] = self.body["override_settings"]
        calls, before = np.load(TRACES / name / "trace0.npz"), np.load(TRACES / name / "before0.npz")
        self.count = len(calls.files) // 3
        self.calls = [tuple(torch.from_numpy(calls[f"{i:03d}_{key}"]) for key in ("x_in", "sigma", "denoised")) for i in range(self.count)]
        self.noise, self.picture = torch.from_numpy(before["noise"]), torch.from_numpy(before["x"])
        self.latents = torch.from_numpy(np.load(TRACES / name / "latent0.npy"))
        self.off: list[float] = []
        self.off_level: list[float] = []

    def __call__(self, x: Tensor, level: Tensor) -> Tensor:
        wanted, wanted_level, answer = self.calls[len(self.off)]
        self.off.append(difference(x, wanted[: len(x)]))
        self.off_level.append(difference(level, wanted_level[: len(x)]))
        return answer


def difference(ours: Tensor, theirs: Tensor) -> float:
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()


def told(recorded: Recorded, *, timesteps: bool, from_picture: bool) -> SamplerSettings:
    settings, eta = recorded.settings, recorded.body.get("eta")
    return SamplerSettings(
        eta=(0.0 if timesteps else 1.0) if eta is None else eta,
        s_churn=settings.get("s_churn", 0.0),
        s_tmin=settings.get("s_tmin", 0.0),
        s_tmax=settings.get("s_tmax") or inf,
        s_noise=settings.get("s_noise", 1.0),
        from_picture=from_picture,
        unipc_skip=settings.get("uni_pc_skip_type", "time_uniform"),
        unipc_lower_order_final=settings.get("uni_pc_lower_order_final", True),
    )


def sampled(recorded: Recorded, choice: Choice, noise: NoiseSource, *, sdxl: bool) -> tuple[Tensor, int]:
    """The latents, and how many calls were expected."""
    sampler, strength = choice.sampler, recorded.body.get("denoising_strength")
    prediction = sampler.seen(EPSILON)
    total, encoded = img2img_steps(recorded.body["steps"], 1.0 if strength is None else strength, exact=False)
    points = (timesteps_for if sampler.timesteps else sigmas_for)(choice, total, prediction, ScheduleOptions(sdxl=sdxl))
    if strength is None:
        part, x = points, noise.initial * (1.0 if sampler.timesteps else points[0])
    else:
        start = start_at(choice, points, total, encoded, prediction)
        part, x = start.levels, recorded.picture * start.signal + noise.initial * start.noise
    settings = told(recorded, timesteps=sampler.timesteps, from_picture=strength is not None)
    steps = StepNoise(noise)
    if sampler.timesteps:
        return sampler.function(recorded, x, part, prediction.alphas, steps, settings), evaluations(sampler, part)
    steps.along(x, points, part=part)
    levels = sampler.levels_of(part, prediction, from_picture=strength is not None)
    return sampler.function(recorded, x, levels, steps, settings), evaluations(sampler, part)


@pytest.mark.skipif(not NAMES, reason="the recorded A1111 data are not at hand (EASEL_GOLDEN)")
@pytest.mark.parametrize("name", NAMES)
def test_every_call_is_asked_as_a1111_asked_it(name: str) -> None:
    recorded = Recorded(name)
    body = recorded.body
    choice = resolve(body["sampler_name"], body.get("scheduler") or "Automatic")
    shape = (4, body["height"] // 8, body["width"] // 8)
    noise = NoiseSource([body["seed"]], shape, source=recorded.settings["randn_source"], device=torch.device("cpu"))
    assert difference(noise.initial, recorded.noise) <= FINE
    latents, expected = sampled(recorded, choice, noise, sdxl="sdxl" in name)
    assert len(recorded.off) == recorded.count
    assert expected == recorded.count or body["sampler_name"] == "DPM adaptive"
    assert max(recorded.off_level) <= FINE
    assert max(recorded.off) <= FINE
    assert difference(latents, recorded.latents) <= 1e-5  # UniPC's last step of third order multiplies rounding


@pytest.mark.skipif(not NAMES, reason="the recorded A1111 data are not at hand (EASEL_GOLDEN)")
def test_the_comparison_would_notice_another_sampler() -> None:
    recorded = Recorded("029-smp-euler-auto")
    noise = NoiseSource([recorded.body["seed"]], (4, 16, 16), source="CPU", device=torch.device("cpu"))
    sampled(recorded, resolve("DPM++ 2M", "Uniform"), noise, sdxl=False)
    assert max(recorded.off) > 1e-3
