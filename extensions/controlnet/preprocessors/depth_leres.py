"""How far things are, by a network that a person has put into models/ControlNetPreprocessor: res101.pth of Yin et al. 2020."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from ..networks.leres import leres
from .declaration import Pixels, Preprocessor, Slider
from .network_files import NetworkFile, loaded, place_of
from .network_folders import DEVIATION, MEAN
from .network_input import as_tensor, padded

NETWORK = NetworkFile("res101.pth")
FINE = 65_535  # levels that distances are told in before they become 256


def of_leres() -> Iterable[Preprocessor]:
    """The row of the list."""
    near, background = (Slider(f"Remove {what} %", 0, 100, 0, 0.1) for what in ("Near", "Background"))
    yield Preprocessor("depth_leres", types=("Depth",), needs=(NETWORK,), by_networks=nearness, default_of=("Depth",),
                       slider_1=near, slider_2=background)  # fmt: skip


@torch.inference_mode()
def nearness(models: Path, pixels: Pixels, a: float, b: float) -> Pixels:
    """How near everything is, white the nearest, as a grey picture. Raises NotSupported without the network, BadModel.

    What lies within the nearest `a` percent becomes white, what lies within the farthest `b` black.
    """
    network = loaded(place_of(NETWORK, models, "depth_leres"), leres)
    mean, deviation = (torch.tensor(levels)[None, :, None, None] for levels in (MEAN, DEVIATION))
    found = network((as_tensor(padded(pixels)) / 255 - mean) / deviation)[0, 0, : pixels.shape[0], : pixels.shape[1]].numpy()
    return np.repeat(levels_of(found, a, b)[..., None], 3, axis=2)


def levels_of(distance: np.ndarray, a: float, b: float) -> np.ndarray:
    """Distances, (h, w), as levels of nearness, 0..255, as the published program writes them. `a`, `b`: percent."""
    least, most = float(distance.min()), float(distance.max())
    shares = (distance - least) / ((most - least) or 1.0)
    far = np.rint((shares * FINE).astype(np.uint16) * (255 / FINE))
    near = 255 - np.where(far > a / 100 * 255, far, 0)
    return np.where(near > b / 100 * 255, near, 0).astype(np.uint8)
