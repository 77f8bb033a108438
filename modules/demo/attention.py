"""Attention for training on a processor: torch's own, fused or not, takes half of each step there for heads this narrow."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportOptionalCall=false, reportOptionalSubscript=false
# (what diffusers annotates is narrower than what it takes and gives)

from typing import Any

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from torch import Tensor


class PlainAttention(torch.autograd.Function):
    """Softmax attention of (B·heads, tokens, width) as plain products; what is saved is the table of weights."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        weights = torch.bmm(query * scale, key.transpose(1, 2).contiguous()).softmax(-1)
        out = torch.bmm(weights, value)
        ctx.save_for_backward(query, key, value, weights, out)
        ctx.scale = scale
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:  # pyright: ignore
        query, key, value, weights, out = ctx.saved_tensors
        grad = grad.contiguous()
        # The softmax's own gradient needs only each row's product with the result: Dao et al. 2022, arXiv:2205.14135, B.2.
        passed = torch.bmm(grad, value.transpose(1, 2).contiguous())
        passed.sub_((grad * out).sum(-1, keepdim=True)).mul_(weights)
        by_query = torch.bmm(passed, key) * ctx.scale
        by_key = torch.bmm(passed.transpose(1, 2), query) * ctx.scale
        return by_query, by_key, torch.bmm(weights.transpose(1, 2), grad), None


class PlainProcessor:
    """What diffusers' Attention calls in place of its own computation; for networks without masks or dropout."""

    def __call__(
        self,
        attention: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        assert attention_mask is None
        seen = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = attention.to_q(hidden_states), attention.to_k(seen), attention.to_v(seen)
        query, key, value = (attention.head_to_batch_dim(part).contiguous() for part in (query, key, value))
        out = PlainAttention.apply(query, key, value, attention.scale)
        return attention.to_out[0](attention.batch_to_head_dim(out))


def use_plain_attention(model: UNet2DConditionModel) -> None:
    """Makes every attention of the network a plain one; its weights and results stay the same."""
    model.set_attn_processor(PlainProcessor())  # pyright: ignore
