"""The faces of the program: our routes, A1111's, and the page, made from the parts that `app.py` built."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI, Request

from modules.command_line import LaunchOptions
from modules.contract.errors import WebuiError
from modules.contract.extras import ExtrasRequest
from modules.contract.request import picture_text
from modules.contract.services import Folders
from modules.history.history import History
from modules.imaging.metadata import read_info
from modules.imaging.opening import open_image
from modules.imaging.thumbnails import Thumbnails
from modules.infotext import infotext_of
from modules.jobs.queue import JobQueue
from modules.page import models_stamp, page_services, panels_of, submit_caption
from modules.settings.presets import Presets
from modules.settings.store import SettingsStore
from modules.stockroom import add_models
from modules.training.runs.queue import Runs
from modules.work import CAPTION, EXTRAS, submit_merge

if TYPE_CHECKING:
    from modules.a1111 import rest
    from modules.pipeline.manager import PipelineManager
    from modules.plugins.installation import Installation
    from modules.plugins.registry import Registry
    from modules.weights.cards import Cards

log = logging.getLogger("easel")
STOP_SECONDS = 10.0  # what a running job gets to end when the program stops


class End:
    """Ends the program from inside, once it is being served."""

    def __init__(self) -> None:
        self.server: uvicorn.Server | None = None

    def __call__(self) -> None:
        if self.server is not None:
            self.server.should_exit = True


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
    extensions: "Installation"
    history: History
    runs: Runs


def serve(options: LaunchOptions, parts: Parts) -> FastAPI:
    """The web application: our routes, A1111's, the page, and the guard around all of them."""
    from modules.a1111 import rest
    from modules.server import errors, uploads

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        parts.queue.start()
        parts.history.start()
        downloads.start()
        parts.runs.start()
        if not options.skip_load_model_at_start:
            threading.Thread(target=load_first, args=(parts.pipeline,), name="first model", daemon=True).start()
        yield
        await asyncio.to_thread(downloads.stop)
        await asyncio.to_thread(parts.runs.stop)
        await asyncio.to_thread(parts.queue.stop, STOP_SECONDS)
        await asyncio.to_thread(parts.history.stop)

    app = FastAPI(title="Easel", lifespan=lifespan, docs_url=None, redoc_url=None)  # their pages load scripts from elsewhere
    errors.install(app)
    kept = uploads.Uploads(parts.folders.data / "cache" / "uploads")
    app.include_router(uploads.router(kept))
    thumbnails = Thumbnails(parts.folders.data / "cache" / "thumbnails")
    add_pictures(app, parts, thumbnails)
    add_forms(app, parts, kept.read)
    downloads = add_models(app, parts.folders, parts.settings, parts.pipeline, logged_in=bool(options.gradio_auth or options.api_auth))
    add_training(app, options, parts, thumbnails)
    add_settings(app, options, parts)
    add_extensions(app, options, parts)
    app.include_router(rest.router(api_parts(options, parts)))
    add_extension_routes(app, parts)
    if not options.nowebui:
        add_page(app, options, parts, kept.read)
    return app


def add_pictures(app: FastAPI, parts: Parts, thumbnails: Thumbnails) -> None:
    """The routes of jobs, of the pictures that they make, and of what shows pictures in small."""
    from modules.contract.file_manager import open_folder
    from modules.frontend.asking import values_of
    from modules.server import cards, events, history, picture_info, routes

    app.include_router(
        routes.router(
            queue=parts.queue,
            generation=parts.pipeline,
            folders=parts.folders,
            submit=parts.submit,
            read_picture_text=picture_text_of,
            form_values=values_of,
            thumbnail=thumbnails.of,
        )
    )
    app.include_router(events.router(parts.queue))
    app.include_router(history.router(parts.history, thumbnails, open_folder))
    app.include_router(picture_info.router())
    app.include_router(cards.router(cards_of(parts), thumbnails, partial(insertion, parts.settings)))


def add_forms(app: FastAPI, parts: Parts, uploads: Callable[[str], bytes]) -> None:
    """The routes of what belongs to the forms, and of the page's languages and looks. `uploads` gives an upload's bytes."""
    from modules.plugins.web import localization_folders
    from modules.server import forms, localizations, logo, merging, styles, user_style
    from modules.upkeep import LANGUAGES

    data = parts.folders.data
    app.include_router(
        forms.router(
            panels=partial(panels_of, parts.pipeline, parts.registry),
            presets=Presets(data / "presets.json"),
            queue=parts.queue,
            caption=partial(submit_caption, parts.pipeline, parts.queue, uploads),
            stamp=partial(models_stamp, parts.pipeline),
        )
    )
    app.include_router(merging.router(partial(submit_merge, parts.pipeline, parts.queue)))
    app.include_router(styles.router(parts.pipeline.library.styles))
    beside = lambda: localization_folders(parts.registry.extensions())  # noqa: E731
    app.include_router(localizations.router(localizations.Localizations([LANGUAGES, data / "localizations"], beside)))
    app.include_router(user_style.router(data / "user.css"))
    app.include_router(logo.router(data / "logo.png"))


def add_training(app: FastAPI, options: LaunchOptions, parts: Parts, thumbnails: Thumbnails) -> None:
    """The routes of the Train tab."""
    from modules.dataset_doors import doors_of
    from modules.datasets.desk import Desk as Workbench
    from modules.server import datasets, training
    from modules.training_desk import TrainingDesk

    desk, may = TrainingDesk(parts.runs, parts.pipeline, parts.folders), partial(may_train, options, parts)
    app.include_router(training.router(parts.runs, desk, may, thumbnails.of))
    workbench = Workbench(desk.library, doors_of(parts.pipeline, parts.settings, parts.folders, desk.tokens))
    app.include_router(datasets.router(workbench, thumbnails, may))


