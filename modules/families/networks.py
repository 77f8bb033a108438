"""Network files in the weights of a loaded model: put in, changed and taken out again bit for bit.

Weights are changed in place, network after network in the order of the prompt's tags, each sum rounded to the weights' type, as
A1111 does. What a changed module was before is kept on the CPU for as long as it is changed.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional

from modules.contract.errors import NotSupported
from modules.families.network_blocks import BASE, blocks_of
from modules.families.network_keys import KeyTable, Target
from modules.weights.lora import Network
from modules.weights.lora_layers import Full, Layer, LoHa, LoKr, Lora

Blocks = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Strength:
    """How much a LoRA acts on the text encoders and on the U-Net; `rank` cuts it down, None leaves it whole.

    `blocks`: factors for the U-Net's blocks by the names of `network_blocks`, for those that it names; "BASE" is for the text encoders.
    """

    te: float = 1.0
    unet: float = 1.0
    rank: int | None = None
    blocks: Blocks = ()


@dataclass(frozen=True)
class Wanted:
    """A network and how strongly it acts: on text encoders and on the U-Net. `dyn`: only so many of a LoRA's ranks.

    `blocks` are factors for single blocks, as in `Strength`.
    """

    network: Network
    te: float = 1.0
    unet: float = 1.0
    dyn: int | None = None
    blocks: Blocks = ()

    @property
    def key(self) -> Hashable:
        """Two with the same key change a model in the same way."""
        return (self.network.path, self.network.modified, self.te, self.unet, self.dyn, self.blocks)

    def multiplier(self, target: Target, block: str) -> float:
        """How strongly it acts on a module that lies in a block."""
        plain = self.unet if target.encoder is None else self.te
        return plain * dict(self.blocks).get(block, 1.0) if self.blocks else plain


@dataclass(frozen=True)
class Matched:
    """How much of a network file the model has a place for, in modules; `unmatched` are the names of the others."""

    name: str
    total: int
    used: int
    unmatched: tuple[str, ...]
    made_for: str | None = None

    @property
    def warning(self) -> str | None:
        """What a person should know; None when all of the file is used."""
        if not self.unmatched:
            return None
        seems = f" It seems to be made for {self.made_for}." if self.made_for else ""
        return (
            f"{len(self.unmatched)} of the {self.total} parts of the network '{self.name}' do not fit this model and are left out.{seems}"
        )


@dataclass(frozen=True)
class Plan:
    """A network's layers by the modules that they are for."""

    layers: dict[Target, Layer]
    matched: Matched


@dataclass(frozen=True)
class Original:
    """A module's weight and bias as they were, on the CPU."""

    weight: Tensor
    bias: Tensor | None


@dataclass(frozen=True)
class Change:
    """One layer's part in one module."""

    layer: Layer
    multiplier: float
    dyn: int | None


