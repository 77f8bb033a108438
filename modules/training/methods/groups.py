"""What every method's trained values have: groups with a rate in common, and a moment with other values in their place."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from modules.contract.errors import WebuiError
from modules.contract.training import TrainingRequest

DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}


@dataclass(frozen=True)
class Group:
    """Parameters whose rate is `factor` times the step's; `until`: the last step that they are trained at (0: all)."""

    parameters: Sequence[nn.Parameter]
    factor: float = 1.0
    until: int = 0


def text_group(parameters: Sequence[nn.Parameter], request: TrainingRequest) -> Group:
    """The text encoders' group: half of the rate unless they have one of their own."""
    rate, own = request.optimizer.rate, request.parts.text_rate
    return Group(parameters, own / rate if own and rate else 0.5, request.parts.text_until)


@contextmanager
def holding(mine: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> Iterator[None]:
    """While it lasts, trained tensors have other values, such as their average; then they are back, bit for bit.

    Raises WebuiError unless there is a value for each.
    """
    if mine.keys() != values.keys():
        odd = sorted(mine.keys() ^ values.keys())
        raise WebuiError(f"The values to be written are not those that are trained: {len(odd)} differ, first '{odd[0]}'.")
    others = {name: value for name, value in values.items() if value.data_ptr() != mine[name].data_ptr()}
    before = {name: mine[name].detach().clone() for name in others}
    with torch.no_grad():
        try:
            for name, value in others.items():
                mine[name].copy_(value)
            yield
        finally:
            for name, value in before.items():
                mine[name].copy_(value)
