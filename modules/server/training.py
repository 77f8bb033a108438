"""The Train tab's routes: what can be asked for, the trainings, and what each has made so far.

Whatever starts, changes or ends something needs leave: it reads folders of this machine and takes its device for hours.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from modules.contract.errors import NotFound, WebuiError
from modules.contract.training import TrainingRequest, training_request_from
from modules.server.here import from_this_machine
from modules.server.pictures import picture_file
from modules.server.threads import Threads
from modules.server.training_pictures import add_pictures
from modules.training.runs.listing import Listing, log_after
from modules.training.runs.queue import Runs

May = Callable[[Request], bool]
Thumbnail = Callable[[Path, int], Path]


class NotAllowed(WebuiError):
    """Only people at this machine, or who have logged in, may do this."""

    status = 403


class Desk(Protocol):
    """What the form asks. `here`: whether the person sits at this machine, and may name any folder of it."""

    def form(self) -> dict[str, Any]:
        """The form's fields in groups, their defaults and the lists that they choose from."""
        ...

    def advise(self, request: TrainingRequest, *, here: bool) -> dict[str, Any]:
        """Every value decided, each with its reason. Raises BadRequest, NotFound."""
        ...

    def check(self, request: TrainingRequest, *, here: bool) -> dict[str, Any]:
        """What stands in its way. Raises BadRequest, NotFound."""
        ...

    def add(self, request: TrainingRequest, *, here: bool, first: bool) -> str:
        """Put a training into the queue; its id. Raises BadRequest with what stands in its way."""
        ...

    def try_out(self, request: TrainingRequest, *, here: bool) -> str:
        """Take a few steps to see what it will take; the trial's id. Raises BadRequest, TooBusy."""
        ...

    def trial(self, id: str) -> dict[str, Any]:
        """How far a trial is: state "running", "done" or "failed", the error and the hint, the result. Raises NotFound."""
        ...

    def end_trial(self, id: str) -> None: ...

    def ladder(self, id: str) -> dict[str, Any]:
        """What a training that failed for want of memory may change: "short", "step", "rungs", "tried". Raises NotFound, BadRequest."""
        ...

    def climb(self, id: str, rung: str) -> dict[str, Any] | None:
        """Have it go on with one of them; or the request of another training, where this one cannot. Raises NotFound, BadRequest."""
        ...

    def commands(self, id: str) -> list[str]:
        """What is typed on further machines."""
        ...

    def publish(self, id: str, step: int, name: str) -> dict[str, Any]:
        """Put the file of a step among the models. Raises NotFound, BadRequest."""
        ...

    def from_file(self, name: str) -> dict[str, Any]:
        """The settings that a LoRA says it was trained with. Raises NotFound, BadRequest."""
        ...

    def presets(self) -> list[dict[str, Any]]: ...

    def preset(self, name: str) -> bytes:
        """A preset's file. Raises NotFound."""
        ...

    def keep_preset(self, name: str, text: str, values: dict[str, Any]) -> list[dict[str, Any]]: ...
    def add_preset(self, name: str, data: bytes) -> list[dict[str, Any]]: ...
    def remove_preset(self, name: str) -> list[dict[str, Any]]: ...


class RequestAsked(BaseModel):
    """A training's values; what is not named is as the form begins. `first`: before all that wait."""

    request: dict[str, Any]
    first: bool = False


class StopAsked(BaseModel):
    """`now`: without a last state."""

    now: bool = False


class ResumeAsked(BaseModel):
    """`changed`: though the pictures are not those that the state was made with."""

    changed: bool = False


class RungAsked(BaseModel):
    """What is to be changed so that less memory is needed, by its kind, such as "batch"."""

    rung: str = Field(max_length=30)


class MoveAsked(BaseModel):
    """The training that it shall begin before; None: last of all."""

    before: str | None = Field(None, max_length=200)


class PublishAsked(BaseModel):
    """A step whose file shall be among the models, and under which name; "": the training's own."""

    step: int = Field(ge=0)
    name: str = Field("", max_length=100)


class FileAsked(BaseModel):
    """A LoRA, as the lists name it."""

    lora: str = Field(max_length=500)


class PresetAsked(BaseModel):
    """Values to be kept under a name, those of a request or some of them; or a preset's file that somebody gave."""

    name: str = Field(min_length=1, max_length=100)
    text: str = Field("", max_length=1000)
    values: dict[str, Any] | None = None
    file: str = Field("", max_length=1 << 20)


