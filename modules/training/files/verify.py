"""What was written, read back and compared with what is in memory: no file is called done before."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from modules.contract.errors import WebuiError
from modules.families.network_keys import KeyTable, Target
from modules.training.methods.adapters import delta_of, parameters_of
from modules.weights.files import open_tensors, read_tensors
from modules.weights.lora import parse_layer, read_network, split_key

# The largest share of a number that rounding to a type may change, and the largest change of a very small one.
ROUNDING = {torch.float32: 2**-23, torch.float16: 2**-10, torch.bfloat16: 2**-7}
SMALLEST = 2**-24  # of float16, which reaches least far down


class NotTheSame(WebuiError):
    """A file that was just written does not give back what it was written from."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path.name} was written and does not give back what was trained: {reason}.",
            "The training's own state is whole; look at the disk and save again.",
        )


def rounded(name: str, value: Tensor, dtype: torch.dtype) -> Tensor:
    """A tensor in the file's number type. Raises WebuiError where that cannot hold it, or it holds no numbers."""
    result = value.detach().to("cpu", dtype).contiguous()
    if not bool(result.isfinite().all()):
        if bool(value.isfinite().all()):
            short = str(dtype).removeprefix("torch.")
            raise WebuiError(f"'{name}' holds numbers too large for {short}.", "Choose bf16 or fp32 as the numbers of the file.")
        raise WebuiError(f"'{name}' holds numbers that are infinite or no numbers; nothing was written.", "Go on from an earlier state.")
    return result


def compare_tensors(path: Path, expected: Mapping[str, Tensor]) -> None:
    """Raise NotTheSame unless a file holds just these tensors, bit for bit."""
    with open_tensors(path) as file:
        if file.keys() != expected.keys():
            raise NotTheSame(path, f"it holds {len(file)} tensors in place of {len(expected)}")
        for name, value in expected.items():
            if not same(file[name], value):
                raise NotTheSame(path, f"'{name}' is another")


def same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are alike in type, shape and every bit."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return torch.equal(one.cpu().contiguous().reshape(-1).view(torch.uint8), other.cpu().contiguous().reshape(-1).view(torch.uint8))


def compare_changes(path: Path, table: KeyTable, layers: Mapping[Target, Any], dtype: torch.dtype) -> None:
    """Raise NotTheSame unless a LoRA file changes each weight, by the arithmetic of making pictures, as PEFT's layer in memory does.

    The layers hold their values as rounded for the file. The file's factors are multiplied in float32 here: what a half-precision
    product loses is no fault of the file.
    """
    network = read_network(path)
    if network.unknown:
        raise NotTheSame(path, f"'{network.unknown[0]}' in it is not understood")
    parts: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for key, tensor in read_tensors(path).items():
        module, part = split_key(key)
        parts[module][part] = tensor.float()
    found = {table.find(module): parse_layer(own) for module, own in parts.items()}
    if found.keys() != layers.keys():
        raise NotTheSame(path, f"it changes {len(found)} modules in place of {len(layers)}")
    for target, layer in layers.items():
        delta, weight = delta_of(layer), layer.get_base_layer().weight.detach()
        read = found[target]
        assert read is not None  # all that were not understood are in `unknown`
        weight = weight.float() if read.magnitude is not None else weight
        away = float((read.delta(weight, multiplier=1.0).to(delta) - delta).abs().max())
        if not away <= allowed(layer, delta, weight, dtype):
            raise NotTheSame(path, f"'{target.path}' is changed by up to {away:.2g} more or less")


def allowed(layer: Any, delta: Tensor, weight: Tensor, dtype: torch.dtype) -> float:
    """By how much two ways of computing a layer's change may differ.

    Graphics cards may multiply with 10 bits (TF32); a LoKr's second factor is rounded after its scale went in; DoRA's change is a
    difference of weights.
    """
    parts = parameters_of(layer)
    found = (2e-3 if delta.is_cuda else 1e-5) * float(delta.abs().max())
    if "lokr_w2" in parts:
        found += ROUNDING[dtype] * float(delta.abs().max()) + SMALLEST * float(parts["lokr_w1"].detach().abs().max())
    if "magnitude" in parts:
        found += 4e-7 * float(weight.abs().max())
    return found
