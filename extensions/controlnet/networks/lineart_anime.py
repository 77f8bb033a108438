"""Drawn pictures to their lines: the U-Net of pix2pix, Isola et al. 2017, arXiv:1611.07004, section 6.1.1, with instance normalisation."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from .filling import with_tensors

WIDTHS = (64, 128, 256, 512, 512, 512, 512, 512)  # channels after each halving
STEP = 2 ** len(WIDTHS)  # pixels that the sides of a picture are multiples of


class Level(nn.Module):
    """Half the size and back, whatever is `within`, with what came in laid beside what comes out; the outermost gives that alone."""

    def __init__(self, outside: int, inside: int, within: "Level | None", *, outermost: bool = False) -> None:
        super().__init__()
        down = nn.Conv2d(3 if outermost else outside, inside, 4, stride=2, padding=1)
        up = nn.ConvTranspose2d(2 * inside if within else inside, 1 if outermost else outside, 4, stride=2, padding=1)
        self.model = nn.Sequential(
            *([] if outermost else [nn.LeakyReLU(0.2)]),
            down,
            *([] if outermost or within is None else [nn.InstanceNorm2d(inside)]),
            *([within] if within else []),
            nn.ReLU(),
            up,
            nn.Tanh() if outermost else nn.InstanceNorm2d(outside),
        )
        self.outermost = outermost

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to (n, 2c, h, w); the outermost to (n, 1, h, w)."""
        return self.model(x) if self.outermost else torch.cat([x, self.model(x)], dim=1)


class DrawnLines(nn.Module):
    """The generator, eight levels deep."""

    def __init__(self) -> None:
        super().__init__()
        level: Level | None = None
        for outside, inside in reversed(list(pairwise(WIDTHS))):
            level = Level(outside, inside, level)
        self.model = Level(WIDTHS[0], WIDTHS[0], level, outermost=True)

    def forward(self, pictures: Tensor) -> Tensor:
        """The lines of (n, 3, h, w) RGB -1..1 with sides that `STEP` divides: (n, 1, h, w), 1 the paper and -1 the lines."""
        return self.model(pictures)


def lineart_anime(tensors: dict[str, Tensor]) -> nn.Module:
    """The network of a file's tensors. Raises RuntimeError where they are another's."""
    return with_tensors(DrawnLines, tensors)
