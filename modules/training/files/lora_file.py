"""LoRA files and their kin as kohya's programs write them: an adapter's tensors to a file's names and back.

The names are kohya's, for every program reads them: diffusers' modules for Stable Diffusion 1 and 2, the original layout's for SDXL.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from modules.contract.errors import BadRequest
from modules.families.network_keys import KOHYA, KeyTable, Target, flat, original_names
from modules.training.methods.adapters import Size, parameters_of, scale_of, size_of
from modules.weights.lora import Network, read_network
from modules.weights.lora_layers import Layer, LoHa, LoKr, Lora

FACTORS = {"lora_A": "lora_down.weight", "lora_B": "lora_up.weight", "magnitude": "dora_scale"}


def module_names(unet: nn.Module, encoders: Sequence[nn.Module], *, original: bool) -> dict[Target, str]:
    """What a file calls the modules of a model that may have adapters. `original`: the U-Net's by the original layout, as SDXL's are."""
    paths = [path for path, module in unet.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    shown = original_names(paths) if original else {path: flat(path) for path in paths}
    names = {Target(None, path): KOHYA + shown[path] for path in paths}
    for number, encoder in enumerate(encoders):
        prefix = "lora_te_text_model_" if len(encoders) == 1 else f"lora_te{number + 1}_text_model_"
        for path, module in encoder.named_modules():
            if isinstance(module, nn.Linear):
                names[Target(number, path)] = prefix + flat(path.removeprefix("text_model."))
    return names


def parts_of(layer: Any, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The parts of a layer's adapter as files have them, of `values` by PEFT's names, float32; alpha beside.

    A LoKr whose factors are both whole has no rank in the file: other programs leave the scale out there, so it goes into the second.
    """
    parts = {FACTORS.get(name, name): value.detach().float() for name, value in values.items()}
    if "dora_scale" in parts:
        outputs = parts["dora_scale"].numel()
        parts["dora_scale"] = parts["dora_scale"].reshape(outputs, *[1] * (layer.get_base_layer().weight.dim() - 1))
    size = size_of(layer)
    whole = "lokr_w1" in parts and "lokr_w2" in parts
    if whole:
        parts["lokr_w2"] = parts["lokr_w2"] * scale_of(layer)
    return {**parts, "alpha": torch.tensor(float(size.rank if whole else size.alpha))}


def found_in(path: Path, table: KeyTable) -> dict[Target, Layer]:
    """A network file's layers by the modules of a model. Raises BadRequest for one that has parts the model has no place for."""
    network: Network = read_network(path)
    found: dict[Target, Layer] = {}
    for name, layer in network.layers.items():
        target = table.find(name)
        weight = None if target is None else table.modules[target].weight
        if target is None or not isinstance(weight, Tensor) or not layer.covers(tuple(weight.shape)):
            seems = f"It seems to be made for {network.made_for}." if network.made_for else "It may be made for another model."
            raise BadRequest(f"The training cannot begin with {path.name}: its part '{name}' has no place in this checkpoint.", seems)
        found[target] = layer
    if network.unknown:
        raise BadRequest(f"The training cannot begin with {path.name}: its part '{network.unknown[0]}' is of a kind that is not known.")
    return found


def kind_of(layers: Mapping[Target, Layer]) -> str:
    """Which kind of network a file's layers make up, in the form's words; "" for a mixture or another kind."""
    kinds: set[str] = set()
    for target, layer in layers.items():
        if isinstance(layer, Lora) and layer.middle is None:
            convolution = target.encoder is None and ".attentions." not in target.path
            kinds.add("DoRA" if layer.magnitude is not None else "LoCon" if convolution else "LoRA")
        elif isinstance(layer, LoHa) and layer.cores == (None, None) and layer.magnitude is None:
            kinds.add("LoHa")
        elif isinstance(layer, LoKr) and "lokr_w1" in layer.parts and "lokr_t2" not in layer.parts and layer.magnitude is None:
            kinds.add("LoKr")
        else:
            kinds.add("")
    if kinds == {"LoRA", "LoCon"}:
        return "LoCon"
    return kinds.pop() if len(kinds) == 1 else ""


def size_in(layer: Layer, wanted: Size) -> Size:
    """The size of a file's layer; where it does not say one, that which is wanted."""
    if layer.rank is None:
        return wanted
    return Size(layer.rank, float(layer.rank) if layer.alpha is None else layer.alpha)


@torch.no_grad()
def fill(layer: Any, source: Layer, path: Path, module: str) -> None:
    """Give a layer's adapter the values of a file's. Raises BadRequest where they do not go together."""
    values = values_in(source)
    if "lokr_w2" in values:
        values["lokr_w2"] = values["lokr_w2"].float() * (source.scale / scale_of(layer))
    for name, parameter in parameters_of(layer).items():
        value = values.get(name)
        if value is None or value.numel() != parameter.numel():
            shape = "nothing" if value is None else f"the shape {tuple(value.shape)}"
            raise BadRequest(
                f"The training cannot begin with {path.name}: '{module}' has {shape} where {name} has {tuple(parameter.shape)}.",
                "The type, the ranks and LoKr's factor must be the file's.",
            )
        parameter.copy_(value.reshape(parameter.shape))


def values_in(source: Layer) -> dict[str, Tensor]:
    """A file's factors by PEFT's names."""
    if isinstance(source, Lora):
        found = {"lora_A": source.down, "lora_B": source.up}
        return found if source.magnitude is None else {**found, "magnitude": source.magnitude}
    if isinstance(source, LoHa):
        return dict(zip(LoHa.NEEDS, source.factors, strict=True))
    return {name: part for name, part in source.parts.items() if name.startswith("lokr_")} if isinstance(source, LoKr) else {}


def usual_size(layers: Mapping[Target, Layer]) -> Size | None:
    """The size that most of a file's matrices have; None where none says one."""
    own = Size(0, 0.0)
    linear = [size_in(layer, own) for target, layer in layers.items() if target.encoder is not None or ".attentions." in target.path]
    known = [size for size in linear if size.rank]
    return Counter(known).most_common(1)[0][0] if known else None
