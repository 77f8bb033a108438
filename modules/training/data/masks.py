"""Which part of a picture counts: masks of pictures as weights of the loss over their latents."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from modules.contract.request import Size
from modules.contract.training import DataOptions
from modules.datasets.pictures import cover_mask, open_mask, transparency_of


def mask_of(picture: Image.Image, file: Path | None, data: DataOptions) -> Image.Image | None:
    """A picture's mask, mode L, white = counts; None where all of it does.

    `picture` is upright and not yet laid on a background; `file` its mask file. Raises BadRequest for a file that is no picture.
    """
    if data.masked == "transparency":
        return transparency_of(picture)
    return open_mask(file) if data.masked == "mask files" and file is not None else None


def latent_mask(mask: Image.Image, picture: Size, size: Size, downscale: int) -> Tensor:
    """A mask over the latents of its picture's bucket: (1, h, w), 0..1, the mean over each latent's pixels."""
    fitted = cover_mask(mask, picture, size)
    small = fitted.resize((size.width // downscale, size.height // downscale), Image.Resampling.BOX)
    return torch.from_numpy(np.asarray(small, np.float32) / 255)[None]


def weights(mask: Tensor, outside: float) -> Tensor:
    """The loss's weights for a mask: 1 inside, `outside` outside."""
    return outside + (1 - outside) * mask
