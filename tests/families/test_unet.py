"""The U-Net with pictures of any size, and with SDXL's added conditioning."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from modules.families.sd_shape import UNetShape
from modules.families.unet import UNet, build_unet
from tests import tiny

THREE_LEVELS = UNetShape(4, 4, (32, 32, 64), ((1,), (1,), (0,)), ((0, 0), (1, 1), (1, 1)), 1, 16, linear=False, heads=2)


def by_hand(network: UNet, x: Tensor, t: Tensor, context: Tensor) -> Tensor:
    """The network as A1111 runs it: double, convolve, and bring the result to the size of the skip connection that it meets."""
    unet: Any = network
    emb = unet.time_embedding(unet.time_proj(t))
    x = unet.conv_in(x)
    skips = [x]
    for block in unet.down_blocks:
        attentions = getattr(block, "attentions", [None] * len(block.resnets))
        for resnet, attention in zip(block.resnets, attentions, strict=True):
            x = resnet(x, emb)
            x = attention(x, context, return_dict=False)[0] if attention else x
            skips.append(x)
        for downsampler in block.downsamplers or ():
            x = downsampler(x)
            skips.append(x)
    x = unet.mid_block(x, emb, encoder_hidden_states=context)
    for block in unet.up_blocks:
        attentions = getattr(block, "attentions", [None] * len(block.resnets))
        for resnet, attention in zip(block.resnets, attentions, strict=True):
            skip = skips.pop()
            x = x if x.shape[2:] == skip.shape[2:] else functional.interpolate(x, skip.shape[2:], mode="nearest")
            x = resnet(torch.cat([x, skip], dim=1), emb)
            x = attention(x, context, return_dict=False)[0] if attention else x
        for upsampler in block.upsamplers or ():
            x = upsampler.conv(functional.interpolate(x, scale_factor=2.0, mode="nearest"))
    return unet.conv_out(unet.conv_act(unet.conv_norm_out(x)))


@pytest.mark.parametrize("size", [(8, 8), (13, 17), (9, 12), (5, 7), (12, 10)])
def test_a_picture_of_any_size_is_computed_as_a1111_does(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    unet = build_unet(THREE_LEVELS.config()).eval()
    x, t, context = torch.randn(1, 4, *size), torch.tensor([42.5]), torch.randn(1, 7, 16)
    with torch.inference_mode():
        found = unet(x, t, context, return_dict=False)[0]
        wanted = by_hand(unet, x, t, context)
    assert found.shape == x.shape
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)  # the same sums in another order at most


def test_the_added_conditioning_goes_through_the_files_own_two_layers() -> None:
    components = tiny.model("sdxl")
    unet: Any = components.unet
    vector = torch.randn(1, 64 + 6 * 256)
    layers = [tiny.sdxl_tensors()[f"model.diffusion_model.label_emb.0.{i}.{kind}"] for i in (0, 2) for kind in ("weight", "bias")]
    with torch.inference_mode():
        found = unet.get_aug_embed(torch.zeros(1), torch.zeros(1), {"vector": vector})
        hidden = functional.silu(functional.linear(vector, layers[0], layers[1]))
        wanted = functional.linear(hidden, layers[2], layers[3])
    torch.testing.assert_close(found, wanted)


def test_a_middle_of_another_depth_than_the_last_level_is_refused() -> None:
    with pytest.raises(ValueError, match="middle_block"):
        UNetShape(4, 4, (32, 64), ((1,), (2,)), ((2, 2), (1, 1)), 3, 16, linear=True).config()
