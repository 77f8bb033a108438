"""Routes for the list of jobs: what is in it, and what can be done with one or with all of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from modules.contract.errors import BadRequest, NotFound
from modules.contract.request import GenerationRequest, request_from
from modules.contract.services import Folders, Generation, Submit
from modules.infotext.overrides import as_texts
from modules.jobs.job import UNFINISHED, Job
from modules.jobs.order import Order
from modules.jobs.queue import JobQueue
from modules.jobs.store import outline
from modules.server.pictures import picture_file, picture_type
from modules.server.security import FILE_POLICY
from modules.server.threads import Threads
from modules.server.wire import GENERATED, job_line, mode
from modules.settings.store import refuse_local

FormValues = Callable[[GenerationRequest], dict[str, Any]]
THUMBNAIL_SIDE = 256
TITLE_LENGTH = 120


class JobAsked(BaseModel):
    """A picture that somebody wants."""

    request: dict[str, Any]
    owner: str = Field("", max_length=128)


class Moving(BaseModel):
    """Where a waiting job is to stand: before another one, or last."""

    before: str | None = Field(None, max_length=128)


class Editing(BaseModel):
    """Fields of a waiting job's request with their new values."""

    changes: dict[str, Any]


class Replacing(BaseModel):
    """The job that takes the place of a waiting one."""

    by: str = Field(max_length=128)


class Repeating(BaseModel):
    """How a job is repeated, and for whom."""

    seed: Literal["same", "new"] = "same"
    owner: str = Field("", max_length=128)


