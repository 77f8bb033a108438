"""PEFT's adapters on a model's networks: which modules get one, with which rank, and what it adds to a weight.

Hu et al. 2021, arXiv:2106.09685 (LoRA); Yeh et al. 2023, arXiv:2309.14859 (LoCon, LoHa, LoKr); Liu et al. 2024, arXiv:2402.09353 (DoRA).
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from peft import LoHaConfig, LoKrConfig, LoraConfig, inject_adapter_in_model
from torch import Tensor, nn

from modules.contract.errors import BadRequest
from modules.contract.training import NetworkOptions

ADAPTER = "default"  # PEFT's own name for the only one
CONVOLUTIONAL = ("LoCon", "LoHa", "LoKr")
ATTENTION = re.compile(r"\.attn[12]\.|\.self_attn\.")
TEXT_LAYERS = re.compile(r"\.(self_attn|mlp)\.")


class Size(NamedTuple):
    """An adapter's rank, and the alpha that divided by it scales the adapter."""

    rank: int
    alpha: float


def unet_targets(unet: nn.Module, network: NetworkOptions) -> dict[str, Size]:
    """The modules of a U-Net that get an adapter, with its size: kohya's choice.

    All matrices and 1x1 convolutions of the attention blocks, or the attentions' alone; with the kinds for convolutions also all
    matrices and convolutions of the residual blocks and of what halves and doubles the sides.
    """
    found: dict[str, Size] = {}
    for path, module in unet.named_modules():
        if not isinstance(module, nn.Linear | nn.Conv2d):
            continue
        if ".attentions." in path:
            if network.layers == "attention and feed-forward" or ATTENTION.search(path):
                found[path] = size_for(module, network)
        elif network.type in CONVOLUTIONAL and (".resnets." in path or "samplers." in path):
            found[path] = size_for(module, network)
    return found


def text_targets(model: nn.Module, network: NetworkOptions, *, unread: int = 0) -> dict[str, Size]:
    """The modules of a CLIP text encoder that get an adapter: the matrices of its layers, or of their attentions alone.

    The last `unread` layers are left out.
    """
    kinds = ATTENTION if network.layers == "attention" else TEXT_LAYERS
    found = {path: module for path, module in model.named_modules() if isinstance(module, nn.Linear) and kinds.search(path)}
    last = max((layer_number(path) for path in found), default=0) - unread
    return {path: size_for(module, network) for path, module in found.items() if layer_number(path) <= last}


def layer_number(path: str) -> int:
    """The number of the layer that a text encoder's module lies in."""
    return int(path.partition("layers.")[2].partition(".")[0])


def size_for(module: nn.Module, network: NetworkOptions) -> Size:
    """The size of a module's adapter. Convolutions that see more than one place have a rank of their own, and the same scale."""
    wide = isinstance(module, nn.Conv2d) and module.kernel_size != (1, 1)
    rank = network.conv_rank if wide and network.conv_rank else network.rank
    scale = network.alpha / network.rank if network.alpha else 1.0
    return Size(rank, scale * rank)


def check(network: NetworkOptions) -> None:
    """Raise BadRequest for what this kind of adapter does not have."""
    if network.rank < 1:
        raise BadRequest("The rank is not decided: it is 0.", "Choose one between 1 and 256, or let it be decided from the data.")
    if network.type in ("LoHa", "LoKr") and network.dropout:
        raise BadRequest(f"{network.type} has no dropout, and it is {network.dropout}.", "Set Dropout to 0; Rank dropout can be used.")
    if network.type == "DoRA" and network.rank_dropout:
        raise BadRequest(f"DoRA has no rank dropout, and it is {network.rank_dropout}.", "Set Rank dropout to 0; Dropout can be used.")


