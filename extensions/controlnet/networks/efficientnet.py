"""EfficientNet's trunk with TensorFlow's borders. Tan and Le 2019, arXiv:1905.11946; its blocks: Sandler et al. 2018, arXiv:1801.04381."""

import math
from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

BASE = (  # of B0: blocks, side of the kernel, stride, widening, channels; table 1 of the paper
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, HEAD = 32, 1280
SQUEEZED = 4  # the squeeze has as many channels as the block's input, divided by this
EPSILON = 1e-3  # TensorFlow's in its batch norms


class SameConv2d(nn.Conv2d):
    """A convolution whose output has the input's size divided by the stride, rounded up: an odd rest of the border is right and below."""

    def forward(self, input: Tensor) -> Tensor:
        missing = [
            max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
            for size, stride, kernel in zip(input.shape[2:], self.stride, self.kernel_size, strict=True)
        ]
        high, wide = missing
        return super().forward(functional.pad(input, (wide // 2, wide - wide // 2, high // 2, high - high // 2)))


def depthwise(channels: int, kernel: int, stride: int) -> nn.Conv2d:
    """A convolution of each channel by itself."""
    return SameConv2d(channels, channels, kernel, stride, groups=channels, bias=False)


def norm(channels: int) -> nn.BatchNorm2d:
    """A batch norm as TensorFlow has it."""
    return nn.BatchNorm2d(channels, eps=EPSILON)


class Squeeze(nn.Module):
    """Weighs channels by their means. Hu et al. 2017, arXiv:1709.01507."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.conv_reduce = nn.Conv2d(channels, squeezed, 1)
        self.conv_expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean((2, 3), keepdim=True)
        return x * self.conv_expand(functional.silu(self.conv_reduce(mean))).sigmoid()


class Separable(nn.Module):
    """A block without widening: each channel by itself, then all of them at each pixel."""

    def __init__(self, before: int, after: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv_dw, self.bn1 = depthwise(before, kernel, stride), norm(before)
        self.se = Squeeze(before, before // SQUEEZED)
        self.conv_pw, self.bn2 = nn.Conv2d(before, after, 1, bias=False), norm(after)
        self.keeps = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        y = self.se(functional.silu(self.bn1(self.conv_dw(x))))
        y = self.bn2(self.conv_pw(y))
        return x + y if self.keeps else y


class Inverted(nn.Module):
    """A block that is widened, each channel by itself, and narrowed."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, widening: int) -> None:
        super().__init__()
        wide = before * widening
        self.conv_pw, self.bn1 = nn.Conv2d(before, wide, 1, bias=False), norm(wide)
        self.conv_dw, self.bn2 = depthwise(wide, kernel, stride), norm(wide)
        self.se = Squeeze(wide, before // SQUEEZED)
        self.conv_pwl, self.bn3 = nn.Conv2d(wide, after, 1, bias=False), norm(after)
        self.keeps = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        y = functional.silu(self.bn1(self.conv_pw(x)))
        y = self.se(functional.silu(self.bn2(self.conv_dw(y))))
        y = self.bn3(self.conv_pwl(y))
        return x + y if self.keeps else y


class EfficientNet(nn.Module):
    """The trunk up to the widest convolution, whose norm `bn2` is there only because files have it. B5: width 1.6, depth 2.2."""

    def __init__(self, width: float, depth: float) -> None:
        super().__init__()
        before = in_eights(STEM * width)
        self.conv_stem, self.bn1 = SameConv2d(3, before, 3, 2, bias=False), norm(before)
        stages: list[nn.Module] = []
        for count, kernel, stride, widening, channels in BASE:
            blocks: list[nn.Module] = []
            for number in range(math.ceil(count * depth)):
                after, step = in_eights(channels * width), 1 if number else stride
                block = Separable(before, after, kernel, step) if widening == 1 else Inverted(before, after, kernel, step, widening)
                blocks.append(block)
                before = after
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*stages)
        self.conv_head, self.bn2 = nn.Conv2d(before, in_eights(HEAD * width), 1, bias=False), norm(in_eights(HEAD * width))

    def forward(self, x: Tensor) -> Sequence[Tensor]:
        """What each of the seven stages sees of a picture, (n, 3, h, w), and the widest convolution of the last."""
        x = functional.silu(self.bn1(self.conv_stem(x)))
        seen: list[Tensor] = []
        for stage in self.blocks:
            x = stage(x)
            seen.append(x)
        return [*seen, self.conv_head(x)]


def in_eights(channels: float) -> int:
    """The nearest number of channels that 8 divides, at least nine tenths of what was asked for."""
    near = max(8, int(channels + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels else near
