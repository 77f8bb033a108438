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
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import uvicorn
from fastapi import FastAPI

from modules.command_line import LaunchOptions
from modules.contract.errors import WebuiError
from modules.contract.extras import ExtrasRequest, extras_from
from modules.contract.files import remove_temporaries
from modules.contract.merge import MergeRequest, merge_request_from
from modules.contract.progress import Reporter
from modules.contract.request import GenerationRequest, picture_bytes, picture_text, request_from
from modules.contract.result import GenerationResult
from modules.contract.services import Folders
from modules.environment import try_lock
from modules.imaging.metadata import read_info
from modules.imaging.opening import open_image
from modules.infotext import infotext_of
from modules.jobs.job import Job, Outcome
from modules.jobs.queue import JobQueue, Work
from modules.jobs.store import JobStore
from modules.settings.store import SettingsStore

if TYPE_CHECKING:
    from modules.a1111 import rest
    from modules.pipeline.manager import PipelineManager
    from modules.plugins.registry import Registry

log = logging.getLogger("easel")
TXT2IMG, EXTRAS, CAPTION, MERGE = "txt2img", "extras", "caption", "merge"
UPSCALER_KINDS = ("esrgan", "realesrgan", "bsrgan", "swinir", "scunet", "dat")
EXTENSIONS = Path(__file__).parents[1] / "extensions"
STOP_SECONDS = 10.0  # what a running job gets to end when the program stops


@dataclass(frozen=True)
class Program:
    """The built program: what `main` serves and tests may look into."""

    app: FastAPI
    pipeline: "PipelineManager"
    queue: JobQueue
    settings: SettingsStore
    folders: Folders
    end: "End"


class End:
    """Ends the program from inside, once it is being served."""

    def __init__(self) -> None:
        self.server: uvicorn.Server | None = None

    def __call__(self) -> None:
        if self.server is not None:
            self.server.should_exit = True


def folders_of(options: LaunchOptions) -> Folders:
    """Where things lie, by the command line."""
    return Folders(data=options.data_dir, models=options.models_dir, outputs=options.data_dir / "outputs")


def build_pipeline(options: LaunchOptions, settings: SettingsStore, folders: Folders, registry: "Registry") -> "PipelineManager":
    """The part that makes pictures. Brings torch in."""
    from modules.families.identify import check_checkpoint
    from modules.pipeline.library import Library, Places
    from modules.pipeline.manager import PipelineManager
    from modules.runtime.device import Wishes, choose

    wishes = Wishes(
        precision=options.precision,
        no_half=options.no_half,
        no_half_vae=options.no_half_vae,
        on_cpu=bool({"all", "sd"} & set(options.use_cpu)),
        device_id=str(options.device_id) if options.device_id is not None else None,
    )
    places = Places(
        checkpoints=given(options.ckpt_dir),
        checkpoint_files=given(options.ckpt),
        vaes=given(options.vae_dir),
        loras=given(options.lora_dir),
        hypernetworks=given(options.hypernetwork_dir),
        embeddings=given(options.embeddings_dir),
        upscalers=[path for kind in UPSCALER_KINDS for path in given(getattr(options, f"{kind}_models_path"))],
        faces=[*given(options.gfpgan_models_path), *given(options.codeformer_models_path)],
        styles=[Path(name) for name in options.styles_file],
    )
    pipeline = PipelineManager(
        library=Library.at(folders.models, folders.data, check_checkpoint, places),
        settings=settings,
        root=folders.data,
        device=lambda: choose(wishes),
        where="In groups" if options.lowvram else "One part at a time" if options.medvram else "Automatic",
        relays=registry.instances,
    )
    if options.ckpt:
        settings.update({"sd_model_checkpoint": pipeline.find(str(options.ckpt.name)).title})
    return pipeline


def given(path: Path | None) -> list[Path]:
    """A path as a list, empty without one."""
    return [path] if path else []


def build(options: LaunchOptions) -> Program:
    """All parts, tied together; nothing runs yet."""
    from modules.plugins.registry import Registry

    folders = folders_of(options)
    for folder in (folders.outputs, folders.models / "Stable-diffusion"):
        folder.mkdir(parents=True, exist_ok=True)
    settings = SettingsStore(folders.data / "settings.json")
    plugins = Registry.of(EXTENSIONS)
    pipeline = build_pipeline(options, settings, folders, plugins)
    queue = JobQueue(
        JobStore(folders.data / "jobs.sqlite3"),
        kinds_of_work(pipeline),
        lambda: settings.current.limits.queue_length,
        preview_seconds=lambda: settings.current.preview.seconds if settings.current.preview.enabled else float("inf"),
    )

    def submit(request: GenerationRequest, *, owner: str, durable: bool = True, identifier: str | None = None) -> str:
        values = request.model_dump(mode="json")
        return queue.submit(TXT2IMG, values, owner=owner, title=request.prompt[:120], durable=durable, identifier=identifier).id

    def results(job: str) -> GenerationResult | None:
        value = queue.result(job)
        return value if isinstance(value, GenerationResult) else None

    end = End()
    app = serve(options, Parts(folders, settings, pipeline, queue, plugins, submit, results, end))
    return Program(app, pipeline, queue, settings, folders, end)


