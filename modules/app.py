"""The composition root: the only file that knows every part. It builds them, ties them together, and starts."""

import asyncio
import logging
import os
import signal
import socket
import threading
import time
import webbrowser
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import uvicorn
from fastapi import FastAPI

from modules.assembly import build_pipeline, extensions_of, folders_of
from modules.command_line import LaunchOptions
from modules.contract.files import remove_temporaries
from modules.contract.request import GenerationRequest
from modules.contract.result import GenerationResult
from modules.contract.services import Folders
from modules.environment import try_lock
from modules.faces import STOP_SECONDS, End, Parts, serve
from modules.history.history import History
from modules.jobs.queue import JobQueue
from modules.jobs.store import JobStore
from modules.settings.store import SettingsStore
from modules.training_desk import runs_of, with_room
from modules.work import DRAWING, IMG2IMG, TXT2IMG, Tasks, kinds_of_work

if TYPE_CHECKING:
    from modules.pipeline.manager import PipelineManager

log = logging.getLogger("easel")


@dataclass(frozen=True)
class Program:
    """The built program: what `main` serves and tests may look into."""

    app: FastAPI
    pipeline: "PipelineManager"
    queue: JobQueue
    settings: SettingsStore
    folders: Folders
    end: End


def build(options: LaunchOptions) -> Program:
    """All parts, tied together; nothing runs yet."""
    folders = folders_of(options)
    for folder in (folders.outputs, folders.models / "Stable-diffusion"):
        folder.mkdir(parents=True, exist_ok=True)
    settings = SettingsStore(folders.data / "settings.json")
    plugins = extensions_of(options, folders)
    pipeline = build_pipeline(options, settings, folders, relays=plugins.registry.instances, detectors=plugins.registry.detectors)
    if options.ckpt:
        settings.update({"sd_model_checkpoint": pipeline.find(str(options.ckpt.name)).title})
    history = History(folders.data, folders.outputs, settings)
    tasks = Tasks()
    runs = runs_of(options, pipeline, settings, folders, lambda: queue)
    queue = JobQueue(
        JobStore(folders.data / "jobs.sqlite3"),
        with_room(kinds_of_work(pipeline, history.note, tasks), DRAWING, runs.make_way),
        lambda: settings.current.limits.queue_length,
        preview_seconds=lambda: settings.current.preview.seconds if settings.current.preview.enabled else float("inf"),
    )

    def submit(request: GenerationRequest, *, owner: str, durable: bool = True, identifier: str | None = None) -> str:
        values = request.model_dump(mode="json")
        kind = IMG2IMG if request.source else TXT2IMG
        return queue.submit(kind, values, owner=owner, title=request.prompt[:120], durable=durable, identifier=identifier).id

    def results(job: str) -> GenerationResult | None:
        value = queue.result(job)
        return value if isinstance(value, GenerationResult) else None

    end = End()
    parts = Parts(folders, settings, pipeline, queue, plugins.registry, submit, results, end, plugins, history, runs)
    give_hosts(parts, tasks)
    return Program(serve(options, parts), pipeline, queue, settings, folders, end)


def give_hosts(parts: Parts, tasks: Tasks) -> None:
    """Let the extensions have what the program offers them, and their settings."""
    from modules.extension_program import Offer, host_of, pages_of
    from modules.server.uploads import Uploads

    registry, settings = parts.registry, parts.settings
    upload = Uploads(parts.folders.data / "cache" / "uploads").read
    note = registry.ledger.note
    offer = Offer("", "", parts.folders, parts.pipeline, settings, parts.queue, tasks, upload, parts.submit, note)
    registry.hosts = partial(host_of, offer)
    registry.watch(lambda: settings.extend(pages_of(registry)))


class Server(uvicorn.Server):
    """Ends the queue before it closes connections: open event streams end with it, and nothing waits for them."""

    def __init__(self, config: uvicorn.Config, queue: JobQueue) -> None:
        super().__init__(config)
        self.queue = queue

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.to_thread(self.queue.stop, STOP_SECONDS)
        await super().shutdown(sockets)


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
        shared=program.app.state.extension_routes.is_old,
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
