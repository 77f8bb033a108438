"""FreeU: its arithmetic against the paper's, its places in the network, its time."""

import json

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel

from extensions.freeu import FreeU, Stage, stages_of, strength_at
from extensions.freeu.stages import joints, weighed_backbone, weighed_skip
from modules.infotext import read
from modules.pipeline.manager import PipelineManager
from tests import tiny
from tests.extensions.making import REQUEST, equal, infotext, leaves_no_trace, pictures


def test_version_one_scales_half_of_the_channels() -> None:
    x = torch.randn(2, 6, 4, 4)
    changed = weighed_backbone(x, Stage(1.5), "1")
    assert torch.equal(changed[:, :3], x[:, :3] * 1.5) and torch.equal(changed[:, 3:], x[:, 3:])


def test_version_two_follows_the_mean_of_each_picture() -> None:
    x = torch.randn(2, 4, 3, 3)
    changed = weighed_backbone(x, Stage(1.4), "2")
    for picture in range(2):
        mean = x[picture].numpy().mean(axis=0)
        factor = 1 + 0.4 * (mean - mean.min()) / (mean.max() - mean.min())
        wanted = x[picture].numpy() * np.array([1, 1, 0, 0])[:, None, None] * (factor - 1) + x[picture].numpy()
        assert np.allclose(changed[picture].numpy(), wanted, atol=1e-6)


def test_a_plain_field_stays_finite() -> None:
    assert torch.equal(weighed_backbone(torch.ones(1, 4, 2, 2), Stage(1.4), "2"), torch.ones(1, 4, 2, 2))


@pytest.mark.parametrize("size", [(8, 8), (7, 5)])
def test_the_skip_s_lowest_frequencies_are_scaled(size: tuple[int, int]) -> None:
    h = torch.randn(1, 2, *size)
    changed = weighed_skip(h, Stage(skip=0.2)).numpy()
    spectrum = np.fft.fft2(h.numpy())
    for row in (-1, 0):  # the middle two by two of a shifted spectrum: frequencies -1 and 0
        for column in (-1, 0):
            spectrum[:, :, row, column] *= 0.2
    assert np.allclose(changed, np.fft.ifft2(spectrum).real, atol=1e-5)


def test_channels_and_cutoff_can_be_chosen() -> None:
    x = torch.randn(1, 8, 4, 4)
    changed = weighed_backbone(x, Stage(2.0, offset=0.25, width=0.25), "1")
    assert torch.equal(changed[:, 2:4], x[:, 2:4] * 2) and torch.equal(changed[:, 4:], x[:, 4:]) and torch.equal(changed[:, :2], x[:, :2])
    assert torch.allclose(weighed_skip(x, Stage(skip=0.5, cutoff=1.0)), x * 0.5, atol=1e-6)


def test_blocks_belong_to_the_stage_of_their_backbone_s_width() -> None:
    found = joints(tiny.model("sd1").unet)
    assert [(joint.backbone, joint.level) for joint in found] == [(64, 0), (64, 0), (64, 0), (32, 1)]


def test_the_stages_of_sd_are_1280_and_640_channels_wide() -> None:
    unet = UNet2DConditionModel(
        block_out_channels=(32, 64, 128, 128),
        down_block_types=("DownBlock2D",) * 4,
        up_block_types=("UpBlock2D",) * 4,
        cross_attention_dim=32,
    )
    assert [joint.level for joint in joints(unet)] == [0] * 7 + [1] * 3 + [2] * 2


def test_its_time_begins_ends_and_fades() -> None:
    assert [strength_at(share, 0.25, 0.75, 0) for share in (0, 0.25, 0.5, 0.75)] == [0, 1, 1, 0]
    assert strength_at(0.25, 0, 1, 1) == 0.5 and strength_at(0.5, 0, 1, 1) == 1 and strength_at(0.9, 0, 1, 0.4) == pytest.approx(0.5)


def test_presets_are_those_of_the_checkpoint() -> None:
    options = FreeU.Options(preset="By the checkpoint", backbone_1=3.0, width_1=0.25)
    assert stages_of(options, "sd1")[0] == Stage(1.5, 0.9, width=0.25) and stages_of(options, "sdxl")[1] == Stage(1.4, 0.2)


def test_it_leaves_no_trace(pipeline: PipelineManager) -> None:
    assert leaves_no_trace(pipeline, freeu={"backbone_1": 2.0})


def test_all_ones_are_the_plain_picture(pipeline: PipelineManager) -> None:
    ones = {"backbone_1": 1.0, "backbone_2": 1.0, "skip_1": 1.0, "skip_2": 1.0}
    assert equal(pictures(pipeline), pictures(pipeline, freeu=ones))
    assert equal(pictures(pipeline), pictures(pipeline, freeu={"start": 1.0}))


def test_a_batch_is_its_single_pictures(pipeline: PipelineManager) -> None:
    batch = pictures(pipeline, REQUEST.replace(batch_size=2), freeu={})
    singles = [pictures(pipeline, REQUEST.replace(seed=seed), freeu={})[0] for seed in (7, 8)]
    assert max(np.abs(one - other).max() for one, other in zip(batch, singles, strict=True)) <= 1  # sums in another order


def test_its_infotext_is_that_of_a1111_and_comes_back(pipeline: PipelineManager) -> None:
    given = {"backbone_1": 1.2, "skip_2": 0.4, "start": 0.1, "version": "1", "cutoff_2": 0.25}
    notes = FreeU.notes(FreeU.Options(**given), "FreeU")
    assert json.loads(str(notes["FreeU Stages"]))[0] == {"backbone_factor": 1.2, "skip_factor": 0.9}
    assert notes["FreeU Schedule"] == "0.1, 1.0, 0.0"
    assert FreeU.Options(**(FreeU.options_from({key: str(value) for key, value in notes.items()}, "FreeU") or {})) == FreeU.Options(**given)
    assert FreeU.options_from(read("a\nSteps: 2"), "FreeU") is None


def test_a1111_s_arguments_reach_it(pipeline: PipelineManager) -> None:
    assert FreeU.script is not None and FreeU.script.title == "FreeU" and len(FreeU.script.arguments) == 3 + 18
    assert "freeu" not in infotext(pipeline).lower()
