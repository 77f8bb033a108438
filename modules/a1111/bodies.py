"""The bodies of A1111's txt2img and img2img, with its names and defaults. A null where a value is needed is the default."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

LONGEST_TEXT = 100_000


class Body(BaseModel):
    """What both have. Unknown fields are ignored, as A1111 does."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

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
    force_task_id: str | None = None
    sampler_index: str = "Euler"
    script_name: str | None = None
    script_args: list[Any] = []
    send_images: bool = True
    save_images: bool = False
    alwayson_scripts: dict[str, Any] = {}
    infotext: str | None = None

    @model_validator(mode="before")
    @classmethod
    def null_is_the_default(cls, values: Any) -> Any:
        return {name: value for name, value in values.items() if value is not None} if isinstance(values, dict) else values

    @field_validator("*")
    @classmethod
    def can_be_answered(cls, value: Any) -> Any:
        """Refuse what could not be written back: the answer repeats all fields."""
        if not is_plain(value):
            try:
                json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
            except (ValueError, RecursionError):
                raise ValueError("It holds half a character, a number that is none, or too many brackets.") from None
        return value


def is_plain(value: Any) -> bool:
    """Whether a value is one that can be written without a look at its inside: pictures are long."""
    if isinstance(value, list):
        return all(isinstance(one, str) and one.isascii() for one in value)
    return value.isascii() if isinstance(value, str) else isinstance(value, bool | int | float | type(None))


class Txt2Img(Body):
    """The body of /sdapi/v1/txt2img."""

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


class Img2Img(Body):
    """The body of /sdapi/v1/img2img. Pictures are base64, data URIs or addresses."""

    denoising_strength: float | None = 0.75
    init_images: list[str] | None = None
    resize_mode: int = 0
    image_cfg_scale: float | None = None
    mask: str | None = None
    mask_blur_x: int = 4
    mask_blur_y: int = 4
    mask_blur: int | None = None
    mask_round: bool = True
    inpainting_fill: int = 0
    inpaint_full_res: bool = True
    inpaint_full_res_padding: int = 0
    inpainting_mask_invert: int = 0
    initial_noise_multiplier: float | None = None
    latent_mask: str | None = None
    include_init_images: bool = False


def echo(body: Txt2Img | Img2Img) -> dict[str, Any]:
    """The `parameters` of an answer: the body, with all its defaults. Source pictures only if that was asked for."""
    values = body.model_dump()
    if isinstance(body, Img2Img) and not body.include_init_images:
        values |= {"init_images": None, "mask": None}
    return values
