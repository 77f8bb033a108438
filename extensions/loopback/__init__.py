"""Loopback: a picture painted from the picture painted before, again and again."""

import math
from typing import Any, Literal

from modules.contract.request import GenerationRequest, SourceImage
from modules.contract.result import GeneratedImage, GenerationResult
from modules.imaging.grid import image_grid
from modules.imaging.opening import open_image
from modules.plugins import Argument, Choice, Drive, Extension, Options, Script, Slider, as_source, composed, gathered, hook, source_of

Curve = Literal["Aggressive", "Linear", "Lazy"]


class Loopback(Extension):
    """See README.md."""

    class Options(Options):
        """How often, and how strongly at the end."""

        loops: int = Slider(4, 1, 32, "Loops")
        final_strength: float = Slider(0.5, 0, 1, "Final denoising strength", step=0.01)
        curve: Curve = Choice("Linear", "Denoising strength curve")
        append: Literal["None", "CLIP", "DeepBooru"] = Choice("None", "Append interrogated prompt at each iteration")

    script = Script("Loopback", (Argument("loops"), Argument("final_strength"), Argument("curve"), Argument("append")), tabs=("img2img",))
    options: Options

    @hook.drive
    def loop(self, request: GenerationRequest, drive: Drive) -> GenerationResult:
        """All batches, each of them a chain of pictures."""
        source = source_of(request)
        one = request.replace(batch_size=1, batch_count=1, save_grid=False)
        chain = [one.replace(source=self.source(source, index)) for index in range(self.options.loops)]
        drive.expect(chain * request.batch_count)
        results: list[GenerationResult] = []
        kept: list[GeneratedImage] = []
        for _ in range(request.batch_count):
            chain = self.chain(one.replace(seed=request.seed + len(results)), source, drive)
            results += chain
            images = [result.images[0] for result in chain if result.images]
            whole = len(images) == self.options.loops
            kept += images if request.batch_count == 1 else images[-1:] if whole else []
            if any(result.interrupted for result in chain):
                break
        return self.result(request, drive, results, kept)

    def chain(self, request: GenerationRequest, source: SourceImage, drive: Drive) -> list[GenerationResult]:
        """The results of one batch's loops; fewer if a person skipped or ended them."""
        results: list[GenerationResult] = []
        notes = {"Final denoising strength": self.options.final_strength, "Denoising curve": self.options.curve}
        for index in range(self.options.loops):
            now = self.source(source, index)
            if results:
                now = now.model_copy(update={"pictures": (as_source(results[-1].images[0].image),)})
            prompt = self.prompt(request.prompt, now, drive)
            results.append(drive.generate(request.replace(seed=request.seed + index, source=now, prompt=prompt), notes=notes))
            if results[-1].interrupted or not results[-1].images:
                break
        return results

    def source(self, source: SourceImage, index: int) -> SourceImage:
        """The source of loop `index`, but for its picture: after the first loop the masked part starts from what is there."""
        o = self.options
        changes: dict[str, Any] = {"strength": strength(index, o.loops, source.strength, o.final_strength, o.curve)}
        if index and source.inpaint:
            changes["inpaint"] = source.inpaint.model_copy(update={"content": "original"})
        return source.model_copy(update=changes)

    def prompt(self, prompt: str, source: SourceImage, drive: Drive) -> str:
        """The prompt, with a description of the source behind it if that is wanted."""
        if self.options.append == "None":
            return prompt
        caption = drive.caption(open_image(source.pictures[0]), self.options.append)
        return f"{prompt}, {caption}" if prompt else caption

    def result(
        self, request: GenerationRequest, drive: Drive, results: list[GenerationResult], images: list[GeneratedImage]
    ) -> GenerationResult:
        """The pictures, a grid before them if there are several. A1111 says of all what it says of the first."""
        grids: list[GeneratedImage] = []
        if len(images) > 1:
            grid = image_grid([image.image for image in images], rows=1, style=drive.settings.grids)
            path = drive.keep(grid, images[0].infotext, request=request, grid="grid")
            if drive.settings.grids.show:
                grids.append(composed(grid, images[0], path=path, kind="grid"))
        shown = [*grids, *images]
        info = {"infotexts": [image.infotext for image in images[:1]] * len(shown), "index_of_first_image": 0}
        return gathered(results, shown, grids=len(grids), info=info)


def strength(index: int, loops: int, first: float, last: float, curve: Curve) -> float:
    """The denoising strength of loop `index` of `loops`, from `first` to `last`; a quarter of a sine or of a cosine, or a line."""
    if loops == 1:
        return first
    way = index / (loops - 1)
    if curve == "Aggressive":
        way = math.sin(way * math.pi / 2)
    elif curve == "Lazy":
        way = 1 - math.cos(way * math.pi / 2)
    return first + (last - first) * way
