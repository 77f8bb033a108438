"""A checkpoint, one file or a folder of diffusers', to a loaded model."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from modules.families import diffusers_folder, ldm_keys, open_clip
from modules.families.assembly import Schedule, assemble, make_encoder, make_unet
from modules.families.base import Components
from modules.families.family import TextPart, canonical_names
from modules.families.identify import family_of, identify, parameter
from modules.families.loading import part_of
from modules.families.sd_shape import unet_shape
from modules.families.text_encoder import TextEncoder
from modules.families.unet import UNet
from modules.families.vae import load_vae
from modules.families.variant import Variant
from modules.runtime.placement import Placing
from modules.weights.config import read_config
from modules.weights.files import describe, read_tensors
from modules.weights.header import Header


def variant_of(path: Path, config_path: Path | None) -> Variant:
    """What model a file or a folder of diffusers' is, its weights unread. Raises NotSupported and BadModel with what it is instead."""
    if path.is_dir():
        return diffusers_folder.identify_folder(path)
    return identify(describe(path), read_config(config_path))


def load_checkpoint(path: Path, config_path: Path | None, place: Placing) -> Components:
    """A model from a file or from a folder of diffusers'. Raises NotSupported and BadModel with what is wrong with it."""
    if path.is_dir():
        return diffusers_folder.load_folder(path, place)
    return load(read_tensors(path), describe(path), config=read_config(config_path), place=place)


def load(tensors: Mapping[str, Tensor], header: Header, *, config: Mapping[str, Any] | None, place: Placing) -> Components:
    """A checkpoint's components. `config` is the yaml beside the file, None without one. Raises NotSupported, BadModel."""
    variant, family = identify(header, config), family_of(header)
    own = {new: tensors[old] for new, old in canonical_names(tensors).items()}
    unet = load_unet(part_of(own, ldm_keys.UNET), header.path, config, place)
    encoders = [load_encoder(part, part_of(own, part.prefix), header.path, config, place) for part in family.texts]
    schedule = Schedule(
        parameter(config, "linear_start", Schedule.start),
        parameter(config, "linear_end", Schedule.end),
        parameter(config, "timesteps", Schedule.count),
    )
    scale = parameter(config, "scale_factor", family.scale)
    return assemble(variant, unet, encoders, load_vae(own, header.path, place), schedule=schedule, scale=scale, place=place)


def load_unet(own: Mapping[str, Tensor], path: Path, config: Mapping[str, Any] | None, place: Placing) -> UNet:
    """A U-Net from a file's tensors (original names, without prefix); heads as the yaml says, if it does."""
    shape = unet_shape({name: tuple(value.shape) for name, value in own.items()})
    for part in ("unet_config", "network_config"):
        for name, field in (("num_heads", "heads"), ("num_head_channels", "head_channels")):
            value = parameter(config, name, None, part=part)
            if isinstance(value, int) and value > 0:
                shape = replace(shape, **{field: value})
    return make_unet(shape.config(), {new: own[old] for old, new in ldm_keys.unet_names(own).items()}, path, place)


def load_encoder(part: TextPart, own: Mapping[str, Tensor], path: Path, config: Mapping[str, Any] | None, place: Placing) -> TextEncoder:
    """A text encoder from a file's tensors, its prefix taken off; SD 2's reads the last layer if the yaml says so."""
    if part.layout == "clip":
        return make_encoder(part.key, part.reading, own, path, place)
    last = part.key == "clip_h" and parameter(config, "layer", "penultimate", part="cond_stage_config") == "last"
    reading = replace(part.reading, layer=1) if last else part.reading
    tensors = open_clip.transformers_tensors(own)
    if not reading.pooled:
        tensors.pop("text_projection.weight", None)
    return make_encoder(part.key, reading, tensors, path, place, activation="gelu")
