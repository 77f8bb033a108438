"""One batch, from prompts to pictures, on one page."""

import torch
from torch import Tensor

from modules.contract.result import GeneratedImage
from modules.pipeline.decode import decode
from modules.pipeline.denoise import denoise
from modules.pipeline.finish import finish
from modules.pipeline.hires import first_from_picture, second_pass
from modules.pipeline.run import Loaded, Pass, Run
from modules.pipeline.start import first_pass
from modules.runtime.attention import attention


@torch.inference_mode()
def generate(run: Run) -> list[GeneratedImage]:
    """The pictures of a batch. Every stage is one file beside this one."""
    hires = run.request.hires
    with run.undo, attention(run.settings.optimizations.attention):
        run.enter(run.loaded)
        if hires and hires.first:
            latents, last = first_from_picture(run, hires), run.loaded
        else:
            latents, last = passed(run, first_pass(run))
        if hires and not run.interrupted:
            latents, last = passed(run, second_pass(run, latents, last))
        return finish(run, decode(run, latents, last))


def passed(run: Run, passing: Pass) -> tuple[Tensor, Loaded]:
    """The latents that a pass ends with, and the model that it ended with: the refiner may have taken over."""
    latents = denoise(run, passing)
    return latents, passing.loaded
