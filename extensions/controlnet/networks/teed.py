"""Tiny and efficient edge detection, Soria et al. 2023, arXiv:2308.06468: TEED, its side outputs and their fusion (7_model)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .filling import with_tensors

WIDTHS = (16, 32, 48)  # channels of the three blocks
FUSED = 24  # channels of the fusion, eight for each side output


def smish(x: Tensor) -> Tensor:
    """Its activation, after Wang et al. 2022, "Smish": x tanh(ln(1 + sigmoid(x)))."""
    return x * torch.tanh(torch.log1p(torch.sigmoid(x)))


class Smish(nn.Module):
    """`smish` within a sequence."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return smish(x)


class Double(nn.Module):
    """Two convolutions; the first may halve the size, and the second's answer may be activated."""

    def __init__(self, channels_in: int, channels: int, *, stride: int = 1, activated: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.activated = activated

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to other channels, at the size or half of it."""
        x = self.conv2(smish(self.conv1(x)))
        return smish(x) if self.activated else x


class Dense(nn.Module):
    """The third block's convolutions, meant with a way around them."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, padding=2)
        self.conv2 = nn.Conv2d(channels, channels, 3)

    def forward(self, x: Tensor, around: Tensor) -> Tensor:
        """The mean of both ways."""
        return (self.conv2(smish(self.conv1(smish(x)))) + around) / 2


class Single(nn.Module):
    """One convolution over channels."""

    def __init__(self, channels_in: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, 1, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to other channels."""
        return self.conv(x)


class Up(nn.Module):
    """A block's edges at the picture's size: as many doublings as `paddings`, each of a kernel that fits its padding."""

    def __init__(self, channels: int, paddings: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for left in range(len(paddings), 0, -1):
            inside, padding = 16 if left > 1 else 1, paddings[left - 1]
            layers += [nn.Conv2d(channels, inside, 1), Smish(), nn.ConvTranspose2d(inside, inside, 2 + 2 * padding, 2, padding)]
            channels = inside
        self.features = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to (n, 1, ...)."""
        return self.features(x)


class Fusion(nn.Module):
    """The side outputs weighed together by two depth-wise convolutions."""

    def __init__(self, sides: int) -> None:
        super().__init__()
        self.DWconv1 = nn.Conv2d(sides, FUSED, 3, padding=1, groups=sides)
        self.DWconv2 = nn.Conv2d(FUSED, FUSED, 3, padding=1, groups=FUSED)

    def forward(self, x: Tensor) -> Tensor:
        """(n, sides, h, w) to (n, 1, h, w)."""
        first = self.DWconv1(smish(x))
        second = self.DWconv2(smish(first))
        return smish((first + second).sum(dim=1, keepdim=True))


class TEED(nn.Module):
    """Edges in three blocks, and fused."""

    def __init__(self) -> None:
        super().__init__()
        first, second, third = WIDTHS
        self.block_1 = Double(3, first, stride=2, activated=True)
        self.block_2 = Double(first, second, activated=False)
        self.dblock_3 = nn.ModuleDict({"denselayer1": Dense(second, third)})
        self.side_1 = Single(first, second, stride=2)
        self.pre_dense_3 = Single(second, third)
        self.up_block_1, self.up_block_2, self.up_block_3 = Up(first, (0,)), Up(second, (0,)), Up(third, (1, 1))
        self.block_cat = Fusion(len(WIDTHS))

    def sides(self, pictures: Tensor) -> list[Tensor]:
        """The logits of (n, 3, h, w) RGB 0..255 with sides in eights: those of the three blocks, then fused, each (n, 1, h, w)."""
        first = self.block_1(pictures)
        second = self.block_2(first)
        smaller = F.max_pool2d(second, 3, stride=2, padding=1)
        third = self.dblock_3["denselayer1"](smaller + self.side_1(first), self.pre_dense_3(smaller))
        found = [self.up_block_1(first), self.up_block_2(second), self.up_block_3(third)]
        return [*found, self.block_cat(torch.cat(found, dim=1))]

    def forward(self, pictures: Tensor) -> Tensor:
        """How likely each pixel of (n, 3, h, w) RGB 0..255 is an edge, (n, 1, h, w) in 0..1: the mean of all logits."""
        return torch.sigmoid(torch.stack(self.sides(pictures)).mean(dim=0))


def teed(tensors: dict[str, Tensor]) -> nn.Module:
    """The network of a file's tensors. Raises RuntimeError where they are another's."""
    return with_tensors(TEED, tensors)
