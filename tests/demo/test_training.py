"""What makes the demo's training quick on a processor computes what it replaces."""

import torch
from torch import nn

from modules.demo import networks, reading
from modules.demo.attention import PlainAttention
from modules.demo.normalization import quick_group_norm


def test_the_quick_group_norm_has_the_values_and_gradients_of_torchs() -> None:
    torch.manual_seed(0)
    norm = nn.GroupNorm(32, 96, dtype=torch.float64)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = torch.randn(2, 96, 4, 4, dtype=torch.float64).contiguous(memory_format=torch.channels_last).requires_grad_()
    wanted = norm(x)
    pull = torch.randn_like(wanted)
    wanted_grads = torch.autograd.grad(wanted, [x, norm.weight, norm.bias], pull)
    with quick_group_norm():
        got = norm(x)
    grads = torch.autograd.grad(got, [x, norm.weight, norm.bias], pull)
    torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5)  # its sums are in float32
    for grad, wanted_grad in zip(grads, wanted_grads, strict=True):
        torch.testing.assert_close(grad, wanted_grad, rtol=1e-4, atol=1e-5)


def test_plain_attention_is_torchs_attention() -> None:
    torch.manual_seed(0)
    query, key, value = (torch.randn(4, tokens, 12, dtype=torch.float64, requires_grad=True) for tokens in (9, 7, 7))
    wanted = nn.functional.scaled_dot_product_attention(query, key, value, scale=0.3)
    got = PlainAttention.apply(query, key, value, 0.3)
    torch.testing.assert_close(got, wanted)
    pull = torch.randn_like(wanted)
    grads = [torch.autograd.grad(result, [query, key, value], pull) for result in (got, wanted)]
    torch.testing.assert_close(*grads)


def test_captions_are_padded_as_stable_diffusion_pads_them() -> None:
    rows = reading.padded([[736], []])
    assert rows.shape == (2, networks.TOKENS)
    assert rows[0, :4].tolist() == [49406, 736, 49407, 49407]
    assert rows[1, :2].tolist() == [49406, 49407]
