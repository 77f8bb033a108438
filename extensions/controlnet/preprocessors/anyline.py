"""Anyline, of MistoLine's makers: soft edges by their TEED, and over them thin dark strokes of the picture itself."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch

from ..networks.teed import teed
from .declaration import Pixels, Preprocessor
from .drawn_lines import SAFE_STEPS, Levels, in_steps, seen_by_teed
from .lines import as_rgb, strokes
from .network_files import NetworkFile, loaded, place_of
from .network_input import padded

NAME, FILE = "softedge_anyline", NetworkFile("MTEED.pth")
PAPER, NOISE = 2, 3  # pixels of the paper around a stroke, and levels that are none
LEAST = 12  # pixels that a stroke has, side by side


def anyline(file: NetworkFile, models: Path, pixels: Pixels, a: float, b: float) -> Pixels:
    """The hint at the picture's size; the edges have `a` + 1 levels. Raises NotSupported without the network, BadModel."""
    network, wide = loaded(place_of(file, models, NAME), teed), padded(pixels)
    with torch.inference_mode():
        edges = in_steps(seen_by_teed(network, wide), a, b)
    lined = laid_over(edges, without_specks(strokes(wide, PAPER, NOISE).astype(np.uint8)))
    return as_rgb(lined[: pixels.shape[0], : pixels.shape[1]])


def without_specks(levels: Levels) -> Levels:
    """Strokes of at least `LEAST` pixels; those that touch only at a corner count apart."""
    _, labels, facts, _ = cv2.connectedComponentsWithStats((levels > 0).astype(np.uint8), connectivity=4)
    kept = np.asarray(facts)[:, cv2.CC_STAT_AREA] >= LEAST
    return np.where(kept[np.asarray(labels, np.int32)], levels, 0).astype(np.uint8)


def laid_over(edges: Levels, strokes: Levels) -> Levels:
    """Strokes over edges: 1 - (1 - edge)(1 - stroke) where there is a stroke, in eight bits without carry, as its makers' program counts.

    So a stroke of level n leaves 2n - 1 of a white edge, not white.
    """
    with np.errstate(over="ignore"):
        both = np.uint8(1) - (np.uint8(1) - edges) * (np.uint8(1) - strokes)
    return np.where(strokes > 0, both, edges)


def of_anyline() -> Iterable[Preprocessor]:
    """The one row."""
    yield Preprocessor(NAME, types=("SoftEdge",), slider_1=SAFE_STEPS, needs=(FILE,), by_networks=partial(anyline, FILE))
