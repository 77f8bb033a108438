"""One batch, from prompts to pictures, on one page."""

from pathlib import Path

import torch

from modules.contract.result import GeneratedImage
from modules.pipeline.decode import decode
from modules.pipeline.denoise import denoise
from modules.pipeline.encode import EncodingCache, encode
from modules.pipeline.finish import finish
from modules.pipeline.run import Run


@torch.inference_mode()
def generate(run: Run, cache: EncodingCache, root: Path) -> list[GeneratedImage]:
    """The pictures of a batch, saved below `root`. Every stage is one file beside this one."""
    run.conditions = encode(run, cache)
    run.latents = run.noise.next()
    run.latents = denoise(run)
    return finish(run, decode(run, run.latents), root)
