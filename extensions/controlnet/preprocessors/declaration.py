"""What a preprocessor is: its names, its sliders, and the function that makes a hint of a picture."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .network_files import Network
from .poses import Poses

Pixels = NDArray[np.uint8]  # (h, w, 3) in RGB
Function = Callable[[Pixels, float, float], Pixels]  # a picture and the values of its two sliders
ByNetworks = Callable[[Path, Pixels, float, float], Pixels]  # with the folder of models before it; (h, w, 4) where it takes a mask
Finder = Callable[[Path | None, Pixels, float], Poses]  # the folder of models, a picture, and the least confidence
Post = Literal[
    "", "reference", "inpaint", "inpaint_filled", "global_inpaint", "colorfix", "colorfix+sharp", "recolor_luminance", "recolor_intensity"
]  # what the engine does beside, or instead of, feeding the hint to a network
LEAST_RESOLUTION, MOST_RESOLUTION, RESOLUTION = 64, 2048, 512


def same(image: Pixels, a: float, b: float) -> Pixels:
    """The picture as it is."""
    return image


@dataclass(frozen=True)
class Slider:
    """A number that a preprocessor asks for."""

    label: str
    least: float
    most: float
    default: float
    step: float = 1

    def taken(self, value: float | None) -> float:
        """A value inside the bounds; the default for None and for what lies outside, as A1111 takes it."""
        return self.default if value is None or not self.least <= value <= self.most else value


@dataclass(frozen=True)
class Preprocessor:
    """One row of the list. `function` gets the picture at the working resolution, or at its own size without `resolution`.

    `name` is A1111's for API and infotext where A1111 has it; an own method has an own name. `label` is what its page shows.
    `types` are the control types that list it. `takes_mask`: what is marked comes back as the hint's alpha. `model_free`: the
    engine works without a model. `default_of`: the types for which it is chosen first. `needs`: networks that are files of a
    person's own; with them `by_networks` makes the hint in the place of `function`, and the preprocessor is listed where all of them are.
    `poses`: what finds the poses that the hint shows, at the confidence of the first slider.
    """

    name: str
    function: Function = same
    types: tuple[str, ...] = ()
    label: str = ""
    aliases: tuple[str, ...] = ()
    resolution: bool = True
    slider_1: Slider | None = None
    slider_2: Slider | None = None
    takes_mask: bool = False
    post: Post = ""
    model_free: bool = False
    default_of: tuple[str, ...] = ()
    needs: tuple[Network, ...] = ()
    by_networks: ByNetworks | None = None
    poses: Finder | None = None

    @property
    def title(self) -> str:
        """What a list shows."""
        return self.label or self.name

    def describe(self) -> dict[str, Any]:
        """It as A1111's `module_detail` lists it: the sliders in their order, the resolution first."""
        sliders = [Slider("Resolution", LEAST_RESOLUTION, MOST_RESOLUTION, RESOLUTION, 8)] if self.resolution else []
        sliders += [one for one in (self.slider_1, self.slider_2) if one]
        rows = [{"name": one.label, "value": one.default, "min": one.least, "max": one.most, "step": one.step} for one in sliders]
        return {"model_free": self.model_free, "sliders": rows}
