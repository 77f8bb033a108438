"""What extensions are given of the program: lists, models, pictures, and the queue."""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from PIL.Image import Image

from modules.contract.errors import BadRequest, ExtensionFailed, NotFound, NotSupported, Unavailable, WebuiError
from modules.contract.file_manager import show_file
from modules.contract.progress import Reporter, Stop
from modules.contract.request import GenerationRequest, picture_bytes
from modules.contract.services import Folders, ModelEntry, Submit
from modules.jobs.queue import JobQueue
from modules.plugins.host import Host
from modules.plugins.ledger import WORK
from modules.plugins.loader import Loaded
from modules.plugins.registry import Registry
from modules.server.extension_routes import Routed
from modules.server.here import from_this_machine
from modules.settings.groups import Settings
from modules.settings.store import Page, SettingsStore
from modules.work import Tasks

if TYPE_CHECKING:
    from modules.pipeline.manager import PipelineManager


@dataclass(frozen=True)
class Offer:
    """The program as one extension sees it; see `modules.plugins.host.Program`. `note` writes down what its work took and raised."""

    name: str
    title: str
    folders: Folders
    pipeline: "PipelineManager"
    store: SettingsStore
    queue: JobQueue
    tasks: Tasks
    upload: Callable[[str], bytes]
    send: Submit
    note: Callable[[str, str, float, BaseException | None], None]

    def choices(self, kind: str) -> Sequence[str]:
        """The names of a kind. Raises NotFound for a kind that is none."""
        library, pipeline = self.pipeline.library, self.pipeline
        lists: dict[str, Callable[[], Sequence[str]]] = {
            "checkpoint": lambda: [entry.title for entry in pipeline.checkpoints() if entry.problem is None],
            "vae": lambda: [entry.title for entry in library.vaes.entries()],
            "embedding": lambda: sorted(one.name for one in library.embeddings.embeddings()),
            "upscaler": lambda: [entry.name for entry in pipeline.tools.upscalers.entries()],
            "sampler": lambda: [entry.name for entry in pipeline.samplers()],
            "schedule": lambda: [entry.label for entry in pipeline.schedules()],
            "style": lambda: library.styles.names,
            **{kind: partial(self.names, kind) for kind in ("lora", "hypernetwork", "controlnet")},
        }
        if kind not in lists:
            raise NotFound.among("kind of names", kind, lists)
        return lists[kind]()

    def names(self, kind: str) -> list[str]:
        return [entry.name for entry in self.models(kind)]

    def models(self, kind: str) -> Sequence[ModelEntry]:
        """The model files of a kind. Raises NotFound for a kind that has none."""
        library = self.pipeline.library
        catalogues = {
            "checkpoint": library.checkpoints,
            "vae": library.vaes,
            "lora": library.loras,
            "hypernetwork": library.hypernetworks,
            "controlnet": library.controlnets,
        }
        if kind not in catalogues:
            raise NotFound.among("kind of model", kind, catalogues)
        return catalogues[kind].entries()

    def refresh(self) -> None:
        """Look at the folders of models again."""
        self.pipeline.refresh()

    def chosen_checkpoint(self) -> ModelEntry | None:
        """The checkpoint that pictures are made with unless they say otherwise."""
        return self.pipeline.chosen()

    def settings(self) -> Settings:
        """The program's settings as they are now."""
        return self.store.current

    def from_this_machine(self, request: Request) -> bool:
        """Whether a call of a route comes from the machine that the program runs on."""
        return from_this_machine(request)

    def show_file(self, path: Path, request: Request) -> bool:
        """Show a file in the file manager of this machine. Raises NotSupported for calls from elsewhere."""
        if not from_this_machine(request):
            raise NotSupported("Folders can be shown on the machine that the program runs on only.")
        return show_file(path)

    def screened(self, image: Image) -> Image:
        """A picture as it may go out. Raises what the content screen raises."""
        return self.pipeline.tools.screen.passed(image, self.store.current).image

    def picture(self, reference: str) -> bytes:
        """The bytes of an upload's id, or of base64 text. Raises NotFound, BadRequest."""
        if len(reference) == 64 and not set(reference) - set("0123456789abcdef"):
            return self.upload(reference)
        try:
            data = picture_bytes(reference)
        except ValueError as error:
            raise BadRequest(str(error)) from None
        if not data:
            raise BadRequest("There is no picture.")
        return data

    def submit(self, request: GenerationRequest, *, owner: str) -> str:
        """Put a generation into the queue; the job's id. Raises what is wrong with the request."""
        return self.send(self.pipeline.check(request), owner=owner)

    def submit_work(self, title: str, work: Callable[[Reporter], Any], *, owner: str) -> str:
        """Put other long work into the queue; the job's id."""
        return self.tasks.submit(self.queue, title, partial(self.worked, work), owner=owner)

    def worked(self, work: Callable[[Reporter], Any], report: Reporter) -> Any:
        """Do some work, and write down what it took. Raises ExtensionFailed with the extension's name."""
        begun, failed = time.perf_counter(), None
        try:
            return work(report)
        except (WebuiError, Stop, MemoryError):
            raise
        except BaseException as error:
            failed = error
            text = f"{self.title} failed in its work: {type(error).__name__}: {error}"
            raise ExtensionFailed(text, "Its traceback is in the log.") from error
        finally:
            self.note(self.name, WORK, time.perf_counter() - begun, failed)

    def result(self, job: str, *, seconds: float = 600) -> Any:
        """Wait for a job, and have what it gave. Raises what it failed with, Unavailable if it was cancelled or takes longer."""
        if threading.current_thread() is self.queue.thread:
            raise BadRequest("A job cannot wait for another one: they run one after the other.", "Do the work itself, or use run.redo().")
        try:
            ended = asyncio.run(asyncio.wait_for(self.queue.wait(job), seconds))
        except (asyncio.TimeoutError, TimeoutError):
            raise Unavailable(f"The job '{job}' takes longer than {seconds:g} seconds.") from None
        if ended.error:
            raise WebuiError(ended.error, ended.hint or "")
        value = self.queue.result(job)
        if value is None and ended.state == "cancelled":
            raise Unavailable("The job was cancelled.")
        return value


def host_of(offer: Offer, row: Loaded, overrides: Mapping[str, Any]) -> Host | None:
    """What an extension is given; a request's own settings go on top of the others. None for one that cannot be used."""
    kind = row.extension
    if kind is None or row.folder is None:
        return None
    store = offer.store
    fixed = store.snapshot(dict(overrides)) if overrides else None

    def own() -> Any:
        return (fixed or store.current).extensions.get(row.name) or kind.Settings()

    return Host(row.name, row.folder, replace(offer, name=row.name, title=row.title), own)


def pages_of(registry: Registry) -> dict[str, Page]:
    """The pages of settings that extensions have, by extension."""
    rows = [(row, row.extension.Settings) for row in registry.extensions() if row.extension]
    return {row.name: Page(row.title, kind) for row, kind in rows if kind.model_fields}


def routes_of(registry: Registry) -> list[Routed]:
    """The extensions that may have routes."""

    def added(row: Loaded) -> Callable[[APIRouter, APIRouter], None]:
        def add(own: APIRouter, old: APIRouter) -> None:
            kind, host = row.extension, registry.hosts(row, {})
            assert kind is not None and host is not None
            kind.routes(own, host)
            kind.old_routes(old, host)

        return add

    return [Routed(row.name, row.title, row.extension, added(row)) for row in registry.extensions() if row.extension]
