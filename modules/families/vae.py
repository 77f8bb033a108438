"""Autoencoders, from a checkpoint or a file of their own, in any layout. Kingma and Welling 2014, arXiv:1312.6114."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from accelerate import init_empty_weights
from diffusers import AutoencoderKL
from torch import Tensor

from modules.families import ldm_keys
from modules.families.loading import cast, lay_out, load_weights, part_of
from modules.families.sd_shape import Shapes, vae_config
from modules.runtime.placement import Placing
from modules.weights.header import BadModel

PREFIX = ldm_keys.VAE
OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}  # diffusers before 0.15


def original_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A VAE file's tensors under the original names without prefix, whatever layout the file has; what is no VAE's is left out."""
    own = part_of(tensors, PREFIX) or dict(tensors)
    if any(".down_blocks." in name for name in own):
        own = {new_attention(name): value for name, value in own.items()}
        own = {old: own[new] for new, old in ldm_keys.original_vae_names(own).items()}
    return {name: value for name, value in own.items() if name.startswith(("encoder.", "decoder.", "quant_conv.", "post_quant_conv."))}


def new_attention(name: str) -> str:
    """A name of diffusers' with the attention's parts called as they are now."""
    for old, new in OLD_ATTENTION.items():
        name = name.replace(f".attentions.0.{old}.", f".attentions.0.{new}.")
    return name


def diffusers_tensors(own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A VAE's tensors (original names) under diffusers' names. Its attention's 1x1 convolutions become the matrices that they are."""
    named = {new: own[old] for old, new in ldm_keys.vae_names(own).items()}
    return {name: value.flatten(1) if ".attentions.0.to_" in name and value.dim() == 4 else value for name, value in named.items()}


def checked_config(shapes: Shapes, path: Path) -> dict[str, Any]:
    """diffusers' configuration of a VAE with tensors of some shapes (original names). Raises BadModel where one is missing."""
    try:
        return vae_config(shapes)
    except (KeyError, ValueError, IndexError) as error:
        raise BadModel(path, f"it is no VAE of Stable Diffusion (it lacks {error})") from None


def load_vae(tensors: Mapping[str, Tensor], path: Path, place: Placing) -> AutoencoderKL:
    """A VAE from a file's tensors, with or without `first_stage_model.`, waiting on the processor. Raises BadModel."""
    own = original_tensors(tensors)
    with init_empty_weights(include_buffers=False):
        vae = AutoencoderKL(**checked_config({name: tuple(value.shape) for name, value in own.items()}, path))
    load_weights(vae, cast(diffusers_tensors(own), place.device.vae_dtype), path, "VAE")
    # The processor's group norm in channels-last order takes the variance as a difference of large numbers: of a plain grey
    # picture, which is what inpainting models see in txt2img, nothing would be left.
    lay_out(vae, torch.channels_last if place.device.channels_last else torch.contiguous_format)
    if place.device.place.type == "cpu":
        lay_out(vae.encoder)
    return vae
