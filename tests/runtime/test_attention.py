"""Attention kernels by A1111's names."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from modules.contract.errors import NotFound
from modules.runtime.attention import KERNELS, attention


@pytest.mark.parametrize("name", KERNELS)
def test_every_name_computes_attention(name: str) -> None:
    query, key, value = torch.randn(3, 1, 2, 16, 8, generator=torch.Generator().manual_seed(0))
    wanted = ((query @ key.transpose(-1, -2)) * 8**-0.5).softmax(-1) @ value
    with attention(name):
        torch.testing.assert_close(scaled_dot_product_attention(query, key, value), wanted, atol=1e-5, rtol=1e-5)  # another order of sums


def test_none_takes_the_plain_formula_and_the_choice_ends_with_the_context() -> None:
    before = torch.backends.cuda.flash_sdp_enabled()
    with attention("None"):
        assert not torch.backends.cuda.flash_sdp_enabled()
        assert torch.backends.cuda.math_sdp_enabled()
    assert torch.backends.cuda.flash_sdp_enabled() == before


def test_without_the_memory_efficient_kernel_the_others_are_left() -> None:
    with attention("sdp-no-mem"):
        assert not torch.backends.cuda.mem_efficient_sdp_enabled()
        assert torch.backends.cuda.flash_sdp_enabled()


def test_an_unknown_name_is_refused_with_near_ones() -> None:
    with pytest.raises(NotFound, match="sdp-no-mem"), attention("sdp-nomem"):
        pass
