"""Holistically-nested edge detection, Xie and Tu 2015, arXiv:1504.06375, as ControlNet's own file (ControlNetHED) has it."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .filling import with_tensors

STAGES = ((3, 64, 2), (64, 128, 2), (128, 256, 3), (256, 512, 3), (512, 512, 3))  # channels in and out, and convolutions, after VGG-16


class Stage(nn.Module):
    """Convolutions at one scale, and the side output that they have."""

    def __init__(self, channels_in: int, channels: int, count: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(*(nn.Conv2d(channels if i else channels_in, channels, 3, padding=1) for i in range(count)))
        self.projection = nn.Conv2d(channels, 1, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What the next stage sees, and this one's edges as logits."""
        for convolution in self.convs:
            x = torch.relu(convolution(x))
        return x, self.projection(x)


class HED(nn.Module):
    """Soft edges at five scales."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.Parameter(torch.zeros(1, 3, 1, 1))
        self.block1, self.block2, self.block3, self.block4, self.block5 = (Stage(*stage) for stage in STAGES)

    def sides(self, pictures: Tensor) -> list[Tensor]:
        """The logits of (n, 3, h, w) RGB 0..255 at each scale, each (n, 1, ...) of half the size of the one before."""
        x, found = pictures - self.norm, []
        for i, stage in enumerate((self.block1, self.block2, self.block3, self.block4, self.block5)):
            x, side = stage(F.max_pool2d(x, 2) if i else x)
            found.append(side)
        return found

    def forward(self, pictures: Tensor) -> Tensor:
        """How likely each pixel of (n, 3, h, w) RGB 0..255 is an edge, (n, 1, h, w) in 0..1: the mean of the scales' logits."""
        return torch.sigmoid(mean_at(self.sides(pictures), pictures.shape[-2:]))


def mean_at(maps: list[Tensor], size: torch.Size) -> Tensor:
    """Maps of any sizes, stretched to one, and their mean there."""
    stretched = [F.interpolate(one, size=size, mode="bilinear", align_corners=False) for one in maps]
    return torch.stack(stretched).mean(dim=0)


def hed(tensors: dict[str, Tensor]) -> nn.Module:
    """The network of a file's tensors. Raises RuntimeError where they are another's."""
    return with_tensors(HED, tensors)
