"""What an extension that takes the place of the plain generation works with; see `hooks.Drive`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from PIL import Image

from modules.contract.progress import Interrupt, Reporter, Skip
from modules.contract.request import GenerationRequest
from modules.contract.result import GenerationResult
from modules.pipeline.grids import Composed

if TYPE_CHECKING:
    from modules.pipeline.manager import PipelineManager


class PipelineDrive:
    """One driven job. Its pictures are numbered through, whichever call made them."""

    def __init__(self, pipeline: "PipelineManager", request: GenerationRequest, report: Reporter) -> None:
        self.pipeline = pipeline
        self.settings = pipeline.settings.snapshot(request.settings)
        self.report = report
        self.made = 0
        self.announced = False

    def expect(self, requests: Sequence[GenerationRequest]) -> None:
        """Announce, once and before the first, what will be generated. Raises for what cannot be done, before any work."""
        checked = [self.pipeline.check(request) for request in requests]
        self.report.start(sum(self.pipeline.steps_of(request) for request in checked))
        self.announced = True

    def generate(self, request: GenerationRequest, *, notes: Mapping[str, object] | None = None) -> GenerationResult:
        """A plain generation. `notes` are further pairs for its infotexts. Skipped: no pictures; interrupted: the result says so."""
        if not self.announced:
            self.expect([request])
        relay = self.pipeline.relays(request)
        request = self.pipeline.checked(relay.request(request))
        try:
            result = self.pipeline.batches(request, self.report, relay, first=self.made, notes=notes)
        except (Skip, Interrupt) as stop:  # raised between two generations
            result = GenerationResult((), interrupted=isinstance(stop, Interrupt))
        self.made += request.batch_size * request.batch_count + 1  # and their grid
        return result

    def caption(self, image: Image.Image, kind: Literal["CLIP", "DeepBooru"]) -> str:
        """What a picture shows, in words or in tags. Raises NotSupported where there is no model for it."""
        return self.pipeline.tools.captions.caption(image, "BLIP" if kind == "CLIP" else "Deepbooru", report=self.report)

    def upscale(self, image: Image.Image, upscaler: str, scale: float) -> Image.Image:
        """A picture enlarged by the upscaler of a name; its sides are cut to multiples of 8. Raises NotFound."""
        return self.pipeline.tools.upscalers.upscale(image, upscaler, scale, settings=self.settings.upscaling, report=self.report)

    def keep(self, image: Image.Image, infotext: str, *, request: GenerationRequest, grid: str = "") -> str | None:
        """Save a composed picture as the settings say: an ordinary one, or a grid under a name. The path; None if it is not saved."""
        composed = Composed(self.pipeline.tools.root, request, self.settings, self.report)
        self.made += 1
        if grid:
            return composed.save_grid(image, infotext, grid, self.made - 1)
        return composed.save_picture(image, infotext, self.made - 1)
