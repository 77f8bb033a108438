"""The tensor names of Stable Diffusion's single files, and diffusers' names for the same tensors, both ways.

The file's names count blocks through (`input_blocks.4.1`), diffusers' say level and place (`down_blocks.1.attentions.0`).
Which is which follows from the file's own names, so networks of any depth and width are understood.
"""

import re
from collections.abc import Iterable, Mapping

UNET = "model.diffusion_model."
VAE = "first_stage_model."
TEXT = "cond_stage_model.transformer.text_model."

RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
UNET_ENDS = {
    "input_blocks.0.0": "conv_in",
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
    "middle_block.1": "mid_block.attentions.0",
    "label_emb.0.0": "add_embedding.linear_1",
    "label_emb.0.2": "add_embedding.linear_2",
}
VAE_ATTENTION = {"norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}
VAE_ENDS = {"norm_out": "conv_norm_out"}


def unet_modules(names: Iterable[str]) -> dict[str, str]:
    """Each module of a U-Net file (names without `model.diffusion_model.`) and its name in diffusers."""
    names = list(names)
    modules = dict(UNET_ENDS)
    for block, place in (("middle_block.0", "mid_block.resnets.0"), ("middle_block.2", "mid_block.resnets.1")):
        modules |= {f"{block}.{old}": f"{place}.{new}" for old, new in RESNET.items()}
    level = place = 0
    for block in blocks(names, "input_blocks")[1:]:
        if has(names, f"{block}.0.op"):
            modules[f"{block}.0.op"] = f"down_blocks.{level}.downsamplers.0.conv"
            level, place = level + 1, 0
            continue
        modules |= resnet_and_attention(names, block, f"down_blocks.{level}", place)
        place += 1
    level = place = 0
    for block in blocks(names, "output_blocks"):
        modules |= resnet_and_attention(names, block, f"up_blocks.{level}", place)
        place += 1
        for part in ("1", "2"):
            if has(names, f"{block}.{part}.conv"):
                modules[f"{block}.{part}.conv"] = f"up_blocks.{level}.upsamplers.0.conv"
                level, place = level + 1, 0
    return modules


def resnet_and_attention(names: list[str], block: str, level: str, place: int) -> dict[str, str]:
    """The modules of one numbered block: a residual block, and attention behind it where there is any."""
    modules = {f"{block}.0.{old}": f"{level}.resnets.{place}.{new}" for old, new in RESNET.items()}
    if has(names, f"{block}.1.transformer_blocks"):
        modules[f"{block}.1"] = f"{level}.attentions.{place}"
    return modules


def blocks(names: list[str], kind: str) -> list[str]:
    """`kind.0`, `kind.1`, ... as far as the names go; a file cannot make it more than a thousand."""
    numbers = {int(match.group(1)) for name in names if (match := re.match(rf"{kind}\.(\d{{1,3}})\.", name))}
    return [f"{kind}.{number}" for number in range(max(numbers, default=-1) + 1)]


def has(names: list[str], prefix: str) -> bool:
    """Whether any name lies below a prefix."""
    return any(name.startswith(prefix + ".") for name in names)


def vae_modules(names: Iterable[str]) -> dict[str, str]:
    """Each module of a VAE file (names without `first_stage_model.`) and its name in diffusers."""
    names = list(names)
    levels = 1 + max(int(match.group(1)) for name in names if (match := re.match(r"encoder\.down\.(\d{1,3})\.", name)))
    modules: dict[str, str] = {}
    for half in ("encoder", "decoder"):
        modules |= {f"{half}.{old}": f"{half}.{new}" for old, new in VAE_ENDS.items()}
        modules |= {f"{half}.mid.block_{i + 1}": f"{half}.mid_block.resnets.{i}" for i in range(2)}
        modules |= {f"{half}.mid.attn_1.{old}": f"{half}.mid_block.attentions.0.{new}" for old, new in VAE_ATTENTION.items()}
    for level in range(levels):
        up = levels - 1 - level
        modules[f"encoder.down.{level}.downsample"] = f"encoder.down_blocks.{level}.downsamplers.0"
        modules[f"decoder.up.{level}.upsample"] = f"decoder.up_blocks.{up}.upsamplers.0"
        for i in range(9):
            modules[f"encoder.down.{level}.block.{i}"] = f"encoder.down_blocks.{level}.resnets.{i}"
            modules[f"decoder.up.{level}.block.{i}"] = f"decoder.up_blocks.{up}.resnets.{i}"
    return modules


def renamed(name: str, modules: Mapping[str, str]) -> str:
    """A tensor's name with the longest module that begins it replaced; a name without one stays."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        new = modules.get(".".join(parts[:length]))
        if new is not None:
            return ".".join([new, *parts[length:]])
    return name


def unet_names(names: Iterable[str]) -> dict[str, str]:
    """File name to diffusers name, for every tensor of a U-Net."""
    names = list(names)
    modules = unet_modules(names)
    return {name: renamed(name, modules) for name in names}


def vae_names(names: Iterable[str]) -> dict[str, str]:
    """File name to diffusers name, for every tensor of a VAE."""
    names = list(names)
    modules = vae_modules(names)
    return {name: renamed(name, modules).replace("nin_shortcut", "conv_shortcut") for name in names}


def original_unet_names(names: Iterable[str]) -> dict[str, str]:
    """diffusers name to file name, for every tensor of a U-Net."""
    names = list(names)
    modules = {new: old for old, new in UNET_ENDS.items()}
    modules |= {f"class_embedding.linear_{i + 1}": f"label_emb.0.{2 * i}" for i in range(2)}  # another of diffusers' names for it
    for i, block in enumerate(("middle_block.0", "middle_block.2")):
        modules |= {f"mid_block.resnets.{i}.{new}": f"{block}.{old}" for old, new in RESNET.items()}
    for kind, original, first in (("down_blocks", "input_blocks", 1), ("up_blocks", "output_blocks", 0)):
        number = first
        for level in blocks(names, kind):
            for place in range(len(blocks([name.removeprefix(level + ".") for name in names if name.startswith(level + ".")], "resnets"))):
                modules |= {f"{level}.resnets.{place}.{new}": f"{original}.{number}.0.{old}" for old, new in RESNET.items()}
                modules[f"{level}.attentions.{place}"] = f"{original}.{number}.1"
                number += 1
            if has(names, f"{level}.downsamplers"):
                modules[f"{level}.downsamplers.0.conv"] = f"{original}.{number}.0.op"
                number += 1
            if has(names, f"{level}.upsamplers"):
                part = 2 if has(names, f"{level}.attentions") else 1
                modules[f"{level}.upsamplers.0.conv"] = f"{original}.{number - 1}.{part}.conv"
    return {name: renamed(name, modules) for name in names}


def original_vae_names(names: Iterable[str]) -> dict[str, str]:
    """diffusers name to file name, for every tensor of a VAE."""
    names = list(names)
    levels = blocks([name.removeprefix("encoder.") for name in names], "down_blocks")
    modules = {new: old for old, new in vae_modules(f"encoder.down.{i}." for i in range(len(levels))).items()}
    return {name: renamed(name, modules).replace("conv_shortcut", "nin_shortcut") for name in names}
