"""The composition root: the only file that knows every part. It builds them, ties them together, and starts."""

import asyncio
import logging
import os
import signal
import socket
import threading
import time
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import uvicorn
from fastapi import FastAPI

from modules.command_line import LaunchOptions
from modules.contract.errors import WebuiError
from modules.contract.files import remove_temporaries
from modules.contract.progress import Reporter
from modules.contract.request import GenerationRequest, request_from
from modules.contract.result import GenerationResult
from modules.contract.services import Folders
from modules.environment import try_lock
from modules.jobs.job import Job, Outcome
from modules.jobs.queue import JobQueue
from modules.jobs.store import JobStore
from modules.settings.store import SettingsStore

if TYPE_CHECKING:
    from modules.pipeline.manager import PipelineManager

log = logging.getLogger("easel")
TXT2IMG = "txt2img"
STOP_SECONDS = 10.0  # what a running job gets to end when the program stops


@dataclass(frozen=True)
class Program:
    """The built program: what `main` serves and tests may look into."""

    app: FastAPI
    pipeline: "PipelineManager"
    queue: JobQueue
    settings: SettingsStore
    folders: Folders


def folders_of(options: LaunchOptions) -> Folders:
    """Where things lie, by the command line."""
    return Folders(data=options.data_dir, models=options.models_dir, outputs=options.data_dir / "outputs")


def build_pipeline(options: LaunchOptions, settings: SettingsStore, folders: Folders) -> "PipelineManager":
    """The part that makes pictures. Brings torch in."""
    from modules.families.identify import check_checkpoint
    from modules.pipeline.manager import PipelineManager
    from modules.runtime.device import Wishes, choose
    from modules.weights.catalogue import Catalogue
    from modules.weights.hashes import HashCache

    wishes = Wishes(
        precision=options.precision,
        no_half=options.no_half,
        no_half_vae=options.no_half_vae,
        on_cpu=bool({"all", "sd"} & set(options.use_cpu)),
        device_id=str(options.device_id) if options.device_id is not None else None,
    )
    catalogue = Catalogue(
        [folders.models / "Stable-diffusion", *([options.ckpt_dir] if options.ckpt_dir else [])],
        [options.ckpt] if options.ckpt else [],
        HashCache(folders.data / "cache" / "hashes.json"),
        check_checkpoint,
    )
    pipeline = PipelineManager(catalogue=catalogue, settings=settings, root=folders.data, device=lambda: choose(wishes))
    if options.ckpt:
        settings.update({"sd_model_checkpoint": catalogue.find(str(options.ckpt.name)).title})
    return pipeline


def build(options: LaunchOptions) -> Program:
    """All parts, tied together; nothing runs yet."""
    folders = folders_of(options)
    for folder in (folders.outputs, folders.models / "Stable-diffusion"):
        folder.mkdir(parents=True, exist_ok=True)
    settings = SettingsStore(folders.data / "settings.json")
    pipeline = build_pipeline(options, settings, folders)

    def work(job: Job, report: Reporter) -> Outcome:
        result = pipeline.generate(request_from(job.request), report)
        return Outcome("interrupted" if result.interrupted else "done", result.summary(), result)

    queue = JobQueue(
        JobStore(folders.data / "jobs.sqlite3"),
        {TXT2IMG: work},
        lambda: settings.current.limits.queue_length,
        preview_seconds=lambda: settings.current.preview.seconds if settings.current.preview.enabled else float("inf"),
    )

    def submit(request: GenerationRequest, *, owner: str, durable: bool = True, identifier: str | None = None) -> str:
        values = request.model_dump(mode="json")
        return queue.submit(TXT2IMG, values, owner=owner, title=request.prompt[:120], durable=durable, identifier=identifier).id

    def results(job: str) -> GenerationResult | None:
        value = queue.result(job)
        return value if isinstance(value, GenerationResult) else None

    app = serve(options, Parts(folders, settings, pipeline, queue, submit, results))
    return Program(app, pipeline, queue, settings, folders)


@dataclass(frozen=True)
class Parts:
    """What the faces are made from."""

    folders: Folders
    settings: SettingsStore
    pipeline: "PipelineManager"
    queue: JobQueue
    submit: Any
    results: Any


