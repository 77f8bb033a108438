"""ControlNet: a copy of a U-Net's first half that looks at a hint picture and adds to the original's skip connections.

Zhang et al. 2023, arXiv:2302.05543; the union of many kinds in one network: xinsir's ControlNet++, in diffusers' arrangement.
"""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportOptionalCall=false
# (what diffusers annotates is narrower than what it takes and gives)

from typing import Any

import torch
from diffusers import ControlNetModel, ControlNetUnionModel
from torch import Tensor

from modules.sampling.guidance import Residuals

# The kinds of hint that union networks tell apart, by the number of their place.
UNION_TYPES = ("OpenPose", "Depth", "Soft Edge", "Lineart", "Normal Map", "Segmentation", "Tile", "Inpaint")


class ControlNet(ControlNetModel):
    """The network. What SDXL is told beside the text comes as one ready vector (N, V)."""

    def prepared(self, hint: Tensor) -> Tensor:
        """A hint picture (B, 3, H, W) in 0..1 as the network takes it up, (B, C, h, w); the same for all steps."""
        return self.controlnet_cond_embedding(hint)

    def residuals(self, x: Tensor, t: Tensor, context: Tensor, vector: Tensor | None, hint: Tensor) -> Residuals:
        """What to add inside the U-Net. x (N, 4, h, w); t (N,); context (N, tokens, width); vector (N, V); hint (N, C, h, w) prepared."""
        return walked(self, self.conv_in(x) + hint, embedded(self, x, t, vector), context)


class UnionControlNet(ControlNetUnionModel):
    """The network of many kinds of hint; `kind` is the number of one of them."""

    def prepared(self, hint: Tensor) -> Tensor:
        """As for ControlNet."""
        return self.controlnet_cond_embedding(hint)

    def residuals(self, x: Tensor, t: Tensor, context: Tensor, vector: Tensor | None, hint: Tensor, *, kind: int) -> Residuals:
        """As for ControlNet. The transformer that weighs hint and picture sees each row alone, whatever batch it comes in."""
        emb = embedded(self, x, t, vector)
        marked = torch.zeros(len(x), self.config["num_control_type"], device=x.device)
        marked[:, kind] = 1
        waves = self.control_type_proj(marked.flatten()).reshape(len(x), -1)
        emb = emb + self.control_add_embedding(waves.to(emb.dtype))
        sample = self.conv_in(x)
        told = torch.stack([hint.mean((2, 3)) + self.task_embedding[kind], sample.mean((2, 3))], dim=1)  # (N, 2, C)
        flat = told.flatten(0, 1)[None]
        for layer in self.transformer_layes:
            flat = layer(flat)
        shift = self.spatial_ch_projs(flat[0].view(told.shape)[:, 0])
        return walked(self, sample + hint + shift[:, :, None, None], emb, context)


def embedded(network: Any, x: Tensor, t: Tensor, vector: Tensor | None) -> Tensor:
    """The embedding of timesteps and, where there is one, of SDXL's vector, (N, E)."""
    emb = network.time_embedding(network.time_proj(t).to(x.dtype))
    return emb if vector is None else emb + network.add_embedding(vector.to(x.dtype))


def walked(network: Any, sample: Tensor, emb: Tensor, context: Tensor) -> Residuals:
    """The way down through the blocks, with what each zero convolution gives."""
    passed = [sample]
    for block in network.down_blocks:
        more = {"encoder_hidden_states": context} if getattr(block, "has_cross_attention", False) else {}
        sample, outputs = block(hidden_states=sample, temb=emb, **more)
        passed += outputs
    attended = {"encoder_hidden_states": context} if getattr(network.mid_block, "has_cross_attention", False) else {}
    sample = network.mid_block(sample, emb, **attended)
    down = [layer(one) for layer, one in zip(network.controlnet_down_blocks, passed, strict=True)]
    return Residuals(down, network.controlnet_mid_block(sample))
