"""A1111's txt2img request body, with its names and defaults, to our request."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from modules.contract.errors import NotSupported
from modules.contract.request import GenerationRequest, SamplerOptions, request_from

# Settings that a request may override and that are fields of our request.
CHECKPOINT = "sd_model_checkpoint"


class Txt2Img(BaseModel):
    """The body of /sdapi/v1/txt2img. Unknown fields are ignored, as A1111 does."""

    model_config = ConfigDict(extra="ignore")

    prompt: str = ""
    negative_prompt: str = ""
    styles: list[str] | None = None
    seed: int = -1
    subseed: int = -1
    subseed_strength: float = 0
    seed_resize_from_h: int = -1
    seed_resize_from_w: int = -1
    sampler_name: str | None = None
    scheduler: str | None = None
    batch_size: int = 1
    n_iter: int = 1
    steps: int = 50
    cfg_scale: float = 7.0
    width: int = 512
    height: int = 512
    restore_faces: bool | None = None
    tiling: bool | None = None
    do_not_save_samples: bool = False
    do_not_save_grid: bool = False
    eta: float | None = None
    denoising_strength: float | None = None
    s_min_uncond: float | None = None
    s_churn: float | None = None
    s_tmax: float | None = None
    s_tmin: float | None = None
    s_noise: float | None = None
    override_settings: dict[str, Any] | None = None
    override_settings_restore_afterwards: bool = True
    refiner_checkpoint: str | None = None
    refiner_switch_at: float | None = None
    disable_extra_networks: bool = False
    firstpass_image: str | None = None
    comments: dict[str, Any] | None = None
    enable_hr: bool = False
    firstphase_width: int = 0
    firstphase_height: int = 0
    hr_scale: float = 2.0
    hr_upscaler: str | None = None
    hr_second_pass_steps: int = 0
    hr_resize_x: int = 0
    hr_resize_y: int = 0
    hr_checkpoint_name: str | None = None
    hr_sampler_name: str | None = None
    hr_scheduler: str | None = None
    hr_prompt: str = ""
    hr_negative_prompt: str = ""
    force_task_id: str | None = None
    sampler_index: str = "Euler"
    script_name: str | None = None
    script_args: list[Any] = []
    send_images: bool = True
    save_images: bool = False
    alwayson_scripts: dict[str, Any] = {}
    infotext: str | None = None


def refuse_what_is_missing(body: Txt2Img) -> None:
    """Raise NotSupported for what this version cannot do: a picture silently made without it would be another picture."""
    wanted = {
        "Hires. fix (enable_hr)": body.enable_hr,
        "the refiner (refiner_checkpoint)": body.refiner_checkpoint,
        "styles": body.styles,
        "tiling": body.tiling,
        "face restoration (restore_faces)": body.restore_faces,
        "variation seeds (subseed_strength)": body.subseed_strength,
        "seed resize": body.seed_resize_from_h > 0 and body.seed_resize_from_w > 0,
        "negative guidance minimum sigma (s_min_uncond)": body.s_min_uncond,
        "scripts (script_name)": body.script_name,
        "scripts (alwayson_scripts)": body.alwayson_scripts,
        "a first pass from a picture (firstpass_image)": body.firstpass_image,
        "the infotext field": body.infotext,
        "LoRA and hypernetwork tags in the prompt": not body.disable_extra_networks and has_tag(body.prompt),
    }
    missing = [name for name, asked in wanted.items() if asked]
    if missing:
        raise NotSupported(f"This version cannot do {' or '.join(missing)} yet.", "Leave it out of the request.")


def has_tag(prompt: str) -> bool:
    return any(f"<{kind}:" in prompt for kind in ("lora", "lyco", "hypernet"))


def to_request(body: Txt2Img) -> GenerationRequest:
    """Our request for A1111's. Raises BadRequest for values that cannot be, NotSupported for what is missing."""
    refuse_what_is_missing(body)
    overrides = dict(body.override_settings or {})
    checkpoint = overrides.pop(CHECKPOINT, None)
    return request_from(
        {
            "prompt": body.prompt,
            "negative_prompt": body.negative_prompt,
            "size": (body.width, body.height),
            "steps": body.steps,
            "guidance": body.cfg_scale,
            "sampler": body.sampler_name or body.sampler_index,
            "schedule": body.scheduler or "Automatic",
            "sampler_options": SamplerOptions(
                eta=body.eta, s_churn=body.s_churn, s_tmin=body.s_tmin, s_tmax=body.s_tmax, s_noise=body.s_noise
            ),
            "seed": body.seed,
            "batch_size": body.batch_size,
            "batch_count": body.n_iter,
            "checkpoint": checkpoint or None,
            "save": body.save_images and not body.do_not_save_samples,
            "settings": overrides,
        }
    )
