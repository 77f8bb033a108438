"""What the Settings tab stands on, filled from the parts that `app.py` built: lists to choose from, memory, hashes, caches."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.contract.services import Folders
from modules.jobs.queue import JobQueue
from modules.settings.store import SettingsStore
from modules.work import HASHES

if TYPE_CHECKING:
    from modules.pipeline.manager import PipelineManager
    from modules.plugins.loader import Loaded
    from modules.server.maintenance import Maintenance
    from modules.server.settings import SettingsDesk

LANGUAGES = Path(__file__).parent / "frontend" / "languages"  # those that come along
HOUR = 3600.0


def settings_desk(pipeline: "PipelineManager", settings: SettingsStore, folders: Folders, others: Collection[str]) -> "SettingsDesk":
    """What the routes of the settings stand on. `others` are the keys that A1111 has beside ours."""
    from modules.server.settings import SettingsDesk

    def chosen() -> str:
        entry = pipeline.chosen()
        return entry.title if entry else ""

    return SettingsDesk(
        store=settings,
        lists=partial(lists, pipeline, [LANGUAGES, folders.data / "localizations"]),
        refresh=pipeline.refresh,
        chosen=chosen,
        choose=pipeline.choose,
        others=others,
    )


def lists(pipeline: "PipelineManager", languages: Sequence[Path]) -> dict[str, list[str]]:
    """The names to choose from, by the kinds that settings and options declare."""
    from modules.infotext.fields import FIELDS, SETTINGS

    library, tools = pipeline.library, pipeline.tools
    found = sorted({file.stem for folder in languages for file in folder.glob("*.json")} - {"English"})
    return {
        "checkpoint": [entry.title for entry in library.checkpoints.entries() if entry.problem is None],
        "vae": ["Automatic", "None", *(entry.title for entry in library.vaes.entries())],
        "lora": ["None", *(entry.name for entry in library.loras.entries())],
        "controlnet": ["None", *(entry.name for entry in library.controlnets.entries() if entry.problem is None)],
        "embedding": [one.name for one in library.embeddings.embeddings()],
        "hypernetwork": ["None", *(entry.name for entry in library.hypernetworks.entries())],
        "upscaler": [entry.name for entry in tools.upscalers.entries()],
        "face restorer": list(tools.faces.names()),
        "localization": ["None", *found],
        "sampler": [entry.name for entry in pipeline.samplers()],
        "infotext field": list(dict.fromkeys(field.label for field in (*FIELDS, *SETTINGS))),
    }


def maintenance(
    pipeline: "PipelineManager",
    settings: SettingsStore,
    queue: JobQueue,
    folders: Folders,
    *,
    extensions: "Callable[[], Sequence[Loaded]]",
    flags: Mapping[str, Any],
) -> "Maintenance":
    """What the page Actions of the Settings tab stands on. `flags` are those of the command line."""
    from modules.runtime.memory import card_memory
    from modules.server.caches import FolderCache, MemoryCache
    from modules.server.maintenance import Maintenance
    from modules.server.sysinfo import sysinfo

    def loaded() -> str | None:
        current = pipeline.models.current()
        return current.entry.title if current else None

    def hash_all(owner: str) -> str:
        return queue.submit(HASHES, {}, owner=owner, title="Hashes of all checkpoints", durable=False).id

    def device() -> dict[str, Any]:
        card = card_memory()
        return {"used": str(pipeline.models.device), "card memory": card["system"] if card else None}

    def system(whole: bool) -> Mapping[str, Any]:
        rows = [{"name": row.name, "version": row.version, "problem": row.problem} for row in extensions()]
        return sysinfo(settings, folders.data, device=device, extensions=lambda: rows, flags=flags, whole=whole)

    cache = folders.data / "cache"
    caches = (
        MemoryCache("Encoded prompts", pipeline.tools.encodings.clear),
        FolderCache("Small pictures of History and model cards", cache / "thumbnails"),
        FolderCache("Uploads older than an hour", cache / "uploads", HOUR),
        FolderCache("The page's copies of pictures, older than an hour", cache / "gradio", HOUR),
    )
    return Maintenance(loaded, pipeline.unload, pipeline.reload, hash_all, caches, system)
