"""What some preprocessors do beside, or instead of, feeding a network: colours kept in latent space, light and surroundings put back."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor
from torch.nn import functional

from modules.plugins import Pass, Run, Step

from .hints import PAINTED, Hints, picture_tensor
from .preprocessors import after_decode, find
from .units import Unit
from .weighting import on_now

VARIATION = 8.0
SHARPNESS = 1.0
EDGE = 4  # pixels over which what was painted goes over into its surroundings


class PostUnit:
    """What a unit's preprocessor does with the latents of each step, and with the finished picture."""

    def __init__(self, unit: Unit, number: int, hints: Hints) -> None:
        self.unit, self.hints = unit, hints
        self.title = f"ControlNet unit {number}"
        self.post = find(hints.module).post
        self.latents: dict[tuple[int, int], Tensor] = {}

    @contextmanager
    def during(self, run: Run, passing: Pass) -> Iterator[None]:
        yield

    def denoised(self, run: Run, step: Step, x0: Tensor) -> Tensor | None:
        """The clean latents (B, C, h, w) as they are to go on; None where nothing is to be done in this step."""
        if not on_now(self.unit, step):
            return None
        if self.post.startswith("colorfix"):
            return self.with_colours(run, step, x0)
        return self.begun(run, step, x0) if self.post == "inpaint_filled" and step.number == 0 else None

    def begun(self, run: Run, step: Step, x0: Tensor) -> Tensor:
        """Clean latents with what a network has filled in where is to be painted: the painting begins there, as img2img would."""
        side = step.passing.loaded.components.latents.downscale
        hints = self.hints.at(run, (x0.shape[3] * side, x0.shape[2] * side))
        holes = np.stack([np.asarray(one.getchannel("A")) > PAINTED for one in hints])
        share = functional.avg_pool2d(torch.from_numpy(holes).float()[:, None], side)
        share = share[[picture % len(share) for picture in range(len(x0))]].to(x0)
        return x0 + share * (self.source(run, step, x0) - x0)

    def source(self, run: Run, step: Step, x0: Tensor) -> Tensor:
        """The latents of the hint, as many and of the size of these (B, C, h, w)."""
        size = x0.shape[3], x0.shape[2]
        if size not in self.latents:
            components = step.passing.loaded.components
            side = components.latents.downscale
            images = [one.convert("RGB") for one in self.hints.at(run, (size[0] * side, size[1] * side))]
            self.latents[size] = components.encode(picture_tensor(images).to(components.device), sample=False)
        source = self.latents[size]
        return source[[picture % len(source) for picture in range(len(x0))]].to(x0)

    def with_colours(self, run: Run, step: Step, x0: Tensor) -> Tensor:
        """Clean latents with the coarse colours of the source: what a blur of "Variation" latents leaves of it."""
        source = self.source(run, step, x0)
        width = self.unit.threshold_a if self.unit.threshold_a >= 1 else VARIATION
        fixed = x0 + self.unit.weight * (blurred(source, width) - blurred(x0, width))
        if self.post != "colorfix+sharp":
            return fixed
        sharpness = self.unit.threshold_b if 0 <= self.unit.threshold_b <= 2 else SHARPNESS
        return fixed + 0.05 * sharpness * (fixed - blurred(fixed, 1.0))

    def picture(self, run: Run, index: int, image: Image.Image) -> Image.Image | None:
        """The decoded picture with the source's light, or with the source wherever nothing was to be painted."""
        if self.post.startswith("recolor"):
            return after_decode(self.hints.module, image, self.chosen(run, index, image.size))
        if self.post not in ("inpaint", "inpaint_filled") or (run.prepared is not None and run.prepared.overlays):
            return None  # img2img puts its own surroundings back
        source = self.chosen(run, index, image.size)
        holes = Image.fromarray(np.where(np.asarray(source.getchannel("A")) > PAINTED, 255, 0).astype(np.uint8))
        soft = holes.filter(ImageFilter.MaxFilter(EDGE // 2 * 2 + 1)).filter(ImageFilter.GaussianBlur(EDGE / 2))
        return Image.composite(image.convert("RGB"), source.convert("RGB"), soft)

    def chosen(self, run: Run, index: int, size: tuple[int, int]) -> Image.Image:
        """The hint of one picture of the batch."""
        images = self.hints.at(run, size)
        return images[index % len(images)]


def blurred(latents: Tensor, width: float) -> Tensor:
    """Latents (B, C, h, w) under a Gaussian of a standard deviation of half of `width`, edges repeated."""
    sigma = width / 2
    reach = min(max(round(3 * sigma), 1), min(latents.shape[2:]) - 1)
    places = torch.arange(-reach, reach + 1, device=latents.device, dtype=latents.dtype)
    kernel = torch.exp(-(places**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(latents.shape[1], 1, -1)
    wide = functional.pad(latents, (reach, reach, reach, reach), mode="replicate")
    across = functional.conv2d(wide, kernel[:, :, None], groups=latents.shape[1])
    return functional.conv2d(across, kernel[:, :, :, None], groups=latents.shape[1])
