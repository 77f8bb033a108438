"""Depth of any scene up to its scale. Yin et al. 2020, arXiv:2012.09365; res101.pth, over ResNeXt-101, Xie et al. 2016, 1611.05431."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from .filling import with_tensors

STAGES = ((3, 256), (4, 512), (23, 1024), (3, 2048))  # blocks and channels
GROUPS = 32
JOINED = 256


class Bottleneck(nn.Module):
    """A block of ResNeXt whose middle sees its channels in groups."""

    def __init__(self, before: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, channels, 1, bias=False), nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, 1, groups=GROUPS, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3, self.bn3 = nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels)
        shortcut = nn.Sequential(nn.Conv2d(before, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))
        self.downsample = shortcut if before != channels else None

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        return functional.relu(self.bn3(self.conv3(y)) + (self.downsample(x) if self.downsample else x))


class ResNeXt(nn.Module):
    """ResNeXt-101 without its classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        stages: list[nn.Sequential] = []
        before = 64
        for number, (blocks, channels) in enumerate(STAGES):
            stages.append(nn.Sequential(*(
                Bottleneck(channels if block else before, channels, 2 if number and not block else 1) for block in range(blocks)
            )))  # fmt: skip
            before = channels
        self.layer1, self.layer2, self.layer3, self.layer4 = stages

    def forward(self, x: Tensor) -> Sequence[Tensor]:
        """What its four stages see of a picture, (n, 3, h, w)."""
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        seen: list[Tensor] = []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            seen.append(x)
        return seen


class Transferring(nn.Module):
    """Features in another number of channels, and what a branch adds to them: to their positive part, as the published network does."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        self.conv_branch = nn.Sequential(
            nn.Identity(), nn.Conv2d(after, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.Conv2d(after, after, 3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.conv1(x))
        return functional.relu(x + self.conv_branch(x))


class Fusion(nn.Module):
    """Joins finer features to coarser ones, and makes both twice as large."""

    def __init__(self, before: int) -> None:
        super().__init__()
        self.ftb1, self.ftb2 = Transferring(before, JOINED), Transferring(JOINED, JOINED)

    def forward(self, finer: Tensor, coarser: Tensor) -> Tensor:
        return twice(self.ftb2(self.ftb1(finer) + coarser))


class Out(nn.Module):
    """Features become a distance."""

    def __init__(self) -> None:
        super().__init__()
        self.adapt_conv = nn.Sequential(
            nn.Conv2d(JOINED, 128, 3, padding=1), nn.BatchNorm2d(128), nn.ReLU(), nn.Conv2d(128, 1, 3, padding=1)
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return twice(self.adapt_conv(x))


class Decoder(nn.Module):
    """From the coarsest features to the finest."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = Transferring(2048, 512)
        self.conv1 = nn.Conv2d(512, JOINED, 3, padding=1)
        self.ffm2, self.ffm1, self.ffm0 = Fusion(1024), Fusion(512), Fusion(256)
        self.outconv = Out()

    def forward(self, seen: Sequence[Tensor]) -> Tensor:
        x = twice(self.conv1(self.conv(seen[3])))
        for network, finer in ((self.ffm2, seen[2]), (self.ffm1, seen[1]), (self.ffm0, seen[0])):
            x = network(finer, x)
        return self.outconv(x)


class Leres(nn.Module):
    """The whole network."""

    def __init__(self) -> None:
        super().__init__()
        inner = nn.ModuleDict({"encoder_modules": nn.ModuleDict({"encoder": ResNeXt()}), "decoder_modules": Decoder()})
        self.depth_model = inner

    def forward(self, x: Tensor) -> Tensor:
        """Distances, (n, 1, h, w), of pictures normalised by ImageNet's mean and deviation; 32 divides h and w."""
        return self.depth_model["decoder_modules"](self.depth_model["encoder_modules"]["encoder"](x))  # pyright: ignore[reportIndexIssue]


def twice(x: Tensor) -> Tensor:
    """Twice as large, the corners staying where they are."""
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)


def leres(tensors: dict[str, Tensor]) -> Leres:
    """The network of the tensors of res101.pth. Raises RuntimeError where they are of another."""
    return with_tensors(Leres, tensors)
