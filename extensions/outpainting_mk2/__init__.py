"""Outpainting mk2: a picture made larger side by side, from noise that looks like it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from modules.contract.declare import declared
from modules.contract.request import GenerationRequest, Inpaint, Size, SourceImage
from modules.contract.result import GeneratedImage, GenerationResult
from modules.imaging.grid import image_grid
from modules.imaging.inpainting import flattened
from modules.imaging.opening import open_image
from modules.imaging.outpainting import Side, all_but, margins, rounded_up
from modules.plugins import Argument, Drive, Extension, Options, Script, Slider, as_source, composed, gathered, hook, pictures, source_of

from .noise import matched_noise


@dataclass(frozen=True)
class Growth:
    """One side on which a picture of `size` grows by some pixels."""

    size: Size
    side: Side
    pixels: int

    @property
    def across(self) -> bool:
        return self.side in ("left", "right")

    @property
    def grown(self) -> Size:
        """The size afterwards."""
        width, height = self.size
        return Size(width + self.pixels, height) if self.across else Size(width, height + self.pixels)

    @property
    def canvas(self) -> Size:
        """What is worked on: sides of multiples of 64; what that adds lies at the right and at the bottom."""
        return rounded_up(self.grown)

    def area(self, most: Size) -> Size:
        """The part of the canvas that is painted: along the way of growth at most as long as `most`."""
        if self.across:
            return Size(min(most.width, self.grown.width), self.canvas.height)
        return Size(self.canvas.width, min(most.height, self.grown.height))

    def place(self, size: Size) -> tuple[int, int]:
        """Where something of this size lies on the canvas to touch the new edge."""
        return (
            0 if self.side == "left" else self.canvas.width - size.width,
            0 if self.side == "up" else self.canvas.height - size.height,
        )

    def mask(self, size: Size, inset: int) -> Image.Image:
        """A mask of this size, black over the original but for `inset` pixels beside the new part."""
        inner = self.pixels + inset
        box = (
            inner if self.side == "left" else 0,
            inner if self.side == "up" else 0,
            size.width - inner if self.side == "right" else self.grown.width,
            size.height - inner if self.side == "down" else self.grown.height,
        )
        return all_but(size, box)


class OutpaintingMk2(Extension):
    """See README.md."""

    class Options(Options):
        """How far the picture grows, where, and what the noise is like."""

        pixels: int = Slider(128, 8, 256, "Pixels to expand", step=8)
        mask_blur: int = Slider(8, 0, 64, "Mask blur")
        sides: tuple[Side, ...] = declared(("left", "right", "up", "down"), "Outpainting direction", control="choices")
        falloff: float = Slider(1.0, 0.0, 4.0, "Fall-off exponent (lower=higher detail)", step=0.01)
        variation: float = Slider(0.05, 0.0, 1.0, "Color variation", step=0.01)

    script = Script(
        "Outpainting mk2",
        (
            Argument(note="Works best with 80 to 100 steps, Euler a, and a denoising strength of 0.8."),
            *map(Argument, ("pixels", "mask_blur", "sides", "falloff", "variation")),
        ),
        tabs=("img2img",),
    )
    options: Options

    @hook.drive
    def outpaint(self, request: GenerationRequest, drive: Drive) -> GenerationResult:
        """The larger pictures of all batches."""
        original = flattened(open_image(source_of(request).pictures[0]), drive.settings.img2img.background)
        growths = self.growths(Size(*original.size))
        batches = [request.replace(seed=request.seed + index * request.batch_size) for index in range(request.batch_count)]
        blank = [Image.new("RGB", growth.canvas) for growth in growths]
        drive.expect([self.request(batch, growth, [image]) for batch in batches for growth, image in zip(growths, blank, strict=True)])
        results: list[GenerationResult] = []
        images: list[GeneratedImage] = []
        for batch in batches:
            images += self.batch(batch, drive, [original] * request.batch_size, growths, results)
            if results and results[-1].interrupted:
                break
        return self.result(request, drive, results, images)

    def growths(self, size: Size) -> list[Growth]:
        """The sides in order, each with the size that the ones before leave."""
        added, _ = margins(size, self.options.pixels, self.options.sides)
        found: list[Growth] = []
        sides: tuple[Side, ...] = ("left", "right", "up", "down")
        for side, pixels in zip(sides, added, strict=True):
            if pixels:
                found.append(Growth(found[-1].grown if found else size, side, pixels))
        return found

    def batch(
        self,
        request: GenerationRequest,
        drive: Drive,
        images: Sequence[Image.Image],
        growths: Sequence[Growth],
        results: list[GenerationResult],
    ) -> list[GeneratedImage]:
        """One batch, grown on all sides; on fewer if a person ended it. Adds to `results`."""
        like: list[GeneratedImage] = []
        for growth in growths:
            canvases = [self.noised(image, growth) for image in images]
            results.append(drive.generate(self.request(request, growth, canvases)))
            painted = [image.image for image in pictures(results[-1])]
            if len(painted) < len(canvases):
                break
            like = like or pictures(results[-1])
            for canvas, image in zip(canvases, painted, strict=False):
                canvas.paste(image, growth.place(Size(*image.size)))
            images = [canvas.crop((0, 0, growth.grown.width, growth.grown.height)) for canvas in canvases]
            if results[-1].interrupted:
                break
        return [composed(image, one) for image, one in zip(images, like, strict=False)]

    def noised(self, image: Image.Image, growth: Growth) -> Image.Image:
        """The canvas with the picture in its place and noise where it grows."""
        canvas = Image.new("RGB", growth.canvas)
        canvas.paste(image, (growth.pixels if growth.side == "left" else 0, growth.pixels if growth.side == "up" else 0))
        mask = np.asarray(growth.mask(growth.canvas, self.options.mask_blur)) / 255.0
        values = matched_noise(np.asarray(canvas) / 255.0, mask, falloff=self.options.falloff, variation=self.options.variation)
        return Image.fromarray((values * 255).astype(np.uint8))

    def request(self, request: GenerationRequest, growth: Growth, canvases: Sequence[Image.Image]) -> GenerationRequest:
        """The request for the part of the canvases that is painted."""
        area, blur, sides = growth.area(request.size), self.options.mask_blur, self.options.sides
        left, top = growth.place(area)
        box = (left, top, left + area.width, top + area.height)
        across, down = ("left" in sides or "right" in sides), ("up" in sides or "down" in sides)
        inpaint = Inpaint(
            mask=as_source(growth.mask(growth.canvas, blur).crop(box)), blur=(4 * blur * across, 4 * blur * down), content="original"
        )
        source = source_of(request).model_dump() | {
            "pictures": tuple(as_source(canvas.crop(box)) for canvas in canvases),
            "inpaint": inpaint,
            "latent_mask": as_source(growth.mask(area, 2 * blur)),
        }
        return request.replace(source=SourceImage(**source), size=area, batch_count=1, save=False, save_grid=False)

    def result(
        self, request: GenerationRequest, drive: Drive, results: Sequence[GenerationResult], images: Sequence[GeneratedImage]
    ) -> GenerationResult:
        """The pictures, saved, with a grid before them if there are several. A1111 says of all what it says of the first."""
        style, text = drive.settings.grids, images[0].infotext if images else ""
        kept = [composed(image.image, image, path=drive.keep(image.image, text, request=request)) for image in images]
        grids: list[GeneratedImage] = []
        if len(kept) > 1 or (kept and not style.only_if_multiple):
            grid = image_grid([image.image for image in kept], style=style)
            path = drive.keep(grid, text, request=request, grid="grid")
            if style.show:
                grids.append(composed(grid, kept[0], path=path, kind="grid"))
        shown = [*grids, *kept]
        return gathered(results, shown, grids=len(grids), info={"infotexts": [text] * len(shown), "index_of_first_image": 0})
