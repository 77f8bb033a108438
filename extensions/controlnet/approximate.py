"""What a unit does without a model: the first steps go towards a picture that has the hint's regions in colours of chance.

After SDEdit (Meng et al. 2022, arXiv:2108.01073): the first steps decide what is where, the others what it is. It is no control
network: fine lines are lost, and the colours leave a trace.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from modules.plugins import Pass, Run, Step

from .hints import Hints, picture_tensor
from .units import Unit

# Preprocessors whose hints have regions, by the beginning of their names.
STRUCTURES = ("canny", "lineart", "scribble", "softedge", "mlsd", "openpose", "mediapipe_face", "seg_person", "normal")
SHARE = 0.4  # of the steps, which at weight 1 are taken towards the structure: as img2img from it at a strength of 0.6
LINE = 96  # levels of grey from which on a hint's pixel parts two regions
TINT = 30  # levels by which a region's colour may differ from grey: the prompt shall decide the colours
DARKENED = 0.7  # of a line's light is taken from the colours below it


def has_structure(module: str) -> bool:
    """Whether something can be done with a preprocessor's hint without a model."""
    return module.startswith(STRUCTURES)


class StructureUnit:
    """A unit without a model whose hint has regions."""

    def __init__(self, unit: Unit, number: int, hints: Hints) -> None:
        self.unit, self.hints = unit, hints
        self.title = f"ControlNet unit {number}"
        self.latents: dict[tuple[int, int], Tensor] = {}

    @contextmanager
    def during(self, run: Run, passing: Pass) -> Iterator[None]:
        yield

    def denoised(self, run: Run, step: Step, x0: Tensor) -> Tensor | None:
        """The structure (B, C, h, w) in place of the clean latents in the first steps of the first pass; the weight says in how many."""
        begin, end = self.unit.guidance_start, self.unit.guidance_end
        share = step.number / max(step.total, 1)
        if step.passing.second or not begin <= share < min(begin + SHARE * self.unit.weight, end):
            return None
        size = x0.shape[3], x0.shape[2]
        if size not in self.latents:
            components = step.passing.loaded.components
            side = components.latents.downscale
            hints = self.hints.at(run, (size[0] * side, size[1] * side))
            images = [structure(hints[place % len(hints)], seed) for place, seed in enumerate(run.seeds)]
            self.latents[size] = components.encode(picture_tensor(images).to(components.device), sample=False)
        return self.latents[size].to(x0)

    def picture(self, run: Run, index: int, image: Image.Image) -> Image.Image | None:
        """Nothing is done to the finished picture."""
        return None


def structure(hint: Image.Image, seed: int) -> Image.Image:
    """A picture with a hint's regions, each in a colour that the seed decides, its lines dark. The same seed gives the same colours."""
    grey = np.asarray(hint.convert("L"))
    count, regions = cv2.connectedComponents((grey < LINE).astype(np.uint8), connectivity=4)
    chance = np.random.default_rng(seed)
    colours: NDArray[np.float64] = chance.uniform(60, 195, (count, 1)) + chance.uniform(-TINT, TINT, (count, 3))
    light = grey[:, :, None] / 255
    return Image.fromarray((colours[np.asarray(regions, np.intp)] * (1 - DARKENED * light)).astype(np.uint8))
