"""Surface normals with their uncertainty, refined from coarse to fine. Bae, Budvytis and Cipolla 2021, arXiv:2109.09881; scannet.pt."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .efficientnet import EfficientNet
from .filling import with_tensors

LEAST_CERTAINTY = 0.01
WIDE = 128  # channels of the small networks that refine each pixel by itself


def twice(x: Tensor) -> Tensor:
    """Twice as large, the corners staying where they are."""
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)


def directions(x: Tensor) -> Tensor:
    """Of four numbers at each pixel, a direction of length 1 and how certain it is, above 0."""
    certainty = functional.elu(x[:, 3:]) + 1 + LEAST_CERTAINTY
    return torch.cat([functional.normalize(x[:, :3], dim=1, eps=1e-10), certainty], 1)


class Up(nn.Module):
    """Enlarges features to the size of finer ones, and joins them. Its convolutions are called as in the published file."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for channels in (before, after):
            parts += [nn.Conv2d(channels, after, 3, padding=1), nn.BatchNorm2d(after), nn.LeakyReLU()]
        self._net = nn.Sequential(*parts)

    def forward(self, x: Tensor, finer: Tensor) -> Tensor:
        large = functional.interpolate(x, size=finer.shape[2:], mode="bilinear", align_corners=True)
        return self._net(torch.cat([large, finer], 1))


def refining(channels: int) -> nn.Sequential:
    """A network of four layers that sees each pixel by itself: its features, and what was found at half the resolution."""
    return nn.Sequential(
        nn.Conv1d(channels + 4, WIDE, 1), nn.ReLU(),
        nn.Conv1d(WIDE, WIDE, 1), nn.ReLU(),
        nn.Conv1d(WIDE, WIDE, 1), nn.ReLU(),
        nn.Conv1d(WIDE, 4, 1),
    )  # fmt: skip


class Encoder(nn.Module):
    """EfficientNet-B5."""

    def __init__(self) -> None:
        super().__init__()
        self.original_model = EfficientNet(width=1.6, depth=2.2)

    def forward(self, x: Tensor) -> Sequence[Tensor]:
        """What its stages see, as EfficientNet gives it."""
        return self.original_model(x)


class Decoder(nn.Module):
    """Features of a half, a quarter and an eighth of the picture's size, and normals of each of them and of the whole."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2 = nn.Conv2d(2048, 2048, 1)
        self.up1, self.up2 = Up(2048 + 176, 1024), Up(1024 + 64, 512)
        self.up3, self.up4 = Up(512 + 40, 256), Up(256 + 24, 128)
        self.out_conv_res8 = nn.Conv2d(512, 4, 3, padding=1)
        self.out_conv_res4, self.out_conv_res2, self.out_conv_res1 = refining(512), refining(256), refining(128)

    def forward(self, seen: Sequence[Tensor]) -> Tensor:
        half, quarter, eighth, _, sixteenth, _, _, coarsest = seen
        features_8 = self.up2(self.up1(self.conv2(coarsest), sixteenth), eighth)
        features_4 = self.up3(features_8, quarter)
        features_2 = self.up4(features_4, half)
        found = directions(self.out_conv_res8(features_8))
        for features, network in ((features_8, self.out_conv_res4), (features_4, self.out_conv_res2), (features_2, self.out_conv_res1)):
            known = torch.cat([twice(features), twice(found)], 1)
            found = directions(network(known.flatten(2)).unflatten(2, known.shape[2:]))
        return found


class NormalBae(nn.Module):
    """The whole network."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()

    def forward(self, x: Tensor) -> Tensor:
        """Normals and their certainty, (n, 4, h, w), of pictures normalised by ImageNet's mean and deviation; 32 divides h and w."""
        return self.decoder(self.encoder(x))


def normal_bae(tensors: dict[str, Tensor]) -> NormalBae:
    """The network of the tensors of scannet.pt. Raises RuntimeError where they are of another."""
    return with_tensors(NormalBae, tensors)
