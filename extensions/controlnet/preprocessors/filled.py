"""What is to be painted, filled from its surroundings: LaMa (Suvorov et al. 2021, arXiv:2109.07161), as spandrel has it."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from modules.weights.spandrel import import_spandrel

from .declaration import Pixels, Preprocessor
from .network_files import NetworkFile, loaded, place_of

LAMA = NetworkFile("ControlNetLama.pth")
SIDE, STEP = 256, 8  # pixels of the short side that it was taught on; what its sides are multiples of
GENERATOR = "generator."  # what of a training's file fills; the rest judges and is not needed
PAINTED = 127  # an alpha above this is to be painted


def of_fillings() -> Iterable[Preprocessor]:
    """The preprocessor that fills, and then lets the control network paint over that."""
    yield Preprocessor("inpaint_only+lama", types=("Inpaint",), resolution=False, takes_mask=True, post="inpaint_filled", needs=(LAMA,),
                       by_networks=partial(filled, "inpaint_only+lama"))  # fmt: skip


def filled(name: str, models: Path, pixels: Pixels, a: float = 0, b: float = 0) -> Pixels:
    """A picture (h, w, 4) whose alpha says what is to be painted, as RGB with that filled; the rest stays byte for byte.

    It is filled at 256 pixels, so it is soft: a beginning, not a result. Raises NotSupported without the network, BadModel.
    """
    colours, holes = pixels[..., :3], pixels[..., 3] > PAINTED
    if not holes.any():
        return colours
    network = loaded(place_of(LAMA, models, name), lama)
    height, width = holes.shape
    scale = SIDE / min(height, width)
    size = tuple(max(round(side * scale / STEP), 1) * STEP for side in (width, height))
    small = cv2.resize(colours, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    wide = cv2.dilate(holes.astype(np.float32), np.ones((5, 5)))  # two pixels more, as far as cubic curves carry colours out of it
    marked = cv2.resize(wide, size, interpolation=cv2.INTER_AREA) > 0
    with torch.inference_mode():
        seen = torch.from_numpy(small).permute(2, 0, 1)[None].float() / 255
        made: Tensor = network(seen, torch.from_numpy(marked)[None, None].float())
    levels = (made[0].permute(1, 2, 0).numpy() * 255).round().clip(0, 255).astype(np.uint8)
    large = cv2.resize(levels, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.where(holes[..., None], large, colours).astype(np.uint8)


def lama(tensors: dict[str, Tensor]) -> nn.Module:
    """The network of a file's tensors. Raises KeyError, RuntimeError where they are another's."""
    import_spandrel()
    from spandrel.architectures.LaMa import LaMaArch

    own = {name: value for name, value in tensors.items() if name.startswith(GENERATOR)} or tensors
    return LaMaArch().load(own).model
