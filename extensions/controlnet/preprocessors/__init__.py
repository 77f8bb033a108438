"""Preprocessors: what makes the hint that a control network follows out of a picture, the same each time."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from PIL import Image

from modules.contract.errors import BadRequest, NotFound

from .colours import with_light
from .control_types import ALL, WORDS, ControlType, default_model, models_for
from .declaration import RESOLUTION, Pixels, Preprocessor, Slider
from .fitting import ResizeMode, at_resolution, fit, pixel_perfect, stretched
from .network_files import place_of
from .people import drawn_poses
from .poses import Poses
from .poses import read as read_poses
from .poses import written as written_poses
from .table import all_preprocessors

__all__ = [
    "CONTROL_TYPES",
    "PREPROCESSORS",
    "RESOLUTION",
    "ControlType",
    "Poses",
    "Preprocessor",
    "ResizeMode",
    "Slider",
    "after_decode",
    "available",
    "default_model",
    "default_preprocessor",
    "drawn_poses",
    "find",
    "find_poses",
    "fit",
    "models_for",
    "pixel_perfect",
    "read_poses",
    "run_preprocessor",
    "written_poses",
]

PREPROCESSORS: Mapping[str, Preprocessor] = MappingProxyType({one.name: one for one in all_preprocessors()})
NAMES = MappingProxyType({name.lower(): one for one in PREPROCESSORS.values() for name in (one.name, one.title, *one.aliases)})
CONTROL_TYPES: Mapping[str, ControlType] = MappingProxyType(
    {ALL: ControlType(ALL, (), tuple(PREPROCESSORS))}
    | {
        kind: ControlType(kind, words, ("none", *(name for name, one in PREPROCESSORS.items() if kind in one.types)))
        for kind, words in WORDS.items()
    }
)
SMALLEST, LARGEST = 8, 4096  # of a hint's short side; wider than the slider, for pixel perfect follows the picture to be made
LONGEST = 16_384  # pixels of a hint's long side
BLACK_ALPHA = 127  # a mask above this is to be painted


def find(name: str) -> Preprocessor:
    """The preprocessor of a name, of a page's label, or of an alias, in any case. Raises NotFound."""
    known = NAMES.get(re.sub(r"\s*\[[0-9a-f]+\]$", "", name.strip()).lower())
    if known is None:
        raise NotFound.among("preprocessor", name[:80], PREPROCESSORS)
    return known


def available(models: Path | None) -> list[Preprocessor]:
    """Those that can be used: all but the ones whose network is not in a folder of `models`."""
    return [one for one in PREPROCESSORS.values() if all(network.found(models) for network in one.needs)]


def default_preprocessor(kind: str, models: Path | None = None) -> str:
    """What a control type begins with: "none" where nothing is made for it."""
    return next((one.name for one in available(models) if kind in one.default_of), "none")


def run_preprocessor(
    name: str,
    image: Image.Image,
    *,
    resolution: int | None = None,
    a: float | None = None,
    b: float | None = None,
    mask: Image.Image | None = None,
    models: Path | None = None,
) -> Image.Image:
    """The hint of a picture: RGB; RGBA, alpha 255 where is to be painted, for the preprocessors of inpainting.

    The short side has `resolution` pixels (512 by default), except where the preprocessor has none; then it is the picture's own.
    `a` and `b` are the sliders' values; what is None or outside counts as the default. `mask` is white where is to be painted; without one,
    the picture's own transparency is. `models`: the folder of models, for what needs a network. Raises NotFound, BadRequest, and
    NotSupported where a network is missing.
    """
    preprocessor = find(name)
    pixels = np.asarray(on_white(image) if not preprocessor.takes_mask else image.convert("RGB"))
    if preprocessor.resolution:
        pixels = at_resolution(pixels, checked(resolution, image))
    pixels = np.ascontiguousarray(pixels)
    one, two = (slider.taken(value) if slider else 0.0 for slider, value in ((preprocessor.slider_1, a), (preprocessor.slider_2, b)))
    check_networks(preprocessor, models)
    marked = painted(image, mask) if preprocessor.takes_mask else None
    if preprocessor.by_networks and models:
        hint = preprocessor.by_networks(models, pixels if marked is None else np.dstack([pixels, np.asarray(marked)]), one, two)
    else:
        hint = preprocessor.function(pixels, one, two)
    result = Image.fromarray(np.ascontiguousarray(hint))
    if marked is not None:
        result.putalpha(marked)
    return result


