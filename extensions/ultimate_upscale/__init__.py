"""Ultimate SD upscale: a picture enlarged and painted anew in tiles that see their surroundings, and its seams painted over."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from PIL import Image

from modules.contract.declare import ModelChoice
from modules.contract.errors import BadRequest
from modules.contract.request import GenerationRequest, Inpaint, Size
from modules.contract.result import GeneratedImage, GenerationResult
from modules.imaging.inpainting import flattened
from modules.imaging.opening import open_image
from modules.imaging.resize import resampled
from modules.plugins import (
    Argument,
    Choice,
    Drive,
    Extension,
    Options,
    Script,
    Slider,
    Toggle,
    as_source,
    composed,
    gathered,
    hook,
    pictures,
    source_of,
)

from .regions import STEP, Box, Region, bands, between, corners, in_order, tiles

Target = Literal["From img2img2 settings", "Custom size", "Scale from image size"]
Redraw = Literal["Linear", "Chess", "None"]
Shape = tuple[int, int, int, int, int, int]
Seams = Literal["None", "Band pass", "Half tile offset pass", "Half tile offset pass + intersections"]
LARGEST = 16384  # pixels a side
NAMES = (
    "tile_width",
    "tile_height",
    "mask_blur",
    "padding",
    "seams_width",
    "seams_strength",
    "seams_padding",
    "upscaler",
    "save_upscaled",
    "redraw",
    "save_seams",
    "seams_blur",
    "seams",
    "target",
    "width",
    "height",
    "scale",
)  # fmt: skip  (the order in which clients of the original send them)


class UltimateUpscale(Extension):
    """See README.md."""

    class Options(Options):
        """How large it becomes, how it is cut, and what is done about seams."""

        target: Target = Choice("From img2img2 settings", "Target size type", help="The settings' size is that of img2img.")
        width: int = Slider(2048, 64, LARGEST, "Custom width", step=64)
        height: int = Slider(2048, 64, LARGEST, "Custom height", step=64)
        scale: float = Slider(2.0, 1, 16, "Scale", step=0.01)
        upscaler: str = ModelChoice("upscaler", "Upscaler", default="None")
        redraw: Redraw = Choice("Linear", "Redraw mode", help="Chess paints as many tiles at once as the batch size says.")
        tile_width: int = Slider(512, 0, 2048, "Tile width", step=64, help="0: as the tile's height.")
        tile_height: int = Slider(0, 0, 2048, "Tile height", step=64, help="0: as the tile's width.")
        mask_blur: int = Slider(8, 0, 64, "Mask blur")
        padding: int = Slider(32, 0, 512, "Padding", help="How much of its surroundings a tile is painted with.")
        seams: Seams = Choice("None", "Seams fix", help="What is painted once more over the tiles' edges.")
        seams_strength: float = Slider(0.35, 0, 1, "Denoise of the seams fix", step=0.01)
        seams_width: int = Slider(64, 0, 128, "Width of the band")
        seams_blur: int = Slider(4, 0, 64, "Mask blur of the seams fix")
        seams_padding: int = Slider(16, 0, 128, "Padding of the seams fix")
        save_upscaled: bool = Toggle(True, "Save the picture before its seams are fixed")
        save_seams: bool = Toggle(True, "Save the picture with its seams fixed")

    script = Script(
        "Ultimate SD upscale",
        (Argument(note="Will upscale the image depending on the selected target size type"),
         *(Argument(name, names="upscaler" if name == "upscaler" else "") for name in NAMES)),
        tabs=("img2img",),
    )  # fmt: skip
    options: Options

    @hook.drive
    def upscale(self, request: GenerationRequest, drive: Drive) -> GenerationResult:
        """One large picture; tiles that an ended job did not reach stay as the upscaler made them."""
        original = flattened(open_image(source_of(request).pictures[0]), drive.settings.img2img.background)
        size = self.target(Size(*original.size), request.size)
        canvas = whole_steps(self.enlarged(original, size, drive))
        tile = self.tile()
        stages = [self.painted(request, canvas, tile), self.mended(request, canvas, tile)]
        drive.expect([one.request(request, canvas) for stage in stages for one in stage])
        results: list[GenerationResult] = []
        images: list[GeneratedImage] = []
        for stage, save in zip(stages, (self.options.save_upscaled, self.options.save_seams), strict=True):
            if not stage or (results and results[-1].interrupted):
                continue
            canvas = self.work(stage, request, canvas, drive, results)
            like = next((made for result in results for made in result.images), None)
            if like is not None:  # None: every tile was skipped
                finished = canvas.crop((0, 0, size.width, size.height))
                images.append(composed(finished, like, path=drive.keep(finished, like.infotext, request=request) if save else None))
        return gathered(results, images)

    def target(self, original: Size, asked: Size) -> Size:
        """The size in pixels that the picture becomes. Raises BadRequest for one over 16384 a side."""
        options = self.options
        if options.target == "Custom size":
            size = Size(options.width, options.height)
        elif options.target == "Scale from image size":
            size = Size(round(original.width * options.scale), round(original.height * options.scale))
        else:
            size = asked
        if max(size) > LARGEST:
            raise BadRequest(f"The picture would become {size}; a side has at most {LARGEST} pixels.", "Choose a smaller scale.")
        return size

    def tile(self) -> Size:
        """The tiles' size. Raises BadRequest where both sides are 0 or one is under 64."""
        width = self.options.tile_width or self.options.tile_height
        height = self.options.tile_height or width
        if min(width, height) < 64:
            raise BadRequest(f"The tiles are {width}x{height} pixels; a side must have at least 64.")
        return Size(width, height)

    def enlarged(self, image: Image.Image, size: Size, drive: Drive) -> Image.Image:
        """The picture at its target size, by the upscaler as far as that goes."""
        scale = max(size.width / image.width, size.height / image.height)
        if self.options.upscaler != "None" and scale > 1:
            image = drive.upscale(image, self.options.upscaler, scale)
        return image if image.size == size else resampled(image, size, Image.Resampling.LANCZOS)

    def painted(self, request: GenerationRequest, canvas: Image.Image, tile: Size) -> list["Work"]:
        """The tiles, some at once where they do not touch."""
        options = self.options
        if options.redraw == "None":
            return []
        found: list[Work] = []
        for group in in_order(tiles(Size(*canvas.size), tile), options.redraw):
            alike: dict[Shape, list[Region]] = {}
            for region in group:
                alike.setdefault(shape(region, region.crop(Size(*canvas.size), options.padding)), []).append(region)
            for regions in alike.values():
                parts = (regions[at : at + request.batch_size] for at in range(0, len(regions), request.batch_size))
                found += [Work(part, options.padding, options.mask_blur) for part in parts]
        return found

    def mended(self, request: GenerationRequest, canvas: Image.Image, tile: Size) -> list["Work"]:
        """What is painted over seams, one after another."""
        options, size = self.options, Size(*canvas.size)
        regions: list[Region] = []
        if options.seams == "Band pass" and options.seams_width:
            regions = bands(size, tile, options.seams_width)
        elif options.seams.startswith("Half tile"):
            regions = between(size, tile)
            regions += corners(size, tile) if options.seams.endswith("intersections") else []
        return [Work([one], options.seams_padding, options.seams_blur, options.seams_strength) for one in regions]

    def work(
        self, stage: Sequence["Work"], request: GenerationRequest, canvas: Image.Image, drive: Drive, results: list[GenerationResult]
    ) -> Image.Image:
        """The picture with a stage's regions painted, each over what those before it left."""
        canvas = canvas.copy()
        for one in stage:
            results.append(drive.generate(one.request(request, canvas), notes=self.about()))
            for region, made in zip(one.regions, pictures(results[-1]), strict=False):
                canvas.paste(made.image, region.crop(Size(*canvas.size), one.padding)[:2])
            if results[-1].interrupted:
                break
        return canvas

    def about(self) -> dict[str, object]:
        """The pairs of the infotext, named as the original's."""
        named = ("upscaler", "tile_width", "tile_height", "mask_blur", "padding")
        return {f"Ultimate SD upscale {name}": getattr(self.options, name) for name in named}


