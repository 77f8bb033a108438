"""Reference pictures without a model: while a picture is made, its network also looks at another one, noised as far.

The method of lllyasviel's "reference-only" preprocessor: the reference's inputs to the self-attention layers are kept and attended to
beside the picture's own; "adain" gives blocks of the network the reference's means and spreads instead (Huang and Belongie 2017,
arXiv:1703.06868).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from modules.families.attention_changes import Attended, AttentionLayer, attention_layers


@dataclass
class Bank:
    """What was seen of a reference in one call: `inputs` of self-attention layers, `moments` (mean, spread) of blocks, by name."""

    attention: bool = True
    adain: bool = False
    fidelity: float = 0.5
    share: float = 1.0  # of the layers that take part, the deepest first
    reading: bool = True
    on: bool = False
    unheeded: Sequence[bool] = ()  # the rows, one for each of the batch, that `fidelity` keeps the reference from
    inputs: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    moments: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict[str, tuple[Tensor, Tensor]])

    @contextmanager
    def noting(self) -> Iterator[None]:
        """While it lasts, the network is shown the reference: what it makes of it is noted."""
        self.inputs.clear()
        self.moments.clear()
        self.on, self.reading = True, False
        try:
            yield
        finally:
            self.reading = True


def chosen_layers(unet: nn.Module, share: float) -> set[str]:
    """The self-attention layers that take part, by name: a share of them, the widest first."""
    layers = [layer for layer in attention_layers(unet) if not layer.cross]
    ordered = sorted(layers, key=lambda layer: -width_of(layer))
    return {layer.name for place, layer in enumerate(ordered) if place / len(ordered) < share}


def width_of(layer: AttentionLayer) -> int:
    """The channels of an attention layer."""
    return layer.module.to_q.in_features


def referred(bank: Bank, layers: set[str], attended: Attended) -> Tensor | None:
    """The answer of a self-attention layer that sees the reference beside the picture; None where it answers for itself."""
    if not bank.on or not bank.attention or attended.context is not None or attended.layer.name not in layers:
        return None
    if not bank.reading:
        bank.inputs[attended.layer.name] = attended.hidden.clone()
        return None
    seen = bank.inputs.get(attended.layer.name)
    if seen is None or seen.shape[0] != attended.hidden.shape[0]:
        return None
    both = attended.plain(attended.hidden, torch.cat([attended.hidden, seen.to(attended.hidden)], dim=1))
    if bank.fidelity <= 0 or not any(bank.unheeded):
        return both
    strict = both.clone()
    rows = torch.tensor(list(bank.unheeded), device=both.device)
    strict[rows] = attended.plain(attended.hidden, attended.hidden)[rows]
    return bank.fidelity * strict + (1 - bank.fidelity) * both


@contextmanager
def changed_moments(unet: nn.Module, bank: Bank) -> Iterator[None]:
    """Give blocks of a U-Net the means and spreads of the reference; undone at the end."""
    handles = [module.register_forward_hook(moment_hook(bank, name)) for name, module in moment_places(unet, bank.share)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def moment_places(unet: Any, share: float) -> list[tuple[str, nn.Module]]:
    """The blocks whose moments count: the middle one, and on both sides those below the first level, a share of them."""
    found: list[tuple[str, nn.Module]] = [("mid_block", unet.mid_block)]
    for side, blocks in (("down", unet.down_blocks[1:]), ("up", unet.up_blocks)):
        for level, block in enumerate(blocks):
            ends = getattr(block, "attentions", None) or block.resnets
            found += [(f"{side}.{level}.{place}", module) for place, module in enumerate(ends)]
    return [one for place, one in enumerate(found) if place / len(found) < share]


def moment_hook(bank: Bank, name: str) -> Any:
    """What to do with the output of one block."""

    def hook(module: nn.Module, args: Any, output: Any) -> Any:
        if not bank.on or not bank.adain:
            return None
        x = output if isinstance(output, Tensor) else output[0]
        variance, mean = torch.var_mean(x, dim=(2, 3), keepdim=True, correction=0)
        spread = variance.clamp(min=1e-6) ** 0.5
        if not bank.reading:
            bank.moments[name] = mean, spread
            return None
        if name not in bank.moments or bank.moments[name][0].shape != mean.shape:
            return None
        new_mean, new_spread = bank.moments[name]
        both = (x - mean) / spread * new_spread + new_mean
        strict = both.clone()
        if bank.unheeded:
            rows = torch.tensor(list(bank.unheeded), device=x.device)
            strict[rows] = x[rows]
        changed = bank.fidelity * strict + (1 - bank.fidelity) * both
        return changed if isinstance(output, Tensor) else (changed, *output[1:])

    return hook
