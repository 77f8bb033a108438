"""Pictures put together from others: the grid over a request's, and what drivers compose. Saved once, however often a job is tried."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from PIL import Image

from modules.contract.progress import Reporter
from modules.contract.request import GenerationRequest
from modules.contract.result import GenerationResult
from modules.imaging import metadata, saving
from modules.imaging.grid import image_grid
from modules.imaging.naming import values_of
from modules.pipeline.signing import signed
from modules.settings.groups import Settings


class Composed:
    """Saves composed pictures of one request. `number` is theirs among the job's pictures: an earlier try's file is known by it."""

    def __init__(self, root: Path, request: GenerationRequest, settings: Settings, report: Reporter) -> None:
        self.root = root
        self.request = request
        self.settings = settings
        self.report = report

    def save_grid(self, grid: Image.Image, infotext: str, name: str, number: int) -> str | None:
        """Write a grid into its folder, as the settings say. Its path; None if grids are not saved."""
        grids = self.settings.grids
        if not (self.request.save_grid and grids.save):
            return None
        folder = grids.img2img_folder if self.request.source else grids.folder
        return self.save(grid, infotext, number, folder=folder, pattern=name, format=grids.format)

    def save_picture(self, image: Image.Image, infotext: str, number: int) -> str | None:
        """Write a picture among the ordinary ones. Its path; None if they are not saved."""
        wanted = self.settings.saving
        if not (self.request.save and wanted.enabled):
            return None
        folder = wanted.img2img_folder if self.request.source else wanted.folder
        return self.save(image, infotext, number, folder=folder, pattern=wanted.pattern, format=wanted.format)

    def save(self, image: Image.Image, infotext: str, number: int, *, folder: str, pattern: str, format: str) -> str:
        """Write a picture under the next free number, unless an earlier try of the job has written it. Its path."""
        filed, now, wanted = self.report.filed(number), datetime.now(), self.settings.saving
        if filed is not None and saving.written(filed) is not None:
            return filed.path
        values = values_of(prompt=self.request.prompt, seed=self.request.seed, facts={}, now=now)
        text = infotext if wanted.infotext_in_file else None
        data = metadata.encode(image, format=format, infotext=text, quality=wanted.jpeg_quality, lossless=wanted.lossless_webp)
        data = signed(data, format, root=self.root, settings=self.settings, warn=self.report.warn)
        named = wanted.model_copy(update={"pattern": pattern, "format": format})
        place = saving.destination(self.root, named, values, now, folder=folder)
        return str(saving.save(data, place, announce=lambda filed: self.report.filing(number, filed)))


def with_grid(composed: Composed, result: GenerationResult, number: int) -> GenerationResult:
    """The result with a grid of its pictures in front, saved and shown as the settings say; its infotext is the first picture's."""
    request, grids = composed.request, composed.settings.grids
    images = [image for image in result.images if image.kind == "picture"]
    if not request.save_grid or not (grids.save or grids.show) or len(images) < (2 if grids.only_if_multiple else 1):
        return result
    grid = image_grid([image.image for image in images], batch_size=request.batch_size, style=grids)
    path = composed.save_grid(grid, images[0].infotext, "grid", number)
    if not grids.show:
        return result
    whole = replace(images[0], image=grid, path=path, kind="grid")
    return replace(result, images=(whole, *result.images), details={**result.details, "index_of_first_image": 1})
