"""normal_bae's network against the published one, and its hint, over numbers of chance in the file that it is put there in."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from extensions.controlnet.networks.normal_bae import NormalBae, normal_bae
from extensions.controlnet.preprocessors import available, default_preprocessor, run_preprocessor
from extensions.controlnet.preprocessors.network_files import FOLDER
from extensions.controlnet.tests.network_numbers import filled, numbers_for
from modules.contract.errors import NotSupported
from modules.weights.files import write_tensors
from modules.weights.header import BadModel

GOLDEN: dict[str, Any] = json.loads(Path(__file__).with_name("normal_bae_golden.json").read_text("utf8"))
ROUNDED = 2e-5  # half a unit of the last digit kept, and float32's noise, 3e-6 from one number of threads to another


@pytest.fixture(scope="module")
def numbers() -> dict[str, torch.Tensor]:
    return filled(NormalBae(), GOLDEN["gain"], decoder=GOLDEN["decoder"])


@pytest.fixture(scope="module")
def models(numbers: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the file as its makers write it: a pickle with the table under "model", each name as of one of several devices."""
    models = tmp_path_factory.mktemp("models")
    (models / FOLDER).mkdir()
    torch.save({"model": {f"module.{name}": value for name, value in numbers.items()}}, models / FOLDER / "scannet.pt")
    return models


def slopes(height: int = 64, width: int = 128) -> Image.Image:
    levels = np.add.outer(np.arange(height) * 3, np.arange(width))
    return Image.fromarray(np.dstack([levels % 256, levels * 2 % 256, 255 - levels % 256]).astype(np.uint8))


def test_its_tensors_are_those_of_the_published_file(numbers: dict[str, torch.Tensor]) -> None:
    shapes = "\n".join(f"{name} {tuple(value.shape)}" for name, value in numbers.items())
    assert len(numbers) == GOLDEN["count"] and hashlib.sha256(shapes.encode()).hexdigest() == GOLDEN["shapes"]


def test_it_sees_what_the_published_network_sees(numbers: dict[str, torch.Tensor]) -> None:
    picture = numbers_for("picture", (1, 3, 64, 96)) * (3 * 64 * 96) ** 0.5
    with torch.inference_mode():
        found = normal_bae(numbers).eval()(picture)[0]
    assert found.shape == (4, 64, 96) and torch.linalg.vector_norm(found[:3], dim=0).sub(1).abs().max() < 1e-5
    seen = found[:3, GOLDEN["rows"]][:, :, GOLDEN["columns"]].permute(1, 2, 0)
    assert torch.allclose(seen, torch.tensor(GOLDEN["normals"]), atol=ROUNDED, rtol=0)
    assert torch.allclose(found[3, 31, GOLDEN["columns"]], torch.tensor(GOLDEN["certainties"]), rtol=1e-4)


def test_the_hint_is_the_published_detectors(models: Path) -> None:
    hint = np.asarray(run_preprocessor("normal_bae", slopes(), resolution=64, models=models))
    assert hint.shape == (64, 128, 3) and hint.dtype == np.uint8
    seen = hint[[0, 21, 63]][:, [0, 17, 64, 127]].astype(int)
    assert np.abs(seen - GOLDEN["hint"]).max() <= 1  # a level may fall to the other side of a whole number


def test_sides_that_64_does_not_divide_are_filled_with_the_border(models: Path) -> None:
    narrow = np.asarray(run_preprocessor("normal_bae", slopes(60, 62), resolution=60, models=models))
    assert narrow.shape == (60, 62, 3)
    filled_up = Image.fromarray(np.pad(np.asarray(slopes(60, 62)), ((0, 4), (0, 2), (0, 0)), mode="edge"))
    whole = np.asarray(run_preprocessor("normal_bae", filled_up, resolution=64, models=models))
    assert np.array_equal(narrow, whole[:60, :62])


def test_it_is_listed_and_chosen_where_its_file_is(models: Path, tmp_path: Path) -> None:
    assert default_preprocessor("NormalMap", models) == "normal_bae"
    assert default_preprocessor("NormalMap", tmp_path) == "normal_luminance"
    assert "normal_bae" not in {one.name for one in available(tmp_path)}
    with pytest.raises(NotSupported, match="'normal_bae' needs a network") as raised:
        run_preprocessor("normal_bae", slopes(), models=tmp_path)
    assert "Put the file scannet.pt into models/ControlNetPreprocessor" in raised.value.hint


def test_another_network_under_its_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    write_tensors(tmp_path / FOLDER / "scannet.safetensors", {"decoder.conv2.weight": torch.zeros(4, 4)}, {})
    with pytest.raises(BadModel, match=r"scannet.safetensors cannot be used: it is not the network that its name says"):
        run_preprocessor("normal_bae", slopes(), models=tmp_path)
