"""What the page stands on: its services, filled from the parts that `app.py` built."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from modules.contract.batch import BatchRequest
from modules.contract.errors import BadRequest
from modules.contract.request import picture_text
from modules.contract.services import Folders, Results, Submit
from modules.infotext import Paste, Rules, pasted
from modules.jobs.queue import JobQueue
from modules.plugins import as_source
from modules.settings.groups import Settings
from modules.settings.store import SettingsStore, entries_of, flat
from modules.work import BATCH, CAPTION, submit_finishing, submit_merge

if TYPE_CHECKING:
    from modules.frontend.services import Finishing, Merging, PageServices, ReadExtensions
    from modules.pipeline.manager import PipelineManager
    from modules.plugins.registry import Registry

# The pages of settings that the browser needs to know of.
OF_THE_PAGE = ("interface", "appearance", "gallery", "prompt_editing", "canvas", "notifications", "networks", "preview")


def page_services(
    *,
    pipeline: "PipelineManager",
    settings: SettingsStore,
    queue: JobQueue,
    folders: Folders,
    submit: Submit,
    results: Results,
    uploads: Callable[[str], bytes],
    read_extensions: "ReadExtensions",
) -> "PageServices":
    """The services of the page. `uploads` gives the bytes of an upload's id, or raises NotFound."""
    from modules.frontend.services import PageServices
    from modules.pipeline.upscale import LATENT_MODES

    library, upscalers = pipeline.library, pipeline.tools.upscalers

    def hires_upscalers() -> list[str]:
        return [*LATENT_MODES, *(entry.name for entry in upscalers.entries())]

    def apply_styles(prompt: str, negative: str, names: Sequence[str]) -> tuple[str, str]:
        return library.styles.apply(prompt, names), library.styles.apply_negative(negative, names)

    return PageServices(
        generation=pipeline,
        models=pipeline,
        submit=submit,
        submit_batch=partial(submit_batch, pipeline, queue),
        results=results,
        queue=queue,
        settings=settings,
        folders=folders,
        defaults=pipeline.defaults,
        paste=partial(paste, pipeline, settings),
        styles=lambda: library.styles.names,
        apply_styles=apply_styles,
        hires_upscalers=hires_upscalers,
        uploads=uploads,
        page_settings=lambda: page_settings(settings.current, pipeline.tools.screen.forced),
        finishing=finishing_of(pipeline, settings, queue),
        merging=merging_of(pipeline, queue),
        read_extensions=read_extensions,
    )


def page_settings(settings: Settings, forced: str = "Off") -> dict[str, Any]:
    """The values that the browser needs to know of, by key."""
    known = entries_of(settings)
    found = {key: value for key, value in flat(settings).items() if known[key].page in OF_THE_PAGE}
    return {**found, "content_screen": settings.screening.mode if forced == "Off" else forced}  # the page asks while nothing is chosen


def finishing_of(pipeline: "PipelineManager", settings: SettingsStore, queue: JobQueue) -> "Finishing":
    """What the Extras tab works with."""
    from modules.frontend.services import Finishing

    def folder(path: str | None) -> Path:
        return Path(path).parent if path else pipeline.tools.root / settings.current.saving.extras_folder

    upscalers = pipeline.tools.upscalers
    return Finishing(lambda: [one.name for one in upscalers.entries()], partial(submit_finishing, pipeline, queue), folder)


def merging_of(pipeline: "PipelineManager", queue: JobQueue) -> "Merging":
    """What the Checkpoint Merger works with."""
    from modules.frontend.services import Merging
    from modules.pipeline.merge_outlook import MergeDesk

    desk = MergeDesk(pipeline.library)
    return Merging(desk.outlook, desk.metadata, desk.vaes, partial(submit_merge, pipeline, queue))


def paste(pipeline: "PipelineManager", settings: SettingsStore, text: str) -> Paste:
    """What an infotext asks for, with this installation's styles, settings and LoRA names."""
    library = pipeline.library

    def local(digest: str) -> str | None:
        """The LoRA here whose hash begins so, of those whose hash is known; none is computed for it."""
        known = ((entry.name, library.hashes.known(entry.path, part="tensors:")) for entry in library.loras.entries())
        return next((name for name, found in known if found and found.startswith(digest)), None)

    return pasted(
        text,
        extract=library.styles.extract,
        current=flat(settings.current),
        rules=rules(settings.current),
        local=local,
    )


def rules(settings: Settings) -> Rules:
    """How to paste, by the settings."""
    pasting = settings.pasting
    return Rules(
        styles=pasting.styles,
        backcompat=settings.compatibility.backcompat,
        old_hires_size=settings.compatibility.old_hires_size,
        swap_checkpoint=not pasting.no_checkpoint,
        skip=frozenset(pasting.skip),
    )


def submit_batch(pipeline: "PipelineManager", queue: JobQueue, batch: BatchRequest, *, owner: str) -> str:
    """Put img2img over many pictures into the queue; the job's id. Raises BadRequest, NotFound."""
    pipeline.check(batch.request.replace(source={**batch.source, "pictures": (as_source(Image.new("RGB", batch.request.size)),)}))
    if not batch.pictures and not batch.folder:
        raise BadRequest("There are no pictures to work on.", "Choose files, or name a folder.")
    count = f"{len(batch.pictures)} pictures" if batch.pictures else batch.folder
    return queue.submit(BATCH, batch.model_dump(mode="json"), owner=owner, title=f"img2img over {count}"[:120]).id


def panels_of(pipeline: "PipelineManager", registry: "Registry", tab: str) -> dict[str, Any]:
    """The panels of a tab's scripts and extensions, and the lists that their fields choose from."""
    from modules.plugins.panels import panels

    library = pipeline.library
    names: dict[str, Sequence[str]] = {
        "sampler": [entry.name for entry in pipeline.samplers()],
        "schedule": [entry.label for entry in pipeline.schedules()],
        "checkpoint": [entry.title for entry in pipeline.checkpoints()],
        "upscaler": [entry.name for entry in pipeline.tools.upscalers.entries()],
        "vae": [entry.title for entry in library.vaes.entries()],
        "lora": [entry.name for entry in library.loras.entries()],
        "embedding": [one.name for one in library.embeddings.embeddings()],
        "hypernetwork": [entry.name for entry in library.hypernetworks.entries()],
        "controlnet": [entry.name for entry in library.controlnets.entries() if entry.problem is None],
        "style": library.styles.names,
    }
    return {"panels": [asdict(panel) for panel in panels(registry.extensions(), tab, names)], "lists": names}


def submit_caption(
    pipeline: "PipelineManager", queue: JobQueue, uploads: Callable[[str], bytes], picture: str, model: str, owner: str
) -> str:
    """Have an upload described; the job's id. Raises NotFound, NotSupported."""
    pipeline.tools.captions.check("BLIP" if model == "clip" else "Deepbooru")
    values = {"picture": picture_text(uploads(picture)), "model": model}
    return queue.submit(CAPTION, values, owner=owner, title="Caption", durable=False).id


def models_stamp(pipeline: "PipelineManager") -> str:
    """A text that changes when a model comes or goes."""
    from modules.weights.watching import stamp_of_folders

    library = pipeline.library
    catalogues = (library.checkpoints, library.vaes, library.loras, library.hypernetworks, library.controlnets)
    folders = [folder for catalogue in catalogues for folder in catalogue.folders]
    return stamp_of_folders([*folders, *library.embeddings.folders, *pipeline.tools.upscalers.folders])
