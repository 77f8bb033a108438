"""Small real networks, and network files made for them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

from modules.families.unet import UNet, build_unet
from modules.weights.files import write_tensors
from modules.weights.lora import Network, read_network

Q = "down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
CONV_IN = "lora_unet_conv_in"
TEXT_Q = "lora_te_text_model_encoder_layers_0_self_attn_q_proj"
RANK = 2


def tiny_unet(in_channels: int = 4) -> UNet:
    """A U-Net of two levels with random weights, ready to be used."""
    torch.manual_seed(0)
    config = {
        "in_channels": in_channels,
        "block_out_channels": (16, 32),
        "norm_num_groups": 8,
        "layers_per_block": 1,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        "cross_attention_dim": 24,
        "attention_head_dim": 2,
    }
    unet = build_unet(config)
    unet.eval().requires_grad_(False)
    return unet


def tiny_text() -> CLIPTextModel:
    """A text encoder of two layers with random weights, ready to be used."""
    torch.manual_seed(1)
    sizes: dict[str, Any] = {"hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = CLIPTextModel(CLIPTextConfig(vocab_size=100, **sizes))
    return text.eval().requires_grad_(False)


def lora_for(module: nn.Module, seed: int = 0) -> dict[str, Tensor]:
    """The parts of a LoRA for a linear layer or a convolution."""
    torch.manual_seed(seed)
    assert isinstance(module.weight, Tensor)
    outputs, inputs, *kernel = module.weight.shape
    up = (outputs, RANK, 1, 1) if kernel else (outputs, RANK)
    return {
        "lora_down.weight": torch.randn(RANK, inputs, *kernel),
        "lora_up.weight": torch.randn(up) * 0.1,
        "alpha": torch.tensor(1.0),
    }


def lora_file(
    path: Path, modules: Mapping[str, nn.Module], seed: int = 0, *, extra: Mapping[str, Tensor] | None = None, version: str = ""
) -> Network:
    """A LoRA file for some modules, under the names given, written and read again."""
    tensors = {f"{name}.{part}": value for name, module in modules.items() for part, value in lora_for(module, seed).items()}
    write_tensors(path, {**tensors, **(extra or {})}, {"ss_base_model_version": version} if version else None)
    return read_network(path)


def whole_lora(path: Path, unet: nn.Module, text: nn.Module, seed: int = 0) -> Network:
    """A LoRA file for every linear layer and convolution of a U-Net and a text encoder."""
    modules = {
        f"{prefix}{name.replace('.', '_')}": module
        for prefix, network in (("lora_unet_", unet), ("lora_te_text_model_", text))
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    }
    return lora_file(path, modules, seed)
