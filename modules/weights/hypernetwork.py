"""Hypernetworks: small networks that change what attention sees, for keys and values apart. A1111's .pt files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from modules.weights.files import read_object
from modules.weights.header import BadModel

# A1111's names for activations; the other classes of torch.nn.modules.activation go by their own, in lower case.
ACTIVATIONS = {"relu": nn.ReLU, "leakyrelu": nn.LeakyReLU, "elu": nn.ELU, "swish": nn.Hardswish, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
NEEDS_ARGUMENTS = {"threshold", "multiheadattention"}
OLD_NAMES = {"linear1.": "linear.0.", "linear2.": "linear.1."}
MOST_LAYERS = 64
WIDEST = 8192  # a layer's inputs or outputs


@dataclass(frozen=True, eq=False)
class Hypernetwork:
    """A hypernetwork file, read: for each width of attention's input a network for the keys and one for the values.

    The networks give what is to be added to their input. They are on the CPU, in evaluation mode.
    """

    path: Path
    name: str
    layers: Mapping[int, tuple[nn.Module, nn.Module]]
    step: int | None = None
    checkpoint_name: str | None = None


@dataclass(frozen=True)
class Structure:
    """How the networks of a file are built. `widths` are multiples of the input's; `dropout` says behind which layers there is one."""

    widths: tuple[float, ...]
    activation: str | None
    normalized: bool
    activate_output: bool
    dropout: tuple[bool, ...]


def read_hypernetwork(path: Path) -> Hypernetwork:
    """A hypernetwork file. Raises BadModel."""
    data = read_object(path)
    widths = [key for key in data if isinstance(key, int) and not isinstance(key, bool)] if isinstance(data, Mapping) else []
    if not widths:
        raise BadModel(path, "it is not a hypernetwork", "It may be another kind of model.")
    structure = structure_of(data, path)
    layers: dict[int, tuple[nn.Module, nn.Module]] = {}
    for width in widths:
        pair = data[width]
        if not isinstance(pair, Sequence) or len(pair) != 2 or not 0 < width <= WIDEST:
            raise BadModel(path, f"its layers for width {width} are not a pair for keys and values")
        layers[width] = (network(width, pair[0], structure, path), network(width, pair[1], structure, path))
    step, trained_on = data.get("step"), data.get("sd_checkpoint_name")
    return Hypernetwork(
        path=path,
        name=path.stem,
        layers=layers,
        step=step if isinstance(step, int) else None,
        checkpoint_name=trained_on if isinstance(trained_on, str) else None,
    )


def structure_of(data: Mapping[Any, Any], path: Path) -> Structure:
    """How a file's networks are built; what it does not say is as A1111 takes it."""
    widths = data.get("layer_structure") or [1, 2, 1]
    numbers = isinstance(widths, Sequence) and all(isinstance(one, int | float) and one > 0 for one in widths)
    if not numbers or not 2 <= len(widths) <= MOST_LAYERS or widths[0] != 1 or widths[-1] != 1:
        raise BadModel(path, f"its layer structure is {widths}; it must be numbers that begin and end with 1")
    dropout = data.get("dropout_structure")
    if dropout is None and data.get("use_dropout"):
        dropout = [0, *[0.3] * (len(widths) - 3), 0.3 if data.get("last_layer_dropout") else 0, 0]
    if dropout is None:
        dropout = [0] * len(widths)
    if not isinstance(dropout, Sequence) or len(dropout) < len(widths):
        raise BadModel(path, f"its dropout structure {dropout} does not go with its layer structure {widths}")
    return Structure(
        widths=tuple(widths),
        activation=data.get("activation_func"),
        normalized=bool(data.get("is_layer_norm", False)),
        activate_output=bool(data.get("activate_output", True)),
        dropout=tuple(bool(one) for one in dropout[1:]),
    )


def network(width: int, tensors: Any, structure: Structure, path: Path) -> nn.Module:
    """One network with its tensors. Layers without numbers (activation, dropout) count in the tensors' names too."""
    layers: list[nn.Module] = []
    last = len(structure.widths) - 2
    for i, (inputs, outputs) in enumerate(pairwise(structure.widths)):
        sides = int(width * inputs), int(width * outputs)
        if max(sides) > WIDEST * 16:
            raise BadModel(path, f"one of its layers has {max(sides):,} outputs")
        layers.append(nn.Linear(*sides, device="meta"))
        if structure.activation not in (None, "linear") and (i < last or structure.activate_output):
            layers.append(activation(structure.activation, path))
        if structure.normalized:
            layers.append(nn.LayerNorm(sides[1], device="meta"))
        if structure.dropout[i]:
            layers.append(nn.Identity())
    whole = nn.ModuleDict({"linear": nn.Sequential(*layers)})
    try:
        whole.load_state_dict(named(tensors), assign=True)
        fits = whole.eval().requires_grad_(False)["linear"](torch.zeros(1, 1, width)).shape == (1, 1, width)
    except (RuntimeError, TypeError, AttributeError, NotImplementedError):
        fits = False
    if not fits:
        raise BadModel(path, f"its tensors for width {width} do not go with its layer structure {list(structure.widths)}")
    return whole["linear"]


def named(tensors: Any) -> dict[str, Tensor]:
    """The tensors under their present names, float32."""
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        for old, new in OLD_NAMES.items():
            name = new + name.removeprefix(old) if name.startswith(old) else name  # noqa: PLW2901
        found[name] = tensor.detach().float()
    return found


def activation(name: Any, path: Path) -> nn.Module:
    """The activation of that name. Raises BadModel for one that is not known."""
    lowered = str(name).lower()
    kinds = {kind.lower(): getattr(nn.modules.activation, kind) for kind in nn.modules.activation.__all__} | ACTIVATIONS
    if lowered not in kinds or lowered in NEEDS_ARGUMENTS:
        raise BadModel(path, f"its activation '{name}' is not known")
    return kinds[lowered]()
