"""A1111's hypernetwork files."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from modules.weights.header import BadModel
from modules.weights.hypernetwork import read_hypernetwork
from tests.golden import golden_path, needs_golden

WIDTH = 8


def tensors(*shapes: tuple[int, int], step: int = 1, norm: bool = False) -> dict[str, Tensor]:
    """The tensors of linear layers, and of a normalization behind each, numbered with `step` between them."""
    torch.manual_seed(0)
    found: dict[str, Tensor] = {}
    for i, (outputs, inputs) in enumerate(shapes):
        number = i * step
        found |= {f"linear.{number}.weight": torch.randn(outputs, inputs), f"linear.{number}.bias": torch.randn(outputs)}
        if norm:
            found |= {f"linear.{number + 1}.weight": torch.rand(outputs), f"linear.{number + 1}.bias": torch.randn(outputs)}
    return found


def saved(folder: Path, layers: dict[str, Tensor], **facts: Any) -> Path:
    """A file in the layout that A1111 writes."""
    path = folder / "hyper.pt"
    torch.save({WIDTH: (layers, layers), "step": 7, "name": "other", **facts}, path, _use_new_zipfile_serialization=False)
    return path


def apply(path: Path, x: Tensor) -> Tensor:
    return read_hypernetwork(path).layers[WIDTH][0](x)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("relu", nn.ReLU()),
        ("leakyrelu", nn.LeakyReLU()),
        ("swish", nn.Hardswish()),
        ("elu", nn.ELU()),
        ("tanh", nn.Tanh()),
        ("mish", nn.Mish()),
        ("softsign", nn.Softsign()),
    ],
)
def test_an_activation_stands_between_the_layers(tmp_path: Path, name: str, function: nn.Module) -> None:
    layers, x = tensors((16, WIDTH), (WIDTH, 16), step=2), torch.randn(1, 3, WIDTH)
    path = saved(tmp_path, layers, layer_structure=[1, 2, 1], activation_func=name, activate_output=False)
    inner = function(x @ layers["linear.0.weight"].T + layers["linear.0.bias"])
    assert torch.allclose(apply(path, x), inner @ layers["linear.2.weight"].T + layers["linear.2.bias"], atol=1e-5)


def test_the_output_is_activated_where_the_file_does_not_say_no(tmp_path: Path) -> None:
    path = saved(tmp_path, tensors((16, WIDTH), (WIDTH, 16), step=2), layer_structure=[1, 2, 1], activation_func="relu")
    assert apply(path, torch.randn(1, 3, WIDTH)).min() == 0


def test_files_of_before_activations_are_two_plain_layers(tmp_path: Path) -> None:
    layers = {
        name.replace("linear.0", "linear1").replace("linear.1", "linear2"): value
        for name, value in tensors((16, WIDTH), (WIDTH, 16)).items()
    }
    x = torch.randn(1, 3, WIDTH)
    inner = x @ layers["linear1.weight"].T + layers["linear1.bias"]
    assert torch.allclose(apply(saved(tmp_path, layers), x), inner @ layers["linear2.weight"].T + layers["linear2.bias"], atol=1e-5)


def test_a_normalization_stands_behind_each_layer(tmp_path: Path) -> None:
    layers, x = tensors((16, WIDTH), (WIDTH, 16), step=2, norm=True), torch.randn(1, 3, WIDTH)
    wanted = x
    for number, width in ((0, 16), (2, WIDTH)):
        wanted = wanted @ layers[f"linear.{number}.weight"].T + layers[f"linear.{number}.bias"]
        wanted = nn.functional.layer_norm(wanted, (width,), layers[f"linear.{number + 1}.weight"], layers[f"linear.{number + 1}.bias"])
    assert torch.allclose(apply(saved(tmp_path, layers, is_layer_norm=True), x), wanted, atol=1e-4)


@pytest.mark.parametrize("facts", [{"use_dropout": True}, {"dropout_structure": [0, 0.3, 0, 0]}])
def test_dropout_counts_in_the_names_and_does_nothing(tmp_path: Path, facts: dict[str, Any]) -> None:
    shapes = ((16, WIDTH), (16, 16), (WIDTH, 16))
    layers = {
        name.replace("linear.2", "linear.3").replace("linear.1", "linear.2"): value
        for name, value in sorted(tensors(*shapes).items(), reverse=True)
    }
    path = saved(tmp_path, layers, layer_structure=[1, 2, 2, 1], **facts)
    x = torch.randn(1, 3, WIDTH)
    wanted = x
    for number in (0, 2, 3):
        wanted = wanted @ layers[f"linear.{number}.weight"].T + layers[f"linear.{number}.bias"]
    assert torch.allclose(apply(path, x), wanted, atol=1e-4)


@needs_golden
def test_a1111s_file_is_read_with_its_two_widths() -> None:
    path = golden_path("models/hypernetworks/tinyhyper.pt")
    assert path
    found = read_hypernetwork(path)
    assert (found.name, found.step, sorted(found.layers)) == ("tinyhyper", 1000, [64, 128])


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.ones(3)}, tmp_path / "hyper.pt")
    with pytest.raises(BadModel, match="it is not a hypernetwork"):
        read_hypernetwork(tmp_path / "hyper.pt")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"layer_structure": [1, 3, 1]}, "do not go with its layer structure"),
        ({"layer_structure": [2, 1]}, "must be numbers that begin and end with 1"),
        ({"layer_structure": "1, 2, 1"}, "must be numbers that begin and end with 1"),
        ({"layer_structure": [1, 1e9, 1]}, "outputs"),
        ({"activation_func": "os.system"}, "is not known"),
        ({"dropout_structure": [0]}, "dropout structure"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_reason(tmp_path: Path, facts: dict[str, Any], reason: str) -> None:
    path = saved(tmp_path, tensors((16, WIDTH), (WIDTH, 16)), **facts)
    with pytest.raises(BadModel, match=reason):
        read_hypernetwork(path)
