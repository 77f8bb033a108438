"""Stable Diffusion 1 and 2: Rombach et al. 2022, arXiv:2112.10752. What their files hold, and how such a file is written."""

from collections.abc import Mapping

from torch import Tensor

from modules.families import ldm_keys
from modules.families.family import Family, TextPart
from modules.families.ldm_keys import TEXT, UNET, VAE
from modules.families.text_encoder import Reading

SCALE = 0.18215

SD1 = Family(
    "sd1",
    "a Stable Diffusion 1 checkpoint",
    TEXT + "final_layer_norm.weight",
    (TextPart("clip_l", TEXT, "clip", Reading(skips="always")),),
    SCALE,
)
SD2 = Family(
    "sd2",
    "a Stable Diffusion 2 checkpoint",
    "cond_stage_model.model.ln_final.weight",
    (TextPart("clip_h", "cond_stage_model.model.", "open_clip", Reading(layer=2, padding=0)),),
    SCALE,
)


def single_file(unet: Mapping[str, Tensor], vae: Mapping[str, Tensor], text: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Networks under diffusers' and transformers' names as one Stable Diffusion 1 file in the original layout."""
    tensors = unet_file(unet) | vae_file(vae)
    tensors |= {TEXT + name.removeprefix("text_model."): value for name, value in text.items() if not name.endswith("position_ids")}
    return tensors


def unet_file(unet: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A U-Net under diffusers' names as the part of an original file that it is."""
    return {UNET + old: unet[new] for new, old in ldm_keys.original_unet_names(unet).items()}


def vae_file(vae: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A VAE under diffusers' names as the part of an original file that it is."""
    tensors: dict[str, Tensor] = {}
    for new, old in ldm_keys.original_vae_names(vae).items():
        value = vae[new]
        tensors[VAE + old] = value[:, :, None, None] if ".mid.attn_1." in old and value.dim() == 2 else value
    return tensors
