"""How far things are, by networks that a person has put into models/ControlNetPreprocessor: any that transformers knows for depth.

DPT (Ranftl et al. 2021, arXiv:2103.13413), Depth Anything (Yang et al. 2024, arXiv:2401.10891 and 2406.09414), ZoeDepth (Bhat et al. 2023,
arXiv:2302.12288).
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from modules.weights.header import BadModel

from .declaration import Pixels
from .network_files import NetworkFolder, place_of

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, where a folder does not say
METRIC = ("zoedepth", "depth_pro")  # kinds that give metres, which grow with distance; the others give nearness
SIDE, STEP = 384, 32  # pixels that a network sees, where its folder does not say


def network_of(name: str) -> NetworkFolder:
    """The folder of a depth network."""
    return NetworkFolder(name, "depth")


def nearness(network: NetworkFolder, models: Path, pixels: Pixels, a: float = 0, b: float = 0) -> Pixels:
    """How near everything is, white the nearest, as a grey picture of the same size. Raises NotSupported without the network, BadModel."""
    found = seen(place_of(network, models, network.name), pixels)
    least, most = float(found.min()), float(found.max())
    levels = (found - least) / ((most - least) or 1.0)
    return np.repeat((levels * 255).round().astype(np.uint8)[..., None], 3, axis=2)


@torch.inference_mode()
def seen(folder: Path, pixels: Pixels) -> NDArray[np.float32]:
    """The network's answer at the picture's size, (h, w), larger where it is nearer."""
    network = loaded(folder, max(path.stat().st_mtime for path in folder.iterdir()))
    told = told_by(folder)
    height, width = working_size(pixels.shape[0], pixels.shape[1], told)
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255
    values = (small - (told.get("image_mean") or MEAN)) / (told.get("image_std") or DEVIATION)
    answer = network(pixel_values=torch.from_numpy(values.astype(np.float32)).permute(2, 0, 1)[None]).predicted_depth[0]
    depth = cv2.resize(answer.float().numpy(), (pixels.shape[1], pixels.shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(-depth if network.config.model_type in METRIC else depth, np.float32)


def working_size(height: int, width: int, told: dict[str, Any]) -> tuple[int, int]:
    """Height and width in pixels that the network sees: its own; where it keeps proportions, along the shorter side, in steps."""
    size: Any = told.get("size") or {}
    side = size if isinstance(size, int) else size.get("height") or size.get("shortest_edge") or SIDE
    if not told.get("keep_aspect_ratio"):
        return side, side if isinstance(size, int) else size.get("width") or side
    step = int(told.get("ensure_multiple_of") or STEP)
    scale = side / min(height, width)
    return max(round(height * scale / step), 1) * step, max(round(width * scale / step), 1) * step


def told_by(folder: Path) -> dict[str, Any]:
    """What the folder says of how pictures are shown to its network."""
    path = folder / "preprocessor_config.json"
    try:
        return dict(json.loads(path.read_text("utf8"))) if path.is_file() else {}
    except (ValueError, TypeError):
        raise BadModel(path, "it is no JSON object") from None


@lru_cache(maxsize=1)
def loaded(folder: Path, modified: float) -> Any:
    """The network, from disk alone, without a line of code from its folder; kept until another one, or a newer file, is asked for."""
    from transformers import AutoModelForDepthEstimation

    try:
        found: Any = AutoModelForDepthEstimation.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise BadModel(folder, f"it is no depth network that can be read ({error})") from None
    return found.eval()


def normals_of(network: NetworkFolder, models: Path, pixels: Pixels, a: float, b: float) -> Pixels:
    """A normal map of what a depth network sees, `normals`' values."""
    return normals(nearness(network, models, pixels), a)


def normals(nearness: Pixels, a: float) -> Pixels:
    """A normal map of a picture of nearness, in the colours that the first ControlNet for normals was trained on.

    Red where it comes nearer to the right, green where nearer to the bottom, blue where it looks at us, as all does that is further
    than `a`, 0..1.
    """
    height = nearness[..., 0].astype(np.float32) / 255
    across = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3)
    down = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3)
    across[height < a], down[height < a] = 0, 0
    towards = np.full_like(height, np.pi * 0.1)
    normal = np.dstack([across, down, towards])
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    return np.asarray((normal * 127.5 + 127.5).round().clip(0, 255), np.uint8)
