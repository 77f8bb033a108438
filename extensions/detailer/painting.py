"""One place painted anew: what is asked of the pipeline for it."""

from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal

import numpy as np
from PIL import Image

from modules.contract.request import GenerationRequest, Inpaint, Size, SourceImage
from modules.imaging import metadata
from modules.plugins import Run
from modules.weights.header import native_size

from .finding import Place
from .units import Detail

Matching = Literal["Off", "Strict (SDXL only)", "Free"]
STEP = 8  # pixels that sides are multiples of
MEANT_FOR = 512  # pixels: the least native side for which the padding is meant as it is given
TRAINED = ((1024, 1024), (1152, 896), (896, 1152), (1216, 832), (832, 1216), (1344, 768), (768, 1344), (1536, 640), (640, 1536))


@dataclass(frozen=True)
class Wanted:
    """What the settings say: the power of the denoising that depends on size, how sizes are matched, whether seeds are the same."""

    power: float = 0.0
    matching: Matching = "Off"
    same_seed: bool = False


@dataclass(frozen=True)
class Spot:
    """Which place of which picture: `index` in the batch, `number` among the places of the pass, and the prompts for it."""

    index: int
    number: int
    place: Place
    prompt: str
    negative_prompt: str


def painting(run: Run, image: Image.Image, unit: Detail, spot: Spot, wanted: Wanted) -> GenerationRequest:
    """The request that paints a place of a picture anew."""
    request, place = run.request, spot.place
    source = SourceImage(
        pictures=(encoded(image),),
        strength=dynamic(unit.strength, place, wanted.power),
        noise_multiplier=unit.noise_multiplier or None,
        inpaint=Inpaint(
            mask=encoded(Image.fromarray(place.mask)),
            blur=(unit.blur, unit.blur),
            only_masked=unit.only_masked,
            padding=padding_for(run, unit),
        ),
    )
    settings: dict[str, Any] = dict(request.settings)
    if unit.clip_skip:
        settings["CLIP_stop_at_last_layers"] = unit.clip_skip
    if unit.vae:
        settings["sd_vae"] = unit.vae
    return request.replace(
        prompt=spot.prompt,
        negative_prompt=spot.negative_prompt,
        styles=(),
        size=size_for(run, image, unit, place, wanted.matching),
        steps=unit.steps or request.steps,
        guidance=unit.guidance or request.guidance,
        sampler=unit.sampler or request.sampler,
        schedule=unit.schedule or request.schedule,
        checkpoint=unit.checkpoint or request.checkpoint,
        seed=run.seeds[spot.index] + (0 if wanted.same_seed else spot.number),
        variation=None,
        resize_seed_from=None,
        batch_size=1,
        batch_count=1,
        tiling=False,
        restore_faces=unit.restore_faces,
        source=source,
        hires=None,
        refiner=None,
        settings=settings,
        extensions=control(unit),
    )


def control(unit: Detail) -> dict[str, dict[str, Any]]:
    """The ControlNet of a pass, whose picture is what is painted over."""
    if not unit.control_model:
        return {}
    one = {
        "model": unit.control_model,
        "module": unit.control_module or "none",
        "weight": unit.control_weight,
        "guidance_start": unit.control_start,
        "guidance_end": unit.control_end,
    }
    return {"controlnet": {"units": [one]}}


def dynamic(strength: float, place: Place, power: float) -> float:
    """The denoising strength of a place: with a power over 0 weaker the larger the place is, below 0 stronger; in 0..1."""
    left, top, right, bottom = place.box
    share = (right - left) * (bottom - top) / place.mask.size
    if not power or share >= 1:
        return strength
    return float(np.clip(strength * (1 - share) ** power, 0, 1))


def padding_for(run: Run, unit: Detail) -> int:
    """Pixels around a place: as given, in proportion less for a model whose own pictures are smaller than 512 pixels.

    At 32 pixels, a crop of a picture of 128 would be the picture itself, and nothing in it be enlarged. A pass with a checkpoint of
    its own has them as given.
    """
    native = None if unit.checkpoint else native_size(run.loaded.entry.path)
    return round(unit.padding * min(native.width, native.height, MEANT_FOR) / MEANT_FOR) if native else unit.padding


def size_for(run: Run, image: Image.Image, unit: Detail, place: Place, matching: Matching) -> Size:
    """The size that a place is worked on at."""
    if not unit.only_masked:
        return Size(*image.size)
    given = Size(unit.width or run.request.size.width, unit.height or run.request.size.height)
    left, top, right, bottom = place.box
    if matching == "Off" or (matching != "Free" and not run.components.takes_vector):
        return given
    shape = (right - left) / (bottom - top)
    if matching == "Free":
        area = given.width * given.height
        return Size(*(max(round(side / STEP) * STEP, STEP) for side in (sqrt(area * shape), sqrt(area / shape))))
    return Size(*min(TRAINED, key=lambda size: abs(size[0] / size[1] - shape)))


def encoded(image: Image.Image) -> bytes:
    """A picture as a PNG file's bytes."""
    return metadata.encode(image, format="png", infotext=None)
