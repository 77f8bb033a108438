"""Stage: latents to pictures."""

import logging
from contextlib import suppress

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from modules.contract.errors import WebuiError
from modules.contract.progress import Interrupt, Skip
from modules.families.base import Components
from modules.pipeline.run import Loaded, Run

log = logging.getLogger(__name__)


def decode(run: Run, latents: Tensor, loaded: Loaded | None = None) -> list[NDArray[np.uint8]]:
    """The pictures (H, W, 3) of latents (B, C, h, w), by the run's model or another. One by one: a batch needs a picture's memory.

    Raises WebuiError if the network or the VAE gave no numbers.
    """
    components = (loaded or run.loaded).components
    if not torch.isfinite(latents).all():
        raise WebuiError(
            f"The network gave no numbers (NaN) in {components.dtype} precision.",
            "Start with --no-half, or lower the CFG scale.",
        )
    return [pixels(decode_one(run, components, latent[None])) for latent in latents]


def decode_one(run: Run, components: Components, latent: Tensor) -> Tensor:
    """One picture (3, H, W) in -1..1. Tried again in full precision if half of it overflowed."""
    with suppress(Skip, Interrupt):  # the batch is at its end: only a cancel is worth stopping for
        run.report.check()
    picture = components.decode(latent)[0]
    if torch.isfinite(picture).all():
        return picture
    if components.vae_dtype != torch.float32:
        log.warning("The VAE overflowed in %s; it stays in float32 from now on.", components.vae_dtype)
        components.vae_in_float32()
        picture = components.decode(latent)[0]
        if torch.isfinite(picture).all():
            return picture
    raise WebuiError("The VAE gave no numbers (NaN), even in full precision.", "The checkpoint's VAE may be damaged.")


def pixels(picture: Tensor) -> NDArray[np.uint8]:
    """(3, H, W) in -1..1 to (H, W, 3) in 0..255. Cut off, not rounded, as A1111 does."""
    unit = torch.clamp((picture.float() + 1.0) / 2.0, 0, 1)
    return (255.0 * unit.permute(1, 2, 0).cpu().numpy()).astype(np.uint8)
