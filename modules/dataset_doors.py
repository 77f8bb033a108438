"""What the generator's own parts do for data sets: pictures described, pictures enlarged, tokens counted."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PIL import Image

from modules.contract.errors import NotSupported
from modules.contract.extras import Caption
from modules.contract.services import Folders
from modules.datasets.captioning import ByNetwork, Captioner
from modules.datasets.desk import Doors
from modules.datasets.repair import Enlarge
from modules.settings.store import SettingsStore

if TYPE_CHECKING:
    from modules.pipeline.manager import PipelineManager

PLAIN = ("None", "Nearest", "Lanczos")  # upscalers without a network
KINDS: tuple[Caption, ...] = ("BLIP", "Deepbooru")


def doors_of(pipeline: "PipelineManager", settings: SettingsStore, folders: Folders, count: Callable[[str], int]) -> Doors:
    """The doors that the workbench goes through. `count` gives the tokens of a text."""

    def networks() -> Sequence[Captioner]:
        return [network(pipeline, kind) for kind in KINDS]

    return Doors(count, networks, lambda: enlarger(pipeline, settings), folders.models)


def network(pipeline: "PipelineManager", kind: Caption) -> Captioner:
    """What describes pictures in Extras, with the reason where it cannot."""
    captions = pipeline.tools.captions
    try:
        captions.check(kind)
        why = ""
    except NotSupported as error:
        why = str(error)
    return ByNetwork(kind, kind, lambda image: captions.caption(image, kind), why)


def enlarger(pipeline: "PipelineManager", settings: SettingsStore) -> Enlarge | None:
    """The upscaler that the settings name for img2img, else the first that is a network; None if there is none."""
    upscalers = pipeline.tools.upscalers
    names = [entry.name for entry in upscalers.entries() if entry.name not in PLAIN]
    wanted = settings.current.upscaling.for_img2img
    name = wanted if wanted in names else next(iter(names), None)
    if name is None:
        return None

    def enlarge(image: Image.Image, factor: float) -> Image.Image:
        return upscalers.upscale(image, name, factor, settings=settings.current.upscaling)

    return enlarge