def router(runs: Runs, desk: Desk, may: May, thumbnail: Thumbnail) -> APIRouter:
    """The routes below /webui/training. `may` says whose requests may change something; `thumbnail` a picture's small copy."""
    routes = APIRouter(prefix="/webui/training")
    threads, slow, listing = Threads("training-route", 4), Threads("training-data", 2), Listing(runs)

    def check(request: Request) -> None:
        leave(request, may)

    allowed = [Depends(check)]
    add_form(routes, desk, may, slow, allowed)
    add_list(routes, runs, desk, listing, threads, allowed)
    add_changes(routes, runs, desk, listing, threads, allowed)
    add_made(routes, runs, threads, thumbnail)
    add_pictures(routes, runs, threads, may, thumbnail)
    add_presets(routes, desk, threads, allowed)
    return routes


def leave(request: Request, may: May) -> None:
    """Raise NotAllowed for a request that may not change anything."""
    if not may(request):
        raise NotAllowed(
            "Trainings are only started and changed from the machine that the program runs on, or after a login.",
            "A setting on the page Training allows it to others; it is changed on that machine.",
        )


def add_form(routes: APIRouter, desk: Desk, may: May, slow: Threads, allowed: list[Any]) -> None:
    """What the form asks before anything starts."""

    @routes.get("/form")
    async def form(request: Request) -> dict[str, Any]:
        """The form."""
        return {**await slow.run(desk.form), "may": may(request), "here": from_this_machine(request)}

    @routes.post("/advise", dependencies=allowed)
    async def advise(asked: RequestAsked, request: Request) -> dict[str, Any]:
        """Every value decided."""
        here = from_this_machine(request)
        return await slow.run(lambda: desk.advise(training_request_from(asked.request), here=here))

    @routes.post("/check", dependencies=allowed)
    async def check(asked: RequestAsked, request: Request) -> dict[str, Any]:
        """What stands in its way."""
        here = from_this_machine(request)
        return await slow.run(lambda: desk.check(training_request_from(asked.request), here=here))

    @routes.post("/fit", dependencies=allowed)
    async def try_out(asked: RequestAsked, request: Request) -> dict[str, str]:
        """Take a few steps to see what it will take."""
        here = from_this_machine(request)
        return {"id": await slow.run(lambda: desk.try_out(training_request_from(asked.request), here=here))}

    @routes.get("/fit/{id}")
    async def trial(id: str) -> dict[str, Any]:
        """How far that is, and what was found."""
        return await slow.run(desk.trial, id)

    @routes.delete("/fit/{id}", dependencies=allowed)
    async def end_trial(id: str) -> dict[str, bool]:
        """Take it back."""
        await slow.run(desk.end_trial, id)
        return {"removed": True}

    @routes.post("/from-file", dependencies=allowed)
    async def from_file(asked: FileAsked) -> dict[str, Any]:
        """The settings that a LoRA was trained with."""
        return await slow.run(desk.from_file, asked.lora)


def add_list(routes: APIRouter, runs: Runs, desk: Desk, listing: Listing, threads: Threads, allowed: list[Any]) -> None:
    """The trainings, and one."""

    @routes.get("/runs")
    async def all_runs(since: str = "") -> dict[str, Any]:
        """All of them; no more than that nothing has changed `since` a version."""
        found = await threads.run(listing.all)
        return {"unchanged": True, "version": since} if since and since == found["version"] else found

    @routes.post("/runs", dependencies=allowed)
    async def add(asked: RequestAsked, request: Request) -> dict[str, str]:
        """Put one into the queue."""
        here = from_this_machine(request)
        return {"id": await threads.run(lambda: desk.add(training_request_from(asked.request), here=here, first=asked.first))}

    @routes.get("/runs/{id}")
    async def details(id: str, request: Request) -> dict[str, Any]:
        """One, with what it was asked for and what it has made."""
        here = from_this_machine(request)
        found = await threads.run(lambda: listing.details(runs.get(id), here=here))
        return {**found, "commands": await threads.run(desk.commands, id) if here else []}

    @routes.get("/runs/{id}/events")
    async def events(id: str, after: int = 0) -> dict[str, Any]:
        """What has happened from a byte of its events on. A byte behind the end, after steps were taken back, begins anew."""

        def read() -> dict[str, Any]:
            run = runs.get(id)
            size = (run.path / "events.jsonl").stat().st_size if (run.path / "events.jsonl").exists() else 0
            found, end = run.events(after if 0 <= after <= size else 0)
            return {"events": found, "next": end, "anew": not 0 <= after <= size, "line": listing.line(run)}

        return await threads.run(read)

    @routes.get("/runs/{id}/ladder")
    async def ladder(id: str) -> dict[str, Any]:
        """What may be changed so that it needs less memory, and what was tried."""
        return await threads.run(desk.ladder, id)

    @routes.get("/runs/{id}/log")
    async def log(id: str, after: int = 0) -> dict[str, Any]:
        """What its processes say."""
        return await threads.run(lambda: log_after(runs.get(id), max(0, after)))


