"""What A1111 tells of a result: the `info` of an answer."""

import json
import random
from collections.abc import Sequence
from typing import Any

from modules.a1111.bodies import Img2Img, Txt2Img
from modules.contract.request import GenerationRequest, Size
from modules.contract.result import GenerationResult

LARGEST_DRAWN_SEED = 4294967294
MADE_LATE = ("Hires prompt", "Hires negative prompt", "Hires schedule type")  # A1111 makes these for each picture, and shows null here


def info(
    body: Txt2Img | Img2Img, request: GenerationRequest, result: GenerationResult, *, clip_skip: int, timestamp: str, version: str
) -> str:
    """The JSON text that stands in an answer's `info`. `request` is the one that was queued, `clip_skip` the setting's for it."""
    images, facts = [image for image in result.images if image.kind == "picture"], result.details
    prompts = [image.prompt for image in images]
    negatives = [image.negative_prompt for image in images]
    seeds = [image.seed for image in images]
    subseed = subseed_of(body, facts)
    values = {
        "prompt": first(prompts, request.prompt),
        "all_prompts": prompts,
        "negative_prompt": first(negatives, request.negative_prompt),
        "all_negative_prompts": negatives,
        "seed": facts.get("seed", first(seeds, request.seed)),
        "all_seeds": seeds,
        "subseed": subseed,
        "all_subseeds": [subseed + index for index in range(len(images))],
        "subseed_strength": body.subseed_strength,
        "width": request.size.width,
        "height": request.size.height,
        "sampler_name": facts.get("sampler", request.sampler),
        "cfg_scale": body.cfg_scale,
        "steps": request.steps,
        "batch_size": request.batch_size,
        "restore_faces": bool(facts.get("restore_faces", request.restore_faces)),
        "face_restoration_model": facts.get("face_restoration_model"),
        "sd_model_name": facts.get("model"),
        "sd_model_hash": facts.get("model_hash"),
        "sd_vae_name": facts.get("vae"),
        "sd_vae_hash": facts.get("vae_hash"),
        "seed_resize_from_w": body.seed_resize_from_w,
        "seed_resize_from_h": body.seed_resize_from_h,
        "denoising_strength": body.denoising_strength,
        "extra_generation_params": extra(request, facts.get("extra_generation_params", {})),
        "index_of_first_image": facts.get("index_of_first_image", 0),
        "infotexts": [image.infotext for image in result.images if image.kind != "mask"],
        "styles": body.styles or [],
        "job_timestamp": timestamp,
        "clip_skip": facts.get("clip_skip", clip_skip),
        "is_using_inpainting_conditioning": bool(facts.get("is_using_inpainting_conditioning", False)),
        "version": version,
    }
    networks = facts.get("networks")  # ours, beside A1111's: how much of each file fitted the model
    return json.dumps(values | ({"networks": networks} if networks else {}) | facts.get("info", {}))


def first(values: Sequence[Any], otherwise: Any) -> Any:
    """The first value; the other where there is none, since the job was stopped before its first picture."""
    return values[0] if values else otherwise


def subseed_of(body: Txt2Img | Img2Img, facts: dict[str, Any]) -> int:
    """The variation seed. A1111 draws and shows one even where its strength is 0."""
    if body.subseed != -1:
        return body.subseed
    drawn = facts.get("variation_seed")
    return random.randrange(LARGEST_DRAWN_SEED) if drawn is None else int(drawn)


def extra(request: GenerationRequest, values: dict[str, Any]) -> dict[str, Any]:
    """A1111's further parameters: sizes as texts, and null where it makes a text for each picture."""
    shown = {name: str(value) if isinstance(value, Size) else value for name, value in values.items()}
    if request.hires is not None:
        shown |= dict.fromkeys(MADE_LATE if request.hires.schedule is None else MADE_LATE[:2])
    return shown
