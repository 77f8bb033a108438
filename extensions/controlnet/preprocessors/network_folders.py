"""Networks in folders in transformers' layout: how they are read, and how a picture is shown to them."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from modules.weights.header import BadModel

from .declaration import Pixels

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, where a folder does not say
UNUSED = ("neck.fusion_stage.layers.0.residual_layer1.", "criterion.")  # never asked: files of DPT by its makers lack the first of them
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, ImportError)


def read_network(folder: Path, reader: str, kind: str) -> Any:
    """The network of a folder, from disk alone, without a line of code from it; the last is kept until another, or a newer file, is wanted.

    `reader`: the class of transformers that reads it, "AutoModelForDepthEstimation". `kind`: a word for what is said. Raises BadModel.
    """
    return kept(folder, reader, kind, max(path.stat().st_mtime for path in folder.iterdir()))


@lru_cache(maxsize=1)
def kept(folder: Path, reader: str, kind: str, modified: float) -> Any:
    """As `read_network`."""
    import transformers

    try:
        network, found = getattr(transformers, reader).from_pretrained(
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except UNREADABLE as error:
        raise BadModel(folder, f"it is no {kind} network that can be read ({error})") from None
    if missing := sorted(name for name in found["missing_keys"] if not name.startswith(UNUSED)):
        raise BadModel(folder, f"its weights are not those that its config.json tells of: {missing[0]} is missing")
    return network.eval().requires_grad_(False)


def told_by(folder: Path, name: str = "preprocessor_config.json") -> dict[str, Any]:
    """What the folder says of how pictures are shown to its network; nothing where it lacks that file. Raises BadModel."""
    path = folder / name
    try:
        return dict(json.loads(path.read_text("utf8"))) if path.is_file() else {}
    except (ValueError, TypeError):
        raise BadModel(path, "it is no JSON object") from None


def shown(pixels: Pixels, size: tuple[int, int], told: dict[str, Any], interpolation: int = cv2.INTER_CUBIC) -> Tensor:
    """A picture as a network sees it, (1, 3, height, width): resized to `size` (height, width) and normalised as its folder tells."""
    small = cv2.resize(pixels, (size[1], size[0]), interpolation=interpolation).astype(np.float32) / 255
    values = (small - (told.get("image_mean") or MEAN)) / (told.get("image_std") or DEVIATION)
    return torch.from_numpy(values.astype(np.float32)).permute(2, 0, 1)[None]
