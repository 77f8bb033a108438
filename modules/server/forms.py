"""What the forms of the page ask beside their events: the panels of scripts and extensions, presets, captions, pictures as a zip file."""

import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from modules.contract.errors import NotFound
from modules.jobs.queue import JobQueue
from modules.server.routes import Threads
from modules.settings.presets import Preset, Presets

MOST_ZIPPED = 500


class Panels(Protocol):
    """The panels of a tab and the lists that their fields choose from, as JSON values."""

    def __call__(self, tab: str) -> Mapping[str, Any]: ...


class PresetAsked(BaseModel):
    """A preset to keep: the values of a form's fields by name."""

    name: str = Field(min_length=1, max_length=100)
    tab: Literal["txt2img", "img2img"]
    values: dict[str, Any]
    checkpoint: str = Field("", max_length=500)


class CaptionAsked(BaseModel):
    """A picture, by the id of its upload, that is to be described."""

    picture: str = Field(pattern="^[0-9a-f]{64}$")
    model: Literal["clip", "deepdanbooru"]
    owner: str = Field("", max_length=128)


def router(
    *, panels: Panels, presets: Presets, queue: JobQueue, caption: Callable[[str, str, str], str], stamp: Callable[[], str]
) -> APIRouter:
    """All routes. `caption` takes an upload's id, a model and an owner, and answers with a job's id; it raises NotFound, NotSupported.

    `stamp` changes with the files in the folders of models.
    """
    routes, threads = APIRouter(prefix="/webui"), Threads("forms-route", 2)

    @routes.get("/scripts")
    async def scripts(tab: Literal["txt2img", "img2img"]) -> dict[str, Any]:
        """The panels of scripts and extensions."""
        return dict(await threads.run(panels, tab))

    @routes.get("/stamp")
    async def files() -> dict[str, str]:
        """Changes when a model comes or goes, so that the page knows when to look again."""
        return {"stamp": await threads.run(stamp)}

    @routes.get("/presets")
    async def all_presets() -> list[Preset]:
        """All presets."""
        return await threads.run(presets.all)

    @routes.post("/presets")
    async def keep(asked: PresetAsked) -> list[Preset]:
        """Keep a preset, in place of the one of the same name and tab."""
        return await threads.run(presets.keep, Preset(**asked.model_dump()))

    @routes.delete("/presets")
    async def remove(tab: Literal["txt2img", "img2img"], name: str) -> list[Preset]:
        """Take a preset away."""
        return await threads.run(presets.remove, tab, name)

    @routes.post("/captions")
    async def captions(asked: CaptionAsked) -> dict[str, str]:
        """Have a picture described; the answer is the job's id."""
        return {"id": await threads.run(caption, asked.picture, asked.model, asked.owner)}

    @routes.get("/zip")
    async def zipped(pictures: str) -> Response:
        """Pictures of jobs as one file; `pictures` is `job:0,other:2`."""
        data = await threads.run(zip_of, queue, pictures)
        headers = {"Content-Disposition": 'attachment; filename="pictures.zip"', "Cache-Control": "no-store"}
        return Response(data, media_type="application/zip", headers=headers)

    return routes


def zip_of(queue: JobQueue, pictures: str) -> bytes:
    """The files of pictures named as `job:0,other:2`, in one archive; they are small already, so they are stored as they are.

    Raises NotFound where none is left.
    """
    found: dict[str, Path] = {}
    for pair in pictures.split(",")[:MOST_ZIPPED]:
        job, _, number = pair.partition(":")
        if not re.fullmatch(r"\d{1,6}", number):
            continue
        paths: Sequence[str | None] = (queue.get(job).summary or {}).get("paths", [])
        path = dict(enumerate(paths)).get(int(number))
        if path and Path(path).is_file():
            found.setdefault(Path(path).name, Path(path))
    if not found:
        raise NotFound("None of these pictures is on the disk.", "They were not saved, or have been deleted.")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, path in found.items():
            file.write(path, name)
    return archive.getvalue()