def adapt(module: nn.Module, sizes: Mapping[str, Size], network: NetworkOptions, seed: int) -> dict[str, Any]:
    """Put adapters on some modules of a network, in place; PEFT's layers by their modules' names, their tensors in float32.

    What they begin with follows from the seed alone; it changes nothing that the network says. Nothing but the adapters has gradients.
    """
    if not sizes:
        return {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject_adapter_in_model(config_of(sizes, network), module, ADAPTER)
    found: dict[str, Any] = {path: module.get_submodule(path) for path in sizes}
    module.requires_grad_(False)
    for layer in found.values():
        for parameter in parameters_of(layer).values():
            parameter.data = parameter.data.float()
            parameter.requires_grad_(True)
        if network.rank_dropout and network.type in ("LoRA", "LoCon"):
            layer.lora_A[ADAPTER].register_forward_hook(RankDropout(network.rank_dropout))
        switch(layer, False)
    return found


def config_of(sizes: Mapping[str, Size], network: NetworkOptions) -> LoraConfig | LoHaConfig | LoKrConfig:
    """PEFT's words for these adapters. The most frequent size is the rule, the others are told one by one."""
    usual = Counter(sizes.values()).most_common(1)[0][0]
    ranks = {"^" + re.escape(path): size.rank for path, size in sizes.items() if size.rank != usual.rank}
    alphas: dict[str, Any] = {"^" + re.escape(path): size.alpha for path, size in sizes.items() if size.alpha != usual.alpha}
    usual_alpha: Any = usual.alpha  # PEFT calls alphas whole numbers, and computes with fractions as well
    targets = list(sizes)
    if network.type == "LoHa":
        dropout = network.rank_dropout
        return LoHaConfig(
            r=usual.rank, alpha=usual_alpha, rank_pattern=ranks, alpha_pattern=alphas, target_modules=targets, rank_dropout=dropout
        )
    if network.type == "LoKr":
        return LoKrConfig(
            r=usual.rank,
            alpha=usual_alpha,
            rank_pattern=ranks,
            alpha_pattern=alphas,
            target_modules=targets,
            rank_dropout=network.rank_dropout,
            decompose_factor=network.factor,
        )
    return LoraConfig(
        r=usual.rank,
        lora_alpha=usual_alpha,
        rank_pattern=ranks,
        alpha_pattern=alphas,
        target_modules=targets,
        lora_dropout=network.dropout,
        use_dora=network.type == "DoRA",
    )


@dataclass(frozen=True)
class RankDropout:
    """A hook behind a LoRA's first matrix: while trained, each of a picture's ranks is left out with a chance, the rest made stronger."""

    chance: float

    def __call__(self, module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        if not module.training:
            return output
        one_each = (len(output), output.shape[1], 1, 1) if output.dim() == 4 else (len(output), *[1] * (output.dim() - 2), output.shape[-1])
        kept = torch.rand(one_each, device=output.device) >= self.chance
        return output * kept.to(output.dtype) / (1 - self.chance)


def parameters_of(layer: Any) -> dict[str, nn.Parameter]:
    """The tensors of a layer's adapter, by PEFT's names for them: lora_A, lora_B, magnitude; hada_w1_a ...; lokr_w1 ..."""
    found: dict[str, nn.Parameter] = {}
    for name in layer.adapter_layer_names:
        held = getattr(layer, name)
        if ADAPTER not in held:
            continue
        own = held[ADAPTER]
        if name == "lora_magnitude_vector":
            found["magnitude"] = own.weight
        elif isinstance(own, nn.Parameter):
            found[name] = own
        elif isinstance(getattr(own, "weight", None), nn.Parameter):
            found[name] = own.weight
    return found


def switch(layer: Any, training: bool) -> None:
    """Have a layer's adapter leave things out as it was asked to, or not. The layer under it stays as it is."""
    layer.training = training
    for name in ("lora_dropout", "lora_A"):
        if hasattr(layer, name):
            getattr(layer, name).train(training)


@contextmanager
def silent(layers: Iterator[Any] | list[Any]) -> Iterator[None]:
    """While it lasts, the networks answer as if they had no adapters."""
    layers = list(layers)
    try:
        for layer in layers:
            layer._disable_adapters = True  # `enable_adapters` would also change which tensors have gradients
        yield
    finally:
        for layer in layers:
            layer._disable_adapters = False


def scale_of(layer: Any) -> float:
    """What the product of an adapter's factors is multiplied by."""
    return float(layer.scaling[ADAPTER])


def size_of(layer: Any) -> Size:
    """The size that an adapter has."""
    alpha = layer.lora_alpha if hasattr(layer, "lora_alpha") else layer.alpha
    return Size(int(layer.r[ADAPTER]), float(alpha[ADAPTER]))


@torch.no_grad()
def delta_of(layer: Any) -> Tensor:
    """What a layer's adapter adds to the weight, by PEFT's own arithmetic, float32; its shape is the weight's."""
    if "magnitude" not in parameters_of(layer):
        delta: Tensor = layer.get_delta_weight(ADAPTER)
        return delta.float()
    # PEFT gives DoRA's change only by merging it; a copy in float32 keeps the model out of it.
    copied: Any = deepcopy(layer).float()
    before = copied.get_base_layer().weight.detach().clone()
    copied.merge()
    merged: Tensor = copied.get_base_layer().weight.detach()
    return merged - before