def serve(options: LaunchOptions, parts: Parts) -> FastAPI:
    """The web application: our routes, A1111's, the page, and the guard around all of them."""
    from modules.a1111 import rest
    from modules.imaging.metadata import read_infotext
    from modules.server import errors, events, routes

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        parts.queue.start()
        if not options.skip_load_model_at_start:
            threading.Thread(target=load_first, args=(parts.pipeline,), name="first model", daemon=True).start()
        yield
        await asyncio.to_thread(parts.queue.stop, STOP_SECONDS)

    app = FastAPI(title="Easel", lifespan=lifespan, docs_url=None, redoc_url=None)  # their pages load scripts from elsewhere
    errors.install(app)
    app.include_router(
        routes.router(
            queue=parts.queue, generation=parts.pipeline, folders=parts.folders, submit=parts.submit, read_picture_text=read_infotext
        )
    )
    app.include_router(events.router(parts.queue))
    app.include_router(rest.router(rest.Parts(parts.queue, parts.pipeline, parts.pipeline, parts.settings, parts.submit, parts.results)))
    if not options.nowebui:
        add_page(app, options, parts)
    return app


def add_page(app: FastAPI, options: LaunchOptions, parts: Parts) -> None:
    """The page, mounted last: a route added after it would never be reached."""
    from modules.frontend.build import build_page, mount
    from modules.frontend.services import PageServices

    services = PageServices(
        generation=parts.pipeline,
        models=parts.pipeline,
        submit=parts.submit,
        results=parts.results,
        queue=parts.queue,
        settings=parts.settings,
        folders=parts.folders,
        defaults=parts.pipeline.defaults,
    )
    temporary = parts.folders.data / "cache" / "gradio"
    mount(app, build_page(services, temporary=temporary), outputs=parts.folders.outputs, appearance=options.theme)


class Server(uvicorn.Server):
    """Ends the queue before it closes connections: open event streams end with it, and nothing waits for them."""

    def __init__(self, config: uvicorn.Config, queue: JobQueue) -> None:
        super().__init__(config)
        self.queue = queue

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.to_thread(self.queue.stop, STOP_SECONDS)
        await super().shutdown(sockets)


def load_first(pipeline: "PipelineManager") -> None:
    """Load the chosen checkpoint while the page is up already."""
    entry = pipeline.chosen()
    if entry is None:
        log.warning("There is no checkpoint yet.")
        return
    try:
        pipeline.choose(entry.title)
    except WebuiError as error:
        log.warning("The chosen checkpoint could not be loaded: %s", error)


def main(options: LaunchOptions) -> None:
    """Build, listen, say where, and run until stopped."""
    started = time.perf_counter()
    logging.basicConfig(level=options.loglevel, format="%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt="%H:%M:%S")
    listener = listen(options)
    lock = own(options.data_dir)
    program = build(options)
    from modules.server.security import secure

    guarded = secure(
        program.app,
        port=options.port,
        hosts=options.allow_host,
        page_accounts={login.name: login.password.reveal() for login in options.gradio_auth},
        api_accounts={login.name: login.password.reveal() for login in options.api_auth},
    )
    server = Server(uvicorn.Config(guarded, log_level="warning", access_log=False, timeout_graceful_shutdown=3), program.queue)
    address = f"http://{'127.0.0.1' if options.host == '0.0.0.0' else options.host}:{options.port}"
    threading.Thread(target=announce, args=(server, address, options.opens_browser, started), daemon=True).start()
    server.run(sockets=[listener])
    lock.close()


def listen(options: LaunchOptions) -> socket.socket:
    """The socket, before anything is loaded: a port that is taken is known at once. Ends the program with a sentence."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named, or answers wait 40 ms for more to send
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host, options.port))
    except OSError as error:
        raise SystemExit(
            f"Port {options.port} on {options.host} cannot be used ({error.strerror}). Choose another one with --port."
        ) from None
    return listener


def own(data: Path) -> BinaryIO:
    """Hold the data folder for this process, and clear away what a crash left half-written. Ends the program with a sentence."""
    (data / "cache").mkdir(parents=True, exist_ok=True)
    lock = (data / "cache" / "in-use.lock").open("ab")
    if not try_lock(lock.fileno()):
        raise SystemExit(f"Easel already runs on {data}. Use its page, or give this one a folder of its own with --data-dir.")
    remove_temporaries(data / "outputs")
    return lock


def announce(server: uvicorn.Server, address: str, opens_browser: bool, started: float) -> None:
    """Print the address once it answers, and show the page."""
    while not server.started:
        time.sleep(0.02)
        if server.should_exit:
            return
    print(f"Easel is at {address} (ready in {time.perf_counter() - started:.1f} s)", flush=True)
    if opens_browser and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        webbrowser.open(address)