class Work:
    """Regions that are painted in one go: all of one `shape`; `padding` and `blur` in pixels; `strength` None is the request's."""

    def __init__(self, regions: Sequence[Region], padding: int, blur: int, strength: float | None = None) -> None:
        self.regions = regions
        self.padding = padding
        self.blur = blur
        self.strength = strength

    def request(self, request: GenerationRequest, canvas: Image.Image) -> GenerationRequest:
        """The request that paints them over what the canvas shows now."""
        boxes = [region.crop(Size(*canvas.size), self.padding) for region in self.regions]
        mask = self.regions[0].mask(boxes[0])
        inpaint = Inpaint(mask=as_source(mask), blur=(self.blur, self.blur), content="original")
        changed = {"pictures": tuple(as_source(canvas.crop(box)) for box in boxes), "inpaint": inpaint, "resize": "just resize"}
        if self.strength is not None:
            changed["strength"] = self.strength
        left, top, right, bottom = boxes[0]
        return request.replace(
            source=source_of(request).model_copy(update=changed),
            size=Size(right - left, bottom - top),
            batch_size=len(boxes),
            batch_count=1,
            save=False,
            save_grid=False,
        )


def shape(region: Region, crop: Box) -> Shape:
    """The size of a crop and where in it the region lies: those alike share a mask, and may be painted in one batch."""
    left, top, right, bottom = (side - crop[at % 2] for at, side in enumerate(region.box))
    return crop[2] - crop[0], crop[3] - crop[1], left, top, right, bottom


def whole_steps(image: Image.Image) -> Image.Image:
    """The picture with its last column and row repeated until its sides are multiples of 8."""
    right, below = -image.width % STEP, -image.height % STEP
    if not right and not below:
        return image
    return Image.fromarray(np.pad(np.asarray(image), ((0, below), (0, right), (0, 0)), mode="edge"))
