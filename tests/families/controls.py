"""The smallest real control networks of each kind, with random weights, as files in every layout that is read."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

from collections.abc import Mapping
from typing import Any

import torch
from diffusers import T2IAdapter
from torch import Tensor, nn

from modules.families.attention_changes import attention_layers
from modules.families.control_keys import original_control_names
from modules.families.controlnet import ControlNet, UnionControlNet
from modules.families.ip_adapter import IPAdapter, Projection, Resampler

SHAPES: Mapping[str, dict[str, Any]] = {
    "sd1": {"down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"), "cross_attention_dim": 64, "attention_head_dim": 8},
    "sd2": {
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "cross_attention_dim": 64,
        "attention_head_dim": (1, 1),
        "use_linear_projection": True,
    },
    "sdxl": {
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "cross_attention_dim": 128,
        "attention_head_dim": (1, 1),
        "use_linear_projection": True,
        "transformer_layers_per_block": (1, 2),
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 64 + 6 * 256,
    },
}


def controlnet(family: str, seed: int = 0) -> ControlNet:
    """A ControlNet for the tiny checkpoint of a family. None of its convolutions is zero."""
    torch.manual_seed(seed)
    made = ControlNet(block_out_channels=(32, 64), layers_per_block=1, conditioning_embedding_out_channels=(8, 8, 16, 16), **SHAPES[family])
    return stirred(made)


def union(seed: int = 0) -> UnionControlNet:
    """A union of six kinds of hint for the tiny SDXL."""
    torch.manual_seed(seed)
    made = UnionControlNet(
        block_out_channels=(32, 64), layers_per_block=1, conditioning_embedding_out_channels=(8, 8, 16, 16), num_trans_channel=32,
        num_trans_head=1, num_proj_channel=32, **SHAPES["sdxl"],
    )  # fmt: skip
    return stirred(made)


def adapter(kind: str, seed: int = 0) -> T2IAdapter:
    """A T2I-Adapter of two levels."""
    torch.manual_seed(seed)
    return T2IAdapter(in_channels=3, channels=[32, 64], num_res_blocks=2, downscale_factor=8, adapter_type=kind).eval()


def ip_adapter(unet: nn.Module, width: int, *, plus: bool = False, seen: int = 32, seed: int = 0) -> dict[str, Tensor]:
    """The tensors of an IP-Adapter for a U-Net whose text is `width` wide, in the layout of its files."""
    torch.manual_seed(seed)
    layers = [layer for layer in attention_layers(unet) if layer.cross]
    ordered = [layer for side in ("down", "up", "mid") for layer in layers if layer.side == side]
    shapes = {
        f"ip_adapter.{2 * place + 1}.{part}.weight": (layer.module.to_k.out_features, width)
        for place, layer in enumerate(ordered)
        for part in ("to_k_ip", "to_v_ip")
    }
    resampler = {
        "latents": (1, 4, 64), "proj_in.weight": (64, seen), "proj_out.weight": (width, 64), "layers.0.1.1.weight": (128, 64),
        "layers.0.0.to_q.weight": (64, 64),
    }  # fmt: skip
    made = IPAdapter(Resampler(resampler) if plus else Projection(seen, width, 4), sorted({n.split(".")[1] for n in shapes}), shapes)
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.3)
    return made.state_dict()


def stirred(network: Any) -> Any:
    """A network with something in its zero convolutions."""
    for parameter in [*network.controlnet_down_blocks.parameters(), *network.controlnet_mid_block.parameters()]:
        nn.init.normal_(parameter, std=0.2)
    if isinstance(network, UnionControlNet):
        nn.init.normal_(network.spatial_ch_projs.weight, std=0.2)
    nn.init.normal_(network.controlnet_cond_embedding.conv_out.weight, std=5)
    return network.eval()


def in_own_layout(network: nn.Module) -> dict[str, Tensor]:
    """A ControlNet's tensors under the names of its own files."""
    tensors = network.state_dict()
    return {old: tensors[new] for new, old in original_control_names(tensors).items()}


def adapter_in_own_layout(network: T2IAdapter) -> dict[str, Tensor]:
    """A T2I-Adapter's tensors under the names of its own files."""
    found: dict[str, Tensor] = {}
    light = any(".out_conv." in name for name in network.state_dict())
    for name, value in network.state_dict().items():
        parts = name.removeprefix("adapter.").split(".")
        if light:
            found[".".join("body" if part == "resnets" else part for part in parts)] = value
        elif parts[0] == "body" and parts[2] == "resnets":
            found[".".join(["body", str(2 * int(parts[1]) + int(parts[3])), *parts[4:]])] = value
        elif parts[0] == "body":
            found[".".join(["body", str(2 * int(parts[1])), *parts[2:]])] = value
        else:
            found[".".join(parts)] = value
    return found
