"""The routes of the data sets' workbench: folders of pictures, their captions, their check, and what mends them.

A data set is named by an id of the list and a picture by its name in it, never by a path. Folders of this machine are added to the
list from this machine only; everything else needs leave, for what is shown are people's own pictures.
"""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from modules.contract.errors import BadRequest, WebuiError
from modules.contract.training import training_request_from
from modules.datasets.buckets import Rules
from modules.datasets.captioning import Where
from modules.datasets.desk import CaptionWish, Desk, shown
from modules.datasets.edits import CaptionEdit
from modules.datasets.repair import RepairOptions
from modules.datasets.scan import root_of
from modules.imaging.thumbnails import Thumbnails
from modules.server.here import from_this_machine
from modules.server.pictures import SUFFIXES
from modules.server.security import FILE_POLICY
from modules.server.threads import Threads

May = Callable[[Request], bool]
Names = Annotated[list[str], Field(max_length=100_000)]


class NotAllowedError(WebuiError):
    """Only people at this machine, or who have logged in, may do this."""

    status = 403


class Named(BaseModel):
    """A folder of this machine, or a new data set's name."""

    folder: str = Field("", max_length=4000)
    name: str = Field("", max_length=200)


class EditAsked(BaseModel):
    """A change of captions; no names are all pictures. `dry` only tells what it would change."""

    names: Names = []
    edit: CaptionEdit
    dry: bool = False


class CaptionAsked(BaseModel):
    """By what pictures are captioned."""

    names: Names = []
    by: str = Field(max_length=200)
    template: str = Field("", max_length=5000)
    trigger: str = Field("", max_length=1000)
    where: Where = "missing"
    threshold: float = Field(0.35, ge=0.01, le=1)
    separator: str = Field(",", max_length=10)
    dry: bool = False


class RepairAsked(BaseModel):
    """A repair, or another operation on pictures."""

    action: str = Field(max_length=50)
    names: Names = []
    options: RepairOptions = RepairOptions()


class FoldersRepairAsked(BaseModel):
    """A repair of pictures of a training's request; `files` are named as its check names them: "1/a.png" is in its second folder."""

    request: dict[str, Any]
    action: str = Field(max_length=50)
    files: Names
    options: RepairOptions = RepairOptions()


class CheckAsked(BaseModel):
    """What a data set is judged for. `request`: values of a TrainingRequest; its folders do not count."""

    request: dict[str, Any] = Field(default_factory=dict[str, Any])
    own: int = Field(512, ge=8, le=4096)
    batch: int = Field(1, ge=1, le=1024)


class BucketsAsked(BaseModel):
    """How pictures are sorted into sizes."""

    resolution: int = Field(512, ge=8, le=4096)
    step: int = Field(64, ge=8, le=128)
    on: bool = True
    enlarge: bool = True


def router(desk: Desk, thumbnails: Thumbnails, may: May) -> APIRouter:
    """All routes below /webui/datasets. `may` says whose requests are answered at all."""

    def leave(request: Request) -> None:
        if not may(request):
            raise NotAllowedError(
                "Data sets are only shown on the machine that the program runs on, or after a login.",
                "A setting on the page Training allows it to others.",
            )

    routes = APIRouter(prefix="/webui/datasets", dependencies=[Depends(leave)])
    threads = Threads("datasets-route", 4)
    add_list(routes, desk, threads)
    add_tasks(routes, desk, threads)
    add_pictures(routes, desk, thumbnails, threads)
    add_captions(routes, desk, threads)
    add_mending(routes, desk, threads)
    return routes


def add_list(routes: APIRouter, desk: Desk, threads: Threads) -> None:
    @routes.get("")
    async def shelves(request: Request) -> dict[str, Any]:
        """All data sets; whether folders of this machine can be added; what can caption."""
        every = await threads.run(desk.captioners)
        captioners = [{"name": one.name, "title": one.title, "why": one.why} for one in every.values()]
        return {"datasets": await threads.run(desk.shelves), "here": from_this_machine(request), "captioners": captioners}

    @routes.post("")
    async def add(asked: Named, request: Request) -> dict[str, Any]:
        """Add a folder of this machine, or make a new data set to be filled by uploads."""
        if asked.name:
            return shown(await threads.run(desk.library.create, asked.name))
        if not from_this_machine(request):
            raise NotAllowedError(
                "Folders are named on the machine that the program runs on only.", "Make a new data set, and upload pictures into it."
            )
        return shown(await threads.run(desk.library.name, asked.folder))

    @routes.delete("/{id}")
    async def forget(id: str) -> dict[str, Any]:
        """Take a named folder off the list; its files stay."""
        await threads.run(desk.library.forget, id)
        return {"datasets": await threads.run(desk.shelves)}

    @routes.get("/{id}")
    async def contents(id: str, separator: Annotated[str, Query(max_length=10)] = ",") -> dict[str, Any]:
        """All pictures with their captions, tags and what can be taken back."""
        return await threads.run(desk.contents, id, separator)

    @routes.post("/{id}/files")
    async def upload(id: str, name: Annotated[str, Query(max_length=500)], request: Request) -> dict[str, str]:
        """Add a picture or a caption; the body is the file itself."""
        data = await request.body()
        if not data:
            raise BadRequest(f"{name} is empty.")
        return {"name": await threads.run(desk.library.put, id, name, data)}


