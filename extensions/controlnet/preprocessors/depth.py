"""How far things are, by networks that a person has put into models/ControlNetPreprocessor: any that transformers knows for depth.

DPT (Ranftl et al. 2021, arXiv:2103.13413), Depth Anything (Yang et al. 2024, arXiv:2401.10891 and 2406.09414), ZoeDepth (Bhat et al. 2023,
arXiv:2302.12288).
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from .declaration import Pixels
from .depth_files import builder
from .network_files import FolderOrFile, NetworkFile, NetworkFolder, loaded, place_of
from .network_folders import read_network, shown, told_by

METRIC = ("zoedepth", "depth_pro")  # kinds that give metres, which grow with distance; the others give nearness
SIDE, STEP = 384, 32  # pixels that a network sees, where its folder does not say
FILES = {  # as their makers name them; the first that is there counts
    "depth_anything_v2": ("depth_anything_v2_vitl.pth", "depth_anything_v2_vitb.pth", "depth_anything_v2_vits.pth"),
    "depth_anything": ("depth_anything_vitl14.pth", "depth_anything_vitb14.pth", "depth_anything_vits14.pth"),
    "depth_midas": ("dpt_hybrid-midas-501f0c75.pt", "dpt_hybrid_384.pt", "dpt_large-midas-2f21e586.pt", "dpt_large_384.pt"),
}


def network_of(name: str) -> NetworkFolder | FolderOrFile:
    """A depth network, in a folder of its name or in a file."""
    folder = NetworkFolder(name, "depth")
    return FolderOrFile(folder, tuple(NetworkFile(one) for one in FILES[name])) if name in FILES else folder


def nearness(network: NetworkFolder | FolderOrFile, models: Path, pixels: Pixels, a: float = 0, b: float = 0) -> Pixels:
    """How near everything is, white the nearest, as a grey picture of the same size. Raises NotSupported without the network, BadModel."""
    found = seen(place_of(network, models, network.name), pixels)
    least, most = float(found.min()), float(found.max())
    levels = (found - least) / ((most - least) or 1.0)
    return np.repeat((levels * 255).round().astype(np.uint8)[..., None], 3, axis=2)


@torch.inference_mode()
def seen(path: Path, pixels: Pixels) -> NDArray[np.float32]:
    """The answer of a folder's or a file's network at the picture's size, (h, w), larger where it is nearer."""
    if path.is_dir():
        network, told = read_network(path, "AutoModelForDepthEstimation", "depth"), told_by(path)
    else:
        build, told = builder(path)
        network = loaded(path, build)
    size = working_size(pixels.shape[0], pixels.shape[1], told)
    answer = network(pixel_values=shown(pixels, size, told)).predicted_depth[0]
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


def normals_of(network: NetworkFolder | FolderOrFile, models: Path, pixels: Pixels, a: float, b: float) -> Pixels:
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