def kinds_of_work(pipeline: "PipelineManager") -> dict[str, Work]:
    """What each kind of job does."""
    from modules.pipeline.extras import Extras
    from modules.weights.merge import merge

    tools = pipeline.tools
    finished = Extras(pipeline.settings, tools.root, tools.upscalers, tools.faces, tools.captions)

    def generation(job: Job, report: Reporter) -> Outcome:
        result = pipeline.generate(request_from(job.request), report)
        return Outcome("interrupted" if result.interrupted else "done", result.summary(), result)

    def extras(job: Job, report: Reporter) -> Outcome:
        result = finished.run(extras_from(job.request), report)
        return Outcome("interrupted" if result.interrupted else "done", result.summary(), result)

    def caption(job: Job, report: Reporter) -> Outcome:
        kind = "BLIP" if job.request["model"] == "clip" else "Deepbooru"
        text = pipeline.tools.captions.caption(open_image(picture_bytes(job.request["picture"])), kind, report=report)
        return Outcome("done", {"caption": text}, text)

    def merging(job: Job, report: Reporter) -> Outcome:
        library = pipeline.library
        folder = library.checkpoints.folders[0]
        request = merge_request_from(job.request)
        path = merge(request, checkpoints=library.checkpoints, vaes=library.vaes, folder=folder, report=report)
        return Outcome("done", {"name": path.name}, path)

    return {TXT2IMG: generation, EXTRAS: extras, CAPTION: caption, MERGE: merging}


@dataclass(frozen=True)
class Parts:
    """What the faces are made from."""

    folders: Folders
    settings: SettingsStore
    pipeline: "PipelineManager"
    queue: JobQueue
    registry: "Registry"
    submit: Any
    results: Any
    end: End


def serve(options: LaunchOptions, parts: Parts) -> FastAPI:
    """The web application: our routes, A1111's, the page, and the guard around all of them."""
    from modules.a1111 import rest
    from modules.server import errors, events, merging, routes

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
            queue=parts.queue, generation=parts.pipeline, folders=parts.folders, submit=parts.submit, read_picture_text=picture_text_of
        )
    )
    app.include_router(events.router(parts.queue))
    app.include_router(merging.router(partial(submit_merge, parts)))
    app.include_router(rest.router(api_parts(options, parts)))
    if not options.nowebui:
        add_page(app, options, parts)
    return app


def picture_text_of(data: bytes) -> str:
    """The infotext of a picture file, whichever program made it. Raises BadRequest for what is no picture."""
    image = open_image(data)
    info = read_info(image)
    return infotext_of(info.infotext, info.items, image.size)


def submit_merge(parts: Parts, request: MergeRequest, owner: str) -> str:
    """Put a merge into the queue; answers with the job's id. Raises NotFound for checkpoints that are not there."""
    for name in (request.primary, request.secondary, request.tertiary):
        if name:
            parts.pipeline.find(name)
    title = request.custom_name or f"Merge of {request.primary}"
    return parts.queue.submit(MERGE, request.model_dump(mode="json"), owner=owner, title=title[:120]).id


def api_parts(options: LaunchOptions, parts: Parts) -> "rest.Parts":
    """What A1111's API stands on."""
    from modules.a1111 import rest
    from modules.a1111.parts import ExtensionEntry, Stopping
    from modules.a1111.shelves import Shelves
    from modules.runtime.memory import card_memory

    queue = parts.queue

    def submit_extras(request: ExtrasRequest, *, owner: str, identifier: str | None = None) -> str:
        values = request.model_dump(mode="json")
        return queue.submit(EXTRAS, values, owner=owner, title="Extras", durable=False, identifier=identifier).id

    def submit_caption(picture: bytes, *, model: str, owner: str) -> str:
        values = {"picture": picture_text(picture), "model": model}
        return queue.submit(CAPTION, values, owner=owner, title="Caption", durable=False).id

    return rest.Parts(
        queue,
        parts.pipeline,
        parts.pipeline,
        parts.settings,
        parts.submit,
        parts.results,
        folders=parts.folders,
        lists=Shelves(parts.pipeline),
        scripts=parts.registry,
        submit_extras=submit_extras,
        submit_caption=submit_caption,
        residence=parts.pipeline,
        device_memory=card_memory,
        extensions=lambda: [ExtensionEntry(row.name, version=row.version) for row in parts.registry.extensions()],
        flags=vars(options),
        stopping=Stopping(parts.end) if options.api_server_stop else None,
    )


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
    program.end.server = server
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
    for folder in (data / "outputs", data / "models" / "Stable-diffusion"):  # pictures, merged checkpoints
        remove_temporaries(folder)
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
