"""What a Stable Diffusion file's tensors say of its networks: widths, depths, attention."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modules.families.ldm_keys import blocks, has

Shapes = Mapping[str, tuple[int, ...]]
Levels = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class UNetShape:
    """A U-Net: `channels` of each level, and for each of its residual blocks the transformer layers behind it (0: no attention).

    `up` begins with the lowest level. `middle`: the layers between; None: one residual block alone (SSD-1B). `vector`: the
    length of SDXL's added conditioning. `heads` or `head_channels` are given only where a yaml says them.
    """

    in_channels: int
    out_channels: int
    channels: tuple[int, ...]
    down: Levels
    up: Levels
    middle: int | None
    context: int
    linear: bool
    vector: int | None = None
    heads: int | None = None
    head_channels: int | None = None

    def head_counts(self) -> int | list[int]:
        """Heads of each level. Unless they are given: of 64 channels each with linear projections (SD 2, SDXL), else 8 (SD 1)."""
        size = self.head_channels or (64 if self.linear else None)
        return self.heads or ([max(width // size, 1) for width in self.channels] if size else 8)

    def config(self) -> dict[str, Any]:
        """The arguments of diffusers' UNet2DConditionModel. Raises ValueError for depths that it cannot build."""
        down: list[Any] = [list(level) if any(level) else 1 for level in self.down]
        up: list[Any] = [list(level) if any(level) else 1 for level in self.up]
        if self.middle is not None:
            if not any(self.down[-1]):
                down[-1] = self.middle  # diffusers gives the last level's depth to the middle
            elif self.down[-1][0] != self.middle:
                raise ValueError("middle_block of the same depth as its last level")
        return {
            "in_channels": self.in_channels,
            "out_channels": self.out_channels,
            "block_out_channels": list(self.channels),
            "layers_per_block": [len(level) for level in self.down],
            "down_block_types": ["CrossAttnDownBlock2D" if any(level) else "DownBlock2D" for level in self.down],
            "mid_block_type": "UNetMidBlock2D" if self.middle is None else "UNetMidBlock2DCrossAttn",
            "up_block_types": ["CrossAttnUpBlock2D" if any(level) else "UpBlock2D" for level in self.up],
            "transformer_layers_per_block": down,
            "reverse_transformer_layers_per_block": up,
            "cross_attention_dim": self.context,
            "attention_head_dim": self.head_counts(),  # diffusers' old name: it counts heads
            "use_linear_projection": self.linear,
        } | self.addition()

    def addition(self) -> dict[str, Any]:
        """The arguments for SDXL's added conditioning; diffusers wants a width for each size too, which is not used here."""
        if self.vector is None:
            return {}
        return {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256,
            "projection_class_embeddings_input_dim": self.vector,
        }


def depth(names: list[str], block: str) -> int:
    """The transformer layers of a block."""
    return len(blocks([name.removeprefix(block + ".") for name in names if name.startswith(block + ".")], "transformer_blocks"))


def levels(names: list[str], kind: str) -> Levels:
    """The depths of `input_blocks` or `output_blocks`, level by level."""
    own = [name.removeprefix(kind + ".") for name in names if name.startswith(kind + ".")]
    parts: dict[str, list[str]] = {}
    for name in own:
        number, _, rest = name.partition(".")
        parts.setdefault(number, []).append(rest)
    found: list[list[int]] = [[]]
    for block in blocks(names, kind)[1 if kind == "input_blocks" else 0 :]:
        inside = parts.get(block.removeprefix(kind + "."), [])
        if has(inside, "0.op"):
            found.append([])
            continue
        found[-1].append(depth(inside, "1"))
        if has(inside, "1.conv") or has(inside, "2.conv"):
            found.append([])
    return tuple(tuple(level) for level in found)


def unet_shape(shapes: Shapes) -> UNetShape:
    """The U-Net of a file's tensors (names without `model.diffusion_model.`). Raises KeyError where one is missing."""
    names = list(shapes)
    down = levels(names, "input_blocks")
    up = levels(names, "output_blocks")
    first, channels = 1, list[int]()
    for level in down:
        channels.append(shapes[f"input_blocks.{first}.0.out_layers.3.weight"][0])
        first += len(level) + 1
    if [len(level) for level in up] != [len(level) + 1 for level in reversed(down)]:
        raise KeyError("output_blocks, as many as its input_blocks ask for")
    attention = next((name.split(".transformer_blocks.")[0] for name in names if ".transformer_blocks." in name), "middle_block.1")
    return UNetShape(
        in_channels=shapes["input_blocks.0.0.weight"][1],
        out_channels=shapes["out.2.weight"][0],
        channels=tuple(channels),
        down=down,
        up=up,
        middle=depth(names, "middle_block.1") or None,
        context=shapes[f"{attention}.transformer_blocks.0.attn2.to_k.weight"][1],
        linear=len(shapes[f"{attention}.proj_in.weight"]) == 2,
        vector=shapes["label_emb.0.0.weight"][1] if "label_emb.0.0.weight" in shapes else None,
    )


def vae_config(shapes: Shapes) -> dict[str, Any]:
    """The arguments of diffusers' AutoencoderKL for a file's tensors (names without `first_stage_model.`)."""
    names = list(shapes)
    floors = blocks([name.removeprefix("encoder.") for name in names], "down")
    channels = [shapes[f"encoder.{level}.block.0.conv1.weight"][0] for level in floors]
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


def text_config(shapes: Shapes, *, activation: str = "quick_gelu") -> dict[str, Any]:
    """The arguments of transformers' CLIPTextConfig for a file's tensors (names without `...text_model.`).

    64 channels a head, as every CLIP has; OpenCLIP's towers have the activation 'gelu'.
    """
    width = shapes["final_layer_norm.weight"][0]
    layers = blocks([name.removeprefix("encoder.") for name in shapes], "layers")
    projection = shapes.get("text_projection.weight", (width,))
    return {
        "vocab_size": shapes["embeddings.token_embedding.weight"][0],
        "max_position_embeddings": shapes["embeddings.position_embedding.weight"][0],
        "hidden_size": width,
        "intermediate_size": shapes["encoder.layers.0.mlp.fc1.weight"][0],
        "num_hidden_layers": len(layers),
        "num_attention_heads": max(width // 64, 1),
        "hidden_act": activation,
        "projection_dim": projection[0],
        "bos_token_id": 49406,
        "eos_token_id": 49407,
        "pad_token_id": 49407,
    }