def add_tasks(routes: APIRouter, desk: Desk, threads: Threads) -> None:
    @routes.get("/tasks/{task}")
    async def state(task: str) -> dict[str, Any]:
        """How far something is that takes a while."""
        return desk.tasks.state(task)

    @routes.delete("/tasks/{task}")
    async def cancel(task: str) -> dict[str, Any]:
        """Stop it; what it has changed is taken back."""
        return desk.tasks.cancel(task)

    @routes.post("/{id}/scan")
    async def scan(id: str) -> dict[str, str]:
        """Look at all pictures; the task's id."""
        return {"task": await threads.run(desk.scan, id)}


def add_pictures(routes: APIRouter, desk: Desk, thumbnails: Thumbnails, threads: Threads) -> None:
    headers = {"Cache-Control": "private, max-age=86400", "Content-Security-Policy": FILE_POLICY}

    @routes.get("/{id}/picture")
    async def picture(id: str, name: Annotated[str, Query(max_length=4000)]) -> FileResponse:
        """A picture's file."""
        path = await threads.run(desk.file, id, name)
        return FileResponse(path, media_type=SUFFIXES[path.suffix.lower()], headers=headers)

    @routes.get("/{id}/thumbnail")
    async def thumbnail(id: str, name: Annotated[str, Query(max_length=4000)], side: int = 256) -> FileResponse:
        """A small copy of a picture, upright."""
        path = await threads.run(desk.file, id, name)
        return FileResponse(await threads.run(thumbnails.of, path, side), media_type="image/webp", headers=headers)


def add_captions(routes: APIRouter, desk: Desk, threads: Threads) -> None:
    @routes.post("/{id}/edit")
    async def edit(id: str, asked: EditAsked) -> dict[str, Any]:
        """Change captions; the differences."""
        return await threads.run(lambda: desk.edit(id, asked.names, asked.edit, dry=asked.dry))

    @routes.post("/{id}/caption")
    async def caption(id: str, asked: CaptionAsked) -> dict[str, str]:
        """Have pictures captioned; the task's id, its result are the differences."""
        wish = CaptionWish(asked.by, asked.template, asked.trigger, asked.where, asked.threshold, asked.separator)
        return {"task": await threads.run(lambda: desk.caption(id, asked.names, wish, dry=asked.dry))}

    @routes.post("/{id}/undo")
    async def undo(id: str) -> dict[str, Any]:
        """Take the last change back."""
        return await threads.run(desk.undo, id)

    @routes.post("/{id}/redo")
    async def redo(id: str) -> dict[str, Any]:
        """Make it again."""
        return await threads.run(desk.redo, id)

    @routes.post("/{id}/forget-changes")
    async def forget(id: str) -> dict[str, Any]:
        """Delete what is kept for taking changes back."""
        return await threads.run(desk.forget, id)


def add_mending(routes: APIRouter, desk: Desk, threads: Threads) -> None:
    @routes.post("/{id}/check")
    async def check(id: str, asked: CheckAsked) -> dict[str, Any]:
        """What is wrong with it, and what mends that."""
        request = training_request_from(asked.request)
        return await threads.run(desk.checked, id, request, asked.own, asked.batch)

    @routes.post("/{id}/buckets")
    async def buckets(id: str, asked: BucketsAsked) -> list[dict[str, Any]]:
        """Into which sizes the pictures go."""
        side = asked.resolution
        return await threads.run(desk.buckets, id, Rules(side, asked.step, side // 2, side * 2, asked.on, asked.enlarge))

    @routes.post("/{id}/repair")
    async def repair(id: str, asked: RepairAsked) -> dict[str, str]:
        """Mend pictures; the task's id."""
        return {"task": await threads.run(desk.repair, id, asked.action, asked.names, asked.options)}

    @routes.post("/{id}/cuts")
    async def cuts(id: str, asked: RepairAsked) -> dict[str, Any]:
        """Where pictures would be cut."""
        return {"cuts": await threads.run(desk.cuts, id, asked.action, asked.names, asked.options)}

    @routes.post("/repair")
    async def repair_folders(asked: FoldersRepairAsked, request: Request) -> dict[str, list[str]]:
        """The same for the folders of a training's request; the ids of the tasks, one for each folder."""
        wanted = training_request_from(asked.request)
        folders = [each.folder for each in wanted.data.folders]
        known = {
            "resolution": wanted.data.resolution or asked.options.resolution,
            "trigger": wanted.trigger,
            "separator": wanted.data.separator,
        }
        options = asked.options.model_copy(update=known)
        found: dict[int, list[str]] = {}
        for name in asked.files:
            number, _, short = name.partition("/")
            if not number.isdecimal() or int(number) >= len(folders):
                raise BadRequest(f"'{name}' is in none of the {len(folders)} folders.")
            found.setdefault(int(number), []).append(short)
        here, tasks = from_this_machine(request), list[str]()
        for number, names in sorted(found.items()):
            id = await threads.run(id_of_folder, desk, folders[number], here)
            tasks.append(await threads.run(desk.repair, id, asked.action, names, options))
        return {"tasks": tasks}


def id_of_folder(desk: Desk, folder: str, here: bool) -> str:
    """The data set that a folder is; from this machine it becomes one. Raises BadRequest, NotFound."""
    path = root_of(folder)
    for shelf in desk.library.shelves():
        if shelf.path == path:
            return shelf.id
    if here:
        return desk.library.name(folder).id
    desk.library.allowed(folder)
    raise BadRequest(f"{path} is a part of a data set.", "Open the whole in the tab Dataset.")
