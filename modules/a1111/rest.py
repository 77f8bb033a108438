"""A1111's HTTP API, /sdapi/v1 and /internal: its paths, fields and defaults over our queue and pipeline."""

import asyncio
import base64
import secrets
import time
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel

import modules
from modules.a1111.info import info
from modules.a1111.payload import CHECKPOINT, Txt2Img, to_request
from modules.contract.errors import NotFound, NotSupported, Unavailable, WebuiError
from modules.contract.result import GeneratedImage, GenerationResult
from modules.contract.services import Generation, Models, Results, Submit
from modules.imaging import metadata
from modules.jobs.job import Job
from modules.jobs.queue import JobQueue
from modules.settings.store import SettingsStore, flat, is_local

OWNER = "api"


@dataclass(frozen=True)
class Parts:
    """What the API stands on."""

    queue: JobQueue
    generation: Generation
    models: Models
    settings: SettingsStore
    submit: Submit
    results: Results


class ProgressBody(BaseModel):
    """The body of /internal/progress."""

    id_task: str | None = None
    id_live_preview: int | None = -1
    live_preview: bool | None = True


def router(parts: Parts) -> APIRouter:
    """All routes of the wing."""
    api = APIRouter()
    generation_routes(api, parts)
    progress_routes(api, parts)
    setting_routes(api, parts)
    list_routes(api, parts)
    return api


def generation_routes(api: APIRouter, parts: Parts) -> None:
    @api.post("/sdapi/v1/txt2img")
    async def txt2img(body: Txt2Img) -> dict[str, Any]:
        refuse_local(body.override_settings or {})
        request = parts.generation.check(to_request(body))
        identifier = body.force_task_id or f"task(txt2img-{secrets.token_hex(4)})"
        started = time.strftime("%Y%m%d%H%M%S")
        id = await asyncio.to_thread(parts.submit, request, owner=OWNER, durable=False, identifier=identifier)
        job = await parts.queue.wait(id)
        result = parts.results(id)
        if result is None:
            raise failure(job)
        if not body.override_settings_restore_afterwards and body.override_settings:
            await asyncio.to_thread(change_settings, parts, body.override_settings)
        settings = parts.settings.snapshot(request.settings)
        images = await asyncio.to_thread(encoded, result, settings.saving.format) if body.send_images else []
        text = info(body, result, clip_skip=settings.model.clip_skip, timestamp=started, version=modules.__version__)
        return {"images": images, "parameters": body.model_dump(), "info": text}


def failure(job: Job) -> WebuiError:
    """The error for a job that gave no pictures."""
    if job.error:
        return WebuiError(job.error, job.hint or "")
    return Unavailable(f"The job was {job.state} before it had a picture.")


def encoded(result: GenerationResult, format: str) -> list[str]:
    """The pictures as base64 files with their infotext."""

    def one(image: GeneratedImage) -> str:
        return base64.b64encode(metadata.encode(image.image, format=format, infotext=image.infotext)).decode()

    return [one(image) for image in result.images]