def check_networks(preprocessor: Preprocessor, models: Path | None) -> None:
    """Raises NotSupported, with what is to be put where, unless all networks of a preprocessor are there."""
    for network in preprocessor.needs:
        place_of(network, models, preprocessor.name)


def find_poses(
    name: str, image: Image.Image, *, resolution: int | None = None, a: float | None = None, models: Path | None = None
) -> Poses:
    """The poses that a preprocessor of poses draws: `drawn_poses` of them is its hint. Values as in `run_preprocessor`.

    Raises NotFound, NotSupported where a network is missing, and BadRequest for a preprocessor that draws no poses.
    """
    preprocessor = find(name)
    if preprocessor.poses is None:
        finders = ", ".join(one.name for one in PREPROCESSORS.values() if one.poses)
        raise BadRequest(f"The preprocessor {preprocessor.name} finds no poses; these do: {finders}.")
    pixels = at_resolution(np.asarray(on_white(image)), checked(resolution, image))
    check_networks(preprocessor, models)
    return preprocessor.poses(models, np.ascontiguousarray(pixels), preprocessor.slider_1.taken(a) if preprocessor.slider_1 else 0.0)


def checked(resolution: int | None, image: Image.Image) -> int:
    """A resolution inside the bounds; the default for None and for what is below 1, which is how A1111's clients leave it open.

    Raises BadRequest, also for a picture so long that it would become far too large.
    """
    short = RESOLUTION if resolution is None or resolution < 1 else resolution
    if not SMALLEST <= short <= LARGEST:
        raise BadRequest(f"The preprocessor's resolution is {short}; it must be between {SMALLEST} and {LARGEST}.")
    long = round(short * max(image.size) / min(image.size))
    if long > LONGEST:
        raise BadRequest(
            f"A picture of {image.width}x{image.height} pixels would be {long} long at a resolution of {short}.",
            f"At most {LONGEST} can be used; cut the picture, or take a smaller resolution.",
        )
    return short


def on_white(image: Image.Image) -> Image.Image:
    """A picture as RGB, what is transparent white: drawings come so, and would else be black on black."""
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def painted(image: Image.Image, mask: Image.Image | None) -> Image.Image:
    """Where is to be painted, black and white, at the picture's size: the mask, or else what is transparent in the picture."""
    if mask is not None:
        levels = np.asarray(mask.getchannel("A") if "A" in mask.getbands() and opaque_is_drawn(mask) else mask.convert("L"))
    elif "A" in image.getbands():
        levels = 255 - np.asarray(image.getchannel("A"))
    else:
        levels = np.zeros((image.height, image.width), np.uint8)
    return Image.fromarray(np.where(stretched(levels, image.size) > BLACK_ALPHA, 255, 0).astype(np.uint8))


def opaque_is_drawn(mask: Image.Image) -> bool:
    """Whether a mask says by its opacity what is marked: it is not opaque everywhere."""
    least, _ = mask.getchannel("A").getextrema()
    return int(least) < 255  # pyright: ignore[reportArgumentType]  # of one channel


def after_decode(name: str, picture: Image.Image, hint: Image.Image) -> Image.Image:
    """What a preprocessor does to the finished picture: those of "Recolor" give it the light of the hint, stretched to its size.

    Any other leaves it as it is. Raises NotFound.
    """
    post = find(name).post
    if post not in ("recolor_luminance", "recolor_intensity"):
        return picture
    light: Pixels = stretched(np.asarray(hint.convert("RGB")), picture.size)
    kind = "luminance" if post == "recolor_luminance" else "intensity"
    return Image.fromarray(with_light(np.asarray(picture.convert("RGB")), light[:, :, 0], kind))