def add_changes(routes: APIRouter, runs: Runs, desk: Desk, listing: Listing, threads: Threads, allowed: list[Any]) -> None:
    """What can be asked of a training."""

    @routes.post("/runs/{id}/stop", dependencies=allowed)
    async def stop(id: str, asked: StopAsked | None = None) -> dict[str, Any] | None:
        """Have it end; with `now`, at once."""
        now = asked is not None and asked.now
        return listing.line(await threads.run(lambda: runs.stop_run(id, now=now)))

    @routes.post("/runs/{id}/move", dependencies=allowed)
    async def move(id: str, asked: MoveAsked) -> dict[str, list[str]]:
        """Have it begin before another."""
        return {"order": await threads.run(runs.move, id, asked.before)}

    @routes.post("/runs/{id}/publish", dependencies=allowed)
    async def publish(id: str, asked: PublishAsked) -> dict[str, Any]:
        """Put the file of a step among the models."""
        return await threads.run(desk.publish, id, asked.step, asked.name)

    @routes.post("/runs/{id}/resume", dependencies=allowed)
    async def resume(id: str, asked: ResumeAsked | None = None) -> dict[str, Any] | None:
        """Have it go on; with `changed`, though its pictures are not what they were."""
        changed = asked is not None and asked.changed
        return listing.line(await threads.run(lambda: runs.resume(id, changed=changed)))

    @routes.post("/runs/{id}/ladder", dependencies=allowed)
    async def climb(id: str, asked: RungAsked) -> dict[str, Any]:
        """Change that, and have it go on; `request` is that of another training where this one cannot go on with it, else null."""
        request = await threads.run(desk.climb, id, asked.rung)
        return {"request": request, "line": listing.line(await threads.run(runs.get, id))}

    @routes.post("/runs/{id}/{what}", dependencies=allowed)
    async def ask(id: str, what: Literal["pause", "sample", "save"]) -> dict[str, Any] | None:
        """Pause it, or ask for pictures or a state now."""

        def asked() -> Any:
            return runs.pause(id) if what == "pause" else runs.ask(id, what)

        return listing.line(await threads.run(asked))

    @routes.delete("/runs/{id}", dependencies=allowed)
    async def remove(id: str) -> dict[str, bool]:
        """Delete it; what it has put among the models stays."""
        await threads.run(runs.remove, id)
        return {"removed": True}


def add_made(routes: APIRouter, runs: Runs, threads: Threads, thumbnail: Thumbnail) -> None:
    """What a training has made."""

    @routes.get("/runs/{id}/samples/{file}")
    async def sample(id: str, file: str, small: int = 0) -> FileResponse:
        """A picture that was made on the way; `small`: no side of it longer than so many pixels."""

        def found() -> tuple[Path, str]:
            path, kind = picture_file(runs.get(id).samples, file)
            return (thumbnail(path, small), "image/webp") if small else (path, kind)

        path, kind = await threads.run(found)
        return FileResponse(path, media_type=kind, headers={"Cache-Control": "no-cache"})

    @routes.get("/runs/{id}/copies/{file}")
    async def original(id: str, file: str) -> FileResponse:
        """The picture that was trained on and that the sample of that name is nearly, as it was shown."""
        path, kind = await threads.run(lambda: picture_file(runs.get(id).copies, file))
        return FileResponse(path, media_type=kind, headers={"Cache-Control": "no-cache"})

    @routes.get("/runs/{id}/files/{step}")
    async def file(id: str, step: int) -> FileResponse:
        """What was trained, as it was at a step."""

        def found() -> tuple[Path, str]:
            run = runs.get(id)
            path = run.written().get(step)
            if path is None:
                raise NotFound(f"The training '{id}' has no file of step {step}.")
            return path, f"{run.request().name}-{step:06}{path.suffix}"

        path, name = await threads.run(found)
        return FileResponse(path, media_type="application/octet-stream", filename=name)


def add_presets(routes: APIRouter, desk: Desk, threads: Threads, allowed: list[Any]) -> None:
    """Values under a name."""

    @routes.get("/presets")
    async def presets() -> list[Mapping[str, Any]]:
        """All of them."""
        return [*await threads.run(desk.presets)]

    @routes.get("/presets/{name}")
    async def preset(name: str) -> Response:
        """One as a file, to be given to others."""
        data = await threads.run(desk.preset, name)
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}.json"}
        return Response(data, media_type="application/json", headers=headers)

    @routes.post("/presets", dependencies=allowed)
    async def keep(asked: PresetAsked) -> list[Mapping[str, Any]]:
        """Keep one, in place of the one of the same name."""
        if asked.values is None:
            return [*await threads.run(desk.add_preset, asked.name, asked.file.encode())]
        return [*await threads.run(desk.keep_preset, asked.name, asked.text, asked.values)]

    @routes.delete("/presets", dependencies=allowed)
    async def remove(name: str) -> list[Mapping[str, Any]]:
        """Take one away."""
        return [*await threads.run(desk.remove_preset, name)]