def may_train(options: LaunchOptions, parts: Parts, request: Request) -> bool:
    """Whether a request may start and change trainings."""
    from modules.server.here import from_this_machine

    logged_in = bool(options.gradio_auth or options.api_auth)
    return logged_in or parts.settings.current.training.remote or from_this_machine(request)


def picture_text_of(data: bytes) -> str:
    """The infotext of a picture file, whichever program made it. Raises BadRequest for what is no picture."""
    image = open_image(data)
    info = read_info(image)
    return infotext_of(info.infotext, info.items, image.size)


def cards_of(parts: Parts) -> "dict[str, Cards]":
    """The model cards of each kind."""
    from modules.families import diffusers_folder
    from modules.families.identify import identify
    from modules.weights.card_shelves import card_shelves
    from modules.weights.config import config_beside, read_config
    from modules.weights.files import describe

    def family_of(path: Path) -> str:
        if path.is_dir():
            return diffusers_folder.identify_folder(path).family
        return identify(describe(path), read_config(config_beside(path))).family

    library = parts.pipeline.library
    return card_shelves(
        loras=library.loras,
        hypernetworks=library.hypernetworks,
        checkpoints=library.checkpoints,
        vaes=library.vaes,
        embeddings=library.embeddings,
        hashes=library.hashes,
        cache=parts.folders.data / "cache" / "cards",
        family_of=family_of,
        prefers_alias=lambda: parts.settings.current.networks.preferred_name == "Alias from file",
    )


def insertion(settings: SettingsStore) -> tuple[float, str]:
    """The weight of a network that has none of its own, and what stands before one, when a card puts it into a prompt."""
    networks = settings.current.networks
    return networks.multiplier, networks.separator


def add_settings(app: FastAPI, options: LaunchOptions, parts: Parts) -> None:
    """The routes of the Settings tab."""
    from modules.a1111.options import ApiOptions
    from modules.server import maintenance, settings
    from modules.upkeep import maintenance as maintenance_of
    from modules.upkeep import settings_desk

    others = frozenset(ApiOptions(parts.settings, parts.pipeline).defaults)
    app.include_router(settings.router(settings_desk(parts.pipeline, parts.settings, parts.folders, others)))
    app.include_router(
        maintenance.router(
            maintenance_of(
                parts.pipeline, parts.settings, parts.queue, parts.folders, extensions=parts.registry.extensions, flags=vars(options)
            )
        )
    )


def add_extensions(app: FastAPI, options: LaunchOptions, parts: Parts) -> None:
    """The routes of the Extensions tab."""
    from modules.plugins.desk import Desk
    from modules.plugins.journal import Journal
    from modules.server import extensions

    desk = Desk(parts.extensions, index=options.extensions_index)
    journal = Journal(parts.folders.data / "extensions.log")
    app.include_router(extensions.router(desk, journal))


def add_extension_routes(app: FastAPI, parts: Parts) -> None:
    """What extensions have for the browser, and the routes that they add: behind all of ours, and before the page."""
    from modules.extension_program import routes_of
    from modules.plugins.web import WebFiles
    from modules.server import extension_web
    from modules.server.extension_routes import ExtensionRoutes

    app.include_router(extension_web.router(WebFiles(parts.registry.extensions)))
    routes = ExtensionRoutes(parts.registry.ledger.note)
    parts.registry.watch(lambda: routes.replace(routes_of(parts.registry)))
    app.router.routes.append(routes)
    app.state.extension_routes = routes


def api_parts(options: LaunchOptions, parts: Parts) -> "rest.Parts":
    """What A1111's API stands on."""
    from modules.a1111 import rest
    from modules.a1111.parts import ExtensionEntry, Stopping
    from modules.a1111.shelves import Shelves
    from modules.api_trainer import ApiTrainer
    from modules.runtime.memory import card_memory
    from modules.training_desk import TrainingDesk

    queue = parts.queue
    desk = TrainingDesk(parts.runs, parts.pipeline, parts.folders)

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
        read_notes=parts.registry.read_notes,
        submit_extras=submit_extras,
        submit_caption=submit_caption,
        residence=parts.pipeline,
        device_memory=card_memory,
        extensions=lambda: [ExtensionEntry(**facts) for facts in parts.extensions.facts()],
        flags=vars(options),
        trainer=ApiTrainer(parts.runs, desk, parts.pipeline, queue, partial(may_train, options, parts)),
        stopping=Stopping(parts.end) if options.api_server_stop else None,
    )


def add_page(app: FastAPI, options: LaunchOptions, parts: Parts, uploads: Callable[[str], bytes]) -> None:
    """The page, mounted last: a route added after it would never be reached."""
    from modules.frontend.build import build_page, mount

    services = page_services(
        pipeline=parts.pipeline,
        settings=parts.settings,
        queue=parts.queue,
        folders=parts.folders,
        submit=parts.submit,
        results=parts.results,
        uploads=uploads,
        read_extensions=parts.registry.read_notes,
    )
    temporary = parts.folders.data / "cache" / "gradio"
    page = build_page(services, temporary=temporary)
    mount(app, page, outputs=parts.folders.outputs, settings=services.page_settings, appearance=options.theme)


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
