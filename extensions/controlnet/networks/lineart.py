"""Pictures to line drawings, Chan et al. 2022, "Learning to generate line drawings that convey geometry and semantics", arXiv:2203.12691.

Its generator is the one of Johnson et al. 2016 (arXiv:1603.08155) with instance normalisation: down twice, three residual blocks, up twice.
"""

from torch import Tensor, nn

from .filling import with_tensors

WIDTH = 64  # channels at the picture's own size; they double where the size is halved
RESIDUALS = 3


class Residual(nn.Module):
    """Two convolutions over reflected edges, added to what they saw."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(*reflected(channels, channels, 3), nn.ReLU(), *reflected(channels, channels, 3))

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to the same."""
        return x + self.conv_block(x)


class LineDrawing(nn.Module):
    """The generator; `model0` to `model4` are its parts from the picture to the drawing."""

    def __init__(self) -> None:
        super().__init__()
        self.model0 = nn.Sequential(*reflected(3, WIDTH, 7), nn.ReLU())
        self.model1 = nn.Sequential(*halved(WIDTH), *halved(2 * WIDTH))
        self.model2 = nn.Sequential(*(Residual(4 * WIDTH) for _ in range(RESIDUALS)))
        self.model3 = nn.Sequential(*doubled(4 * WIDTH), *doubled(2 * WIDTH))
        self.model4 = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(WIDTH, 1, 7), nn.Sigmoid())

    def forward(self, pictures: Tensor) -> Tensor:
        """The drawing of (n, 3, h, w) RGB 0..1 with sides in fours: (n, 1, h, w), 1 the paper and 0 the lines."""
        x = self.model2(self.model1(self.model0(pictures)))
        return self.model4(self.model3(x))


def reflected(channels_in: int, channels: int, side: int) -> list[nn.Module]:
    """A convolution that keeps the size, over reflected edges, then normalised."""
    return [nn.ReflectionPad2d(side // 2), nn.Conv2d(channels_in, channels, side), nn.InstanceNorm2d(channels)]


def halved(channels: int) -> list[nn.Module]:
    """To half the size and twice the channels."""
    return [nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1), nn.InstanceNorm2d(2 * channels), nn.ReLU()]


def doubled(channels: int) -> list[nn.Module]:
    """To twice the size and half the channels."""
    up = nn.ConvTranspose2d(channels, channels // 2, 3, stride=2, padding=1, output_padding=1)
    return [up, nn.InstanceNorm2d(channels // 2), nn.ReLU()]


def lineart(tensors: dict[str, Tensor]) -> nn.Module:
    """The network of a file's tensors. Raises RuntimeError where they are another's."""
    return with_tensors(LineDrawing, tensors)
