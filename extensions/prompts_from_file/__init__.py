"""Prompts from file or textbox: a generation for each line of a text."""

from typing import Any, Literal

from modules.contract.declare import declared
from modules.contract.errors import BadRequest
from modules.contract.request import GenerationRequest
from modules.contract.result import GeneratedImage, GenerationResult
from modules.plugins import Argument, Choice, Drive, RandomSeeds, Script, Toggle, drawn, gathered, hook, pictures
from modules.sampling.registry import SAMPLERS

from .lines import applied, read_line


class PromptsFromFile(RandomSeeds):
    """See README.md."""

    class Options(RandomSeeds.Options):
        """The lines, and what their seeds are."""

        iterate: bool = Toggle(False, "Iterate seed every line")
        same_seed: bool = Toggle(False, "Use same random seed for all lines")
        position: Literal["start", "end"] = Choice("start", "Insert prompts at the")
        lines: str = declared("", "List of prompt inputs", control="lines")

    script = Script("Prompts from file or textbox", (Argument("iterate"), Argument("same_seed"), Argument("position"), Argument("lines")))
    options: Options

    @hook.drive
    def lines(self, request: GenerationRequest, drive: Drive) -> GenerationResult:
        """The pictures of all lines."""
        texts = [line for text in self.options.lines.splitlines() if (line := text.strip())]
        if not texts:
            raise BadRequest("Prompts from file or textbox has no lines; write at least one prompt.")
        requests = [self.line(request, index, read_line(text)) for index, text in enumerate(texts)]
        drive.expect(requests)
        results: list[GenerationResult] = []
        images: list[GeneratedImage] = []
        for one in requests:
            results.append(drive.generate(one))
            images += pictures(results[-1])
            if results[-1].interrupted:
                break
        return gathered(results, images)

    def line(self, request: GenerationRequest, index: int, options: dict[str, Any]) -> GenerationRequest:
        """The request of line `index`."""
        for name, own in (("prompt", request.prompt), ("negative_prompt", request.negative_prompt)):
            if options.get(name) and own:
                options[name] = " ".join((options[name], own) if self.options.position == "start" else (own, options[name]))
        options.setdefault("seed", self.seed(request, index))
        if options["seed"] == -1:
            options["seed"] = drawn(request.seed, index)
        return applied(options, request.replace(save_grid=False), sampler_name)

    def seed(self, request: GenerationRequest, index: int) -> int:
        """The seed of line `index` if it names none."""
        if self.options.iterate:
            return request.seed + index * request.batch_size * request.batch_count
        if self.options.seed_was_random and not self.options.same_seed and index:
            return drawn(request.seed, index)
        return request.seed


def sampler_name(number: int) -> str:
    """The name of a sampler's number. Raises BadRequest."""
    names = list(SAMPLERS)
    if not 0 <= number < len(names):
        raise BadRequest(f"--sampler_index is {number}; there are samplers 0 to {len(names) - 1}.")
    return names[number]
