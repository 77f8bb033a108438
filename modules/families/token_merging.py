"""Token merging: attention over fewer tokens, the most alike merged into one. Bolya and Hoffman 2023, arXiv:2303.17604."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from diffusers.models.attention import BasicTransformerBlock
from torch import Tensor, nn

STRIDE = 2  # one token of each 2x2 stays; the others may be merged into it
Change = Callable[[Tensor], Tensor]


@contextmanager
def merged_tokens(unet: nn.Module, ratio: float) -> Iterator[None]:
    """Merge a share `ratio` (0..0.75 acts) of the tokens in the self-attention of a U-Net's finest level; undone at the end."""
    grid: list[tuple[int, int]] = [(0, 0)]
    block: list[Tensor] = []  # what the block got: its tokens are compared, not the normed ones that attention sees
    undo: list[Change] = []

    def look(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        x = args[0] if args else kwargs["sample"]
        grid[0] = (x.shape[2], x.shape[3])

    def enter(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        block[:] = [args[0] if args else kwargs["hidden_states"]]

    def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        x = args[0] if args else kwargs["hidden_states"]
        undo.clear()
        if x.shape[1] != grid[0][0] * grid[0][1]:
            block.clear()
            return None
        merge, unmerge = matching(block.pop(), *grid[0], int(x.shape[1] * ratio))
        undo.append(unmerge)
        return (merge(x), *args[1:]) if args else (), kwargs if args else {**kwargs, "hidden_states": merge(x)}

    def after(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        return undo.pop()(output) if undo else output

    handles = [unet.register_forward_pre_hook(look, with_kwargs=True)]
    for module in unet.modules():
        if isinstance(module, BasicTransformerBlock):
            handles.append(module.register_forward_pre_hook(enter, with_kwargs=True))
            handles.append(module.attn1.register_forward_pre_hook(before, with_kwargs=True))
            handles.append(module.attn1.register_forward_hook(after))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def matching(x: Tensor, height: int, width: int, count: int) -> tuple[Change, Change]:
    """How to merge `count` of the tokens x (B, height * width, C) into those most like them, and how to spread the result again.

    The first token of each 2x2 is one that others are merged into (the paper draws it at random; A1111 takes the first).
    """
    rows, columns = height // STRIDE, width // STRIDE
    stays = torch.zeros(height, width, dtype=torch.bool, device=x.device)
    stays[: rows * STRIDE : STRIDE, : columns * STRIDE : STRIDE] = True
    flat = stays.view(-1)
    sources, targets = (~flat).nonzero()[:, 0], flat.nonzero()[:, 0]
    count = min(count, len(sources))
    metric = x / x.norm(dim=-1, keepdim=True)
    scores = metric[:, sources] @ metric[:, targets].transpose(-1, -2)  # (B, sources, targets)
    best, partner = scores.max(dim=-1)
    order = best.argsort(dim=-1, descending=True)
    merged, kept = order[:, :count], order[:, count:]  # places among the sources
    into = partner.gather(1, merged)

    def wide(index: Tensor, size: int) -> Tensor:
        return index[..., None].expand(-1, -1, size)

    def merge(value: Tensor) -> Tensor:
        size = value.shape[-1]
        source, target = value[:, sources], value[:, targets]
        target = target.scatter_reduce(1, wide(into, size), source.gather(1, wide(merged, size)), reduce="mean")
        return torch.cat([source.gather(1, wide(kept, size)), target], dim=1)

    def unmerge(value: Tensor) -> Tensor:
        size = value.shape[-1]
        alone, target = value[:, : kept.shape[1]], value[:, kept.shape[1] :]
        out = value.new_zeros(value.shape[0], height * width, size)
        out[:, targets] = target
        out.scatter_(1, wide(sources[merged], size), target.gather(1, wide(into, size)))
        out.scatter_(1, wide(sources[kept], size), alone)
        return out

    return merge, unmerge
