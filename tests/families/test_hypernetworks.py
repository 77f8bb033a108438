"""Hypernetworks in a small real U-Net's attention."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from modules.families.hypernetworks import Detours
from modules.families.unet import UNet
from modules.weights.hypernetwork import Hypernetwork
from tests.families.network_files import tiny_unet

TEXT, SELF = 24, 16  # the widths that the U-Net's cross-attention and its first level's self-attention see


def hypernetwork(*widths: int, seed: int = 0) -> Hypernetwork:
    torch.manual_seed(seed)
    return Hypernetwork(Path("x.pt"), "x", {width: (nn.Linear(width, width), nn.Linear(width, width)) for width in widths})


@pytest.fixture
def unet() -> UNet:
    return tiny_unet()


@torch.inference_mode()
def output(unet: UNet) -> Tensor:
    torch.manual_seed(5)
    x, context = (torch.randn(shape, dtype=unet.dtype) for shape in ((1, 4, 8, 8), (1, 7, TEXT)))
    return unet(x, torch.tensor([500.0]), encoder_hidden_states=context, return_dict=False)[0]


def rewritten(unet: UNet, one: Hypernetwork, strength: float) -> UNet:
    """The U-Net with a linear hypernetwork put into its projections: W (x + s (H x + b)), bias s W b."""
    for name, module in unet.named_modules():
        if isinstance(module, nn.Linear) and name.endswith(("to_k", "to_v")) and module.in_features in one.layers:
            inner = one.layers[module.in_features][name.endswith("to_v")]
            assert isinstance(inner, nn.Linear)
            weight = module.weight.clone()
            module.weight.data = weight + strength * weight @ inner.weight
            module.bias = nn.Parameter(strength * weight @ inner.bias)
    return unet


@pytest.mark.parametrize("widths", [(TEXT,), (SELF,), (TEXT, SELF)])
def test_keys_and_values_are_made_from_what_the_hypernetwork_gives(unet: UNet, widths: tuple[int, ...]) -> None:
    one = hypernetwork(*widths)
    plain = output(unet)
    Detours(unet).applied([(one, 0.7)])
    wanted = output(rewritten(tiny_unet(), one, 0.7))
    assert not torch.allclose(plain, wanted, atol=1e-3)
    assert torch.allclose(output(unet), wanted, atol=1e-4)  # the same product in another order, through all layers


def test_several_act_one_after_another(unet: UNet) -> None:
    one, other = hypernetwork(TEXT, seed=1), hypernetwork(TEXT, SELF, seed=2)
    Detours(unet).applied([(one, 0.5), (other, 1.0)])
    wanted = output(rewritten(tiny_unet(), combined(one, 0.5, other, 1.0), 1.0))
    assert torch.allclose(output(unet), wanted, atol=1e-4)


def combined(one: Hypernetwork, a: float, other: Hypernetwork, b: float) -> Hypernetwork:
    """Two linear hypernetworks as one: what the second makes of what the first made, less the input."""
    layers: dict[int, tuple[nn.Module, nn.Module]] = {}
    for width, pair in other.layers.items():
        sides: list[nn.Module] = []
        for side, second in enumerate(pair):
            whole, identity = nn.Linear(width, width), torch.eye(width)
            first = one.layers[width][side] if width in one.layers else None
            assert isinstance(second, nn.Linear)
            w1, b1 = (
                (a * first.weight, a * first.bias) if isinstance(first, nn.Linear) else (torch.zeros_like(identity), torch.zeros(width))
            )
            step = identity + b * second.weight
            whole.weight.data, whole.bias.data = step @ (identity + w1) - identity, step @ b1 + b * second.bias
            sides.append(whole)
        layers[width] = (sides[0], sides[1])
    return Hypernetwork(Path("x.pt"), "x", layers)


def test_without_them_the_unet_is_as_it_was(unet: UNet) -> None:
    plain = output(unet)
    detours = Detours(unet)
    for strength in (1.0, 0.5):
        detours.applied([(hypernetwork(TEXT, SELF), strength)])
    detours.applied([])
    assert torch.equal(output(unet), plain)
    assert not any(module._forward_pre_hooks for module in unet.modules())


def test_no_strength_changes_nothing(unet: UNet) -> None:
    plain = output(unet)
    Detours(unet).applied([(hypernetwork(TEXT, SELF), 0.0)])
    assert torch.equal(output(unet), plain)


def test_another_strength_takes_the_place_of_the_first(unet: UNet) -> None:
    one, detours = hypernetwork(TEXT), Detours(unet)
    detours.applied([(one, 1.0)])
    detours.applied([(one, 0.25)])
    assert torch.allclose(output(unet), output(rewritten(tiny_unet(), one, 0.25)), atol=1e-4)


def test_in_half_precision_the_files_own_numbers_stay_whole(unet: UNet) -> None:
    one = hypernetwork(TEXT)
    nn.Module.to(unet, torch.bfloat16)
    Detours(unet).applied([(one, 1.0)])
    assert output(unet).dtype == torch.bfloat16
    assert {parameter.dtype for parameter in one.layers[TEXT][0].parameters()} == {torch.float32}


def test_widths_that_the_model_has_not_change_nothing(unet: UNet) -> None:
    Detours(unet).applied([(hypernetwork(999), 1.0)])
    assert torch.equal(output(unet), output(tiny_unet()))
