"""How the networks stand before their first training step."""

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from diffusers.models.downsampling import Downsample2D
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.upsampling import Upsample2D
from torch import nn

LEVEL = 3.0


@torch.no_grad()
def begin_autoencoder(model: AutoencoderKL) -> None:
    """Makes it start as nearly a linear map of shrunken pictures.

    Norms over groups of three channels wipe out a plain picture's colour, unless two of the three hold constants of
    opposite sign for it to be measured against. Without these the first thousand steps go into discovering that.
    """
    quiet_branches(model)
    for module in model.modules():
        if isinstance(module, Downsample2D):
            _identity(module.conv, slice(0, 2))  # pyright: ignore
        elif isinstance(module, Upsample2D):
            _identity(module.conv, slice(1, 2))  # pyright: ignore
    for conv in (model.encoder.conv_in, model.decoder.conv_in):
        levels = torch.tensor([0.0, LEVEL, -LEVEL]).repeat(conv.out_channels // 3)
        conv.bias.copy_(levels)  # pyright: ignore
    quantized = model.quant_conv
    assert quantized is not None and model.post_quant_conv is not None
    nn.init.dirac_(quantized.weight)
    nn.init.zeros_(quantized.bias)  # pyright: ignore
    nn.init.dirac_(model.post_quant_conv.weight)
    nn.init.zeros_(model.post_quant_conv.bias)  # pyright: ignore


@torch.no_grad()
def quiet_branches(model: AutoencoderKL | UNet2DConditionModel) -> None:
    """Sets the last layer of every residual branch to zero, so that a deep network starts as a shallow one."""
    for module in model.modules():
        if isinstance(module, ResnetBlock2D):
            last = module.conv2
        elif isinstance(module, Transformer2DModel):
            last = module.proj_out
        elif isinstance(module, Attention) and module.residual_connection:
            last = module.to_out[0]  # pyright: ignore
        else:
            continue
        nn.init.zeros_(last.weight)  # pyright: ignore
        nn.init.zeros_(last.bias)  # pyright: ignore


def _identity(conv: nn.Conv2d, window: slice) -> None:
    """Every channel passes unchanged, averaged over the window of the kernel; little else."""
    conv.weight.mul_(0.1)
    taps = len(range(3)[window]) ** 2
    for channel in range(conv.out_channels):
        conv.weight[channel, channel, window, window] += 1 / taps
    nn.init.zeros_(conv.bias)  # pyright: ignore
