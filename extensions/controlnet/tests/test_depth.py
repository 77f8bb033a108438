"""Depth preprocessors over tiny networks of the real kinds, in folders as a person puts them there."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import DPTConfig, DPTForDepthEstimation

from extensions.controlnet.preprocessors import available, default_preprocessor, depth, run_preprocessor
from extensions.controlnet.preprocessors.network_files import FOLDER
from modules.contract.errors import NotSupported, WebuiError

SMALL = {
    "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 32, "image_size": 64, "patch_size": 16,
    "backbone_out_indices": [0, 1, 2, 3], "neck_hidden_sizes": [16, 16, 32, 32], "fusion_hidden_size": 16,
}  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    network = DPTForDepthEstimation(DPTConfig(**SMALL))
    network.save_pretrained(root / FOLDER / "depth_midas")
    (root / FOLDER / "depth_midas" / "preprocessor_config.json").write_text('{"size": {"height": 64}, "ensure_multiple_of": 16}')
    return root


def picture() -> Image.Image:
    levels = np.linspace(0, 255, 96, dtype=np.uint8)[None].repeat(64, 0)
    return Image.fromarray(np.dstack([levels, levels[:, ::-1], levels]))


def test_the_hint_is_grey_from_far_to_near_at_the_resolution(models: Path) -> None:
    hint = np.asarray(run_preprocessor("depth_midas", picture(), resolution=128, models=models))
    assert hint.shape == (128, 192, 3) and (hint == hint[..., :1]).all()
    assert hint.min() == 0 and hint.max() == 255
    assert np.array_equal(hint, np.asarray(run_preprocessor("depth", picture(), resolution=128, models=models)))


def test_normals_come_out_of_depth(models: Path) -> None:
    hint = np.asarray(run_preprocessor("normal_midas", picture(), resolution=64, models=models)).astype(float) / 127.5 - 1
    assert np.abs(np.linalg.norm(hint, axis=2) - 1).max() < 0.02
    plain = depth.normals(np.full((8, 8, 3), 200, np.uint8), 0.4)
    assert (plain == (128, 128, 255)).all()


def test_nearer_to_the_right_is_red_and_what_is_far_looks_at_us() -> None:
    slope = np.repeat(np.linspace(0, 255, 64, dtype=np.uint8)[None, :, None].repeat(16, 0), 3, axis=2)
    map_ = depth.normals(slope, 0.5)
    assert map_[8, 50, 0] > 128 and (map_[8, :28] == (128, 128, 255)).all()


def test_only_what_is_there_is_listed_and_chosen(models: Path, tmp_path: Path) -> None:
    there = {one.name for one in available(models)}
    assert {"depth_midas", "normal_midas", "canny"} <= there and "depth_anything_v2" not in there
    assert not [one for one in available(tmp_path) if one.needs] and not [one for one in available(None) if one.needs]
    assert (default_preprocessor("Depth", models), default_preprocessor("Depth", tmp_path)) == ("depth_midas", "none")


def test_a_network_that_is_not_there_is_named_with_its_place() -> None:
    with pytest.raises(NotSupported, match="'depth_anything_v2' needs a network") as raised:
        run_preprocessor("depth_anything_v2", picture())
    assert "models/ControlNetPreprocessor/depth_anything_v2" in raised.value.hint


def test_what_is_no_network_is_said(models: Path, tmp_path: Path) -> None:
    folder = tmp_path / FOLDER / "depth_zoe"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(WebuiError, match="no depth network that can be read"):
        run_preprocessor("depth_zoe", picture(), models=tmp_path)


def test_metres_are_turned_round(monkeypatch: pytest.MonkeyPatch, models: Path) -> None:
    near = np.asarray(run_preprocessor("depth_midas", picture(), resolution=64, models=models)).astype(int)
    monkeypatch.setattr(depth, "METRIC", ("dpt",))
    far = np.asarray(run_preprocessor("depth_midas", picture(), resolution=64, models=models)).astype(int)
    assert abs(near + far - 255).max() <= 1


def test_a_network_that_keeps_proportions_sees_them_in_its_own_steps() -> None:
    told = {"size": {"height": 518, "width": 518}, "keep_aspect_ratio": True, "ensure_multiple_of": 14}
    assert depth.working_size(512, 768, told) == (518, 784)
    assert depth.working_size(512, 768, {}) == (384, 384)
    assert depth.working_size(512, 768, {"size": {"height": 384, "width": 512}}) == (384, 512)
