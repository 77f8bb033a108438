"""Checkpoints of the real sizes with small random weights, written a tensor at a time: Stable Diffusion 1.5 (2 GB) and XL (7 GB)."""

from pathlib import Path
from typing import Any

import modules.families  # noqa: F401 - makes torchvision importable, before diffusers asks for it

# isort: split
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

from modules.families.ldm_keys import TEXT, UNET, VAE, original_unet_names, original_vae_names
from modules.weights.header import TensorInfo
from modules.weights.writing import write_safetensors

Shapes = dict[str, tuple[int, ...]]
CLIP_L = "conditioner.embedders.0.transformer.text_model."
CLIP_G = "conditioner.embedders.1.model."
XL = {
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}


def shapes_of(module: nn.Module) -> Shapes:
    """The shapes of a network's parameters by name."""
    return {name: tuple(value.shape) for name, value in module.named_parameters()}


def unet_and_vae(**config: Any) -> Shapes:
    """A U-Net of some configuration and the VAE that goes with it, under a file's names."""
    with torch.device("meta"):
        unet: Shapes = shapes_of(UNet2DConditionModel(**config))
        autoencoder: Any = AutoencoderKL  # its annotations allow one level only
        vae = shapes_of(
            autoencoder(
                block_out_channels=(128, 256, 512, 512),
                layers_per_block=2,
                down_block_types=("DownEncoderBlock2D",) * 4,
                up_block_types=("UpDecoderBlock2D",) * 4,
            )
        )
    shapes = {UNET + old: unet[new] for new, old in original_unet_names(unet).items()}
    for new, old in original_vae_names(vae).items():
        shapes[VAE + old] = (*vae[new], 1, 1) if ".mid.attn_1." in old and len(vae[new]) == 2 else vae[new]
    return shapes


def clip_l(prefix: str) -> Shapes:
    """The text encoder that both models have."""
    with torch.device("meta"):
        config = CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, vocab_size=49408)
        return {prefix + name.removeprefix("text_model."): shape for name, shape in shapes_of(CLIPTextModel(config)).items()}


def open_clip_g(prefix: str) -> Shapes:
    """SDXL's larger text encoder, as OpenCLIP names its parts."""
    width = 1280
    shapes: Shapes = {
        "positional_embedding": (77, width),
        "text_projection": (width, width),
        "token_embedding.weight": (49408, width),
        "logit_scale": (),
        "ln_final.weight": (width,),
        "ln_final.bias": (width,),
    }
    for layer in range(32):
        block = f"transformer.resblocks.{layer}."
        for norm in ("ln_1", "ln_2"):
            shapes |= {f"{block}{norm}.{kind}": (width,) for kind in ("weight", "bias")}
        shapes |= {f"{block}attn.in_proj_weight": (3 * width, width), f"{block}attn.in_proj_bias": (3 * width,)}
        for part, out, given in (("attn.out_proj", width, width), ("mlp.c_fc", 4 * width, width), ("mlp.c_proj", width, 4 * width)):
            shapes |= {f"{block}{part}.weight": (out, given), f"{block}{part}.bias": (out,)}
    return {prefix + name: shape for name, shape in shapes.items()}


def sd15_shapes() -> Shapes:
    """Every tensor of Stable Diffusion 1.5."""
    return unet_and_vae(cross_attention_dim=768, attention_head_dim=8) | clip_l(TEXT)


def sdxl_shapes() -> Shapes:
    """Every tensor of Stable Diffusion XL."""
    return unet_and_vae(**XL) | clip_l(CLIP_L) | open_clip_g(CLIP_G)


def write_random(path: Path, shapes: Shapes, seed: int) -> Path:
    """A float16 checkpoint of these shapes; norms are ones, everything else small random numbers, so that nothing overflows."""
    torch.manual_seed(seed)
    noise = (torch.randn(2**22) * 0.02).half()

    def tensor_of(name: str) -> Tensor:
        shape = torch.Size(shapes[name])
        if len(shape) == 1 and name.endswith("weight"):
            return torch.ones(shape, dtype=torch.float16)
        repeats = -(-shape.numel() // len(noise))
        start = int(torch.randint(1000, ()).item())
        return noise.roll(start).repeat(repeats)[: shape.numel()].reshape(shape)

    write_safetensors(path, {name: TensorInfo("F16", shape) for name, shape in shapes.items()}, tensor_of, {"format": "pt"})
    return path
