"""Tensors into networks that were built without memory for their weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from modules.weights.header import BadModel

Network = TypeVar("Network", bound=nn.Module)
Value = TypeVar("Value")


def part_of(entries: Mapping[str, Value], prefix: str) -> dict[str, Value]:
    """The entries under a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in entries.items() if name.startswith(prefix)}


def cast(tensors: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """The tensors in one floating type, those that were stored in 8 bits too. Whole numbers stay.

    Always copies: a tensor that is still the file's own memory would end the program when somebody overwrites the file.
    """
    return {name: value.to(dtype if value.is_floating_point() else value.dtype, copy=True) for name, value in tensors.items()}


def load_weights(module: nn.Module, tensors: Mapping[str, Tensor], path: Path, part: str) -> list[str]:
    """Put tensors into a module built without memory, as they are. Returns unknown names. Raises BadModel for missing or misshapen ones."""
    try:
        result: Any = module.load_state_dict(tensors, strict=False, assign=True)
    except RuntimeError as error:
        raise BadModel(path, f"its {part} does not fit together ({str(error).splitlines()[-1].strip()[:160]})") from None
    if result.missing_keys:
        raise BadModel(path, f"its {part} lacks {len(result.missing_keys)} tensors, first '{result.missing_keys[0]}'")
    return list(result.unexpected_keys)


def lay_out(module: Network, arrangement: torch.memory_format = torch.contiguous_format) -> Network:
    """The module in a memory layout, ready to be used and not to be trained."""
    module.to(memory_format=arrangement)  # pyright: ignore[reportCallIssue] - torch lacks this overload
    return module.eval().requires_grad_(False)
