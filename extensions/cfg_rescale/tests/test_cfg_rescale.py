"""CFG rescale: its arithmetic against the paper's, for samplers of both kinds."""

import numpy as np
import pytest
import torch

from extensions.cfg_rescale import CFGRescale, rescaled, velocity
from modules.pipeline.manager import PipelineManager
from tests.extensions.making import REQUEST, equal, leaves_no_trace, pictures


def test_the_spread_is_that_of_the_positive_predictions() -> None:
    guided, plain = torch.randn(2, 4, 8, 8) * 5, torch.randn(2, 4, 8, 8)
    changed = rescaled(guided, plain, 1.0)
    for one, other in zip(changed, plain, strict=True):
        assert one.numpy().std(ddof=1) == pytest.approx(other.numpy().std(ddof=1), rel=1e-5)
    half = rescaled(guided, plain, 0.5)
    assert torch.allclose(half, (changed + guided) / 2, atol=1e-6)


def test_velocity_is_the_paper_s() -> None:
    x0, noise, alpha = torch.randn(1, 4, 3, 3), torch.randn(1, 4, 3, 3), 0.3
    x = alpha**0.5 * x0 + (1 - alpha) ** 0.5 * noise
    found = velocity(x, x0, alpha)
    assert torch.allclose(found, alpha**0.5 * noise - (1 - alpha) ** 0.5 * x0, atol=1e-6)
    assert torch.allclose(alpha**0.5 * x - (1 - alpha) ** 0.5 * found, x0, atol=1e-6)


@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
def test_it_acts_and_leaves_no_trace(pipeline: PipelineManager, sampler: str) -> None:
    request = REQUEST.replace(sampler=sampler, guidance=12)
    assert leaves_no_trace(pipeline, request, cfg_rescale={"phi": 0.7})


@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
def test_without_guidance_there_is_nothing_to_bring_back(pipeline: PipelineManager, sampler: str) -> None:
    request = REQUEST.replace(sampler=sampler, guidance=1)
    one, other = pictures(pipeline, request), pictures(pipeline, request, cfg_rescale={"phi": 1.0})
    assert np.abs(one[0] - other[0]).max() <= 1  # rounding


def test_nothing_is_nothing(pipeline: PipelineManager) -> None:
    assert equal(pictures(pipeline), pictures(pipeline, cfg_rescale={"phi": 0.0}))


def test_a_batch_is_its_single_pictures(pipeline: PipelineManager) -> None:
    batch = pictures(pipeline, REQUEST.replace(batch_size=2), cfg_rescale={})
    singles = [pictures(pipeline, REQUEST.replace(seed=seed), cfg_rescale={})[0] for seed in (7, 8)]
    assert max(np.abs(one - other).max() for one, other in zip(batch, singles, strict=True)) <= 1


def test_its_infotext_comes_back() -> None:
    notes = CFGRescale.notes(CFGRescale.Options(phi=0.5), "CFG rescale")
    assert notes == {"CFG Rescale": 0.5}
    assert CFGRescale.options_from({"CFG Rescale": "0.5"}, "") == {"phi": "0.5"} and CFGRescale.options_from({}, "") is None
