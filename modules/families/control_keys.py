"""The tensor names of control networks' files, and diffusers' names for the same tensors.

ControlNet's own files (`control_model.`) name blocks as checkpoints do; T2I-Adapter's own count residual blocks through.
"""

import re
from collections.abc import Iterable
from typing import Any

from modules.families import ldm_keys
from modules.families.sd_shape import Shapes, UNetShape, depth, levels

CONTROL = "control_model."
HINT = "controlnet_cond_embedding"
HINT_BLOCKS = ("conv_in", *(f"blocks.{number}" for number in range(6)), "conv_out")  # every second of `input_hint_block` has weights
RESIDUALS_A_LEVEL = 2  # of T2I-Adapter's full networks; its light ones have their own levels


def control_names(names: Iterable[str]) -> dict[str, str]:
    """File name to diffusers name, for every tensor of a ControlNet in its own layout (`control_model.` taken off)."""
    names = list(names)
    modules = ldm_keys.unet_modules(names)
    modules |= {f"input_hint_block.{2 * number}": f"{HINT}.{name}" for number, name in enumerate(HINT_BLOCKS)}
    modules |= {f"{block}.0": f"controlnet_down_blocks.{number}" for number, block in enumerate(ldm_keys.blocks(names, "zero_convs"))}
    modules["middle_block_out.0"] = "controlnet_mid_block"
    return {name: ldm_keys.renamed(name, modules) for name in names}


def original_control_names(names: Iterable[str]) -> dict[str, str]:
    """diffusers name to file name (with `control_model.`), for every tensor of a ControlNet."""
    names = list(names)
    network = [name for name in names if not name.startswith("controlnet_")]
    found = ldm_keys.original_unet_names(network)
    modules = {f"{HINT}.{name}": f"input_hint_block.{2 * number}" for number, name in enumerate(HINT_BLOCKS)}
    added = ldm_keys.blocks(names, "controlnet_down_blocks")
    modules |= {block: f"zero_convs.{number}.0" for number, block in enumerate(added)}
    modules["controlnet_mid_block"] = "middle_block_out.0"
    found |= {name: ldm_keys.renamed(name, modules) for name in names if name.startswith("controlnet_")}
    return {name: CONTROL + found[name] for name in names}


def control_shape(shapes: Shapes) -> UNetShape:
    """The half U-Net of a ControlNet's tensors under diffusers' names. Raises KeyError where one is missing."""
    own = {new: shapes[old] for old, new in ldm_keys.original_unet_names(n for n in shapes if not n.startswith("controlnet_")).items()}
    names = list(own)
    down = levels(names, "input_blocks")
    first, channels = 1, list[int]()
    for level in down:
        channels.append(own[f"input_blocks.{first}.0.out_layers.3.weight"][0])
        first += len(level) + 1
    attention = next((name.split(".transformer_blocks.")[0] for name in names if ".transformer_blocks." in name), "middle_block.1")
    return UNetShape(
        in_channels=own["input_blocks.0.0.weight"][1],
        out_channels=4,
        channels=tuple(channels),
        down=down,
        up=(),
        middle=depth(names, "middle_block.1") or None,
        context=own[f"{attention}.transformer_blocks.0.attn2.to_k.weight"][1],
        linear=len(own[f"{attention}.proj_in.weight"]) == 2,
        vector=own["label_emb.0.0.weight"][1] if "label_emb.0.0.weight" in own else None,
    )


def control_config(shape: UNetShape, shapes: Shapes) -> dict[str, Any]:
    """The arguments of diffusers' ControlNetModel. Raises ValueError for depths that it cannot build."""
    config = shape.config()
    counts = set(config["layers_per_block"])
    if len(counts) != 1 or any(len(set(level)) != 1 for level in shape.down):
        raise ValueError("levels of equal blocks")
    depths = [level[0] if isinstance(level, list) else level for level in config["transformer_layers_per_block"]]
    for name in ("out_channels", "up_block_types", "reverse_transformer_layers_per_block", "mid_block_type"):
        config.pop(name)
    hint = [shapes[f"{HINT}.conv_in.weight"][0], *(shapes[f"{HINT}.blocks.{number}.weight"][0] for number in (1, 3, 5))]
    return config | {
        "layers_per_block": counts.pop(),
        "transformer_layers_per_block": depths,
        "conditioning_channels": shapes[f"{HINT}.conv_in.weight"][1],
        "conditioning_embedding_out_channels": hint,
    }


def adapter_names(names: Iterable[str]) -> dict[str, str]:
    """File name to diffusers name, for every tensor of a T2I-Adapter in whichever layout."""
    names = list(names)
    if any(".resnets." in name for name in names):
        return {name: "adapter." + name.removeprefix("adapter.") for name in names}
    light = any(".out_conv." in name for name in names)
    return {name: adapter_name(name.removeprefix("adapter."), light=light) for name in names}


def adapter_name(name: str, *, light: bool) -> str:
    """One of them in its own layout, `adapter.` taken off."""
    if light:
        return "adapter." + re.sub(r"^(body\.\d+)\.body\.", r"\1.resnets.", name)
    match = re.match(r"body\.(\d+)\.(block[12]|in_conv)\.(.*)", name)
    if match is None:
        return "adapter." + name
    level, place = divmod(int(match[1]), RESIDUALS_A_LEVEL)
    if match[2] == "in_conv" and place == 0:
        return f"adapter.body.{level}.in_conv.{match[3]}"
    return f"adapter.body.{level}.resnets.{place}.{match[2]}.{match[3]}"
