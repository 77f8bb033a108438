"""What a Stable Diffusion file's tensors say of its networks: widths, depths, attention."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modules.families.ldm_keys import blocks, has

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class UNetShape:
    """A U-Net: `channels` of each level, residual blocks a level, transformer layers a level (0: no attention)."""

    in_channels: int
    out_channels: int
    channels: tuple[int, ...]
    resnets: int
    depths: tuple[int, ...]
    middle_depth: int
    context: int
    linear: bool
    heads: int | None = None

    def config(self) -> dict[str, Any]:
        """The arguments of diffusers' UNet2DConditionModel.

        Heads where they are not given: 64 channels each with linear projections (SD 2), 8 of them without (SD 1).
        """
        heads = self.heads or ([width // 64 for width in self.channels] if self.linear else 8)
        down = ["CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in self.depths]
        up = ["CrossAttnUpBlock2D" if depth else "UpBlock2D" for depth in reversed(self.depths)]
        return {
            "in_channels": self.in_channels,
            "out_channels": self.out_channels,
            "block_out_channels": list(self.channels),
            "layers_per_block": self.resnets,
            "down_block_types": down,
            "up_block_types": up,
            "transformer_layers_per_block": [max(depth, 1) for depth in self.depths],
            "cross_attention_dim": self.context,
            "attention_head_dim": heads,  # diffusers' old name: it counts heads
            "use_linear_projection": self.linear,
        }


def depth(names: list[str], block: str) -> int:
    """The transformer layers of a block."""
    return len(blocks([name.removeprefix(block + ".") for name in names if name.startswith(block)], "transformer_blocks"))


def unet_shape(shapes: Shapes) -> UNetShape:
    """The U-Net of a file's tensors (names without `model.diffusion_model.`). Raises KeyError where one is missing."""
    names = list(shapes)
    channels: list[int] = []
    depths: list[int] = []
    resnets = [0]
    for block in blocks(names, "input_blocks")[1:]:
        if has(names, f"{block}.0.op"):
            resnets.append(0)
            continue
        resnets[-1] += 1
        if resnets[-1] == 1:
            channels.append(shapes[f"{block}.0.out_layers.3.weight"][0])
            depths.append(depth(names, f"{block}.1"))
    return UNetShape(
        in_channels=shapes["input_blocks.0.0.weight"][1],
        out_channels=shapes["out.2.weight"][0],
        channels=tuple(channels),
        resnets=resnets[0],
        depths=tuple(depths),
        middle_depth=depth(names, "middle_block.1"),
        context=shapes["middle_block.1.transformer_blocks.0.attn2.to_k.weight"][1],
        linear=len(shapes["middle_block.1.proj_in.weight"]) == 2,
    )


def vae_config(shapes: Shapes) -> dict[str, Any]:
    """The arguments of diffusers' AutoencoderKL for a file's tensors (names without `first_stage_model.`)."""
    names = list(shapes)
    levels = blocks([name.removeprefix("encoder.") for name in names], "down")
    channels = [shapes[f"encoder.{level}.block.0.conv1.weight"][0] for level in levels]
    resnets = len(blocks([name.removeprefix("encoder.down.0.") for name in names], "block"))
    return {
        "in_channels": shapes["encoder.conv_in.weight"][1],
        "out_channels": shapes["decoder.conv_out.weight"][0],
        "latent_channels": shapes["post_quant_conv.weight"][1],
        "block_out_channels": channels,
        "layers_per_block": resnets,
        "down_block_types": ["DownEncoderBlock2D"] * len(channels),
        "up_block_types": ["UpDecoderBlock2D"] * len(channels),
    }


def text_config(shapes: Shapes) -> dict[str, Any]:
    """The arguments of transformers' CLIPTextConfig for a file's tensors (names without `...text_model.`).

    64 channels a head, as every CLIP has.
    """
    width = shapes["final_layer_norm.weight"][0]
    layers = blocks([name.removeprefix("encoder.") for name in shapes], "layers")
    return {
        "vocab_size": shapes["embeddings.token_embedding.weight"][0],
        "max_position_embeddings": shapes["embeddings.position_embedding.weight"][0],
        "hidden_size": width,
        "intermediate_size": shapes["encoder.layers.0.mlp.fc1.weight"][0],
        "num_hidden_layers": len(layers),
        "num_attention_heads": max(width // 64, 1),
        "hidden_act": "quick_gelu",
        "projection_dim": width,
    }
