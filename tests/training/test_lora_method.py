"""Adapters as a training: what goes on from a file, what is trained with which rate, what cannot be trained."""

from pathlib import Path
from typing import Any, get_args

import pytest
import torch

from modules.contract.errors import BadRequest, NotSupported
from modules.contract.training import NetworkType
from modules.training.files.verify import compare_tensors
from modules.training.methods import adapters
from modules.training.methods.lora_method import LoraTraining
from modules.weights.files import read_tensors
from modules.weights.writing import write_tensors
from tests import tiny
from tests.training import made
from tests.training.made import trained

torch.set_num_threads(1)
KINDS = get_args(NetworkType)


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_goes_on_from_a_file(tmp_path: Path, kind: str) -> None:
    _, first, path = trained(tmp_path, "sd1", kind)
    network = {"rank": 4, "alpha": 2.0, "conv_rank": 3, "type": kind, "continue_from": path.stem}
    asked = made.request(network=network, parts={"text_encoder": True})
    _, second = made.ready(tmp_path, "sd1", asked, path)
    for name, value in first.tensors().items():
        torch.testing.assert_close(second.tensors()[name], value, msg=name)


def test_parts_of_the_file_that_are_not_trained_act_and_are_kept(tmp_path: Path) -> None:
    components, first, path = trained(tmp_path, "sd1", "LoCon")
    network = {"rank": 4, "alpha": 2.0, "continue_from": path.stem}
    others, second = made.ready(tmp_path, "sd1", made.request(network=network), path)
    with torch.no_grad():
        torch.testing.assert_close(made.answer(others), made.answer(components), atol=1e-6, rtol=0)
    assert isinstance(second, LoraTraining) and not second.text and others.text_state != 0
    assert all(".attentions." in name for name in second.tensors())
    again = tmp_path / "again.safetensors"
    second.export(again, second.tensors(), {})
    compare_tensors(again, read_tensors(path))
    assert {one for group in second.groups for one in group.parameters} < {
        one for layer in second.layers.values() for one in adapters.parameters_of(layer).values()
    }
    assert len(first.groups) == 2


@pytest.mark.parametrize(
    ("network", "problem"),
    [
        ({"rank": 8, "alpha": 2.0}, "has the rank 4, and the rank is 8"),
        ({"rank": 4, "alpha": 4.0}, "has the alpha 2, and the alpha is 4"),
        ({"rank": 4, "alpha": 2.0, "type": "LoHa"}, "is a LoRA, and the type is LoHa"),
    ],
)
def test_a_file_of_another_kind_is_no_beginning(tmp_path: Path, network: dict[str, Any], problem: str) -> None:
    _, _, path = trained(tmp_path, "sd1", "LoRA")
    with pytest.raises(BadRequest, match=problem):
        made.ready(tmp_path, "sd1", made.request(network={**network, "continue_from": "x"}), path)
    with pytest.raises(BadRequest, match="no place in this checkpoint"):
        made.ready(tmp_path, "sdxl", made.request(network={"rank": 4, "alpha": 2.0, "continue_from": "x"}), path)


def test_text_encoders_have_a_rate_of_their_own(tmp_path: Path) -> None:
    asked = made.request(
        parts={"text_encoder": True, "text_rate": 1e-5, "text_until": 40}, optimizer={"rate": 1e-4}, network={"rank": 4, "type": "LoRA"}
    )
    _, prepared = made.ready(tmp_path, "sd1", asked)
    unet, text = prepared.groups
    assert (unet.factor, unet.until) == (1.0, 0)
    assert text.factor == pytest.approx(0.1) and text.until == 40 and prepared.text
    alone = made.ready(tmp_path, "sd1", made.request(parts={"unet": False, "text_encoder": True}))[1]
    assert [group.factor for group in alone.groups] == [0.5]
    assert all(name.startswith("text.0.") for name in alone.tensors())


def test_models_that_cannot_be_trained_are_refused(tmp_path: Path) -> None:
    write_tensors(tmp_path / "sdxl-refiner.safetensors", tiny.refiner_tensors())
    with pytest.raises(NotSupported, match="refiner"):
        made.ready(tmp_path, "sdxl-refiner", made.request())
    tensors = dict(tiny.tensors())
    first = "model.diffusion_model.input_blocks.0.0.weight"
    tensors[first] = torch.cat([tensors[first], torch.zeros(32, 5, 3, 3)], dim=1)
    write_tensors(tmp_path / "inpaint.safetensors", tensors)
    with pytest.raises(NotSupported, match="inpainting"):
        made.ready(tmp_path, "inpaint", made.request())