class Jobs:
    """What the routes do, in threads: each method may wait for the disk."""

    def __init__(self, queue: JobQueue, generation: Generation, submit: Submit, folders: Folders, form_values: FormValues) -> None:
        self.queue = queue
        self.order = Order(queue)
        self.generation = generation
        self.submit = submit
        self.folders = folders
        self.form_values = form_values

    def line(self, job: Job) -> dict[str, Any]:
        """A job as a list shows it."""
        return job_line(self.queue, job)

    def add(self, asked: JobAsked) -> str:
        """Queue a picture; the job's id."""
        request = request_from(asked.request)
        refuse_local(request.settings)
        return self.submit(self.generation.check(request), owner=asked.owner)

    def edit(self, id: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Change what a waiting job is asked, which is held meanwhile. What cannot be done leaves it as it was."""
        job = self.queue.get(id)
        if job.kind not in GENERATED:
            raise BadRequest("Only pictures that are to be generated can be changed while they wait.")
        request = request_from({**job.request, **changes})
        if "settings" in changes:
            refuse_local(request.settings)
        request = self.generation.check(request)
        return self.line(self.order.revise(id, request.model_dump(mode="json"), request.prompt[:TITLE_LENGTH]))

    def repeat(self, id: str, asked: Repeating) -> str:
        """Queue what a job was asked once more; the new job's id."""
        job = self.queue.get(id)
        if job.kind not in GENERATED:
            return self.queue.submit(job.kind, job.request, owner=asked.owner, title=job.title, durable=job.durable).id
        request = request_from(job.request)
        if asked.seed == "new":
            variation = request.variation.model_copy(update={"seed": -1}) if request.variation else None
            request = request.replace(seed=-1, variation=variation)
        return self.submit(self.generation.check(request), owner=asked.owner)

    def form(self, id: str) -> dict[str, Any]:
        """What a form needs to show a job's request: the values of its fields, the options of its extensions, and its mode."""
        job = self.queue.get(id)
        if job.kind not in GENERATED:
            raise BadRequest("Only pictures that are to be generated fit into a form.")
        request = request_from(job.request)
        values = {**self.form_values(request), "overrides": as_texts(request.settings)}
        return {"mode": mode(job), "values": values, "extensions": request.extensions}

    def source(self, id: str, part: Literal["picture", "mask"]) -> bytes:
        """The first picture that a job starts from, or its mask. Raises NotFound."""
        source = request_from(self.queue.get(id).request).source
        if source is None or (part == "mask" and source.inpaint is None):
            raise NotFound(f"This job has no {part}.")
        return source.inpaint.mask if part == "mask" and source.inpaint else source.pictures[0]

    def picture(self, id: str, number: int) -> Path:
        """The file of a picture that a job has made. Raises NotFound where it is gone, or was not saved."""
        paths = (self.queue.get(id).summary or {}).get("paths", [])
        path = paths[number] if number < len(paths) else None
        if path is None:
            raise NotFound("This job has no such picture in the output folder.")
        return picture_file(self.folders.outputs, path)[0]

    def overview(self) -> dict[str, Any]:
        """Whether the queue is paused, its jobs in their order, and how many ended jobs the list holds."""
        order = [job.id for job in self.queue.jobs(states=UNFINISHED, limit=1000)]
        return {"paused": self.queue.paused, "order": order, "ended": self.queue.store.count_ended()}


def add_jobs(
    routes: APIRouter,
    queue: JobQueue,
    generation: Generation,
    submit: Submit,
    folders: Folders,
    *,
    form_values: FormValues,
    thumbnail: Callable[[Path, int], Path] | None = None,
) -> None:
    """All routes below /jobs and /queue. `thumbnail` gives a small copy of a picture file, of a side in pixels; `form_values`
    a request as the page's forms show it.
    """
    jobs = Jobs(queue, generation, submit, folders, form_values)
    add_list(routes, jobs)
    add_waiting(routes, jobs)
    add_pictures(routes, jobs, thumbnail)
    add_queue(routes, jobs)
    add_stops(routes, jobs)


def add_list(routes: APIRouter, jobs: Jobs) -> None:
    threads, checks = Threads("jobs-route", 2), Threads("submit-route", 4)
    queue = jobs.queue

    @routes.get("/jobs")
    async def lines(owner: str | None = None, limit: int = Query(100, ge=1, le=1000)) -> list[dict[str, Any]]:
        """The last jobs, of one page or of all, in order."""
        return await threads.run(lambda: [jobs.line(job) for job in queue.jobs(owner, limit=limit)])

    @routes.post("/jobs")
    async def add(asked: JobAsked) -> dict[str, str]:
        """Put a picture into the queue; the answer is the job's id."""
        return {"id": await checks.run(jobs.add, asked)}

    @routes.get("/jobs/{id}")
    async def job(id: str) -> dict[str, Any]:
        """One job, with its request; long texts in it, such as pictures, are left empty."""

        def found() -> dict[str, Any]:
            job = queue.get(id)
            return {**jobs.line(job), "request": outline(job.request)}

        return await threads.run(found)

    @routes.post("/jobs/{id}/remove")
    async def remove(id: str) -> dict[str, str]:
        """Take a job off the list, a waiting one out of the queue."""
        await threads.run(queue.remove, id)
        return {"id": id}

    @routes.post("/jobs/{id}/repeat")
    async def repeat(id: str, asked: Repeating) -> dict[str, str]:
        """Queue the same once more, with its seed or a new one; the answer is the new job's id."""
        return {"id": await checks.run(jobs.repeat, id, asked)}


def add_waiting(routes: APIRouter, jobs: Jobs) -> None:
    threads = Threads("order-route", 2)
    order = jobs.order

    @routes.post("/jobs/{id}/move")
    async def move(id: str, moving: Moving) -> dict[str, str]:
        """Have a waiting job run before another one, or last."""
        await threads.run(order.move, id, moving.before)
        return {"id": id}

    @routes.post("/jobs/{id}/hold")
    async def hold(id: str) -> dict[str, Any]:
        """Keep a waiting job from beginning."""
        return await threads.run(lambda: jobs.line(order.hold(id)))

    @routes.post("/jobs/{id}/let_go")
    async def let_go(id: str) -> dict[str, Any]:
        """Have a held job wait like any other."""
        return await threads.run(lambda: jobs.line(order.let_go(id)))

    @routes.post("/jobs/{id}/edit")
    async def edit(id: str, editing: Editing) -> dict[str, Any]:
        """Change what a waiting job is asked, and let it go."""
        return await threads.run(jobs.edit, id, editing.changes)

    @routes.post("/jobs/{id}/replace")
    async def replace(id: str, replacing: Replacing) -> dict[str, str]:
        """Have another job take the place of a waiting one, which goes off the list."""
        await threads.run(order.replace, id, replacing.by)
        return {"id": replacing.by}


def add_pictures(routes: APIRouter, jobs: Jobs, thumbnail: Callable[[Path, int], Path] | None) -> None:
    threads = Threads("job-picture-route", 2)

    @routes.get("/jobs/{id}/form")
    async def form(id: str) -> dict[str, Any]:
        """What a form needs to show a job's request."""
        return await threads.run(jobs.form, id)

    @routes.get("/jobs/{id}/source")
    async def source(id: str, part: Literal["picture", "mask"] = "picture") -> Response:
        """The first picture that a job starts from, or its mask."""
        data = await threads.run(jobs.source, id, part)
        kind = picture_type(data) or "application/octet-stream"
        return Response(data, media_type=kind, headers={"Cache-Control": "no-store", "Content-Security-Policy": FILE_POLICY})

    @routes.get("/jobs/{id}/thumbnail")
    async def small(id: str, number: int = Query(0, ge=0)) -> FileResponse:
        """A small copy of a picture that a job has made."""

        def file() -> Path:
            path = jobs.picture(id, number)
            return thumbnail(path, THUMBNAIL_SIDE) if thumbnail else path

        headers = {"Cache-Control": "private, max-age=86400", "Content-Security-Policy": FILE_POLICY}
        return FileResponse(await threads.run(file), headers=headers)


def add_queue(routes: APIRouter, jobs: Jobs) -> None:
    threads = Threads("queue-route", 1)
    order = jobs.order

    @routes.get("/queue")
    async def overview() -> dict[str, Any]:
        """Whether the queue is paused, its jobs in their order, and how many ended jobs the list holds."""
        return await threads.run(jobs.overview)

    @routes.get("/queue/ended")
    async def ended(before: str | None = None, limit: int = Query(50, ge=1, le=1000)) -> list[dict[str, Any]]:
        """Jobs that have ended, the last first; `before` is the last one of the page before."""
        return await threads.run(lambda: [jobs.line(job) for job in jobs.queue.store.ended(before=before, limit=limit)])

    @routes.post("/queue/{change}")
    async def change(change: Literal["pause", "resume", "cancel_waiting", "clear_ended"]) -> dict[str, Any]:
        """Begin no more jobs, or begin again; cancel all that wait; take all that have ended off the list."""
        await threads.run({"pause": order.pause, "resume": order.resume, "cancel_waiting": order.cancel_waiting,
                           "clear_ended": order.clear_ended}[change])  # fmt: skip
        return await threads.run(jobs.overview)


def add_stops(routes: APIRouter, jobs: Jobs) -> None:
    threads = Threads("stop-route", 2)
    queue = jobs.queue
    stops = {"skip": queue.skip, "finish": queue.finish, "interrupt": queue.interrupt, "cancel": queue.cancel}

    @routes.post("/jobs/{id}/{stop}")
    async def stop(id: str, stop: Literal["skip", "finish", "interrupt", "cancel"]) -> dict[str, Any]:
        """End the batch, or the job after its picture, or early, or with nothing kept; the job as it is then."""
        return await threads.run(lambda: jobs.line(stops[stop](id)))
