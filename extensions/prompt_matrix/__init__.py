"""Prompt matrix: a picture for every combination of a prompt's parts."""

from itertools import count, repeat
from typing import Literal

from modules.contract.errors import BadRequest
from modules.contract.request import GenerationRequest
from modules.contract.result import GeneratedImage, GenerationResult
from modules.imaging.grid import cell_size, image_grid, matrix_legend
from modules.plugins import Argument, Choice, Drive, Extension, Options, Script, Slider, Toggle, composed, gathered, hook, pictures

MOST_PARTS = 10  # 1024 pictures


class PromptMatrix(Extension):
    """See README.md."""

    class Options(Options):
        """How the parts are put together."""

        at_start: bool = Toggle(False, "Put variable parts at start of prompt")
        different_seeds: bool = Toggle(False, "Use different seed for each picture")
        prompt: Literal["positive", "negative"] = Choice("positive", "Select prompt")
        joined_by: Literal["comma", "space"] = Choice("comma", "Select joining char")
        margin: int = Slider(0, 0, 500, "Grid margins (px)", step=2)

    script = Script("Prompt matrix", tuple(map(Argument, ("at_start", "different_seeds", "prompt", "joined_by", "margin"))))
    options: Options

    @hook.drive
    def matrix(self, request: GenerationRequest, drive: Drive) -> GenerationResult:
        """A grid, and the picture of each combination."""
        field = "prompt" if self.options.prompt == "positive" else "negative_prompt"
        first, *parts = getattr(request, field).split("|")
        if len(parts) > MOST_PARTS:
            raise BadRequest(f"The prompt matrix has {len(parts)} parts that come and go; at most {MOST_PARTS} can be used.")
        one = request.replace(batch_size=1, batch_count=1, save_grid=False)
        seeds = count(request.seed) if self.options.different_seeds else repeat(request.seed)
        requests = [one.replace(seed=seed, **{field: text}) for text, seed in zip(self.combinations(first, parts), seeds, strict=False)]
        drive.expect(requests)
        results: list[GenerationResult] = []
        for one in requests:
            results.append(drive.generate(one))
            if results[-1].interrupted:
                break
        images = [image for result in results for image in pictures(result)]
        if len(images) < len(requests):  # skipped or ended: a grid would show pictures in the wrong places
            return gathered(results, images)
        grid = self.grid(request, drive, images, parts)
        return gathered(results, [grid, *images], grids=1)

    def combinations(self, first: str, parts: list[str]) -> list[str]:
        """The prompts: bit i of a prompt's number says whether part i is in it."""
        trimmed = [part.strip().strip(",") for part in parts]
        joint = ", " if self.options.joined_by == "comma" else " "
        found: list[str] = []
        for bits in range(1 << len(parts)):
            chosen = [text for index, text in enumerate(trimmed) if bits & 1 << index]
            found.append(joint.join([*chosen, first] if self.options.at_start else [first, *chosen]))
        return found

    def grid(self, request: GenerationRequest, drive: Drive, images: list[GeneratedImage], parts: list[str]) -> GeneratedImage:
        """All pictures with the parts beside and above them, saved."""
        originals, style = [image.image for image in images], drive.settings.grids
        plain = image_grid(originals, rows=1 << len(parts) // 2, style=style)
        grid = matrix_legend(plain, cell_size(originals), parts, margin=self.options.margin, style=style)
        path = drive.keep(grid, images[0].infotext, request=request, grid="prompt_matrix")
        return composed(grid, images[0], path=path, kind="grid")
