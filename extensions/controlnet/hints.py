"""A unit's picture on its way to the network: chosen, cut as img2img's mask cuts, preprocessed, fitted, as a tensor."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from modules.contract.errors import BadRequest
from modules.contract.request import Picture
from modules.imaging.opening import open_image
from modules.plugins import Run

from .preprocessors import find, fit, pixel_perfect, run_preprocessor
from .units import ResizeMode, Unit

Size = tuple[int, int]  # width and height in pixels
PAINTED = 127  # an alpha above this is to be painted


class Hints:
    """The pictures of one unit. They are made once for each size that they are asked for. `models`: where networks lie."""

    def __init__(self, unit: Unit, number: int, module: str, models: Path | None = None) -> None:
        self.unit = unit
        self.models = models
        self.title = f"ControlNet unit {number}"
        self.module = module
        self.made: dict[Size, list[Image.Image]] = {}
        self.more: dict[Size, list[Image.Image]] = {}

    def pictures(self, run: Run) -> list[Image.Image]:
        """The unit's own picture, cut to img2img's region where only that is painted; else img2img's pictures at their working size.

        Raises BadRequest if there are none.
        """
        if self.unit.image is not None:
            return [self.cut(run, opened(self.unit.image, self.title))]
        if run.prepared is None:
            raise BadRequest(f"{self.title} has no picture.", "Give it one, or switch it off.")
        if run.prepared.originals and run.prepared.paste_to is None:
            return list(run.prepared.originals)
        return list(run.prepared.pictures)

    def cut(self, run: Run, image: Image.Image) -> Image.Image:
        """The unit's own picture brought to the source's size and cut as that is, where img2img works on the mask's surroundings alone."""
        prepared = run.prepared
        if prepared is None or prepared.paste_to is None or not self.unit.inpaint_crop_input_image:
            return image
        whole = fit(image, prepared.originals[0].size, self.unit.resize_mode)
        return whole.crop(prepared.paste_to)

    def mode(self, run: Run) -> ResizeMode:
        """How the hint meets the size: what was cut out, or is img2img's, has its proportions already."""
        cut = run.prepared is not None and run.prepared.paste_to is not None and self.unit.inpaint_crop_input_image
        return "Resize and Fill" if cut and self.unit.image is not None else self.unit.resize_mode

    def mask(self, run: Run) -> Image.Image | None:
        """What is to be painted: the unit's own mask, or img2img's beside img2img's picture."""
        if self.unit.mask is not None:
            return self.cut(run, opened(self.unit.mask, f"{self.title}: the mask"))
        return run.prepared.picture_mask if run.prepared and self.unit.image is None else None

    def at(self, run: Run, size: Size) -> list[Image.Image]:
        """The hints at a size in pixels: RGB, or RGBA with alpha where is to be painted. One, or one for each source picture."""
        if size not in self.made:
            mask = self.mask(run)
            self.made[size] = [self.hint(run, size, one, mask) for one in self.pictures(run)]
        return self.made[size]

    def hint(self, run: Run, size: Size, image: Image.Image, mask: Image.Image | None) -> Image.Image:
        """What the preprocessor makes of a picture, brought to a size; one that fills does so after, for it fills an added border, too."""
        if find(self.module).post != "inpaint_filled":
            return fit(self.preprocessed(run, size, image, mask), size, self.mode(run))
        marked = fit(run_preprocessor("inpaint_only", image, mask=mask), size, self.mode(run))
        return self.preprocessed(run, size, marked.convert("RGB"), marked.getchannel("A"))

    def more_at(self, run: Run, size: Size) -> list[Image.Image]:
        """The hints of the unit's further pictures, RGB: each counts for every picture of the batch."""
        if size not in self.more:
            cut = [self.cut(run, opened(one, self.title)) for one in self.unit.images]
            self.more[size] = [fit(self.preprocessed(run, size, one), size, self.mode(run)) for one in cut]
        return self.more[size]

    def each_at(self, run: Run, size: Size) -> list[list[Image.Image]]:
        """All hints that are to act together: those of `at`, then each further one alone."""
        return [self.at(run, size), *([one] for one in self.more_at(run, size))]

    def preprocessed(self, run: Run, size: Size, image: Image.Image, mask: Image.Image | None = None) -> Image.Image:
        """What the preprocessor makes of a picture, at its own resolution. Raises BadRequest, NotSupported."""
        unit = self.unit
        resolution = pixel_perfect(image.size, size, self.mode(run)) if unit.pixel_perfect else unit.processor_res
        asked = None if resolution < 1 else resolution
        return run_preprocessor(self.module, image, resolution=asked, a=unit.threshold_a, b=unit.threshold_b, mask=mask, models=self.models)


def opened(picture: Picture, title: str) -> Image.Image:
    """A picture of the request. Raises BadRequest for what is none."""
    return open_image(picture, name=f"{title}'s picture")


def hint_tensor(images: Sequence[Image.Image]) -> Tensor:
    """Hints as (B, 3, H, W) in 0..1; -1 where is to be painted."""
    arrays = np.stack([np.asarray(one.convert("RGB"), np.float32) / 255 for one in images])
    values = torch.from_numpy(arrays).permute(0, 3, 1, 2).contiguous()
    if "A" not in images[0].getbands():
        return values
    holes = torch.from_numpy(np.stack([np.asarray(one.getchannel("A")) for one in images]) > PAINTED)[:, None]
    return torch.where(holes, torch.full_like(values, -1.0), values)


def picture_tensor(images: Sequence[Image.Image]) -> Tensor:
    """Pictures as (B, 3, H, W) in -1..1, as the VAE takes them."""
    return hint_tensor([one.convert("RGB") for one in images]) * 2 - 1


def region_tensor(picture: Picture, size: Size, mode: ResizeMode, title: str) -> Tensor:
    """An effective region mask as (1, 1, H, W) in 0..1."""
    mask = fit(opened(picture, f"{title}: the effective region mask").convert("RGB"), size, mode)
    return torch.from_numpy(np.asarray(mask.convert("L"), np.float32) / 255)[None, None]
