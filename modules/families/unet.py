"""The U-Net of Stable Diffusion: diffusers' network, taking SDXL's size vector as it is and pictures of any size as A1111 takes them.

Rombach et al. 2022, arXiv:2112.10752; Podell et al. 2023, arXiv:2307.01952.
"""

from collections.abc import Mapping
from typing import Any

from diffusers import UNet2DConditionModel
from diffusers.models.upsampling import Upsample2D
from torch import Tensor
from torch.nn import functional


class Upsample(Upsample2D):
    """Doubles the sides and convolves; if the next level's skip connection has another size, the result is brought to that.

    The size differs where a side was odd before it was halved. The order is A1111's: diffusers resizes first and convolves then.
    """

    def forward(self, hidden_states: Tensor, output_size: Any = None, *args: Any, **kwargs: Any) -> Tensor:
        doubled = super().forward(hidden_states)
        if output_size is None or doubled.shape[2:] == output_size:
            return doubled
        return functional.interpolate(doubled, size=output_size, mode="nearest")


class UNet(UNet2DConditionModel):
    """The network. What SDXL is told beside the text comes as one ready vector (N, V) in `added_cond_kwargs['vector']`."""

    def get_aug_embed(self, emb: Tensor, encoder_hidden_states: Tensor, added_cond_kwargs: dict[str, Any]) -> Tensor | None:
        if self.config["addition_embed_type"] is None:
            return None
        return self.add_embedding(added_cond_kwargs["vector"].to(emb.dtype))


def build_unet(config: Mapping[str, Any]) -> UNet:
    """The network for diffusers' configuration of it."""
    unet = UNet(**config)
    blocks: Any = unet.up_blocks
    for block in blocks:
        for place, old in enumerate(block.upsamplers or ()):
            block.upsamplers[place] = Upsample(old.channels, use_conv=True, out_channels=old.out_channels)
    return unet
