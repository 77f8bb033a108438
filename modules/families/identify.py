"""Which model a file is, from its names, shapes, metadata and yaml; and what it is instead, if it is none that can be used."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from modules.contract.errors import NotSupported
from modules.families import diffusers_folder
from modules.families.family import Family, canonical_names
from modules.families.ldm_keys import UNET, VAE
from modules.families.loading import part_of
from modules.families.sd import SD1, SD2
from modules.families.sd_shape import UNetShape, text_config, unet_shape, vae_config
from modules.families.sdxl import REFINER, SDXL
from modules.families.variant import Inputs, Variant
from modules.weights.config import config_beside, read_config
from modules.weights.files import describe
from modules.weights.header import BadModel, Header

FAMILIES: tuple[Family, ...] = (SDXL, REFINER, SD2, SD1)  # the refiner's mark is in SDXL files of some kinds too

# Files that look like one of these families and are of another kind.
LOOKALIKES = {
    "depth_model.model.pretrained.act_postprocess3.0.project.0.bias": "a Stable Diffusion 2 depth model, which cannot be used",
    "embedder.model.ln_final.weight": "a Stable Diffusion 2 unCLIP model, which cannot be used",
    "cond_stage_model.roberta.embeddings.word_embeddings.weight": "an AltDiffusion checkpoint, which cannot be used",
    "edm_mean": "a Playground checkpoint with another noise schedule (EDM), which cannot be used",
    "edm_vpred.sigma_max": "a CosXL checkpoint with another noise schedule (EDM), which cannot be used",
    "scaled_fp8": "a checkpoint in scaled 8-bit numbers, which cannot be used; one in plain fp8 or fp16 can",
}
# What the other kinds of file are known by, so that a refusal can say what the file is.
STRANGERS = {
    "model.diffusion_model.x_embedder.proj.weight": "a Stable Diffusion 3 checkpoint, which cannot be used",
    "model.diffusion_model.joint_blocks.0.context_block.adaLN_modulation.1.weight": "a Stable Diffusion 3 checkpoint, which cannot be used",
    "double_blocks.0.img_attn.norm.key_norm.scale": "a Flux model, which cannot be used",
    "model.diffusion_model.double_blocks.0.img_attn.norm.key_norm.scale": "a Flux model, which cannot be used",
    "first_stage_model.encoder.conv_in.weight": "a part of a checkpoint",
    "encoder.conv_in.weight": "a VAE, not a checkpoint; it belongs into models/VAE",
    "down_blocks.0.resnets.0.norm1.weight": "a U-Net alone, not a checkpoint; diffusers' folders can be used as a whole",
    "control_model.input_blocks.0.0.weight": "a ControlNet, not a checkpoint; it belongs into models/ControlNet",
}
Prediction = Literal["eps", "v", "unknown"]
WORDS: dict[str, Prediction] = {"v": "v", "v_prediction": "v", "v-prediction": "v", "vprediction": "v", "epsilon": "eps", "eps": "eps"}


def identify(header: Header, config: Mapping[str, Any] | None = None) -> Variant:
    """The model of a file, with the yaml beside it. Reads names and shapes only.

    Raises NotSupported or BadModel with what the file is instead, or which part it lacks.
    """
    names = canonical_names(header.tensors)
    for mark, kind in LOOKALIKES.items():
        if mark in names:
            raise NotSupported(f"{header.path.name} is {kind}.")
    if any(name.endswith((".scale_weight", ".weight_scale")) for name in names):
        raise NotSupported(f"{header.path.name} is {LOOKALIKES['scaled_fp8']}.")
    family = family_of(header)
    shapes = {new: header.tensors[old].shape for new, old in names.items()}
    unet = checked_parts(family, shapes, header.path)
    inputs = inputs_of(unet, header.path)
    prediction, zero_snr = prediction_of(family, inputs, names, header, config)
    return Variant(family.name, inputs, prediction, zero_snr)


def family_of(header: Header) -> Family:
    """The family of a file. Raises NotSupported or BadModel with what the file is instead."""
    names = canonical_names(header.tensors)
    for family in FAMILIES:
        if family.matches(names):
            return family
    for mark, kind in STRANGERS.items():
        if mark in names:
            raise NotSupported(f"{header.path.name} is {kind}.")
    if any("lora_" in name or ".lora" in name for name in names):
        raise NotSupported(f"{header.path.name} is a LoRA, not a checkpoint; it belongs into models/Lora.")
    raise BadModel(header.path, "it is not a Stable Diffusion checkpoint")


def checked_parts(family: Family, shapes: Mapping[str, tuple[int, ...]], path: Path) -> UNetShape:
    """The shape of a file's U-Net, after all its parts have been looked at. Raises BadModel with what is missing."""
    hint = "It may be a part of a model, not a whole checkpoint."
    parts = [(UNET, "U-Net"), (VAE, "VAE"), *((text.prefix, "text encoder") for text in family.texts)]
    for prefix, part in parts:
        if not any(name.startswith(prefix) for name in shapes):
            raise BadModel(path, f"it looks like {family.title} and has no {part}", hint)
    try:
        unet = unet_shape(part_of(shapes, UNET))
        unet.config()
        vae_config(part_of(shapes, VAE))
        for text in family.texts:
            text_config(text.shapes(shapes))
    except (KeyError, ValueError, IndexError) as error:
        raise BadModel(path, f"it looks like {family.title} and lacks {error}") from None
    return unet


