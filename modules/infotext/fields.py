"""The labels of an infotext: which field of a request or which setting each of them stands for. The one table of them."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple


class Field(NamedTuple):
    """A label, A1111's name of the field in its API, and ours.

    Ours is a path: `hires.scale`; what begins with `source` or `inpaint` needs a picture before it is a request.
    `read` makes the value of the text, and raises ValueError.
    """

    label: str
    api: str
    ours: str
    read: Callable[[str], Any]


class SettingLabel(NamedTuple):
    """A label, the key that A1111 gives the setting, and its default there, whose type it has."""

    label: str
    key: str
    default: object


def whole(text: str) -> int:
    """A whole number, exactly. Raises ValueError."""
    try:
        return int(text)
    except ValueError:
        if not finite(text).is_integer():
            raise
        return int(finite(text))


def finite(text: str) -> float:
    """A number. Raises ValueError, for infinity and for what is no number, too."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def number(text: str) -> int | float:
    """A number; a whole one stays whole, as the infotext shows it. Raises ValueError."""
    return int(text) if text.strip().isdecimal() else finite(text)


def unless(same: str) -> Callable[[str], str | None]:
    """A text, or None for the one that means: as the first pass."""
    return lambda text: None if text == same else text


FIELDS = (
    Field("Prompt", "prompt", "prompt", str),
    Field("Negative prompt", "negative_prompt", "negative_prompt", str),
    Field("Steps", "steps", "steps", whole),
    Field("Sampler", "sampler_name", "sampler", str),
    Field("Schedule type", "scheduler", "schedule", str),
    Field("CFG scale", "cfg_scale", "guidance", number),
    Field("Image CFG scale", "image_cfg_scale", "source.image_guidance", finite),
    Field("Seed", "seed", "seed", whole),
    Field("Size-1", "width", "size.width", whole),
    Field("Size-2", "height", "size.height", whole),
    Field("Batch size", "batch_size", "batch_size", whole),
    Field("Variation seed", "subseed", "variation.seed", whole),
    Field("Variation seed strength", "subseed_strength", "variation.strength", finite),
    Field("Seed resize from-1", "seed_resize_from_w", "resize_seed_from.width", whole),
    Field("Seed resize from-2", "seed_resize_from_h", "resize_seed_from.height", whole),
    Field("Denoising strength", "denoising_strength", "source.strength", finite),
    Field("Hires upscale", "hr_scale", "hires.scale", finite),
    Field("Hires resize-1", "hr_resize_x", "hires.size.width", whole),
    Field("Hires resize-2", "hr_resize_y", "hires.size.height", whole),
    Field("Hires upscaler", "hr_upscaler", "hires.upscaler", str),
    Field("Hires steps", "hr_second_pass_steps", "hires.steps", whole),
    Field("Hires checkpoint", "hr_checkpoint_name", "hires.checkpoint", unless("Use same checkpoint")),
    Field("Hires sampler", "hr_sampler_name", "hires.sampler", unless("Use same sampler")),
    Field("Hires schedule type", "hr_scheduler", "hires.schedule", unless("Use same scheduler")),
    Field("Hires prompt", "hr_prompt", "hires.prompt", str),
    Field("Hires negative prompt", "hr_negative_prompt", "hires.negative_prompt", str),
    Field("Refiner", "refiner_checkpoint", "refiner.checkpoint", str),
    Field("Refiner switch at", "refiner_switch_at", "refiner.switch_at", finite),
    Field("Mask blur", "mask_blur", "inpaint.blur", whole),
    Field("Mask mode", "inpainting_mask_invert", "inpaint.invert", lambda text: text == "Inpaint not masked"),
    Field("Masked content", "inpainting_fill", "inpaint.content", str),
    Field("Inpaint area", "inpaint_full_res", "inpaint.only_masked", lambda text: text == "Only masked"),
    Field("Masked area padding", "inpaint_full_res_padding", "inpaint.padding", whole),
)
MASKED_CONTENT = ("fill", "original", "latent noise", "latent nothing")  # A1111's API counts them

