"""txt2img and img2img: a body to a job, the job's result to an answer."""

import secrets
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi import APIRouter, HTTPException

import modules
from modules.a1111.bodies import Img2Img, Txt2Img, echo
from modules.a1111.fetching import Rules, fetch
from modules.a1111.images import as_text, is_address
from modules.a1111.info import info
from modules.a1111.options import ApiOptions
from modules.a1111.parts import Parts
from modules.a1111.pasted import extensions_told, filled
from modules.a1111.payload import to_request
from modules.a1111.scripts import extensions_of, tab_of
from modules.contract.errors import Unavailable, WebuiError
from modules.contract.request import GenerationRequest
from modules.contract.result import GenerationResult
from modules.jobs.job import Job
from modules.server.routes import Threads

OWNER = "api"


def add_generation(api: APIRouter, parts: Parts, options: ApiOptions) -> None:
    """The routes that make pictures."""
    maker = Maker(parts, options)

    @api.post("/sdapi/v1/txt2img")
    async def txt2img(body: Txt2Img) -> dict[str, Any]:
        return await maker.answer(body, "txt2img")

    @api.post("/sdapi/v1/img2img")
    async def img2img(body: Img2Img) -> dict[str, Any]:
        if not body.init_images:
            raise HTTPException(404, "Init image not found")
        return await maker.answer(body, "img2img")


class Maker:
    """Bodies to answers. A client that waits holds no thread."""

    def __init__(self, parts: Parts, options: ApiOptions) -> None:
        self.parts = parts
        self.options = options
        self.work = Threads("a1111-work", 4)
        self.fetching = Threads("a1111-fetch", 4)  # their own: a slow address must not hold up the others

    async def answer(self, body: Txt2Img | Img2Img, tab: str) -> dict[str, Any]:
        """A1111's {images, parameters, info} for a body."""
        body, request = await (self.fetching if has_address(body) else self.work).run(self.prepared, body)
        identifier = body.force_task_id or f"task({tab}-{secrets.token_hex(4)})"
        submit = partial(self.parts.submit, request, owner=OWNER, durable=False, identifier=identifier)
        job = await self.parts.queue.wait(await self.work.run(submit))
        result = self.parts.results(job.id)
        if result is None:
            raise failure(job)
        return await self.work.run(self.told, body, request, job, result)

    def prepared(self, body: Txt2Img | Img2Img) -> tuple[Txt2Img | Img2Img, GenerationRequest]:
        """The body with its infotext's values in it, and our request for it, checked."""
        current, img2img = self.options.current(), isinstance(body, Img2Img)
        body = filled(body, current)
        overrides = self.options.overrides(body.override_settings)
        extensions = extensions_of(
            self.parts.scripts,
            script_names(self.parts) if body.script_name or body.alwayson_scripts else {},
            name=body.script_name,
            args=body.script_args,
            always_on=body.alwayson_scripts,
            img2img=img2img,
        )
        told = extensions_told(body, current, self.parts.read_notes, tab_of(img2img))
        request = to_request(
            body,
            self.parts.settings.current,
            overrides=overrides.settings,
            checkpoint=overrides.checkpoint,
            extensions={**told, **extensions},
            fetch=partial(fetch, rules=fetch_rules(self.options)),
        )
        return body, self.parts.generation.check(request)

    def told(self, body: Txt2Img | Img2Img, request: GenerationRequest, job: Job, result: GenerationResult) -> dict[str, Any]:
        """The answer."""
        if body.override_settings and not body.override_settings_restore_afterwards:
            self.options.change(body.override_settings)
        settings = self.parts.settings.snapshot(request.settings)
        images = [as_text(one.image, settings.saving, infotext=one.infotext) for one in result.images] if body.send_images else []
        text = info(
            body,
            request,
            result,
            clip_skip=settings.model.clip_skip,
            timestamp=time.strftime("%Y%m%d%H%M%S", time.localtime(job.started)),
            version=modules.__version__,
        )
        return {"images": images, "parameters": echo(body), "info": text}


def failure(job: Job) -> WebuiError:
    """The error for a job that gave nothing."""
    if job.error:
        return WebuiError(job.error, job.hint or "")
    return Unavailable(f"The job was {job.state} before it had a picture.")


def has_address(body: Txt2Img | Img2Img) -> bool:
    """Whether a picture of the body is to be fetched."""
    texts = [body.firstpass_image]
    if isinstance(body, Img2Img):
        texts += [body.mask, body.latent_mask, *(body.init_images or [])]
    return any(text is not None and is_address(text) for text in texts)


def fetch_rules(options: ApiOptions) -> Rules:
    """What the settings allow to be fetched."""
    return Rules(
        enabled=bool(options.value("api_enable_requests")),
        local=not options.value("api_forbid_local_requests"),
        user_agent=str(options.value("api_useragent")),
    )


def script_names(parts: Parts) -> dict[str, Sequence[str]]:
    """The lists that arguments of scripts choose from."""
    names: dict[str, Sequence[str]] = {
        "sampler": [entry.name for entry in parts.generation.samplers()],
        "schedule": [entry.label for entry in parts.generation.schedules()],
        "checkpoint": [entry.title for entry in parts.models.checkpoints() if entry.problem is None],
    }
    if parts.lists:
        names["upscaler"] = [entry.name for entry in parts.lists.upscalers()]
        names["vae"] = [entry.title for entry in parts.lists.networks("vae")]
        names["lora"] = [entry.name for entry in parts.lists.networks("lora")]
        names["style"] = [style.name for style in parts.lists.styles()]
    return names
