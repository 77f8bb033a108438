"""Network layers that rotate a module's weight: OFT and BOFT."""

from math import prod

import torch
from torch import Tensor

from modules.weights.lora_layers import Layer, Parts


class Oft(Layer):
    """Rotations of blocks of outputs. Qiu et al. 2023, arXiv:2306.07280, eq. 2 to 4; with factors (4 dimensions) BOFT, arXiv:2311.06243.

    `oft_blocks` hold Q before it is made skew, and alpha the bound of its norm for each output; `oft_diag` (old LyCORIS) holds
    the rotations themselves. (blocks, size, size), for BOFT (factors, blocks, size, size). Always float32.
    """

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.fixed_scale = 1.0
        self.ready = "oft_blocks" not in parts
        self.blocks = parts["oft_diag" if self.ready else "oft_blocks"]
        self.rescale = parts.get("rescale")

    @classmethod
    def made_of(cls, parts: Parts) -> bool:
        """Whether the rotations are there in one of their two forms."""
        return "oft_blocks" in parts or "oft_diag" in parts

    def covers(self, shape: tuple[int, ...]) -> bool:
        outputs = prod(self.blocks.shape[-3:-1])
        square = self.blocks.shape[-1] == self.blocks.shape[-2]
        return square and outputs == shape[0] and (self.rescale is None or self.rescale.numel() == outputs)

    def product(self, weight: Tensor, dyn: int | None) -> Tensor:
        weight = weight.float()
        rotations = self.rotations(self.blocks.to(weight.device, torch.float32), outputs=weight.shape[0])
        turned = butterfly(rotations, weight) if rotations.dim() == 4 else turned_blocks(rotations.transpose(1, 2), weight)
        if self.rescale is not None:
            turned = turned * self.rescale.to(turned).reshape(-1, *[1] * (weight.dim() - 1))
        return turned - weight

    def rotations(self, blocks: Tensor, *, outputs: int) -> Tensor:
        """The blocks as rotations, by Cayley's transform: (I + Q) (I - Q)^-1."""
        if self.ready:
            return blocks
        skew = blocks - blocks.mT
        if self.alpha:
            norm = skew.norm()
            skew = skew * ((norm.clamp(max=self.alpha * outputs) + 1e-8) / (norm + 1e-8))
        identity = torch.eye(blocks.shape[-1], device=blocks.device)
        return (identity + skew) @ (identity - skew).inverse()


def turned_blocks(rotations: Tensor, weight: Tensor) -> Tensor:
    """Each block of a weight's outputs multiplied by its rotation (blocks, size, size)."""
    blocks = weight.reshape(*rotations.shape[:2], -1)
    return (rotations @ blocks).reshape(weight.shape)


def butterfly(rotations: Tensor, weight: Tensor) -> Tensor:
    """A weight turned by one factor after another, each on outputs that lie further apart; rotations (factors, blocks, size, size)."""
    for power, factor in enumerate(rotations):
        stride = 2**power * (factor.shape[-1] // 2)
        spread = weight.reshape(-1, 2, stride, *weight.shape[1:]).transpose(1, 2).reshape(weight.shape)
        turned = turned_blocks(factor, spread)
        weight = turned.reshape(-1, stride, 2, *weight.shape[1:]).transpose(1, 2).reshape(weight.shape)
    return weight
