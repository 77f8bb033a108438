"""Reads networks that take a picture and give a picture (upscalers, face restorers) with the spandrel library.

Spandrel knows an architecture by its tensors' names and shapes. It is imported when the first file is read: that takes a second,
and most sessions never need it.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from modules.weights.files import read_object
from modules.weights.header import BadModel

# What torchvision's own Python files look up when they are imported. The wheel for processors comes without the library that
# defines them, although nothing that spandrel takes from torchvision calls them.
MISSING_OPERATORS = {
    "torchvision::nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "torchvision::qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


def import_torchvision() -> None:
    """Make torchvision importable where it lacks its compiled half; without torchvision, or with a whole one, nothing changes.

    To be called before transformers or diffusers are imported: they import torchvision wherever it is installed. The operators
    are declared only after an import has failed for want of them.
    """
    try:
        import torchvision
    except ModuleNotFoundError:
        return
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for name, schema in MISSING_OPERATORS.items():
            if not has_operator(name):
                torch.library.define(name, schema)
        import torchvision  # noqa: F401


def import_spandrel() -> Any:
    """The spandrel package."""
    import_torchvision()
    import spandrel

    return spandrel


def has_operator(name: str) -> bool:
    """Whether torch knows an operator such as `torchvision::nms`."""
    space, operator = name.split("::")
    return hasattr(getattr(torch.ops, space), operator)


class PictureNetwork:
    """A network that takes pictures (B, 3, h, w) in 0..1 and gives pictures `scale` times as large, in full precision until moved.

    `purpose` is spandrel's: SR, FaceSR, Restoration, Inpainting.
    """

    def __init__(self, described: Any) -> None:
        self.described = described.float().eval()
        self.architecture: str = described.architecture.id
        self.purpose: str = described.purpose
        self.scale: int = described.scale
        self.supports_half: bool = described.supports_half

    def __call__(self, pictures: Tensor) -> Tensor:
        """The network's answer in 0..1, on its device; sides that it cannot work with are padded on the way."""
        described = self.described
        answer: Tensor = described(pictures.to(described.device, described.dtype))
        return answer

    def move(self, place: torch.device, *, half: bool = False) -> None:
        """Have it run elsewhere; in 16 bits if `half` is asked for and it can."""
        self.described.to(place, torch.float16 if half and self.supports_half else torch.float32)


def read_network(path: Path) -> PictureNetwork:
    """The network in a file, on the processor. Raises BadModel; nothing in the file is run."""
    spandrel = import_spandrel()
    try:
        described = spandrel.ModelLoader("cpu").load_from_state_dict(spandrel.canonicalize_state_dict(tensors_of(path)))
    except spandrel.UnsupportedModelError:
        raise BadModel(path, "its architecture is not one that spandrel knows") from None
    except (RuntimeError, KeyError, ValueError, IndexError, AssertionError, TypeError) as error:
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise BadModel(path, f"it does not fit the architecture it looks like ({reason})") from None
    if (described.input_channels, described.output_channels) != (3, 3):
        raise BadModel(path, f"it takes pictures of {described.input_channels} channels and gives {described.output_channels}")
    return PictureNetwork(described)


def read_upscaler(path: Path) -> PictureNetwork:
    """The upscaler in a file. Raises BadModel, also for a network that does something else, such as filling masks."""
    network = read_network(path)
    if network.purpose == "FaceSR":
        raise BadModel(path, "it restores faces and is no upscaler", "Put it into models/GFPGAN.")
    if network.purpose not in ("SR", "Restoration"):
        raise BadModel(path, f"it is a network for {network.purpose.lower()}, not an upscaler")
    return network


def tensors_of(path: Path) -> dict[str, Any]:
    """What a weights file holds, as spandrel wants it: still wrapped in `params_ema` and the like. Raises BadModel."""
    loaded = read_object(path)
    if not isinstance(loaded, dict) or not any(isinstance(value, Tensor | dict) for value in loaded.values()):
        raise BadModel(path, "it holds no table of tensors")
    return {str(name): value for name, value in loaded.items()}
