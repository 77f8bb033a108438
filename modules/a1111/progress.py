"""How far the running job is, and how to stop it. Nothing here waits for work or for the event loop's other business."""

import base64
import time
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from modules.contract.errors import NotFound
from modules.jobs.job import Job
from modules.jobs.queue import JobQueue
from modules.server.pictures import picture_type
from modules.server.routes import Threads

LEAST = 0.01  # what A1111 shows of a job that has only begun


class Task(BaseModel):
    """The body of /internal/progress."""

    id_task: str | None = None
    id_live_preview: int | None = -1
    live_preview: bool | None = True


def add_progress(api: APIRouter, queue: JobQueue) -> None:
    """The routes that look and those that stop."""
    stops = Threads("a1111-stop", 2)
    looks = Threads("a1111-look", 2)
    asked: dict[str, str] = {}  # the running job's id, and how it was asked to stop

    async def ask(how: str) -> None:
        if job := queue.current():
            asked.clear()
            asked[job.id] = how
            await stops.run(queue.skip if how == "skipped" else queue.interrupt, job.id)

    @api.get("/sdapi/v1/progress")
    async def progress(skip_current_image: bool = False) -> dict[str, Any]:
        job = queue.current()
        return running(queue, job, asked.get(job.id, ""), picture=not skip_current_image) if job else idle()

    @api.post("/sdapi/v1/interrupt")
    async def interrupt() -> dict[str, Any]:
        await ask("interrupted")
        return {}

    @api.post("/sdapi/v1/skip")
    async def skip() -> None:
        await ask("skipped")

    @api.post("/internal/progress")
    async def task_progress(body: Task) -> dict[str, Any]:
        return await looks.run(task, queue, body)

    @api.get("/internal/pending-tasks")
    async def pending() -> dict[str, Any]:
        waiting = [job.id for job in queue.jobs(states={"queued", "running"}, limit=1000)]
        return {"size": len(waiting), "tasks": waiting}


def idle() -> dict[str, Any]:
    """A1111's answer while nothing runs."""
    return {"progress": 0.0, "eta_relative": 0.0, "state": state(), "current_image": None, "textinfo": None}


def state(job: Job | None = None, **values: Any) -> dict[str, Any]:
    """A1111's `state`."""
    empty = {
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
    return {**empty, **values}


def running(queue: JobQueue, job: Job, asked: str, *, picture: bool) -> dict[str, Any]:
    """A1111's answer while a job runs; its batches are taken to be equally long. `asked`: how it was told to stop."""
    try:
        now = queue.progress(job.id)
        preview = queue.preview(job.id) if picture else None
    except NotFound:  # it ended and was removed since it was looked up
        return idle()
    count = job.request.get("batch_count", 1)
    batches = count if isinstance(count, int) and count > 0 else 1
    each = max(now.total // batches, 1)
    number = min(now.done // each, batches - 1)
    values = {"job_count": batches, "job_no": number, "sampling_steps": each, "sampling_step": now.done - number * each}
    share = now.done / now.total if now.total else 0.0
    return {
        "progress": min(max(share, LEAST), 1.0),
        "eta_relative": now.seconds_left or 0.0,
        "state": state(job, **values, **({asked: True} if asked else {})),
        "current_image": base64.b64encode(preview[1]).decode() if preview else None,
        "textinfo": now.text or None,
    }


def task(queue: JobQueue, body: Task) -> dict[str, Any]:
    """A1111's answer about one task."""
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
        job = queue.get(body.id_task or "")
        if job.state == "queued":
            waiting = len(queue.jobs(states={"queued"}, limit=1000))
            return answer | {"queued": True, "textinfo": f"In queue: {queue.position(job.id)}/{waiting}"}
        if job.over:
            return answer | {"completed": True}
        now = queue.progress(job.id)
        preview = queue.preview(job.id) if body.live_preview else None
    except NotFound:
        return answer
    share = min(now.done / now.total, 1.0) if now.total else 0.0
    answer |= {"active": True, "progress": share, "eta": now.seconds_left, "textinfo": now.text or None}
    if preview and preview[0] != body.id_live_preview:
        kind = picture_type(preview[1]) or "image/jpeg"
        answer |= {"id_live_preview": preview[0], "live_preview": f"data:{kind};base64," + base64.b64encode(preview[1]).decode()}
    return answer
