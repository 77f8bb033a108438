"""A1111's txt2img and img2img bodies to our request."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from modules.a1111.bodies import Body, Img2Img, Txt2Img
from modules.a1111.images import Fetch, picture
from modules.contract.errors import BadRequest
from modules.contract.request import (
    GenerationRequest,
    HiresPass,
    Inpaint,
    RefinerPass,
    SamplerOptions,
    SeedVariation,
    Size,
    SourceImage,
    request_from,
    sentence,
)
from modules.settings.groups import Settings

M = TypeVar("M", bound=BaseModel)
MOST_SOURCES = 8
RESIZES = ("just resize", "crop and resize", "resize and fill", "latent upscale")
CONTENTS = ("fill", "original", "latent noise", "latent nothing")
SAME = ("", "None", "Use same checkpoint", "Use same sampler", "Use same scheduler")

# Which of A1111's fields stands for a part of ours, so that an error names what the client wrote.
FIELDS = {
    SamplerOptions: {},
    SeedVariation: {"seed": "subseed", "strength": "subseed_strength"},
    HiresPass: {
        "scale": "hr_scale",
        "size": "hr_resize_x, hr_resize_y",
        "upscaler": "hr_upscaler",
        "steps": "hr_second_pass_steps",
        "strength": "denoising_strength",
        "prompt": "hr_prompt",
        "negative_prompt": "hr_negative_prompt",
    },
    RefinerPass: {"checkpoint": "refiner_checkpoint", "switch_at": "refiner_switch_at"},
    SourceImage: {"strength": "denoising_strength", "image_guidance": "image_cfg_scale", "noise_multiplier": "initial_noise_multiplier"},
    Inpaint: {"blur": "mask_blur", "padding": "inpaint_full_res_padding"},
}


def to_request(
    body: Txt2Img | Img2Img,
    settings: Settings,
    *,
    overrides: Mapping[str, Any],
    checkpoint: str | None,
    extensions: dict[str, dict[str, Any]],
    fetch: Fetch,
) -> GenerationRequest:
    """Our request for A1111's. `settings` are those without the request's own, which are in `overrides` and `checkpoint`.

    Raises BadRequest for values that cannot be.
    """
    special = hires_values(body, fetch) if isinstance(body, Txt2Img) else {"source": source(body, settings, fetch)}
    return request_from(
        {**common_values(body), "checkpoint": checkpoint or None, "settings": dict(overrides), "extensions": extensions, **special}
    )


def common_values(body: Body) -> dict[str, Any]:
    """The values that txt2img and img2img share."""
    resized = body.seed_resize_from_w > 0 and body.seed_resize_from_h > 0
    refined = (body.refiner_checkpoint or "None") not in SAME
    switch = {} if body.refiner_switch_at is None else {"switch_at": body.refiner_switch_at}
    return {
        "prompt": body.prompt,
        "negative_prompt": body.negative_prompt,
        "styles": tuple(body.styles or ()),
        "size": Size(body.width, body.height),
        "steps": body.steps,
        "guidance": body.cfg_scale,
        "sampler": body.sampler_name or body.sampler_index,
        "schedule": body.scheduler or "Automatic",
        "sampler_options": made(
            SamplerOptions,
            eta=body.eta,
            s_churn=body.s_churn,
            s_tmin=body.s_tmin,
            s_tmax=body.s_tmax,
            s_noise=body.s_noise,
            s_min_uncond=body.s_min_uncond,
        ),
        "seed": body.seed,
        "variation": made(SeedVariation, seed=body.subseed, strength=body.subseed_strength) if body.subseed_strength else None,
        "resize_seed_from": Size(body.seed_resize_from_w, body.seed_resize_from_h) if resized else None,
        "batch_size": body.batch_size,
        "batch_count": body.n_iter,
        "tiling": body.tiling,
        "restore_faces": body.restore_faces,
        "networks": not body.disable_extra_networks,
        "refiner": made(RefinerPass, checkpoint=body.refiner_checkpoint, **switch) if refined else None,
        "save": body.save_images and not body.do_not_save_samples,
        "save_grid": body.save_images and not body.do_not_save_grid,
    }


def hires_values(body: Txt2Img, fetch: Fetch) -> dict[str, Any]:
    """The second pass. As in A1111 `firstphase_*`, once given, are the first pass's size, whether there is a second or not."""
    values: dict[str, Any] = {}
    if body.firstphase_width or body.firstphase_height:
        values["size"] = Size(body.firstphase_width, body.firstphase_height)
    if not body.enable_hr:
        return values
    strength = {} if body.denoising_strength is None else {"strength": body.denoising_strength}
    values["hires"] = made(
        HiresPass,
        scale=body.hr_scale,
        size=Size(body.hr_resize_x, body.hr_resize_y),
        upscaler=body.hr_upscaler,
        steps=body.hr_second_pass_steps,
        checkpoint=named(body.hr_checkpoint_name),
        sampler=named(body.hr_sampler_name),
        schedule=named(body.hr_scheduler),
        prompt=body.hr_prompt,
        negative_prompt=body.hr_negative_prompt,
        first=picture(body.firstpass_image, "firstpass_image", fetch) if body.firstpass_image else None,
        **strength,
    )
    return values


