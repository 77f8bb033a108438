"""A moving average of what is trained: smoother than its last values. Polyak and Juditsky 1992; Karras et al. 2024, arXiv:2312.02696."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor


class Average:
    """Follows trained tensors, by the same names, float32 and on their device."""

    def __init__(self, tensors: Mapping[str, Tensor], decay: float) -> None:
        self.values = {name: tensor.detach().clone() for name, tensor in tensors.items()}
        self.decay = decay

    @torch.no_grad()
    def follow(self, tensors: Mapping[str, Tensor], step: int) -> None:
        """Take in the values after a step (0-based); early on the average forgets faster, so that it does not hold on to the beginning."""
        decay = min(self.decay, (step + 1) / (step + 10))
        torch._foreach_lerp_(list(self.values.values()), [tensors[name].detach() for name in self.values], 1 - decay)

    def restore(self, values: Mapping[str, Tensor]) -> None:
        """Go on from there."""
        for name, value in self.values.items():
            value.copy_(values[name])

    @contextmanager
    def in_place_of(self, tensors: Mapping[str, Tensor]) -> Iterator[None]:
        """While it lasts, the trained tensors have the average's values."""
        own = {name: tensor.detach().clone() for name, tensor in tensors.items()}
        write(tensors, self.values)
        try:
            yield
        finally:
            write(tensors, own)


@torch.no_grad()
def write(tensors: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> None:
    """Copy values into the very tensors of the same names."""
    for name, tensor in tensors.items():
        tensor.copy_(values[name])
