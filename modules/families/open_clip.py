"""OpenCLIP's text towers (SD 2's ViT-H, SDXL's ViT-bigG): their tensors under transformers' names for the same network.

Ilharco et al. 2021, OpenCLIP; Cherti et al. 2023, arXiv:2212.07143. The three projections of an attention lie in one matrix there.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

ENDS = {
    "token_embedding.weight": "embeddings.token_embedding.weight",
    "positional_embedding": "embeddings.position_embedding.weight",
    "ln_final.weight": "final_layer_norm.weight",
    "ln_final.bias": "final_layer_norm.bias",
}
LAYER = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}
JOINED = ("q_proj", "k_proj", "v_proj")
BLOCKS = "transformer.resblocks."


def transformers_names(name: str) -> tuple[str, ...]:
    """What a tensor of a tower is called in transformers: three names for the joined projections, none for what it has no use for."""
    if name in ENDS:
        return (ENDS[name],)
    if not name.startswith(BLOCKS):
        return ()
    number, rest = name.removeprefix(BLOCKS).split(".", 1)
    if rest in ("attn.in_proj_weight", "attn.in_proj_bias"):
        kind = rest.removeprefix("attn.in_proj_")
        return tuple(f"encoder.layers.{number}.self_attn.{part}.{kind}" for part in JOINED)
    module, kind = rest.rsplit(".", 1)
    return (f"encoder.layers.{number}.{LAYER[module]}.{kind}",) if module in LAYER else ()


def transformers_shapes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """The shapes of a tower's tensors under transformers' names, the projection of the pooled vector included."""
    renamed: dict[str, Any] = {}
    for name, shape in shapes.items():
        news = transformers_names(name)
        renamed |= {new: (shape[0] // len(news), *shape[1:]) for new in news}
    if "text_projection" in shapes:
        renamed["text_projection.weight"] = shapes["text_projection"][::-1]
    return renamed


def transformers_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A tower's tensors under transformers' names, the projection of the pooled vector included, which lies transposed there."""
    renamed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        news = transformers_names(name)
        renamed |= zip(news, torch.chunk(tensor, len(news)) if len(news) > 1 else (tensor,), strict=bool(news))
    if "text_projection" in tensors:
        renamed["text_projection.weight"] = tensors["text_projection"].T.contiguous()
    return renamed
