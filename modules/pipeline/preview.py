"""Latents to a small picture while they are being made."""

import io

import torch
from PIL import Image
from torch import Tensor

from modules.families.base import Components
from modules.pipeline.decode import pixels
from modules.pipeline.run import Run


@torch.inference_mode()
def thumbnail(run: Run, components: Components, x0: Tensor) -> bytes:
    """An encoded picture of the batch's latents (B, C, h, w) as they are now, side by side.

    'Approx cheap' reads the colours off the latents, one pixel for eight; 'Full' decodes the first picture; 'TAESD' decodes all by
    its small network where its file is there, and is 'Approx cheap' where it is not.
    """
    method = run.settings.preview.method
    small = run.tools.tiny_decoders.decode(components.variant.family, x0) if method == "TAESD" else None
    if method == "Full":
        image = Image.fromarray(pixels(components.decode(x0[:1])[0]))
    elif small is not None:
        image = Image.fromarray(pixels(torch.cat(list(small), dim=2)))
    else:
        latents = components.latents
        colours = x0.float().permute(0, 2, 3, 1) @ latents.colours + latents.grey  # (B, h, w, 3)
        image = Image.fromarray(pixels(torch.cat(list(colours), dim=1).permute(2, 0, 1)))
        image = image.resize((image.width * 4, image.height * 4), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
