"""Pixel difference networks for edges, Su et al. 2021, arXiv:2108.07009: PiDiNet of the pattern "carv4" with dilations and attention.

The published file (table5_pidinet) has the kernels as they were learnt, over differences of pixels; here they become plain ones over pixels
once, when the file is read (section 3.2).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .filling import with_tensors

WIDTH, REDUCED = 60, 24  # channels of what begins, and of what the dilations give
NAMES = [[f"block{stage}_{i}" for i in range(1, count + 1)] for stage, count in ((1, 3), (2, 4), (3, 4), (4, 4))]  # of each stage's blocks
WIDTHS = [WIDTH, 2 * WIDTH, 4 * WIDTH, 4 * WIDTH]  # channels of the stages
DILATIONS = (5, 7, 9, 11)
RING = [0, 1, 2, 5, 8, 7, 6, 3]  # the outer places of a 3x3 kernel, clockwise

Kernel = Callable[[Tensor], Tensor]  # (out, in, 3, 3) over differences to (out, in, k, k) over pixels


def central(learnt: Tensor) -> Tensor:
    """Differences to the centre: it loses what all places together weigh."""
    kernel = learnt.clone()
    kernel[:, :, 1, 1] -= learnt.sum(dim=(2, 3))
    return kernel


def angular(learnt: Tensor) -> Tensor:
    """Differences between neighbours around the centre, each to the next one clockwise: a place loses the weight of the one before it."""
    flat = learnt.flatten(2)
    kernel = torch.zeros_like(flat)
    kernel[:, :, RING] = flat[:, :, RING] - flat[:, :, RING[-1:] + RING[:-1]]
    return kernel.view_as(learnt)


def radial(learnt: Tensor) -> Tensor:
    """Differences outwards, of places two pixels away to those one pixel away: a kernel of 5x5.

    The eight pairs, row by row, are the last eight of the nine numbers of the file; its first counts for nothing.
    """
    pairs = learnt.flatten(2)[:, :, 1:]
    inner = torch.cat([pairs[:, :, :4], torch.zeros_like(pairs[:, :, :1]), pairs[:, :, 4:]], dim=2).view_as(learnt)
    kernel = learnt.new_zeros(*learnt.shape[:2], 5, 5)
    kernel[:, :, ::2, ::2] = inner
    kernel[:, :, 1:4, 1:4] -= inner
    return kernel


def vanilla(learnt: Tensor) -> Tensor:
    """A convolution as any other."""
    return learnt


KINDS: tuple[Kernel, ...] = (central, angular, radial, vanilla)  # in turns, "carv"


class Block(nn.Module):
    """A depth-wise convolution, one over channels, and the way around both; the first block of a later stage halves the size before."""

    def __init__(self, channels_in: int, channels: int, kind: Kernel, *, halves: bool) -> None:
        super().__init__()
        side = 5 if kind is radial else 3
        self.conv1 = nn.Conv2d(channels_in, channels_in, side, padding=side // 2, groups=channels_in, bias=False)
        self.conv2 = nn.Conv2d(channels_in, channels, 1, bias=False)
        self.halves = halves
        if halves:
            self.shortcut = nn.Conv2d(channels_in, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to the same, or to other channels at half the size."""
        if self.halves:
            x = F.max_pool2d(x, 2)
        found = self.conv2(torch.relu(self.conv1(x)))
        return found + (self.shortcut(x) if self.halves else x)


class Dilated(nn.Module):
    """The compact dilation module: edges of several widths together."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, REDUCED, 1)
        self.conv2_1, self.conv2_2, self.conv2_3, self.conv2_4 = (
            nn.Conv2d(REDUCED, REDUCED, 3, padding=step, dilation=step, bias=False) for step in DILATIONS
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to (n, REDUCED, h, w)."""
        x = self.conv1(torch.relu(x))
        return self.conv2_1(x) + self.conv2_2(x) + self.conv2_3(x) + self.conv2_4(x)


class Attention(nn.Module):
    """The compact spatial attention module: what is no edge is dimmed."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(REDUCED, 4, 1)
        self.conv2 = nn.Conv2d(4, 1, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(n, REDUCED, h, w) to the same."""
        return x * torch.sigmoid(self.conv2(self.conv1(torch.relu(x))))


class Reduced(nn.Module):
    """A stage's edges."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(REDUCED, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, REDUCED, h, w) to (n, 1, h, w)."""
        return self.conv(x)


class PiDiNet(nn.Module):
    """Soft edges at four scales and together. Its kernels are over pixels: `pidinet` turns a file's into them."""

    def __init__(self) -> None:
        super().__init__()
        self.init_block = nn.Conv2d(3, WIDTH, 3, padding=1, bias=False)
        channels, turn = WIDTH, 0  # the convolution that begins is the first kind's
        for names, wider in zip(NAMES, WIDTHS, strict=True):
            for name in names:
                turn += 1
                self.add_module(name, Block(channels, wider, KINDS[turn % 4], halves=name.endswith("_1") and turn > 1))
                channels = wider
        self.dilations = nn.ModuleList(Dilated(width) for width in WIDTHS)
        self.attentions = nn.ModuleList(Attention() for _ in WIDTHS)
        self.conv_reduces = nn.ModuleList(Reduced() for _ in WIDTHS)
        self.classifier = nn.Conv2d(len(WIDTHS), 1, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """How likely each pixel of (n, 3, h, w) BGR 0..1 is an edge, (n, 1, h, w) in 0..1."""
        x, sides = self.init_block(pictures), []
        parts = zip(NAMES, self.dilations, self.attentions, self.conv_reduces, strict=True)
        for names, dilated, attention, reduced in parts:
            for name in names:
                x = self.get_submodule(name)(x)
            side = reduced(attention(dilated(x)))
            sides.append(F.interpolate(side, size=pictures.shape[-2:], mode="bilinear", align_corners=False))
        return torch.sigmoid(self.classifier(torch.cat(sides, dim=1)))


def pidinet(tensors: dict[str, Tensor]) -> nn.Module:
    """The network of a file's tensors, whose kernels become kernels over pixels. Raises RuntimeError, KeyError, ValueError."""
    names = ["init_block.weight", *(f"{name}.conv1.weight" for stage in NAMES for name in stage)]
    strange = next((name for name in names if tensors[name].shape[2:] != (3, 3)), None)
    if strange:
        raise ValueError(f"{strange} is no kernel of 3x3")
    return with_tensors(PiDiNet, tensors | {name: KINDS[i % 4](tensors[name]) for i, name in enumerate(names)})
