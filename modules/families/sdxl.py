"""Stable Diffusion XL and its refiner: Podell et al. 2023, arXiv:2307.01952.

The base model reads the last layer but one of CLIP-L and of OpenCLIP-G, without their final norm; beside the context the network
is told the pooled text and six numbers: the size that a picture had, where it was cut off, and the size that it shall have. The
refiner has OpenCLIP-G alone, and in place of the last two numbers a score of how much people would like the picture.
"""

from modules.families.family import Family, TextPart
from modules.families.text_encoder import Reading

SCALE = 0.13025
SMALL = Reading(layer=2, norm=False, skips="sdxl")
LARGE = Reading(layer=2, norm=False, padding=0, pooled=True)

SDXL = Family(
    "sdxl",
    "an SDXL checkpoint",
    "conditioner.embedders.1.model.ln_final.weight",
    (
        TextPart("clip_l", "conditioner.embedders.0.transformer.text_model.", "clip", SMALL),
        TextPart("clip_g", "conditioner.embedders.1.model.", "open_clip", LARGE),
    ),
    SCALE,
)
REFINER = Family(
    "sdxl-refiner",
    "an SDXL refiner",
    "conditioner.embedders.0.model.ln_final.weight",
    (TextPart("clip_g", "conditioner.embedders.0.model.", "open_clip", LARGE),),
    SCALE,
)
