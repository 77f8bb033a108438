"""Our own routes: the list of jobs and what can be done with one, previews, pictures, token counts.

Each is async. What touches the disk or takes a while runs in threads of its own, apart from those that FastAPI shares out to
routes that block, so that stopping a job never waits for them.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypeVar

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from modules.contract.request import request_from
from modules.contract.services import Folders, Generation, Submit, TokenCount
from modules.jobs.queue import JobQueue
from modules.server.pictures import picture_file, picture_type
from modules.server.security import FILE_POLICY
from modules.server.wire import job_line

T = TypeVar("T")


class JobAsked(BaseModel):
    """A picture that somebody wants."""

    request: dict[str, Any]
    owner: str = Field("", max_length=128)


class TokensAsked(BaseModel):
    """A prompt whose tokens are to be counted."""

    prompt: str = Field("", max_length=100_000)
    steps: int = Field(20, ge=1, le=150)


class Threads:
    """A few threads for one kind of call."""

    def __init__(self, name: str, count: int) -> None:
        self.pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(self, call: Callable[..., T], *values: Any) -> T:
        """The call's answer, without holding up the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, call, *values)


def router(
    *,
    queue: JobQueue,
    generation: Generation,
    folders: Folders,
    submit: Submit,
    read_picture_text: Callable[[bytes], str],
) -> APIRouter:
    """All routes. `read_picture_text` gives the infotext of an encoded picture; it raises BadRequest for what is none."""
    routes = APIRouter(prefix="/webui")
    add_jobs(routes, queue, generation, submit)
    add_pictures(routes, queue, folders)
    add_text(routes, generation, read_picture_text)

    @routes.get("/ping")
    async def ping() -> dict[str, bool]:
        """That the server answers."""
        return {"ok": True}

    return routes


def add_jobs(routes: APIRouter, queue: JobQueue, generation: Generation, submit: Submit) -> None:
    threads, checks = Threads("jobs-route", 2), Threads("submit-route", 4)
    stops = {"skip": queue.skip, "interrupt": queue.interrupt, "cancel": queue.cancel}

    @routes.get("/jobs")
    async def jobs(owner: str | None = None, limit: int = Query(100, ge=1, le=1000)) -> list[dict[str, Any]]:
        """The last jobs, of one page or of all, in order."""
        return await threads.run(lambda: [job_line(queue, job) for job in queue.jobs(owner, limit=limit)])

    @routes.post("/jobs")
    async def add(asked: JobAsked) -> dict[str, str]:
        """Put a picture into the queue; the answer is the job's id."""

        def checked() -> str:
            return submit(generation.check(request_from(asked.request)), owner=asked.owner)

        return {"id": await checks.run(checked)}

    @routes.get("/jobs/{id}")
    async def job(id: str) -> dict[str, Any]:
        """One job, with its request."""

        def found() -> dict[str, Any]:
            job = queue.get(id)
            return {**job_line(queue, job), "request": job.request}

        return await threads.run(found)

    @routes.post("/jobs/{id}/remove")
    async def remove(id: str) -> dict[str, str]:
        """Take a job off the list, a waiting one out of the queue."""
        await threads.run(queue.remove, id)
        return {"id": id}

    @routes.post("/jobs/{id}/{stop}")
    async def stop(id: str, stop: Literal["skip", "interrupt", "cancel"]) -> dict[str, Any]:
        """End the batch, or the job early, or the job with nothing kept; the job as it is then."""
        return await threads.run(lambda: job_line(queue, stops[stop](id)))


def add_pictures(routes: APIRouter, queue: JobQueue, folders: Folders) -> None:
    threads = Threads("picture-route", 2)

    @routes.get("/preview/{id}")
    async def preview(id: str) -> Response:
        """The newest preview of a running job; 204 while there is none."""
        number, picture = await threads.run(queue.preview, id) or (0, b"")
        kind = picture_type(picture)
        headers = {"Cache-Control": "no-store", "X-Preview-Number": str(number)}
        return Response(picture, media_type=kind, headers=headers) if kind else Response(status_code=204, headers=headers)

    @routes.get("/picture")
    async def picture(path: str) -> FileResponse:
        """A picture of the output folder."""
        file, kind = await threads.run(picture_file, folders.outputs, path)
        headers = {"Cache-Control": "private, max-age=600", "Content-Security-Policy": FILE_POLICY}
        return FileResponse(file, media_type=kind, headers=headers)


def add_text(routes: APIRouter, generation: Generation, read_picture_text: Callable[[bytes], str]) -> None:
    threads = Threads("text-route", 2)

    @routes.post("/tokens")
    async def tokens(asked: TokensAsked) -> TokenCount:
        """How many tokens a prompt takes."""
        return await threads.run(generation.count_tokens, asked.prompt, asked.steps)

    @routes.post("/infotext")
    async def infotext(request: Request) -> dict[str, str]:
        """The infotext in a picture; the body is the file itself."""
        return {"infotext": await threads.run(read_picture_text, await request.body())}
