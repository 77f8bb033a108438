"""Group normalization for training on a processor: torch's own takes half of each step there on channels-last tensors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class GroupNormalization(torch.autograd.Function):
    """Wu & He 2018, arXiv:1803.08494, as per-channel scales and shifts, so that every pass reads memory in order."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float) -> Tensor:
        b, c, h, w = x.shape
        values = x.permute(0, 2, 3, 1).reshape(b, h * w, c)
        # Around its mean first: sums of squares of half floats lose a small spread about a large mean.
        channel_mean = values.mean(1, dtype=torch.float32).to(x.dtype)
        offsets = values - channel_mean[:, None]
        squares = (offsets * offsets).mean(1, dtype=torch.float32)
        channel_mean = channel_mean.float()
        mean = _over_groups(channel_mean, groups)
        variance = _over_groups(squares + (channel_mean - mean) ** 2, groups)
        inverse = (variance + eps).rsqrt()
        centre = mean - channel_mean
        scale = inverse * weight
        y = torch.addcmul((bias - centre * scale).to(x.dtype)[:, None], offsets, scale.to(x.dtype)[:, None])
        ctx.save_for_backward(offsets, inverse, centre, weight)
        ctx.groups, ctx.shape = groups, x.shape
        return y.view(b, h, w, c).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:  # pyright: ignore
        offsets, inverse, centre, weight = ctx.saved_tensors
        b, c, h, w = ctx.shape
        grads = grad.permute(0, 2, 3, 1).reshape(b, h * w, c)
        total = grads.sum(1, dtype=torch.float32)
        along = ((grads * offsets).sum(1, dtype=torch.float32) - total * centre) * inverse
        mean_total = _over_groups(total * weight, ctx.groups) / (h * w)
        mean_along = _over_groups(along * weight, ctx.groups) / (h * w)
        constant = inverse * (inverse * mean_along * centre - mean_total)
        by_offset, by_grad = -inverse * inverse * mean_along, inverse * weight
        dtype = grad.dtype
        passed = torch.addcmul(constant.to(dtype)[:, None], offsets, by_offset.to(dtype)[:, None])
        passed = passed.addcmul_(grads, by_grad.to(dtype)[:, None])
        return passed.view(b, h, w, c).permute(0, 3, 1, 2), along.sum(0), total.sum(0), None, None


@contextmanager
def quick_group_norm() -> Iterator[None]:
    """Every GroupNorm of four-dimensional tensors runs as above inside this context."""
    original = nn.GroupNorm.forward

    def forward(self: nn.GroupNorm, x: Tensor) -> Tensor:
        if x.dim() != 4:
            return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)
        return GroupNormalization.apply(x, self.weight, self.bias, self.num_groups, self.eps)

    nn.GroupNorm.forward = forward  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.GroupNorm.forward = original  # type: ignore[method-assign]


def _over_groups(x: Tensor, groups: int) -> Tensor:
    """The mean over each group of channels, given back to every channel of it; (B, C)."""
    b, c = x.shape
    return x.view(b, groups, -1).mean(2, keepdim=True).expand(b, groups, c // groups).reshape(b, c)
