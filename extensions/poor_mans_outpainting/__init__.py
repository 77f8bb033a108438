"""Poor man's outpainting: a picture made larger, its new parts inpainted tile by tile."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal

from PIL import Image

from modules.contract.declare import declared
from modules.contract.request import GenerationRequest, Inpaint, Size, SourceImage
from modules.contract.result import GeneratedImage, GenerationResult
from modules.imaging import tiles
from modules.imaging.inpainting import flattened
from modules.imaging.opening import open_image
from modules.imaging.outpainting import Margins, Side, all_but, margins
from modules.plugins import (
    Argument,
    Choice,
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


class PoorMansOutpainting(Extension):
    """See README.md."""

    class Options(Options):
        """How far the picture grows, where, and what the new parts start from."""

        pixels: int = Slider(128, 8, 256, "Pixels to expand", step=8)
        mask_blur: int = Slider(4, 0, 64, "Mask blur")
        content: Literal["fill", "original", "latent noise", "latent nothing"] = Choice("fill", "Masked content")
        sides: tuple[Side, ...] = declared(("left", "right", "up", "down"), "Outpainting direction", control="choices")

    script = Script("Poor man's outpainting", tuple(map(Argument, ("pixels", "mask_blur", "content", "sides"))), tabs=("img2img",))
    options: Options

    @hook.drive
    def outpaint(self, request: GenerationRequest, drive: Drive) -> GenerationResult:
        """The larger picture."""
        original = flattened(open_image(source_of(request).pictures[0]), drive.settings.img2img.background)
        added, size = margins(Size(*original.size), self.options.pixels, self.options.sides)
        canvas = Image.new("RGB", size)
        canvas.paste(original, (added.left, added.up))
        grid = tiles.grid(size, request.size, self.options.pixels)
        cut = list(tiles.split(canvas, grid))
        work = self.requests(request, grid, cut, added)
        drive.expect(list(work.values()))
        results: list[GenerationResult] = []
        painted: dict[int, GeneratedImage] = {}
        for index, one in work.items():
            results.append(drive.generate(one))
            painted |= dict(zip([index], pictures(results[-1]), strict=False))
            if results[-1].interrupted:
                break
        images = [put_together(grid, cut, painted, partial(drive.keep, request=request))] if painted else []
        return gathered(results, images)

    def requests(
        self, request: GenerationRequest, grid: tiles.Grid, cut: Sequence[Image.Image], added: Margins
    ) -> Mapping[int, GenerationRequest]:
        """A request for each tile that reaches into the new parts, by the tile's number."""
        blur = self.options.mask_blur
        masks = tiles.split(kept(grid.size, added, 2 * blur), grid)
        latent_masks = tiles.split(kept(grid.size, added, blur // 2), grid)
        plain = request.replace(size=grid.tile, batch_size=1, batch_count=1, save=False, save_grid=False)
        found: dict[int, GenerationRequest] = {}
        for index, (place, tile, mask, latent_mask) in enumerate(zip(grid.places(), cut, masks, latent_masks, strict=True)):
            if within(place, grid, added):
                continue
            inpaint = Inpaint(mask=as_source(mask), blur=(2 * blur, 2 * blur), content=self.options.content)
            source = source_of(request).model_dump() | {
                "pictures": (as_source(tile),),
                "inpaint": inpaint,
                "latent_mask": as_source(latent_mask),
            }
            found[index] = plain.replace(source=SourceImage(**source), seed=request.seed + len(found))
        return found


def within(place: tuple[int, int], grid: tiles.Grid, added: Margins) -> bool:
    """Whether the tile at a place (left, top) lies in the original altogether."""
    left, top = place
    across = added.left <= left and left + grid.tile.width <= grid.size.width - added.right
    return across and added.up <= top and top + grid.tile.height <= grid.size.height - added.down


def kept(size: Size, added: Margins, inset: int) -> Image.Image:
    """A mask that is black over the original, but for a border of `inset` pixels on the sides where it grows."""
    box = (
        added.left + (inset if added.left else 0),
        added.up + (inset if added.up else 0),
        size.width - added.right - (inset if added.right else 0),
        size.height - added.down - (inset if added.down else 0),
    )
    return all_but(size, box)
