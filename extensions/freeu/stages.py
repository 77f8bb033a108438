"""FreeU's arithmetic: what a decoder block sees of its backbone and of its skip connection. Si et al. 2023, arXiv:2309.11497."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

Version = Literal["1", "2"]


@dataclass(frozen=True)
class Stage:
    """How the blocks of one width are weighed; all ones: not at all.

    `backbone` scales the share `width` of the backbone's channels that begins at share `offset`; `skip` scales the skip connection's
    low frequencies, those nearer to the middle of its spectrum than `cutoff` (share of the half side, at least 1), `high` the others.
    """

    backbone: float = 1.0
    skip: float = 1.0
    offset: float = 0.0
    width: float = 0.5
    cutoff: float = 0.0
    high: float = 1.0

    def faded(self, strength: float) -> "Stage":
        """The stage on its way from all ones (strength 0) to itself (1)."""
        factors = (1 + (factor - 1) * strength for factor in (self.backbone, self.skip, self.high))
        backbone, skip, high = factors
        return Stage(backbone, skip, self.offset, self.width, self.cutoff, high)


def weighed_backbone(x: Tensor, stage: Stage, version: Version) -> Tensor:
    """Backbone features (N, C, h, w) with a part of their channels scaled: by one factor (1), or by a map of their own mean (2; eq. 2, 3).

    The map runs from 1 where the mean over all channels is lowest to the factor where it is highest, picture by picture.
    """
    if stage.backbone == 1.0:
        return x
    channels = x.shape[1]
    first = min(int(channels * stage.offset), channels)
    last = min(first + int(channels * stage.width), channels)
    factor: Tensor | float = stage.backbone
    if version == "2":
        mean = x.float().mean(dim=1, keepdim=True)
        least, most = mean.amin(dim=(2, 3), keepdim=True), mean.amax(dim=(2, 3), keepdim=True)
        flat = most == least  # a plain field has no place that stands out
        share = torch.where(flat, torch.zeros_like(mean), (mean - least) / torch.where(flat, torch.ones_like(most), most - least))
        factor = ((stage.backbone - 1) * share + 1).to(x.dtype)
    return torch.cat([x[:, :first], x[:, first:last] * factor, x[:, last:]], dim=1)


def weighed_skip(h: Tensor, stage: Stage) -> Tensor:
    """Skip features (N, C, h, w) with their low frequencies scaled by `skip`, the others by `high` (eq. 4 to 6), in float32."""
    if stage.skip == 1.0 and stage.high == 1.0:
        return h
    rows, columns = h.shape[2:]
    spectrum = torch.fft.fftshift(torch.fft.fftn(h.float(), dim=(-2, -1)), dim=(-2, -1))
    radius = max(1, round(min(rows, columns) / 2 * stage.cutoff))
    top, left = max(rows // 2 - radius, 0), max(columns // 2 - radius, 0)
    mask = torch.full((rows, columns), stage.high, device=h.device)
    mask[top : rows // 2 + radius, left : columns // 2 + radius] = stage.skip
    changed = torch.fft.ifftn(torch.fft.ifftshift(spectrum * mask, dim=(-2, -1)), dim=(-2, -1)).real
    return changed.to(h.dtype)


@dataclass(frozen=True, eq=False)
class Joint:
    """A residual block of the way up, the first `backbone` of whose input channels come from below; `level` counts widths from 0."""

    block: nn.Module
    backbone: int
    level: int


def joints(unet: Any) -> list[Joint]:
    """All places of a U-Net where backbone and skip connection meet.

    The level is that of the backbone's width, the widest first, as in the authors' code (1280 and 640 channels in SD).
    """
    found: list[tuple[nn.Module, int]] = []
    width: int = unet.mid_block.resnets[-1].out_channels
    for block in unet.up_blocks:
        for resnet in block.resnets:
            found.append((resnet, width))
            width = resnet.out_channels
    widths = sorted({width for _, width in found}, reverse=True)
    return [Joint(block, width, widths.index(width)) for block, width in found]
