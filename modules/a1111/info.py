"""What A1111 tells of a result: the `info` of an answer."""

import json
import random
from typing import Any

from modules.a1111.payload import Txt2Img
from modules.contract.result import GenerationResult

LARGEST_DRAWN_SEED = 4294967294


def info(body: Txt2Img, result: GenerationResult, *, clip_skip: int, timestamp: str, version: str) -> str:
    """The JSON text that stands in an answer's `info`."""
    images = result.images
    facts: dict[str, Any] = result.details
    subseed = random.randrange(LARGEST_DRAWN_SEED) if body.subseed == -1 else body.subseed
    return json.dumps(
        {
            "prompt": body.prompt,
            "all_prompts": [image.prompt for image in images],
            "negative_prompt": body.negative_prompt,
            "all_negative_prompts": [image.negative_prompt for image in images],
            "seed": facts["seed"],
            "all_seeds": [image.seed for image in images],
            "subseed": subseed,
            "all_subseeds": [subseed + index for index in range(len(images))],
            "subseed_strength": body.subseed_strength,
            "width": body.width,
            "height": body.height,
            "sampler_name": facts["sampler"],
            "cfg_scale": body.cfg_scale,
            "steps": body.steps,
            "batch_size": body.batch_size,
            "restore_faces": bool(body.restore_faces),
            "face_restoration_model": None,
            "sd_model_name": facts["model"],
            "sd_model_hash": facts["model_hash"],
            "sd_vae_name": None,
            "sd_vae_hash": None,
            "seed_resize_from_w": body.seed_resize_from_w,
            "seed_resize_from_h": body.seed_resize_from_h,
            "denoising_strength": body.denoising_strength,
            "extra_generation_params": {} if facts["schedule"] == "Automatic" else {"Schedule type": facts["schedule"]},
            "index_of_first_image": 0,
            "infotexts": [image.infotext for image in images],
            "styles": body.styles or [],
            "job_timestamp": timestamp,
            "clip_skip": clip_skip,
            "is_using_inpainting_conditioning": False,
            "version": version,
        }
    )
