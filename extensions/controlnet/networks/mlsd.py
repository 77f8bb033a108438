"""Straight lines: M-LSD, the large network, and how its maps are read. Gu et al. 2021, arXiv:2106.00186."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .filling import with_tensors

BOTTLENECKS = (  # of MobileNetV2, Sandler et al. 2018, arXiv:1801.04381, table 2: expansion, channels, how many, the first one's stride
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
)
WIDTH = 64  # channels of the decoder
MOST = 200  # lines of a picture
MAPS, FIRST = 16, 7  # maps that it gives, and the first of those that are lines: a centre's logit, then where its two ends lie


class Activated(nn.Sequential):
    """A convolution, normalised, and cut to 0..6. At stride 2 it pads right and below alone, as TensorFlow does."""

    def __init__(self, channels_in: int, channels: int, side: int, stride: int = 1, groups: int = 1) -> None:
        padding = side // 2 if stride == 1 else 0
        convolution = nn.Conv2d(channels_in, channels, side, stride, padding, groups=groups, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(channels), nn.ReLU6())
        self.uneven = stride == 2

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to other channels, at the size or half of it."""
        return super().forward(F.pad(x, (0, 1, 0, 1)) if self.uneven else x)


class Bottleneck(nn.Module):
    """MobileNetV2's inverted residual."""

    def __init__(self, channels_in: int, channels: int, expansion: int, stride: int) -> None:
        super().__init__()
        inside = channels_in * expansion
        self.conv = nn.Sequential(
            *([Activated(channels_in, inside, 1)] if expansion > 1 else []),
            Activated(inside, inside, 3, stride, inside),
            nn.Conv2d(inside, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.adds = stride == 1 and channels_in == channels

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to other channels, at the size or half of it."""
        return x + self.conv(x) if self.adds else self.conv(x)


class Backbone(nn.Module):
    """MobileNetV2 up to its fifth row, for four channels."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [Activated(4, 32, 3, 2)]
        channels = 32
        self.ends: list[int] = []
        for expansion, wider, count, stride in BOTTLENECKS:
            for i in range(count):
                layers.append(Bottleneck(channels, wider, expansion, 1 if i else stride))
                channels = wider
            self.ends.append(len(layers) - 1)
        self.features = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> list[Tensor]:
        """What each row gives, from half the size to a sixteenth."""
        found = []
        for i, layer in enumerate(self.features):
            x = layer(x)
            if i in self.ends:
                found.append(x)
        return found


class Joined(nn.Module):
    """The decoder's block A: what is finer beside what comes from below, which is enlarged to it."""

    def __init__(self, finer: int, coarser: int, *, enlarges: bool) -> None:
        super().__init__()
        self.conv1 = convolved(coarser, WIDTH, 1)
        self.conv2 = convolved(finer, WIDTH, 1)
        self.enlarges = enlarges

    def forward(self, finer: Tensor, coarser: Tensor) -> Tensor:
        """(n, 2 * WIDTH, h, w) at the finer one's size."""
        below = self.conv1(coarser)
        if self.enlarges:
            below = F.interpolate(below, scale_factor=2.0, mode="bilinear", align_corners=True)
        return torch.cat([self.conv2(finer), below], dim=1)


class Mixed(nn.Module):
    """The decoder's block B: one convolution with a way around it, and one to fewer channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = convolved(2 * WIDTH, 2 * WIDTH, 3)
        self.conv2 = convolved(2 * WIDTH, WIDTH, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 2 * WIDTH, h, w) to (n, WIDTH, h, w)."""
        return self.conv2(x + self.conv1(x))


class Answering(nn.Module):
    """The decoder's block C: a wide view, and the maps."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = convolved(WIDTH, WIDTH, 3, dilation=5)
        self.conv2 = convolved(WIDTH, WIDTH, 3)
        self.conv3 = nn.Conv2d(WIDTH, MAPS, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, WIDTH, h, w) to (n, MAPS, h, w)."""
        return self.conv3(self.conv2(self.conv1(x)))


class MLSD(nn.Module):
    """The large network; its blocks are counted as the file counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.block15, self.block16 = Joined(64, 96, enlarges=False), Mixed()
        self.block17, self.block18 = Joined(32, WIDTH, enlarges=True), Mixed()
        self.block19, self.block20 = Joined(24, WIDTH, enlarges=True), Mixed()
        self.block21, self.block22 = Joined(16, WIDTH, enlarges=True), Mixed()
        self.block23 = Answering()

    def forward(self, pictures: Tensor) -> Tensor:
        """The maps of lines of (n, 4, h, w), RGB and a channel of ones on their scale, sides in sixteens: (n, 9, h/2, w/2).

        The first is how likely a line's centre lies there, as a logit; the next four are how far from there it begins, x and y, and ends.
        """
        halves, quarters, eighths, last, deepest = self.backbone(pictures)
        x = self.block16(self.block15(last, deepest))
        x = self.block18(self.block17(eighths, x))
        x = self.block20(self.block19(quarters, x))
        x = self.block22(self.block21(halves, x))
        return self.block23(x)[:, FIRST:]


def lines_in(maps: Tensor, value: float, distance: float) -> Tensor:
    """The lines of one picture's maps, (9, h, w): (n, 4) in the picture's pixels, left, top, right, bottom, the likeliest first.

    A line is where its centre is likelier than those of the eight places around, and than `value`; it is longer than `distance`, in places.
    """
    likely = torch.sigmoid(maps[0])
    peaks = torch.where(F.max_pool2d(likely[None], 3, 1, 1)[0] == likely, likely, 0).flatten()
    found, places = peaks.topk(min(MOST, peaks.numel()))
    ends = maps[1:5].flatten(1)[:, places].T
    kept = (found > value) & ((ends[:, :2] - ends[:, 2:]).norm(dim=1) > distance)
    centres = torch.stack([places % maps.shape[2], places // maps.shape[2]], dim=1).repeat(1, 2)
    return 2 * (centres + ends)[kept]


def convolved(channels_in: int, channels: int, side: int, dilation: int = 1) -> nn.Sequential:
    """A convolution that keeps the size, normalised, without what is below 0."""
    convolution = nn.Conv2d(channels_in, channels, side, padding=side // 2 * dilation, dilation=dilation)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels), nn.ReLU())


def mlsd(tensors: dict[str, Tensor]) -> nn.Module:
    """The network of a file's tensors. Raises RuntimeError where they are another's."""
    return with_tensors(MLSD, tensors)
