"""How much memory the intermediate results of a real network take at their peak, counted on tensors without values."""

import weakref
from typing import Any

import torch
from diffusers import AutoencoderKL
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from modules.families.sd_shape import UNetShape
from modules.families.unet import build_unet

SD1 = UNetShape(
    in_channels=4,
    out_channels=4,
    channels=(320, 640, 1280, 1280),
    down=((1, 1), (1, 1), (1, 1), (0, 0)),
    up=((0, 0, 0), (1, 1, 1), (1, 1, 1), (1, 1, 1)),
    middle=1,
    context=768,
    linear=False,
)


class Counted(TorchDispatchMode):
    """Counts the bytes of all results that are alive."""

    def __init__(self) -> None:
        super().__init__()
        self.alive = self.peak = 0
        self.known: weakref.WeakSet[torch.UntypedStorage] = weakref.WeakSet()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = function(*args, **(kwargs or {}))
        given = {one.untyped_storage()._cdata for one in tree_leaves((args, kwargs)) if isinstance(one, torch.Tensor)}
        for one in tree_leaves(output):
            if isinstance(one, torch.Tensor) and one.untyped_storage()._cdata not in given:
                size = one.untyped_storage().nbytes()
                self.alive += size
                self.peak = max(self.peak, self.alive)
                weakref.finalize(one.untyped_storage(), self.forget, size)
        return output

    def forget(self, size: int) -> None:
        """A result is gone."""
        self.alive -= size


def network_peak(height: int, width: int, rows: int = 2) -> int:
    """Bytes that Stable Diffusion 1's U-Net takes beside its weights, in 16 bits, for latents of a size."""
    with torch.device("meta"), torch.inference_mode():
        unet = build_unet(SD1.config()).half()
        x, t, context = torch.empty(rows, 4, height, width).half(), torch.zeros(rows), torch.empty(rows, 77, 768).half()
        counted = Counted()
        with counted:
            unet(x, t, encoder_hidden_states=context, return_dict=False)
    return counted.peak


def decoder_peak(side: int) -> int:
    """Bytes that Stable Diffusion's decoder takes beside its weights, in 16 bits, for one tile of latents."""
    made: Any = AutoencoderKL
    with torch.device("meta"), torch.inference_mode():
        vae = made(
            block_out_channels=(128, 256, 512, 512),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=2,
        ).half()
        counted = Counted()
        with counted:
            vae.decode(torch.empty(1, 4, side, side).half(), return_dict=False)
    return counted.peak
