"""Soft inpainting: a blurred mask lets picture and painting flow into each other."""

from dataclasses import replace

from torch import Tensor

from modules.contract.request import GenerationRequest
from modules.imaging.inpainting import Prepared
from modules.imaging.soft_inpainting import SoftOptions
from modules.plugins import Argument, Extension, Options, Pass, Run, Script, Slider, hook, soft_blend, soft_overlays


class SoftInpainting(Extension):
    """See README.md. Without a mask it does nothing."""

    class Options(Options):
        """How steps are blended, and what shows in the end."""

        bias: float = Slider(1, 0, 8, "Schedule bias", step=0.1)
        preservation: float = Slider(0.5, 0, 8, "Preservation strength", step=0.05)
        contrast_boost: float = Slider(4, 1, 32, "Transition contrast boost", step=0.5)
        mask_influence: float = Slider(0, 0, 1, "Mask influence", step=0.05)
        threshold: float = Slider(0.5, 0, 8, "Difference threshold", step=0.25)
        contrast: float = Slider(2, 0, 8, "Difference contrast", step=0.25)

    script = Script(
        "Soft inpainting",
        tuple(map(Argument, ("bias", "preservation", "contrast_boost", "mask_influence", "threshold", "contrast"))),
        tabs=("img2img",),
        always_on=True,
    )
    options: Options
    found: tuple[Prepared, ...] = ()

    @property
    def soft(self) -> SoftOptions:
        """The options as the formulas take them."""
        return SoftOptions(**self.options.model_dump())

    @hook.request
    def keep_mask_grey(self, request: GenerationRequest) -> GenerationRequest | None:
        """The mask as it was painted, not rounded to black and white."""
        if request.source is None or request.source.inpaint is None or not request.source.inpaint.rounded:
            return None
        inpaint = request.source.inpaint.model_copy(update={"rounded": False})
        return request.replace(source=request.source.model_copy(update={"inpaint": inpaint}))

    @hook.blend
    def blend(self, run: Run, passing: Pass, latents: Tensor, level: Tensor | None) -> Tensor | None:
        """Latents that go over into the original's; at the end they stay as they are."""
        if passing.blend is None:
            return None
        if level is None:
            return latents
        return soft_blend(passing.blend.init, latents, passing.blend.mask, level[0], self.soft)

    @hook.latents
    def compare(self, run: Run, passing: Pass, latents: Tensor) -> None:
        """Find out what is to show of the original in each picture."""
        if passing.blend is None or run.prepared is None:
            return
        run.script_notes.update(self.soft.notes())
        pairs = soft_overlays(run.prepared, passing.blend.mask, passing.blend.init, latents, run.request.size, self.soft)
        self.found = tuple(replace(run.prepared, overlays=(overlay,), overlay_mask=mask) for overlay, mask in pairs)

    @hook.overlay
    def show(self, run: Run, index: int, prepared: Prepared) -> Prepared | None:
        """What was found for this picture."""
        return self.found[index] if self.found else None
