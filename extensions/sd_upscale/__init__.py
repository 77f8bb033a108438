"""SD upscale: a picture enlarged, and painted anew tile by tile."""

from collections.abc import Sequence
from functools import partial

from PIL import Image

from modules.contract.declare import ModelChoice
from modules.contract.request import GenerationRequest, Size
from modules.contract.result import GeneratedImage, GenerationResult
from modules.imaging import tiles
from modules.imaging.inpainting import flattened
from modules.imaging.opening import open_image
from modules.plugins import (
    Argument,
    Drive,
    Extension,
    Options,
    Script,
    Slider,
    as_source,
    gathered,
    hook,
    pictures,
    put_together,
    source_of,
)


class SDUpscale(Extension):
    """See README.md."""

    class Options(Options):
        """How the picture is enlarged and cut."""

        overlap: int = Slider(64, 0, 256, "Tile overlap", step=16)
        upscaler: str = ModelChoice("upscaler", "Upscaler", default="None")
        scale: float = Slider(2.0, 1.0, 4.0, "Scale Factor", step=0.05)

    script = Script(
        "SD upscale",
        (
            Argument(note="Enlarges the picture by the scale factor; width and height of the request are the size of a tile."),
            Argument("overlap"),
            Argument("upscaler", names="upscaler"),
            Argument("scale"),
        ),
        tabs=("img2img",),
    )
    options: Options

    @hook.drive
    def upscale(self, request: GenerationRequest, drive: Drive) -> GenerationResult:
        """One picture for each batch of the request."""
        image = flattened(open_image(source_of(request).pictures[0]), drive.settings.img2img.background)
        if self.options.upscaler != "None":
            image = drive.upscale(image, self.options.upscaler, self.options.scale)
        grid = tiles.grid(Size(*image.size), request.size, self.options.overlap)
        cut = list(tiles.split(image, grid))
        groups = self.groups(request, grid, cut)
        drive.expect(groups * request.batch_count)
        notes = {"SD upscale overlap": self.options.overlap, "SD upscale upscaler": self.options.upscaler}
        results: list[GenerationResult] = []
        images: list[GeneratedImage] = []
        for number in range(request.batch_count):
            painted: dict[int, GeneratedImage] = {}
            for index, group in enumerate(groups):
                results.append(drive.generate(group.replace(seed=request.seed + number + index), notes=notes))
                painted |= dict(enumerate(pictures(results[-1]), index * request.batch_size))
                if results[-1].interrupted:
                    break
            if painted:
                images.append(put_together(grid, cut, painted, partial(drive.keep, request=request)))
            if results[-1].interrupted:
                break
        infotexts = [images[0].infotext] * len(images) if images else []
        return gathered(results, images, info={"infotexts": infotexts})

    def groups(self, request: GenerationRequest, grid: tiles.Grid, cut: Sequence[Image.Image]) -> list[GenerationRequest]:
        """A request for each batch of tiles."""
        source = source_of(request)
        plain = request.replace(batch_count=1, size=grid.tile, save=False, save_grid=False)
        data = [as_source(tile) for tile in cut]
        parts = [tuple(data[first : first + request.batch_size]) for first in range(0, len(data), request.batch_size)]
        return [plain.replace(batch_size=len(part), source=source.model_copy(update={"pictures": part})) for part in parts]
