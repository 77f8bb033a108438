"""depth_leres' network against the published one, and its hint."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from extensions.controlnet.networks.leres import Leres, leres
from extensions.controlnet.preprocessors import available, depth_leres, run_preprocessor
from extensions.controlnet.preprocessors.network_files import FOLDER
from extensions.controlnet.tests.network_numbers import filled, numbers_for
from modules.contract.errors import NotSupported
from modules.weights.files import write_tensors
from modules.weights.header import BadModel

GOLDEN: dict[str, Any] = json.loads(Path(__file__).with_name("leres_golden.json").read_text("utf8"))


@pytest.fixture(scope="module")
def numbers() -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        network = Leres()
    found = filled(network, 1.0, decoder=1.4)
    return {name: value * 0.4 if name.endswith("bn3.weight") else value for name, value in found.items()}


def picture() -> Image.Image:
    levels = np.linspace(0, 255, 90, dtype=np.uint8)[None].repeat(60, 0)
    return Image.fromarray(np.dstack([levels, levels[:, ::-1], levels]))


def test_it_sees_what_the_published_network_sees(numbers: dict[str, torch.Tensor]) -> None:
    shapes = "\n".join(f"{name} {tuple(value.shape)}" for name, value in sorted(numbers.items()))
    assert hashlib.sha256(shapes.encode()).hexdigest() == GOLDEN["shapes"]
    with torch.inference_mode():
        found = leres(numbers).eval()(numbers_for("picture", (1, 3, 64, 96)) * (3 * 64 * 96) ** 0.5)[0, 0]
    seen = found[GOLDEN["rows"]][:, GOLDEN["columns"]]
    assert torch.allclose(seen, torch.tensor(GOLDEN["distances"]), atol=5e-4, rtol=0)  # float32's noise of a hundred layers


def test_distances_become_levels_as_the_published_program_writes_them() -> None:
    told = GOLDEN["answer"]
    distances = np.asarray([*told["distances"], told["least"], told["most"]], np.float32)[None]
    assert np.abs(depth_leres.levels_of(distances, 30, 40)[0, :-2].astype(int) - told["levels"]).max() <= 1
    assert depth_leres.levels_of(distances, 0, 0)[0, -2:].tolist() == [255, 0]
    assert (depth_leres.levels_of(np.ones((2, 2), np.float32), 0, 0) == 255).all()


def test_its_file_makes_a_hint_of_the_pictures_size(numbers: dict[str, torch.Tensor], tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    torch.save(numbers, tmp_path / FOLDER / "res101.pth")
    assert "depth_leres" in {one.name for one in available(tmp_path)}
    hint = np.asarray(run_preprocessor("depth_leres", picture(), resolution=60, models=tmp_path))
    assert hint.shape == (60, 90, 3) and hint.dtype == np.uint8 and (hint == hint[..., :1]).all()
    assert hint.max() == 255 and hint.min() == 0 and len(np.unique(hint)) > 20


def test_what_is_missing_or_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotSupported, match="'depth_leres' needs a network"):
        run_preprocessor("depth_leres", picture(), models=tmp_path)
    (tmp_path / FOLDER).mkdir()
    write_tensors(tmp_path / FOLDER / "res101.safetensors", {"any": torch.zeros(1)})
    with pytest.raises(BadModel, match=r"res101.safetensors cannot be used: it is not the network that its name says"):
        run_preprocessor("depth_leres", picture(), models=tmp_path)
