"""Which way surfaces look, by a network that a person has put into models/ControlNetPreprocessor: scannet.pt of Bae et al. 2021."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..networks.normal_bae import normal_bae
from .declaration import Pixels, Preprocessor
from .network_files import NetworkFile, loaded, place_of
from .network_folders import DEVIATION, MEAN
from .network_input import as_tensor, padded

NETWORK = NetworkFile("scannet.pt")


def of_normals() -> Iterable[Preprocessor]:
    """The row of the list."""
    yield Preprocessor("normal_bae", types=("NormalMap",), needs=(NETWORK,), by_networks=normals, default_of=("NormalMap",))


@torch.inference_mode()
def normals(models: Path, pixels: Pixels, a: float = 0, b: float = 0) -> Pixels:
    """A normal map as ScanNet's are coloured: red across, green up and down, blue towards us. Raises NotSupported, BadModel."""
    network = loaded(place_of(NETWORK, models, "normal_bae"), normal_bae)
    values = (as_tensor(padded(pixels)) / 255 - column(MEAN)) / column(DEVIATION)
    found = network(values)[0, :3, : pixels.shape[0], : pixels.shape[1]]  # -1..1
    return ((found + 1) * 127.5).clamp(0, 255).permute(1, 2, 0).numpy().astype(np.uint8)


def column(levels: tuple[float, ...]) -> Tensor:
    """A number for each colour, (1, 3, 1, 1)."""
    return torch.tensor(levels)[None, :, None, None]
