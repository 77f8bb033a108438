"""RetinaFace with a ResNet-50: finds faces and five points in each. Deng et al. 2019, arXiv:1905.00641.

Names of modules and parameters are those of the weights that A1111 uses (detection_Resnet50_Final.pth).
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STEPS = (8, 16, 32)  # pixels between the places of each level
SIDES = ((16, 32), (64, 128), (256, 512))  # of the squares that stand at each place
VARIANCES = (0.1, 0.2)  # units of the answers: places, sizes
MEANS = (104.0, 117.0, 123.0)  # of blue, green, red


def convolution(inputs: int, outputs: int, kernel: int = 3, *, stride: int = 1, slope: float | None = 0.0) -> nn.Sequential:
    """A convolution with its normalisation; `slope` below zero of what follows, None for nothing."""
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([] if slope is None else [nn.LeakyReLU(slope)]))


class Bottleneck(nn.Module):
    """Three convolutions added to their input. He et al. 2015, arXiv:1512.03385."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        changed = stride != 1 or inputs != 4 * width
        self.downsample = convolution(inputs, 4 * width, 1, stride=stride, slope=None) if changed else None

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Body(nn.Module):
    """The ResNet; gives its last three levels."""

    def __init__(self, width: int, blocks: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        inputs = width
        for level, count in enumerate(blocks):
            layers: list[nn.Module] = []
            for number in range(count):
                layers.append(Bottleneck(inputs, width << level, 2 if level and number == 0 else 1))
                inputs = 4 * (width << level)
            self.add_module(f"layer{level + 1}", nn.Sequential(*layers))

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        found: list[Tensor] = []
        for level in range(4):
            x = self.get_submodule(f"layer{level + 1}")(x)
            found.append(x)
        return found[1:]


class Pyramid(nn.Module):
    """The levels made equally wide, each with the coarser ones added. Lin et al. 2017, arXiv:1612.03144."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        slope = 0.1 if width <= 64 else 0.0
        self.output1 = convolution(2 * inputs, width, 1, slope=slope)
        self.output2 = convolution(4 * inputs, width, 1, slope=slope)
        self.output3 = convolution(8 * inputs, width, 1, slope=slope)
        self.merge1, self.merge2 = convolution(width, width, slope=slope), convolution(width, width, slope=slope)

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        fine, middle, coarse = self.output1(levels[0]), self.output2(levels[1]), self.output3(levels[2])
        middle = self.merge2(middle + F.interpolate(coarse, size=middle.shape[2:], mode="nearest"))
        fine = self.merge1(fine + F.interpolate(middle, size=fine.shape[2:], mode="nearest"))
        return [fine, middle, coarse]


class Context(nn.Module):
    """Three views of a level, of 3, 5 and 7 pixels. Najibi et al. 2017 (SSH), arXiv:1708.03979."""

    def __init__(self, width: int) -> None:
        super().__init__()
        slope = 0.1 if width <= 64 else 0.0
        self.conv3X3 = convolution(width, width // 2, slope=None)
        self.conv5X5_1 = convolution(width, width // 4, slope=slope)
        self.conv5X5_2 = convolution(width // 4, width // 4, slope=None)
        self.conv7X7_2 = convolution(width // 4, width // 4, slope=slope)
        self.conv7x7_3 = convolution(width // 4, width // 4, slope=None)

    def forward(self, x: Tensor) -> Tensor:
        narrow = self.conv5X5_1(x)
        return F.relu(torch.cat([self.conv3X3(x), self.conv5X5_2(narrow), self.conv7x7_3(self.conv7X7_2(narrow))], dim=1))


class Head(nn.Module):
    """`values` answers for each of the two squares at each place of a level."""

    def __init__(self, width: int, values: int) -> None:
        super().__init__()
        self.values = values
        self.conv1x1 = nn.Conv2d(width, 2 * values, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv1x1(x).permute(0, 2, 3, 1).reshape(len(x), -1, self.values)


class RetinaFace(nn.Module):
    """The network. `width` is the ResNet's first, `wide` the pyramid's."""

    def __init__(self, *, width: int = 64, wide: int = 256, blocks: tuple[int, int, int, int] = (3, 4, 6, 3)) -> None:
        super().__init__()
        self.body = Body(width, blocks)
        self.fpn = Pyramid(4 * width, wide)
        self.ssh1, self.ssh2, self.ssh3 = Context(wide), Context(wide), Context(wide)
        self.ClassHead = nn.ModuleList(Head(wide, 2) for _ in STEPS)
        self.BboxHead = nn.ModuleList(Head(wide, 4) for _ in STEPS)
        self.LandmarkHead = nn.ModuleList(Head(wide, 10) for _ in STEPS)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """For a picture (1, 3, h, w) in 0..255, blue first: n scores in 0..1, n boxes' and n times five points' answers.

        The answers are relative to the squares; `boxes_of` and `points_of` read them.
        """
        centred = picture - picture.new_tensor(MEANS)[:, None, None]
        levels = [look(level) for look, level in zip((self.ssh1, self.ssh2, self.ssh3), self.fpn(self.body(centred)), strict=True)]
        classes, boxes, points = (
            torch.cat([head(level) for head, level in zip(heads, levels, strict=True)], dim=1)[0]
            for heads in (self.ClassHead, self.BboxHead, self.LandmarkHead)
        )
        return classes.softmax(-1)[:, 1], boxes, points


def squares(height: int, width: int) -> Tensor:
    """The squares (n, 4) of a picture: centre and sides, across and down, in pixels, in the order of the network's answers."""
    found: list[Tensor] = []
    for step, sides in zip(STEPS, SIDES, strict=True):
        rows, columns = math.ceil(height / step), math.ceil(width / step)
        down = (torch.arange(rows) + 0.5) * step
        across = (torch.arange(columns) + 0.5) * step
        places = torch.stack([across.expand(rows, -1), down[:, None].expand(-1, columns)], dim=-1)  # (rows, columns, 2)
        both = places[:, :, None].expand(-1, -1, len(sides), -1)
        lengths = torch.tensor(sides, dtype=both.dtype)[None, None, :, None].expand(rows, columns, -1, 2)
        found.append(torch.cat([both, lengths], dim=-1).reshape(-1, 4))
    return torch.cat(found)


def boxes_of(answers: Tensor, squares: Tensor) -> Tensor:
    """Boxes (n, 4): left, top, right, bottom, in pixels."""
    centres = squares[:, :2] + answers[:, :2] * VARIANCES[0] * squares[:, 2:]
    sides = squares[:, 2:] * (answers[:, 2:] * VARIANCES[1]).exp()
    return torch.cat([centres - sides / 2, centres + sides / 2], dim=1)


def points_of(answers: Tensor, squares: Tensor) -> Tensor:
    """Points (n, 5, 2) in pixels: the left eye in the picture, the right one, nose, left and right end of the mouth."""
    return squares[:, None, :2] + answers.reshape(-1, 5, 2) * VARIANCES[0] * squares[:, None, 2:]


def best(boxes: Tensor, scores: Tensor, overlap: float) -> list[int]:
    """The boxes that no better one covers by more than `overlap` (intersection over union), the best first."""
    areas = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(1)
    kept: list[int] = []
    for position in scores.argsort(descending=True):
        index = int(position)
        if kept:
            corners = torch.cat([torch.maximum(boxes[index, :2], boxes[kept, :2]), torch.minimum(boxes[index, 2:], boxes[kept, 2:])], dim=1)
            shared = (corners[:, 2:] - corners[:, :2]).clamp(min=0).prod(1)
            if bool((shared / (areas[index] + areas[kept] - shared) > overlap).any()):
                continue
        kept.append(index)
    return kept


def retinaface_of(tensors: Mapping[str, Tensor]) -> RetinaFace:
    """The network of some weights, its widths read off them. Raises KeyError, RuntimeError for other weights."""
    tensors = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    counts = [len({name.split(".")[2] for name in tensors if name.startswith(f"body.layer{level}.")}) for level in (1, 2, 3, 4)]
    width, wide = tensors["body.conv1.weight"].shape[0], tensors["fpn.output1.0.weight"].shape[0]
    network = RetinaFace(width=width, wide=wide, blocks=(counts[0], counts[1], counts[2], counts[3]))
    network.load_state_dict({name: tensor for name, tensor in tensors.items() if not name.startswith("body.fc.")})
    return network.eval()
