"""A file's tensors become a network."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def with_tensors(kind: Callable[[], Network], tensors: dict[str, Tensor]) -> Network:
    """A network whose numbers are these tensors themselves; none are made up first. Raises RuntimeError where they are another's.

    What a network keeps beside its parameters and buffers must be no tensor.
    """
    with torch.device("meta"):
        network = kind()
    network.load_state_dict(tensors, assign=True)
    return network