def inputs_of(unet: UNetShape, path: Path) -> Inputs:
    """What a network sees beside the latents, by the channels of its first convolution. Raises NotSupported."""
    kinds: dict[int, Inputs] = {4: "plain", 9: "inpaint", 8: "edit"}
    others = {5: "a depth model", 7: "an upscaling model"}
    if unet.in_channels not in kinds:
        kind = others.get(unet.in_channels, f"a model with {unet.in_channels} input channels")
        raise NotSupported(f"{path.name} is {kind}; models with 4, 8 or 9 input channels can be used.")
    return kinds[unet.in_channels]


def prediction_of(
    family: Family, inputs: Inputs, names: Mapping[str, str], header: Header, config: Mapping[str, Any] | None
) -> tuple[Prediction, bool]:
    """What a network predicts, and whether to a last step of noise alone: by the yaml, else by the file's own words."""
    zero_snr = "ztsnr" in names or header.metadata.get("ss_zero_terminal_snr") == "True"
    said = prediction_in(config, header.path)
    if said is None:
        said = WORDS.get(header.metadata.get("modelspec.prediction_type", "").lower())
    if said is None and "v_pred" in names:
        said = "v"
    if said is None:
        said = "unknown" if family is SD2 and inputs == "plain" else "eps"
    return said, zero_snr and said == "v"


def prediction_in(config: Mapping[str, Any] | None, path: Path) -> Prediction | None:
    """What a yaml says that the network predicts; None without a yaml. Raises NotSupported for a kind that is not known here."""
    if config is None:
        return None
    denoiser = parameter(config, "scaling_config", {}, part="denoiser_config")
    scaling = str(denoiser.get("target", "")).rsplit(".", 1)[-1] if isinstance(denoiser, Mapping) else ""
    known: dict[str, Prediction] = {"EpsScaling": "eps", "VScaling": "v", "": "eps"}
    if scaling not in known:
        raise NotSupported(f"{path.name} has the scaling '{scaling}' in its yaml; EpsScaling and VScaling can be used.")
    return "v" if parameter(config, "parameterization", "eps") == "v" else known[scaling]


def parameter(config: Mapping[str, Any] | None, name: str, default: Any, *, part: str | None = None) -> Any:
    """A value of a checkpoint's yaml, as the original code lays it out: model.params, or a part's params within it."""
    params: Any = ((config or {}).get("model") or {}).get("params") or {}
    if part:
        params = (params.get(part) or {}).get("params") or {}
    return params.get(name, default)


def check_checkpoint(path: Path) -> None:
    """Raise a WebuiError unless the file or folder is a model that can be loaded. Of a pickle only the size is judged here."""
    if path.is_dir():
        diffusers_folder.identify_folder(path)
    elif path.suffix.lower() == ".safetensors":
        identify(describe(path), read_config(config_beside(path)))