class Patches:
    """The networks in a model's weights. Only the worker thread uses it, between the network's calls."""

    def __init__(self, unet: nn.Module, encoders: Sequence[nn.Module]) -> None:
        self.table = KeyTable(unet, encoders)
        self.blocks = blocks_of(self.table)
        self.plans: WeakKeyDictionary[Network, Plan] = WeakKeyDictionary()
        self.originals: dict[Target, Original] = {}
        self.present: tuple[Wanted, ...] = ()
        self.whole = True  # False while weights are being changed, or after that went wrong

    @property
    def text_state(self) -> Hashable:
        """Changes with the networks that act on text encoders."""
        inside = [one for one in self.present if any(target.encoder is not None for target in self.plan(one.network).layers)]
        return tuple(replace(one, unet=0.0, blocks=tuple(pair for pair in one.blocks if pair[0] == BASE)).key for one in inside if one.te)

    def applied(self, wanted: Sequence[Wanted], check: Callable[[], None] = lambda: None) -> tuple[Matched, ...]:
        """Have just these networks in the weights, in this order; none of them: the weights as they were.

        Nothing is done for the set that is there already. `check` is called between modules and may raise to stop; then, and
        after any other failure, all weights are as they were without networks. Raises NotSupported, before anything has
        changed, for a network that no module of the model has a place for.
        """
        wanted = as_last_named(wanted)
        plans = [self.plan(one.network) for one in wanted]
        if not self.whole or [one.key for one in wanted] != [one.key for one in self.present]:
            self.change(changes_of(wanted, plans, self.blocks), check)
            self.present = wanted
        return tuple(plan.matched for plan in plans)

    def change(self, changes: dict[Target, list[Change]], check: Callable[[], None]) -> None:
        """Bring every module to its original plus the changes; those without changes are given back."""
        self.present, self.whole = (), False
        try:
            with torch.no_grad():
                for target in [target for target in self.originals if target not in changes]:
                    self.restore(target)
                for target, here in changes.items():
                    check()
                    self.rewrite(target, here)
        except BaseException:
            self.restore_all()
            raise
        self.whole = True

    def restore_all(self) -> None:
        """All weights as they were without networks."""
        with torch.no_grad():
            for target in list(self.originals):
                self.restore(target)
        self.whole = True

    def restore(self, target: Target) -> None:
        """A module as it was."""
        module, original = self.table.modules[target], self.originals[target]
        weight, bias = weight_and_bias(module)
        weight.copy_(original.weight)
        if bias is not None and original.bias is not None:
            bias.copy_(original.bias)
        del self.originals[target]

    def rewrite(self, target: Target, changes: Sequence[Change]) -> None:
        """A module's original plus some changes."""
        weight, bias = weight_and_bias(self.table.modules[target])
        if target not in self.originals:
            self.originals[target] = Original(kept(weight), None if bias is None else kept(bias))
        original = self.originals[target]
        before = original.weight.to(weight.device)
        if bias is not None and original.bias is not None:
            bias.copy_(original.bias)
        for change in changes:
            delta = widened(change.layer.delta(before, multiplier=change.multiplier, dyn=change.dyn), before)
            weight.copy_(delta.add_(before.to(delta.dtype)))
            before = weight
            bias_delta = change.layer.bias_delta(change.multiplier)
            if bias_delta is not None and bias is not None:
                bias.copy_(bias + bias_delta.to(bias.device))

    def plan(self, network: Network) -> Plan:
        """Where a network's layers go. Raises NotSupported where none of them has a place."""
        if network not in self.plans:
            self.plans[network] = self.planned(network)
        return self.plans[network]

    def planned(self, network: Network) -> Plan:
        """The same, worked out."""
        layers: dict[Target, Layer] = {}
        unmatched: list[str] = list(network.unknown)
        for name, layer in network.layers.items():
            target = self.table.find(name)
            if target is None or not fits(layer, self.table.modules[target]):
                unmatched.append(name)
            else:
                layers[target] = layer
        total = len(network.layers) + len(network.unknown)
        if not layers and not network.embeddings:
            seems = f"It seems to be made for {network.made_for}." if network.made_for else "It may be made for another kind of model."
            raise NotSupported(f"The network '{network.path.name}' does not fit this model: none of its {total} parts has a place.", seems)
        return Plan(layers, Matched(network.name, total, total - len(unmatched), tuple(unmatched), network.made_for))


def as_last_named(wanted: Sequence[Wanted]) -> tuple[Wanted, ...]:
    """As A1111: of a network that is named more than once each naming counts, all with the strength of the last."""
    last = {one.network.path: one for one in wanted}
    return tuple(last[one.network.path] for one in wanted)


def changes_of(wanted: Sequence[Wanted], plans: Sequence[Plan], blocks: Mapping[Target, str]) -> dict[Target, list[Change]]:
    """The changes of each module in the order of the networks, those of no strength left out. `blocks`: where the modules lie."""
    changes: dict[Target, list[Change]] = {}
    for one, plan in zip(wanted, plans, strict=True):
        for target, layer in plan.layers.items():
            multiplier = one.multiplier(target, blocks.get(target, ""))
            if multiplier:
                changes.setdefault(target, []).append(Change(layer, multiplier, one.dyn))
    return changes


def weight_and_bias(module: nn.Module) -> tuple[Tensor, Tensor | None]:
    """A module's weight and, where it has one, its bias."""
    weight, bias = module.weight, getattr(module, "bias", None)
    assert isinstance(weight, Tensor)
    return weight, bias if isinstance(bias, Tensor) else None


def kept(tensor: Tensor) -> Tensor:
    """A copy on the CPU."""
    return tensor.detach().to("cpu", copy=True)


def fits(layer: Layer, module: nn.Module) -> bool:
    """Whether a layer's numbers go with a module's weight, or with the four latent channels of an inpainting model's first one."""
    shape = tuple(weight_and_bias(module)[0].shape)
    if layer.magnitude is not None and layer.magnitude.numel() not in shape[:2]:
        return False
    latents_only = len(shape) == 4 and shape[1] > 4 and layer.magnitude is None and isinstance(layer, Lora | LoHa | LoKr | Full)
    return layer.covers(shape) or (latents_only and layer.covers((shape[0], 4, *shape[2:])))


def widened(delta: Tensor, weight: Tensor) -> Tensor:
    """The change with zeros for the inputs that it does not know: mask and masked picture."""
    missing = weight.shape[1] - delta.shape[1] if weight.dim() == 4 and delta.dim() == 4 else 0
    return functional.pad(delta, (0, 0, 0, 0, 0, missing)) if missing else delta
