"""The networks of a model, put together and placed where they compute."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from accelerate import init_empty_weights
from diffusers import AutoencoderKL
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from modules.families.base import Components, LatentFormat, plain_colours
from modules.families.loading import cast, lay_out, load_weights
from modules.families.sd_shape import text_config
from modules.families.text_encoder import Key, Reading, TextEncoder
from modules.families.unet import UNet, build_unet
from modules.families.variant import Variant
from modules.runtime.placement import Placing, placement_for, size_of, store_in_8_bits
from modules.sampling.prediction import Epsilon, Prediction, Velocity, scaled_linear_alphas, zero_terminal_snr


@dataclass(frozen=True)
class Schedule:
    """The noise that a model was trained on: the ends of its betas and their number."""

    start: float = 0.00085
    end: float = 0.0120
    count: int = 1000


def make_unet(config: Mapping[str, object], tensors: Mapping[str, Tensor], path: Path, place: Placing) -> UNet:
    """A U-Net from tensors under diffusers' names. Raises BadModel."""
    with init_empty_weights(include_buffers=False):
        unet = build_unet(config)
    load_weights(unet, cast(tensors, place.device.dtype), path, "U-Net")
    return lay_out(unet, torch.channels_last if place.device.channels_last else torch.contiguous_format)


def make_encoder(
    key: Key, reading: Reading, tensors: Mapping[str, Tensor], path: Path, place: Placing, *, activation: str = "quick_gelu"
) -> TextEncoder:
    """A text encoder from tensors under transformers' names, `text_model.` left out. Raises BadModel.

    It stays in float32 on a processor: it is small, and its rounding shows in every step.
    """
    config = CLIPTextConfig(**text_config({name: tuple(value.shape) for name, value in tensors.items()}, activation=activation))
    with init_empty_weights(include_buffers=False):
        model = CLIPTextModelWithProjection(config) if reading.pooled else CLIPTextModel(config)
    nested = any(name.startswith("text_model.") for name, _ in model.named_parameters())  # the versions of transformers differ in it
    named = {
        name if name.startswith("text_projection.") or not nested else "text_model." + name: value
        for name, value in tensors.items()
        if not name.endswith("position_ids")
    }
    dtype = torch.float32 if place.device.place.type == "cpu" else place.device.dtype
    load_weights(model, cast(named, dtype), path, "text encoder")
    return TextEncoder(key, lay_out(model), reading)


def assemble(
    variant: Variant, unet: UNet, encoders: list[TextEncoder], vae: AutoencoderKL, *, schedule: Schedule, scale: float, place: Placing
) -> Components:
    """The components of a model, each where it shall wait."""
    models = [encoder.model for encoder in encoders]
    if place.fp8:
        for model in (unet, *models):
            store_in_8_bits(model, model.dtype)
    placement = placement_for(place, {"unet": size_of(unet), "text": size_of(*models), "vae": size_of(vae)})
    placement.add("unet", unet, layers=True)
    placement.add("text", *models)
    placement.add("vae", vae)
    device = place.device
    with placement.on_device("vae"):
        latents = LatentFormat(4, 8, scale, *plain_colours(vae, scale))
    components = Components(
        variant=variant,
        unet=unet,
        vae=vae,
        encoders=encoders,
        prediction=prediction_for(variant, schedule, device.place),
        latents=latents,
        dtype=device.dtype,
        vae_dtype=device.vae_dtype,
        device=device.place,
        placement=placement,
    )
    if variant.prediction == "unknown":
        components.variant = replace(variant, prediction=tried_prediction(components))
        components.prediction = prediction_for(components.variant, schedule, device.place)
    return components


def prediction_for(variant: Variant, schedule: Schedule, device: torch.device) -> Prediction:
    """What the network's output means, with the table of noise levels."""
    alphas = scaled_linear_alphas(schedule.start, schedule.end, schedule.count)
    if variant.zero_snr:
        alphas = zero_terminal_snr(alphas)
    return (Velocity if variant.prediction == "v" else Epsilon)(alphas).to(device)


@torch.inference_mode()
def tried_prediction(components: Components) -> str:
    """'v' or 'eps', by what the network makes of a plain grey at the last timestep: the velocity there is far below zero."""
    x = torch.full((1, components.latents.channels, 8, 8), 0.5, device=components.device)
    context = torch.full((1, 2, components.unet.config["cross_attention_dim"]), 0.5, device=components.device)
    output = components.predict(x, torch.tensor([999], device=components.device), context)
    return "v" if (output - x).mean().item() < -1 else "eps"