def named(name: str | None) -> str | None:
    """A name; None for the words that say 'as the first pass'."""
    return None if name is None or name in SAME else name


def source(body: Img2Img, settings: Settings, fetch: Fetch) -> SourceImage:
    """The pictures to start from. As in A1111 a noise multiplier in `override_settings` comes too late to have an effect."""
    texts = body.init_images or []
    if len(texts) > MOST_SOURCES:
        raise BadRequest(f"init_images has {len(texts)} pictures; at most {MOST_SOURCES} can be sent at once.")
    noise = body.initial_noise_multiplier
    return made(
        SourceImage,
        pictures=tuple(picture(text, f"init_images[{number}]", fetch) for number, text in enumerate(texts)),
        resize=choice("resize_mode", body.resize_mode, RESIZES),
        strength=0.75 if body.denoising_strength is None else body.denoising_strength,
        image_guidance=body.image_cfg_scale,
        noise_multiplier=settings.img2img.noise_multiplier if noise is None else noise,
        inpaint=inpaint(body, fetch) if body.mask else None,
        latent_mask=picture(body.latent_mask, "latent_mask", fetch) if body.latent_mask else None,
    )


def inpaint(body: Img2Img, fetch: Fetch) -> Inpaint:
    """Where the picture is painted anew. `mask_blur` stands for both directions."""
    blur = (body.mask_blur_x, body.mask_blur_y) if body.mask_blur is None else (body.mask_blur, body.mask_blur)
    if min(blur) < 0:
        raise BadRequest(f"mask_blur is {min(blur)}; it must be at least 0.")
    return made(
        Inpaint,
        mask=picture(body.mask or "", "mask", fetch),
        blur=blur,
        invert=bool(body.inpainting_mask_invert),
        content=choice("inpainting_fill", body.inpainting_fill, CONTENTS),
        only_masked=body.inpaint_full_res,
        padding=body.inpaint_full_res_padding,
        rounded=body.mask_round,
    )


def choice(field: str, number: int, words: Sequence[str]) -> str:
    """The word for A1111's number. Raises BadRequest."""
    if not 0 <= number < len(words):
        meanings = ", ".join(f"{index} ({word})" for index, word in enumerate(words))
        raise BadRequest(f"{field} is {number}; it must be one of {meanings}.")
    return words[number]


def made(kind: type[M], **values: Any) -> M:
    """A part of a request. Raises BadRequest in terms of A1111's fields."""
    try:
        return kind(**values)
    except ValidationError as error:
        names = FIELDS[kind]
        problems = [{**problem, "loc": (names.get(str(problem["loc"][0]), problem["loc"][0]),)} for problem in error.errors()]
        raise BadRequest(" ".join(sentence(problem) for problem in problems)) from None
