"""Dynamic thresholding: ranges against numpy's, schedules, and that it keeps the contrast of the lower scale."""

import numpy as np
import pytest
import torch

from extensions.dynamic_thresholding import DynamicThresholding, held_in, quantile, scheduled
from modules.contract.errors import BadRequest
from modules.pipeline.manager import PipelineManager
from tests.extensions.making import REQUEST, equal, leaves_no_trace, pictures


def by_hand(guided: np.ndarray, mimicked: np.ndarray, percentile: float) -> np.ndarray:
    """One channel."""
    own, others = guided - guided.mean(), mimicked - mimicked.mean()
    limit = max(np.quantile(np.abs(own), percentile), np.abs(others).max())
    return np.clip(own, -limit, limit) / limit * np.abs(others).max() + guided.mean()


@pytest.mark.parametrize("percentile", [1.0, 0.95])
def test_each_channel_is_held_in_the_others_range(percentile: float) -> None:
    guided, mimicked = torch.randn(2, 3, 6, 6) * 4 + 1, torch.randn(2, 3, 6, 6)
    found = held_in(guided, mimicked, percentile, separate=True, centred=True, deviation=False)
    for picture in range(2):
        for channel in range(3):
            wanted = by_hand(guided[picture, channel].numpy(), mimicked[picture, channel].numpy(), percentile)
            assert np.allclose(found[picture, channel].numpy(), wanted, atol=1e-5)


def test_all_channels_together_around_zero() -> None:
    guided, mimicked = torch.randn(1, 3, 4, 4) * 4, torch.randn(1, 3, 4, 4)
    found = held_in(guided, mimicked, 1.0, separate=False, centred=False, deviation=False)
    assert torch.allclose(found, guided / guided.abs().max() * mimicked.abs().max(), atol=1e-5)


def test_by_standard_deviation() -> None:
    guided, mimicked = torch.randn(1, 2, 8, 8) * 4 + 2, torch.randn(1, 2, 8, 8)
    found = held_in(guided, mimicked, 1.0, separate=True, centred=True, deviation=True)
    assert torch.allclose(found.std(dim=(2, 3)), mimicked.std(dim=(2, 3)), atol=1e-5)
    assert torch.allclose(found.mean(dim=(2, 3)), guided.mean(dim=(2, 3)), atol=1e-5)


def test_the_quantile_is_numpy_s() -> None:
    values = torch.randn(3, 57)
    assert np.allclose(quantile(values, 0.93)[:, 0].numpy(), np.quantile(values.numpy(), 0.93, axis=1), atol=1e-6)


def test_schedules_run_between_scale_and_least() -> None:
    assert scheduled(10, 2, "Constant", 0.5, 4) == 10
    assert scheduled(10, 2, "Linear Down", 0.25, 4) == 8
    assert scheduled(10, 2, "Cosine Up", 1, 4) == pytest.approx(10)
    assert scheduled(10, 2, "Power Up", 0.5, 2) == 4 and scheduled(10, 2, "Sawtooth", 0.25, 2) == 6
    assert scheduled(10, 2, "Linear Repeating", 0.25, 2) == pytest.approx(2)


@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
def test_it_acts_and_leaves_no_trace(pipeline: PipelineManager, sampler: str) -> None:
    assert leaves_no_trace(pipeline, REQUEST.replace(sampler=sampler, guidance=20), dynamic_thresholding={"mimic_scale": 3.0})


@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
def test_mimicking_the_own_scale_changes_nothing(pipeline: PipelineManager, sampler: str) -> None:
    request = REQUEST.replace(sampler=sampler)
    one, other = pictures(pipeline, request), pictures(pipeline, request, dynamic_thresholding={"mimic_scale": 7.0})
    assert np.abs(one[0] - other[0]).max() <= 1  # rounding


def test_phi_zero_is_the_plain_result(pipeline: PipelineManager) -> None:
    one, other = pictures(pipeline), pictures(pipeline, dynamic_thresholding={"mimic_scale": 1.0, "phi": 0.0})
    assert np.abs(one[0] - other[0]).max() <= 1


def test_a_batch_is_its_single_pictures(pipeline: PipelineManager) -> None:
    batch = pictures(pipeline, REQUEST.replace(batch_size=2), dynamic_thresholding={"mimic_scale": 3.0})
    singles = [pictures(pipeline, REQUEST.replace(seed=seed), dynamic_thresholding={"mimic_scale": 3.0})[0] for seed in (7, 8)]
    assert max(np.abs(one - other).max() for one, other in zip(batch, singles, strict=True)) <= 1


def test_its_infotext_is_that_of_a1111_and_comes_back() -> None:
    options = DynamicThresholding.Options(mimic_scale=5, cfg_mode="Linear Down", cfg_least=2)
    notes = {key: str(value) for key, value in DynamicThresholding.notes(options, "").items()}
    assert notes["Dynamic thresholding enabled"] == "True" and "Mimic mode" not in notes
    assert DynamicThresholding.Options(**(DynamicThresholding.options_from(notes, "") or {})) == options


def test_a_wrong_value_is_refused_by_name(pipeline: PipelineManager) -> None:
    with pytest.raises(BadRequest, match="Top percentile of latents to clamp is 40"):
        pictures(pipeline, dynamic_thresholding={"percentile": 40})
    assert equal(pictures(pipeline), pictures(pipeline))
