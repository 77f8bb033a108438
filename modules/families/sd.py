"""Stable Diffusion 1: Rombach et al. 2022, arXiv:2112.10752. A file in the original layout to a loaded model, and back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from accelerate import init_empty_weights
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

from modules.contract.errors import NotSupported
from modules.families import ldm_keys
from modules.families.base import Components, LatentFormat, load_weights, plain_colours
from modules.families.clip_text import ClipText
from modules.families.ldm_keys import TEXT, UNET, VAE
from modules.families.sd_shape import text_config, unet_shape, vae_config
from modules.sampling.prediction import Epsilon, scaled_linear_alphas
from modules.weights.header import BadModel, Header

SCALE = 0.18215


def matches(header: Header) -> bool:
    """Whether a file holds a Stable Diffusion 1 checkpoint."""
    return UNET + "input_blocks.0.0.weight" in header.tensors and TEXT + "final_layer_norm.weight" in header.tensors


def part_of(tensors: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The entries under a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def check(header: Header, config: Mapping[str, Any] | None = None) -> None:
    """Raise BadModel or NotSupported for a file that matches but cannot be loaded; reads names and shapes only."""
    shapes = {name: info.shape for name, info in header.tensors.items()}
    for prefix, part in ((VAE, "VAE"), (UNET, "U-Net"), (TEXT, "text encoder")):
        if not any(name.startswith(prefix) for name in shapes):
            raise BadModel(header.path, f"it has no {part}", "It may be a part of a model, not a whole checkpoint.")
    try:
        shape = unet_shape(part_of(shapes, UNET))
        vae_config(part_of(shapes, VAE))
        text_config(part_of(shapes, TEXT))
    except (KeyError, ValueError, IndexError) as error:
        raise BadModel(header.path, f"it lacks the tensor {error}") from None
    if shape.in_channels != 4:
        kind = {9: "inpainting", 8: "instruct-pix2pix"}.get(shape.in_channels, f"{shape.in_channels}-channel")
        raise NotSupported(f"{header.path.name} is an {kind} model; these cannot be used yet.")
    if parameter(config, "parameterization", "eps") != "eps":
        raise NotSupported(f"{header.path.name} predicts velocity, says its yaml; such SD 1 models cannot be used yet.")


def parameter(config: Mapping[str, Any] | None, name: str, default: Any, *, part: str | None = None) -> Any:
    """A value of a checkpoint's yaml, as the original code lays it out: model.params, or a part's params within it."""
    params: Any = ((config or {}).get("model") or {}).get("params") or {}
    if part:
        params = (params.get(part) or {}).get("params") or {}
    return params.get(name, default)


def load(
    tensors: dict[str, Tensor],
    header: Header,
    *,
    config: Mapping[str, Any] | None,
    device: torch.device,
    dtype: torch.dtype,
    vae_dtype: torch.dtype,
    channels_last: bool,
) -> Components:
    """A checkpoint's components, on a device. `config` is the yaml beside the file, None without one.

    The text encoder stays in float32 on a processor: it is small, and its rounding shows in every step.
    """
    check(header, config)
    shape = unet_shape({name: tuple(value.shape) for name, value in part_of(tensors, UNET).items()})
    shape = replace(shape, heads=parameter(config, "num_heads", None, part="unet_config"))
    text_dtype = torch.float32 if device.type == "cpu" else dtype
    with init_empty_weights(include_buffers=False):
        unet = UNet2DConditionModel(**shape.config())
        vae = AutoencoderKL(**vae_config({name: tuple(value.shape) for name, value in part_of(tensors, VAE).items()}))
        text = CLIPTextModel(CLIPTextConfig(**text_config({name: tuple(v.shape) for name, v in part_of(tensors, TEXT).items()})))
    load_weights(unet, cast(unet_tensors(tensors), dtype), header.path, "U-Net")
    load_weights(vae, cast(vae_tensors(tensors), vae_dtype), header.path, "VAE")
    load_weights(text, cast(text_tensors(tensors, text), text_dtype), header.path, "text encoder")
    layout = torch.channels_last if channels_last else torch.contiguous_format
    for module, arrangement in ((unet, layout), (vae, layout), (text, torch.contiguous_format)):
        module: nn.Module
        module.to(device=device, memory_format=arrangement)  # pyright: ignore[reportCallIssue] - torch lacks this overload
        module.eval().requires_grad_(False)
    scale = parameter(config, "scale_factor", SCALE)
    alphas = scaled_linear_alphas(
        parameter(config, "linear_start", 0.00085), parameter(config, "linear_end", 0.0120), parameter(config, "timesteps", 1000)
    )
    return Components(
        unet=unet,
        vae=vae,
        text=ClipText(text),
        prediction=Epsilon(alphas).to(device),
        latents=LatentFormat(4, 8, scale, *plain_colours(vae, scale)),
        dtype=dtype,
        vae_dtype=vae_dtype,
        device=device,
    )


def cast(tensors: dict[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """The tensors in one floating type. Whole numbers stay."""
    return {name: value.to(dtype) if value.is_floating_point() else value for name, value in tensors.items()}


def unet_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A file's U-Net under diffusers' names."""
    own = part_of(tensors, UNET)
    return {new: own[old] for old, new in ldm_keys.unet_names(own).items()}


def vae_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A file's VAE under diffusers' names. Its attention's 1x1 convolutions become the matrices that they are."""
    own = part_of(tensors, VAE)
    named = {new: own[old] for old, new in ldm_keys.vae_names(own).items()}
    return {name: value.flatten(1) if ".attentions.0.to_" in name and value.dim() == 4 else value for name, value in named.items()}


def text_tensors(tensors: Mapping[str, Tensor], model: CLIPTextModel) -> dict[str, Tensor]:
    """A file's text encoder under the names that this version of transformers has; position numbers are left out."""
    prefix = "text_model." if any(name.startswith("text_model.") for name, _ in model.named_parameters()) else ""
    own = part_of(tensors, TEXT)
    return {prefix + name: value for name, value in own.items() if not name.endswith("position_ids")}


def single_file(unet: Mapping[str, Tensor], vae: Mapping[str, Tensor], text: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Networks under diffusers' and transformers' names as one file in the original layout."""
    tensors = {UNET + old: unet[new] for new, old in ldm_keys.original_unet_names(unet).items()}
    for new, old in ldm_keys.original_vae_names(vae).items():
        value = vae[new]
        tensors[VAE + old] = value[:, :, None, None] if ".mid.attn_1." in old and value.dim() == 2 else value
    tensors |= {TEXT + name.removeprefix("text_model."): value for name, value in text.items() if not name.endswith("position_ids")}
    return tensors
