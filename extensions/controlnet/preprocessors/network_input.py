"""Pictures as networks see them."""

import cv2
import numpy as np
import torch
from torch import Tensor

from .declaration import Pixels

STEP = 64  # pixels that both sides are multiples of; every network here takes such pictures, and A1111's extension pads to them


def padded(pixels: Pixels, step: int = STEP) -> Pixels:
    """A picture whose sides are multiples of `step`: its last column and row repeated to the right and below."""
    height, width = pixels.shape[:2]
    return np.pad(pixels, ((0, -height % step), (0, -width % step), (0, 0)), mode="edge")


def as_tensor(pixels: Pixels, *, reverse: bool = False) -> Tensor:
    """(h, w, 3) as (1, 3, h, w), float32 in 0..255; BGR instead of RGB where it is to be reversed."""
    shown = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if reverse else pixels
    return torch.from_numpy(np.ascontiguousarray(shown)).permute(2, 0, 1)[None].float()
