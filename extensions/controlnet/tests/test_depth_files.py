"""Depth networks in their makers' files against the published networks, and hints out of such files."""

import hashlib
import json
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import DepthAnythingForDepthEstimation

from extensions.controlnet.preprocessors import available, depth, depth_files, run_preprocessor
from extensions.controlnet.preprocessors.network_files import FOLDER
from extensions.controlnet.tests import depth_shapes
from extensions.controlnet.tests.network_numbers import numbers_for
from modules.contract.errors import NotSupported
from modules.weights.files import write_tensors
from modules.weights.header import BadModel

GOLDEN: dict[str, Any] = json.loads(Path(__file__).with_name("depth_files_golden.json").read_text("utf8"))
HYBRID: dict[str, Any] = {"hybrid": True, "width": 768, "layers": 12, "neck": (256, 512, 768, 768)}
LARGE: dict[str, Any] = {"hybrid": False, "width": 1024, "layers": 24, "neck": (256, 512, 1024, 1024)}
TINY: dict[str, Any] = {"hybrid": False, "width": 64, "layers": 4, "neck": (16, 16, 32, 32), "joined": 16}
ROUNDED = 5e-4  # half a unit of the last digit kept, and float32's noise of many layers


def numbers(shapes: depth_shapes.Shapes) -> dict[str, torch.Tensor]:
    found = {name: numbers_for(name, shape) for name, shape in shapes.items()}
    return found | {name: torch.tensor([level]) for name, level in GOLDEN["biases"].items() if name in found}


def seen_by(network: torch.nn.Module, side: int) -> torch.Tensor:
    picture = numbers_for("picture", (1, 3, side, side)) * (3 * side * side) ** 0.5
    with torch.inference_mode():
        return network.eval()(pixel_values=picture).predicted_depth[0]


def put(models: Path, name: str, tensors: dict[str, torch.Tensor]) -> Path:
    """A file as a person puts A1111's folders in: a pickle, one folder deeper."""
    (models / FOLDER / "midas").mkdir(parents=True, exist_ok=True)
    torch.save(tensors, models / FOLDER / "midas" / name)
    return models / FOLDER / "midas" / name


def picture() -> Image.Image:
    levels = np.linspace(0, 255, 96, dtype=np.uint8)[None].repeat(64, 0)
    return Image.fromarray(np.dstack([levels, levels[:, ::-1], levels]))


@pytest.mark.parametrize(("name", "told"), [("hybrid", HYBRID), ("large", LARGE)])
def test_the_names_of_these_tests_are_those_of_the_published_files(name: str, told: dict[str, Any]) -> None:
    lines = sorted(f"{tensor} {shape}" for tensor, shape in depth_shapes.midas(**told).items())
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == GOLDEN["shapes"][name]


@pytest.mark.parametrize(
    ("build", "kept", "shapes", "side"),
    [
        (depth_files.dpt, "hybrid", depth_shapes.midas(**HYBRID, joined=32), 384),
        (depth_files.depth_anything_v2, "depth_anything_v2", depth_shapes.anything(), 518),
    ],
)
def test_a_file_becomes_the_network_that_was_published(build: Any, kept: str, shapes: depth_shapes.Shapes, side: int) -> None:
    golden = GOLDEN[kept]
    seen = seen_by(build(numbers(shapes)), side)[golden["rows"]][:, golden["columns"]]
    assert torch.allclose(seen, torch.tensor(golden["nearness"]), atol=ROUNDED, rtol=0)


@pytest.mark.parametrize(("width", "layers", "neck", "joined"), [
    (384, 12, (48, 96, 192, 384), 64), (768, 12, (96, 192, 384, 768), 128), (1024, 24, (256, 512, 1024, 1024), 256),
])  # fmt: skip
def test_both_versions_of_depth_anything_come_in_three_sizes(width: int, layers: int, neck: tuple[int, ...], joined: int) -> None:
    config = depth_files.anything_config(width, layers, later=False)
    with torch.device("meta"):
        network = DepthAnythingForDepthEstimation(config)
    published = depth_shapes.anything(width, layers, neck, joined)
    assert sum(value.numel() for value in network.state_dict().values()) == sum(prod(shape) for shape in published.values())
    assert config.backbone_config.out_indices == list(range(layers - 3, layers + 1))
    later = depth_files.anything_config(width, layers, later=True)
    assert later.backbone_config.out_indices == ([5, 12, 18, 24] if layers == 24 else [3, 6, 9, 12])


def test_a_file_makes_depth_and_normals(tmp_path: Path) -> None:
    put(tmp_path, "dpt_large-midas-2f21e586.pt", numbers(depth_shapes.midas(**TINY)))
    assert {"depth_midas", "normal_midas"} <= {one.name for one in available(tmp_path)}
    hint = np.asarray(run_preprocessor("depth_midas", picture(), resolution=128, models=tmp_path))
    assert hint.shape == (128, 192, 3) and hint.dtype == np.uint8 and (hint == hint[..., :1]).all()
    assert (hint.min(), hint.max()) == (0, 255)
    assert np.array_equal(hint, np.asarray(run_preprocessor("depth_midas", picture(), resolution=128, models=tmp_path)))
    normals = np.asarray(run_preprocessor("normal_midas", picture(), resolution=128, models=tmp_path))
    assert normals.shape == hint.shape and normals[..., 2].mean() > 128


def test_a_folder_counts_before_a_file_and_a_name_tells_the_version(tmp_path: Path) -> None:
    network = depth.network_of("depth_anything_v2")
    file = put(tmp_path, "depth_anything_v2_vits.pth", {"any": torch.zeros(1)})
    assert network.found(tmp_path) == file
    assert depth_files.builder(file) == (depth_files.depth_anything_v2, depth_files.ANYTHING_SEES)
    assert depth_files.builder(Path("depth_anything_vitl14.safetensors"))[0] is depth_files.depth_anything
    folder = tmp_path / FOLDER / "depth_anything_v2"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    assert network.found(tmp_path) == folder


def test_what_is_missing_or_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotSupported, match="'depth_anything' needs a network") as raised:
        run_preprocessor("depth_anything", picture(), models=tmp_path)
    assert "Or put one of these files into models/ControlNetPreprocessor: depth_anything_vitl14.pth" in raised.value.hint
    tensors = numbers(depth_shapes.midas(**TINY))
    wrong = ({"any": torch.zeros(1)}, tensors | {"scratch.dragon": torch.zeros(1)}, {k: v for k, v in tensors.items() if "fc2" not in k})
    for number, one in enumerate(wrong):
        models = tmp_path / str(number)
        (models / FOLDER).mkdir(parents=True)
        write_tensors(models / FOLDER / "dpt_hybrid-midas-501f0c75.safetensors", one)
        with pytest.raises(BadModel, match=r"501f0c75.safetensors cannot be used: it is not the network that its name says"):
            run_preprocessor("depth_midas", picture(), models=models)
