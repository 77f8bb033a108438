"""Control networks against diffusers' own forward passes: what each adds to the U-Net is the same."""

# pyright: reportArgumentType=false, reportCallIssue=false

from typing import Any

import pytest
import torch
from diffusers import ControlNetModel, ControlNetUnionModel
from torch import Tensor

from modules.sampling.guidance import Residuals
from tests.families import controls

T = 321


def inputs(width: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Latents, timestep, text and hint of one picture of 64 x 64 pixels."""
    torch.manual_seed(seed)
    return torch.randn(1, 4, 8, 8), torch.tensor([T]), torch.randn(1, 77, width), torch.rand(1, 3, 64, 64)


def added(pooled: Tensor, numbers: Tensor, network: Any) -> Tensor:
    """SDXL's vector (1, V) as diffusers makes it of a pooled text and six numbers."""
    return torch.cat([pooled, network.add_time_proj(numbers.flatten()).reshape(1, -1)], dim=1)


def same(ours: Residuals, down: Any, middle: Tensor) -> None:
    for one, other in zip([*ours.down, ours.mid], [*down, middle], strict=True):
        assert one is not None and torch.allclose(one, other, atol=1e-5, rtol=1e-4) and other.abs().max() > 1e-3


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl"])
@torch.inference_mode()
def test_a_controlnet_gives_what_diffusers_does(family: str) -> None:
    network = controls.controlnet(family)
    x, t, context, hint = inputs(controls.SHAPES[family]["cross_attention_dim"])
    more: dict[str, Any] = {}
    vector = None
    if family == "sdxl":
        pooled, numbers = torch.randn(1, 64), torch.tensor([[64.0, 64, 0, 0, 64, 64]])
        more, vector = {"added_cond_kwargs": {"text_embeds": pooled, "time_ids": numbers}}, added(pooled, numbers, network)
    down, middle = ControlNetModel.forward(network, x, t, context, hint, return_dict=False, **more)
    same(network.residuals(x, t, context, vector, network.prepared(hint)), down, middle)


@pytest.mark.parametrize("kind", range(6))
@torch.inference_mode()
def test_a_union_gives_what_diffusers_does_for_each_kind_of_hint(kind: int) -> None:
    network = controls.union()
    x, t, context, hint = inputs(128)
    pooled, numbers = torch.randn(1, 64), torch.tensor([[64.0, 64, 0, 0, 64, 64]])
    marked = torch.zeros(1, 6)
    marked[:, kind] = 1
    down, middle = ControlNetUnionModel.forward(
        network, x, t, context, controlnet_cond=[hint], control_type=marked, control_type_idx=[kind], return_dict=False,
        added_cond_kwargs={"text_embeds": pooled, "time_ids": numbers},
    )  # fmt: skip
    same(network.residuals(x, t, context, added(pooled, numbers, network), network.prepared(hint), kind=kind), down, middle)


@torch.inference_mode()
def test_a_batch_of_a_union_is_its_rows() -> None:
    network = controls.union()
    (x, t, context, hint), (x2, _, context2, hint2) = inputs(128), inputs(128, seed=1)
    vector = torch.randn(2, 64 + 6 * 256)
    both = network.residuals(torch.cat([x, x2]), t.repeat(2), torch.cat([context, context2]), vector,
                             network.prepared(torch.cat([hint, hint2])), kind=2)  # fmt: skip
    for row, (latents, text, picture) in enumerate(((x, context, hint), (x2, context2, hint2))):
        alone = network.residuals(latents, t, text, vector[row : row + 1], network.prepared(picture), kind=2)
        for one, other in zip([*both.down, both.mid], [*alone.down, alone.mid], strict=True):
            assert one is not None and other is not None and torch.allclose(one[row], other[0], atol=1e-5, rtol=1e-4)
