"""OpenPose's networks: convolutional pose machines for bodies, hands and faces, over the front of VGG-19.

Wei et al. 2016 (arXiv:1602.00134); bodies: Cao et al. 2017 (arXiv:1611.08050); hands and, alike, faces: Simon et al. 2017
(arXiv:1704.07809).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

STAGES = 6
STRIDE = 8  # pixels of the picture to one of the maps
BODY_POINTS, BODY_FIELDS, HAND_POINTS, FACE_POINTS = 18, 38, 21, 70
Layer = tuple[str, int, int]  # name, channels that it makes, side of its kernel
VGG: Sequence[Layer | None] = (  # None: halving by the maximum
    ("conv1_1", 64, 3), ("conv1_2", 64, 3), None,
    ("conv2_1", 128, 3), ("conv2_2", 128, 3), None,
    ("conv3_1", 256, 3), ("conv3_2", 256, 3), ("conv3_3", 256, 3), ("conv3_4", 256, 3), None,
    ("conv4_1", 512, 3), ("conv4_2", 512, 3),
)  # fmt: skip
BODY_FRONT = (*VGG, ("conv4_3_CPM", 256, 3), ("conv4_4_CPM", 128, 3))
HAND_FRONT = (*VGG, ("conv4_3", 512, 3), ("conv4_4", 512, 3), ("conv5_1", 512, 3), ("conv5_2", 512, 3), ("conv5_3_CPM", 128, 3))
BODY_FIRST = (("conv5_1_CPM", 128, 3), ("conv5_2_CPM", 128, 3), ("conv5_3_CPM", 128, 3), ("conv5_4_CPM", 512, 1), ("conv5_5_CPM", 0, 1))
HAND_FIRST = (("conv6_1_CPM", 512, 1), ("conv6_2_CPM", 0, 1))
LATER = (*((f"Mconv{number}", 128, 7) for number in range(1, 6)), ("Mconv6", 128, 1), ("Mconv7", 0, 1))
FEATURES = 128
OF_FILES = re.compile(r"^model\d(_\d)?\.")  # before each name, where a file was written with its program's own blocks


@dataclass(frozen=True)
class Branch:
    """One kind of maps that every stage makes anew: what its layers' names end on, how many maps, whether the last ones are cut at zero."""

    ending: str
    maps: int
    positive: bool = False


class PoseMachine(nn.Module):
    """Features of a picture, then six stages, each of which sees the features and the maps of the stage before. Names as in the files."""

    def __init__(self, front: Sequence[Layer | None], first: Sequence[Layer], branches: Sequence[Branch]) -> None:
        super().__init__()
        self.front, self.first, self.branches = front, first, branches
        channels = 3
        for layer in front:
            channels = self.add(layer, channels) if layer else channels
        for branch in branches:
            for stage in range(1, STAGES + 1):
                channels = FEATURES if stage == 1 else FEATURES + sum(one.maps for one in branches)
                for layer in self.layers(branch, stage):
                    channels = self.add(layer, channels)

    def add(self, layer: Layer, channels: int) -> int:
        """Takes a layer in, which sees `channels`; how many it makes."""
        name, made, side = layer
        self.add_module(name, nn.Conv2d(channels, made, side, padding=side // 2))
        return made

    def layers(self, branch: Branch, stage: int) -> list[Layer]:
        """The layers of a branch in a stage."""
        named = self.first if stage == 1 else [(f"{name}_stage{stage}", channels, side) for name, channels, side in LATER]
        return [(f"{name}{branch.ending}", channels or branch.maps, side) for name, channels, side in named]

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """The last stage's maps of each branch, (n, maps, h/8, w/8), for pictures (n, 3, h, w): BGR from -0.5 to 0.5."""
        features = pictures
        for layer in self.front:
            features = self.get_submodule(layer[0])(features).relu_() if layer else nn.functional.max_pool2d(features, 2)
        seen, maps = features, ()
        for stage in range(1, STAGES + 1):
            maps = tuple(self.run(branch, stage, seen) for branch in self.branches)
            seen = torch.cat([*maps, features], 1)
        return maps

    def run(self, branch: Branch, stage: int, seen: Tensor) -> Tensor:
        """A branch's maps of one stage."""
        layers = self.layers(branch, stage)
        for number, (name, *_) in enumerate(layers, 1):
            seen = self.get_submodule(name)(seen)
            if number < len(layers) or (branch.positive and stage == STAGES):
                seen = seen.relu_()
        return seen


def body_network(tensors: dict[str, Tensor]) -> nn.Module:
    """The network in body_pose_model.pth: (fields (n, 38, ...), points and background (n, 19, ...)).

    The published network cuts the last points at zero, unlike the paper. Raises RuntimeError for tensors of something else.
    """
    return filled(BODY_FRONT, BODY_FIRST, (Branch("_L1", BODY_FIELDS), Branch("_L2", BODY_POINTS + 1, positive=True)), tensors)


def hand_network(tensors: dict[str, Tensor]) -> nn.Module:
    """The network in hand_pose_model.pth: (points and background (n, 22, ...),). Raises RuntimeError."""
    return filled(HAND_FRONT, HAND_FIRST, (Branch("", HAND_POINTS + 1),), tensors)


def face_network(tensors: dict[str, Tensor]) -> nn.Module:
    """The network in facenet.pth: (points and background (n, 71, ...),). Raises RuntimeError."""
    return filled(HAND_FRONT, HAND_FIRST, (Branch("", FACE_POINTS + 1),), tensors)


def filled(front: Sequence[Layer | None], first: Sequence[Layer], branches: Sequence[Branch], tensors: dict[str, Tensor]) -> nn.Module:
    """A network with a file's tensors. Raises RuntimeError where a name or shape is another."""
    with torch.device("meta"):  # the file's numbers are taken as they are: none need be drawn first
        network = PoseMachine(front, first, branches)
    network.load_state_dict({OF_FILES.sub("", name): value for name, value in tensors.items()}, strict=True, assign=True)
    return network