SETTINGS = (
    SettingLabel("Face restoration", "face_restoration", False),
    SettingLabel("Model hash", "sd_model_checkpoint", ""),
    SettingLabel("Emphasis", "emphasis", "Original"),
    SettingLabel("Clip skip", "CLIP_stop_at_last_layers", 1),
    SettingLabel("RNG", "randn_source", "GPU"),
    SettingLabel("Tiling", "tiling", False),
    SettingLabel("Hires refiner", "hires_fix_refiner_pass", "second pass"),
    SettingLabel("VAE", "sd_vae", "Automatic"),
    SettingLabel("VAE Encoder", "sd_vae_encode_method", "Full"),
    SettingLabel("VAE Decoder", "sd_vae_decode_method", "Full"),
    SettingLabel("Conditional mask weight", "inpainting_mask_weight", 1.0),
    SettingLabel("Noise multiplier", "initial_noise_multiplier", 1.0),
    SettingLabel("Extra noise", "img2img_extra_noise", 0.0),
    SettingLabel("NGMS", "s_min_uncond", 0.0),
    SettingLabel("NGMS all steps", "s_min_uncond_all", False),
    SettingLabel("Token merging ratio", "token_merging_ratio", 0.0),
    SettingLabel("Token merging ratio hr", "token_merging_ratio_hr", 0.0),
    SettingLabel("Pad conds", "pad_cond_uncond", False),
    SettingLabel("Pad conds v0", "pad_cond_uncond_v0", False),
    SettingLabel("Old prompt editing timelines", "use_old_scheduling", False),
    SettingLabel("Downcast alphas_cumprod", "use_downcasted_alpha_bar", False),
    SettingLabel("Refiner switch by sampling steps", "refiner_switch_by_sample_steps", False),
    SettingLabel("Eta DDIM", "eta_ddim", 0.0),
    SettingLabel("Eta", "eta_ancestral", 1.0),
    SettingLabel("Sigma churn", "s_churn", 0.0),
    SettingLabel("Sigma tmin", "s_tmin", 0.0),
    SettingLabel("Sigma tmax", "s_tmax", 0.0),
    SettingLabel("Sigma noise", "s_noise", 1.0),
    SettingLabel("Schedule min sigma", "sigma_min", 0.0),
    SettingLabel("Schedule max sigma", "sigma_max", 0.0),
    SettingLabel("Schedule rho", "rho", 0.0),
    SettingLabel("ENSD", "eta_noise_seed_delta", 0),
    SettingLabel("Discard penultimate sigma", "always_discard_next_to_last_sigma", False),
    SettingLabel("SGM noise multiplier", "sgm_noise_multiplier", False),
    SettingLabel("UniPC variant", "uni_pc_variant", "bh1"),
    SettingLabel("UniPC skip type", "uni_pc_skip_type", "time_uniform"),
    SettingLabel("UniPC order", "uni_pc_order", 3),
    SettingLabel("UniPC lower order final", "uni_pc_lower_order_final", True),
    SettingLabel("Noise Schedule", "sd_noise_schedule", "Default"),
    SettingLabel("Skip Early CFG", "skip_early_cond", 0.0),
    SettingLabel("Beta scheduler alpha", "beta_dist_alpha", 0.6),
    SettingLabel("Beta scheduler beta", "beta_dist_beta", 0.6),
    SettingLabel("Beta schedule alpha", "beta_dist_alpha", 0.6),  # what A1111 really writes
    SettingLabel("Beta schedule beta", "beta_dist_beta", 0.6),
)
CHECKPOINT = "sd_model_checkpoint"

# Labels that tell of a picture without asking for anything, and those that `older` has turned into others.
TOLD = frozenset(
    ("Model", "Model hash", "VAE hash", "Version", "User", "Lora hashes", "TI hashes", "Init image hash", "FP8 weight",
     "Cache FP16 weight for LoRA", "Hypernet", "Hypernet hash", "Hypernet strength", "First pass size-1", "First pass size-2",
     "Batch pos")
)  # fmt: skip


def setting(label: SettingLabel, text: str) -> object:
    """A setting's value of its text. Raises ValueError."""
    kind = type(label.default)
    if kind is bool:
        return text not in ("", "False", "false")
    return {int: whole, float: finite}.get(kind, str)(text)
