"""Our own routes: the list of jobs and what can be done with one, previews, pictures, token counts.

Each is async. What touches the disk or takes a while runs in threads of its own, apart from those that FastAPI shares out to
routes that block, so that stopping a job never waits for them.
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from modules.contract.request import GenerationRequest
from modules.contract.services import Folders, Generation, Submit, TokenCount
from modules.jobs.queue import JobQueue
from modules.prompts.borders import CHUNK, chunk_borders
from modules.server.jobs import FormValues, add_jobs
from modules.server.pictures import picture_file, picture_type
from modules.server.security import FILE_POLICY
from modules.server.threads import Threads


class TokensAsked(BaseModel):
    """A prompt whose tokens are to be counted."""

    prompt: str = Field("", max_length=100_000)
    steps: int = Field(20, ge=1, le=150)


def fields_of(request: GenerationRequest) -> dict[str, Any]:
    """A request's own fields, for a program without forms."""
    return request.model_dump(mode="json", exclude={"source"})


def router(
    *,
    queue: JobQueue,
    generation: Generation,
    folders: Folders,
    submit: Submit,
    read_picture_text: Callable[[bytes], str],
    form_values: FormValues = fields_of,
    thumbnail: Callable[[Path, int], Path] | None = None,
) -> APIRouter:
    """All routes. `read_picture_text` gives the infotext of an encoded picture; it raises BadRequest for what is none.

    `form_values` gives a request as the page's forms show it. `thumbnail` gives the file of a small copy of a picture, of a side
    in pixels; without it pictures stand for themselves.
    """
    routes = APIRouter(prefix="/webui")
    add_jobs(routes, queue, generation, submit, folders, form_values=form_values, thumbnail=thumbnail)
    add_pictures(routes, queue, folders)
    add_text(routes, generation, read_picture_text)

    @routes.get("/ping")
    async def ping() -> dict[str, bool]:
        """That the server answers."""
        return {"ok": True}

    return routes


def add_pictures(routes: APIRouter, queue: JobQueue, folders: Folders) -> None:
    threads = Threads("picture-route", 2)

    @routes.get("/preview/{id}")
    async def preview(id: str) -> Response:
        """The newest preview of a running job; 204 while there is none."""
        number, picture = await threads.run(queue.preview, id) or (0, b"")
        kind = picture_type(picture)
        headers = {"Cache-Control": "no-store", "X-Preview-Number": str(number)}
        return Response(picture, media_type=kind, headers=headers) if kind else Response(status_code=204, headers=headers)

    @routes.get("/notification-sound")
    async def notification_sound() -> Response:
        """The sound that a person put into the data folder for the end of a job; 204 where there is none."""
        file = folders.data / "notification.mp3"
        if not await threads.run(file.is_file):
            return Response(status_code=204)
        headers = {"Cache-Control": "no-cache", "Content-Security-Policy": FILE_POLICY}
        return FileResponse(file, media_type="audio/mpeg", headers=headers)

    @routes.get("/picture")
    async def picture(path: str) -> FileResponse:
        """A picture of the output folder."""
        file, kind = await threads.run(picture_file, folders.outputs, path)
        headers = {"Cache-Control": "private, max-age=600", "Content-Security-Policy": FILE_POLICY}
        return FileResponse(file, media_type=kind, headers=headers)


def add_text(routes: APIRouter, generation: Generation, read_picture_text: Callable[[bytes], str]) -> None:
    threads = Threads("text-route", 2)

    @routes.post("/tokens")
    async def tokens(asked: TokensAsked) -> dict[str, Any]:
        """How many tokens a prompt takes, and where in it each chunk but the first begins, to a word."""

        def counted() -> dict[str, Any]:
            def count(text: str) -> TokenCount:
                return generation.count_tokens(text, asked.steps)

            whole = count(asked.prompt)
            borders = chunk_borders(asked.prompt, lambda text: count(text).used) if whole.used > CHUNK else []
            return {**asdict(whole), "borders": borders}

        return await threads.run(counted)

    @routes.post("/infotext")
    async def infotext(request: Request) -> dict[str, str]:
        """The infotext in a picture; the body is the file itself."""
        return {"infotext": await threads.run(read_picture_text, await request.body())}