def progress_routes(api: APIRouter, parts: Parts) -> None:
    @api.get("/sdapi/v1/progress")
    async def progress(skip_current_image: bool = False) -> dict[str, Any]:
        job = parts.queue.current()
        state = {
            "skipped": False,
            "interrupted": False,
            "stopping_generation": False,
            "job": job.id if job else "",
            "job_count": 0,
            "job_timestamp": time.strftime("%Y%m%d%H%M%S", time.localtime(job.started if job else None)),
            "job_no": 0,
            "sampling_step": 0,
            "sampling_steps": 0,
        }
        if job is None:
            return {"progress": 0.0, "eta_relative": 0.0, "state": state, "current_image": None, "textinfo": None}
        now = parts.queue.progress(job.id)
        batches = max(int(job.request.get("batch_count", 1)), 1)
        each = max(now.total // batches, 1)
        state |= {"job_count": batches, "job_no": min(now.done // each, batches - 1), "sampling_steps": each}
        state["sampling_step"] = now.done - state["job_no"] * each
        share = min(max(now.done / now.total if now.total else 0.0, 0.01), 1.0)
        preview = None if skip_current_image else parts.queue.preview(job.id)
        return {
            "progress": share,
            "eta_relative": now.seconds_left or 0.0,
            "state": state,
            "current_image": base64.b64encode(preview[1]).decode() if preview else None,
            "textinfo": now.text or None,
        }

    @api.post("/internal/progress")
    async def task_progress(body: ProgressBody) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "active": False,
            "queued": False,
            "completed": False,
            "progress": None,
            "eta": None,
            "live_preview": None,
            "id_live_preview": body.id_live_preview,
            "textinfo": "Waiting...",
        }
        try:
            job = parts.queue.get(body.id_task or "")
        except NotFound:
            return answer
        if job.state == "queued":
            waiting = len(parts.queue.jobs(states={"queued"}))
            return answer | {"queued": True, "textinfo": f"In queue: {parts.queue.position(job.id)}/{waiting}"}
        if job.state != "running":
            return answer | {"completed": True}
        now = parts.queue.progress(job.id)
        answer |= {"active": True, "textinfo": now.text or None, "eta": now.seconds_left}
        answer["progress"] = min(now.done / now.total, 1.0) if now.total else 0.0
        preview = parts.queue.preview(job.id) if body.live_preview else None
        if preview and preview[0] != body.id_live_preview:
            answer["id_live_preview"] = preview[0]
            answer["live_preview"] = "data:image/jpeg;base64," + base64.b64encode(preview[1]).decode()
        return answer

    @api.get("/internal/pending-tasks")
    async def pending() -> dict[str, Any]:
        waiting = [job.id for job in parts.queue.jobs(states={"queued", "running"})]
        return {"size": len(waiting), "tasks": waiting}

    @api.get("/internal/ping")
    async def ping() -> dict[str, Any]:
        return {}

    @api.post("/sdapi/v1/interrupt")
    async def interrupt() -> dict[str, Any]:
        if job := parts.queue.current():
            parts.queue.interrupt(job.id)
        return {}

    @api.post("/sdapi/v1/skip")
    async def skip() -> None:
        if job := parts.queue.current():
            parts.queue.skip(job.id)


def setting_routes(api: APIRouter, parts: Parts) -> None:
    @api.get("/sdapi/v1/options")
    async def options() -> dict[str, Any]:
        values = flat(parts.settings.current)
        chosen = parts.models.chosen()
        return values | {"sd_checkpoint_hash": chosen.sha256 if chosen else None}

    @api.post("/sdapi/v1/options")
    def set_options(values: Annotated[dict[str, Any], Body()]) -> None:
        change_settings(parts, values)


def change_settings(parts: Parts, values: dict[str, Any]) -> None:
    """Change settings by A1111's keys. All or none; a checkpoint among them is loaded first, so that a bad one changes nothing."""
    refuse_local(values)
    rest = {key: value for key, value in values.items() if key not in (CHECKPOINT, "sd_checkpoint_hash")}
    parts.settings.snapshot(rest)
    if values.get(CHECKPOINT):
        parts.models.choose(str(values[CHECKPOINT]))
    parts.settings.update(rest)


def refuse_local(values: dict[str, Any]) -> None:
    """Raise NotSupported for a setting that says where files go."""
    refused = [key for key in values if is_local(key)]
    if refused:
        raise NotSupported(f"The setting '{refused[0]}' cannot be changed over the API.", "Change it in the settings file.")


def list_routes(api: APIRouter, parts: Parts) -> None:
    @api.get("/sdapi/v1/sd-models")
    def sd_models() -> list[dict[str, Any]]:
        return [
            {
                "title": entry.title,
                "model_name": entry.name,
                "hash": entry.short_hash,
                "sha256": entry.sha256,
                "filename": str(entry.path),
                "config": str(entry.config) if entry.config else None,
            }
            for entry in parts.models.checkpoints()
            if entry.problem is None
        ]

    @api.post("/sdapi/v1/refresh-checkpoints")
    def refresh() -> None:
        parts.models.refresh()

    @api.get("/sdapi/v1/samplers")
    async def samplers() -> list[dict[str, Any]]:
        return [{"name": entry.name, "aliases": list(entry.aliases), "options": entry.options} for entry in parts.generation.samplers()]

    @api.get("/sdapi/v1/schedulers")
    async def schedulers() -> list[dict[str, Any]]:
        return [
            {
                "name": entry.name,
                "label": entry.label,
                "aliases": list(entry.aliases) or None,
                "default_rho": entry.default_rho,
                "need_inner_model": entry.needs_model,
            }
            for entry in parts.generation.schedules()
        ]
