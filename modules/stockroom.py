"""The Models tab, put together: the files on disk, the sites, and the downloads between them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request

from modules.contract.services import Folders
from modules.downloads.desk import Desk, Rules
from modules.downloads.ledger import OPEN, Ledger
from modules.downloads.sources import Preferences, Sources, Tokens
from modules.settings.store import SettingsStore

if TYPE_CHECKING:
    from modules.families.variant import Variant
    from modules.pipeline.manager import PipelineManager
    from modules.weights.shelves import Shelves

GIGABYTE = 2**30


def add_models(app: FastAPI, folders: Folders, settings: SettingsStore, pipeline: "PipelineManager", *, logged_in: bool) -> Desk:
    """Add the routes; the downloads, to be started and stopped with the program. `logged_in`: there are accounts, so that whoever gets
    as far as a route has logged in."""
    from modules.server import downloads, models
    from modules.server.here import from_this_machine
    from modules.weights.inventory import Inventory
    from modules.weights.stock import Stock

    shelves = shelves_of(folders, pipeline)
    hashes = pipeline.library.hashes
    sources = Sources(Tokens(folders.data / "downloads" / "tokens.json"), lambda: preferences(settings))

    def arrived(path: Path, sha256: str) -> None:
        hashes.remember(path, sha256)
        stock.look_again()

    desk = Desk(
        Ledger(folders.data / "downloads" / "list.json"),
        sources.client,
        folder_of=lambda kind: shelves.of(kind).home,
        check=check_file,
        arrived=arrived,
        rules=lambda: rules(settings),
    )

    def under_way() -> list[Path]:
        return [path for one in desk.all() if one.state in OPEN for path in (one.path, one.part)]

    inventory = Inventory(shelves, hashes, folders.data / "cache" / "models.json", variant_of, under_way)
    stock = Stock(inventory, hashes, pipeline.refresh)
    inventory.refresh()

    def may(request: Request) -> bool:
        return logged_in or settings.current.downloads.remote or from_this_machine(request)

    app.include_router(models.router(stock, may))
    app.include_router(downloads.router(sources, desk, may, where=stock.where, shown=lambda one: shelves.shown(one.path.parent)))
    return desk


def shelves_of(folders: Folders, pipeline: "PipelineManager") -> "Shelves":
    """Where models of each kind lie, by the command line."""
    from modules.weights.shelves import Shelves

    places = pipeline.library.places
    further = {
        "checkpoint": places.checkpoints, "lora": places.loras, "vae": places.vaes, "embedding": places.embeddings,
        "hypernetwork": places.hypernetworks, "upscaler": places.upscalers, "face": places.faces,
    }  # fmt: skip
    return Shelves(folders.models, folders.data, further)


def variant_of(path: Path) -> "Variant":
    """Which model a checkpoint holds. Raises a WebuiError for one that cannot be used."""
    from modules.families import diffusers_folder
    from modules.families.identify import identify
    from modules.weights.config import config_beside, read_config
    from modules.weights.files import describe

    return diffusers_folder.identify_folder(path) if path.is_dir() else identify(describe(path), read_config(config_beside(path)))


def check_file(part: Path, suffix: str) -> None:
    """Raise BadModel unless a downloaded file is what its suffix says, whole and without programs in it."""
    from modules.weights.containers import read_pickled
    from modules.weights.header import read_header

    read: Callable[[Path], object] = read_header if suffix == ".safetensors" else read_pickled
    read(part)


def preferences(settings: SettingsStore) -> Preferences:
    """What the settings say of the sites."""
    page = settings.current.downloads
    return Preferences(page.hugging_face.strip().rstrip("/"), page.civitai.strip().rstrip("/"), page.mature)


def rules(settings: SettingsStore) -> Rules:
    """What the settings say of downloads."""
    page = settings.current.downloads
    return Rules(largest=int(page.largest * GIGABYTE), companions=page.companions)
