"""Hypernetworks in a U-Net's attention: what its keys and values are made from goes through them first.

As in A1111 that is every attention whose input has a width the file knows: cross-attention, which sees the text, and
self-attention too.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from modules.weights.hypernetwork import Hypernetwork

KEYS, VALUES = 0, 1


class Detours:
    """The hypernetworks in a U-Net. They are hooks before its projections; without them the U-Net is untouched."""

    def __init__(self, unet: nn.Module) -> None:
        self.unet = unet
        self.present: tuple[tuple[Hypernetwork, float], ...] = ()
        self.handles: list[RemovableHandle] = []

    def applied(self, wanted: Sequence[tuple[Hypernetwork, float]]) -> None:
        """Have just these hypernetworks act, one after another, each with its strength; none: the U-Net as it was."""
        if tuple(wanted) == self.present:
            return
        for handle in self.handles:
            handle.remove()
        self.handles, self.present = [], tuple(wanted)
        for name, module in self.unet.named_modules() if wanted else ():
            if name.endswith((".to_k", ".to_v")) and isinstance(module, nn.Linear):
                chain = [(one.layers[module.in_features], strength) for one, strength in wanted if module.in_features in one.layers]
                side = KEYS if name.endswith(".to_k") else VALUES
                if chain:
                    self.handles.append(module.register_forward_pre_hook(detour([(pair[side], strength) for pair, strength in chain])))


def detour(chain: Sequence[tuple[nn.Module, float]]) -> Callable[[nn.Module, tuple[Any, ...]], tuple[Any, ...]]:
    """A hook that sends a module's input x through networks: x + strength * network(x), one after another."""
    ready: dict[tuple[torch.device, torch.dtype], list[nn.Module]] = {}  # copies: the file's own keep all their digits

    def through(module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        x: Tensor = inputs[0]
        place = (x.device, x.dtype)
        if place not in ready:
            ready[place] = [deepcopy(network).to(*place) for network, _ in chain]
        for network, (_, strength) in zip(ready[place], chain, strict=True):
            x = x + network(x) * strength
        return (x, *inputs[1:])

    return through
