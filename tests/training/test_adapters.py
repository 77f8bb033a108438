"""Which modules get an adapter, and what it adds: counted on the large models' shapes, computed on tiny models."""

from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from transformers import CLIPTextConfig, CLIPTextModel

from modules.contract.errors import BadRequest
from modules.contract.training import NetworkOptions, NetworkType
from modules.families.unet import build_unet
from modules.training.methods import adapters
from tests import tiny
from tests.training import made

torch.set_num_threads(1)
# Modules, of them in attentions, further ones with LoCon, millions of numbers at rank 16, of them in attentions: kohya's.
COUNTS = {"sd1": (192, 128, 86, 6.783, 3.189), "sd2": (192, 128, 86, 6.914, 3.320), "sdxl": (722, 560, 66, 42.557, 23.224)}


def numbers(layers: dict[str, Any]) -> float:
    """Millions of numbers in some adapters."""
    return round(sum(one.numel() for layer in layers.values() for one in adapters.parameters_of(layer).values()) / 1e6, 3)


@pytest.mark.parametrize("family", COUNTS)
def test_the_large_models_have_as_many_adapters_as_kohyas(family: str) -> None:
    modules, inside, further, size, size_inside = COUNTS[family]
    with torch.device("meta"):
        unet = build_unet(made.sizes()[family].config())
    plain = adapters.unet_targets(unet, NetworkOptions(rank=16))
    attention = adapters.unet_targets(unet, NetworkOptions(rank=16, layers="attention"))
    convolutions = adapters.unet_targets(unet, NetworkOptions(rank=16, conv_rank=8, type="LoCon"))
    assert (len(plain), len(attention), len(convolutions) - len(plain)) == (modules, inside, further)
    assert {size.rank for path, size in convolutions.items() if path.endswith(("conv1", "conv2"))} == {8}
    assert {size.rank for path, size in convolutions.items() if path.endswith(("time_emb_proj", "conv_shortcut", "to_q"))} == {16}
    if family != "sd2":
        layers = adapters.adapt(unet, attention, NetworkOptions(rank=16, layers="attention"), 0)
        assert numbers(layers) == size_inside
    else:
        assert numbers(adapters.adapt(unet, plain, NetworkOptions(rank=16), 0)) == size


@pytest.mark.parametrize(("width", "layers", "count"), [(768, 12, 72), (1024, 23, 138), (1280, 32, 192)])
def test_the_large_text_encoders_have_as_many_adapters_as_kohyas(width: int, layers: int, count: int) -> None:
    config = CLIPTextConfig(hidden_size=width, num_hidden_layers=layers, intermediate_size=4 * width, num_attention_heads=width // 64)
    with torch.device("meta"):
        model = CLIPTextModel(config)
    assert len(adapters.text_targets(model, NetworkOptions(rank=16))) == count


@pytest.mark.parametrize("kind", get_args(NetworkType))
def test_an_adapter_is_nothing_at_first_and_then_what_it_says(tmp_path: Path, kind: str) -> None:
    network = {"rank": 4, "alpha": 2.0, "conv_rank": 3, "type": kind}
    components, prepared = made.ready(tmp_path, "sd1", made.request(network=network))
    with torch.no_grad():
        plain = made.answer(made.load_checkpoint(tmp_path / "sd1.safetensors", None, tiny.PLACING))
        # DoRA divides by lengths that it has just computed, which costs it a last digit.
        torch.testing.assert_close(made.answer(components), plain, atol=2e-6 if kind == "DoRA" else 0, rtol=0)
    made.change(prepared)
    changed = made.answer(components)
    changed.square().mean().backward()
    assert all(value.grad is not None for value in prepared.tensors().values())
    other = made.load_checkpoint(tmp_path / "sd1.safetensors", None, tiny.PLACING)
    with torch.no_grad():
        for target, layer in prepared.layers.items():  # pyright: ignore - a LoRA's
            other.unet.get_submodule(target.path).weight.add_(adapters.delta_of(layer))  # pyright: ignore
        assert (changed - plain).abs().max() > 1e-3
        torch.testing.assert_close(made.answer(other), changed.detach(), atol=5e-6, rtol=0)
        with prepared.without():
            assert torch.equal(made.answer(components), plain)


def test_what_an_adapter_begins_with_follows_from_the_seed_alone(tmp_path: Path) -> None:
    torch.manual_seed(1)
    first = made.ready(tmp_path, "sd1", made.request(parts={"text_encoder": True}))[1].tensors()
    torch.manual_seed(2)
    again = made.ready(tmp_path, "sd1", made.request(parts={"text_encoder": True}))[1].tensors()
    other = made.ready(tmp_path, "sd1", made.request(parts={"text_encoder": True}, steps={"seed": 5}))[1].tensors()
    assert first.keys() == again.keys()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first if name.endswith("lora_A"))


@pytest.mark.parametrize(
    "network", [{"dropout": 0.5}, {"rank_dropout": 0.5}, {"rank_dropout": 0.5, "type": "LoHa"}, {"rank_dropout": 0.5, "type": "LoKr"}]
)
def test_dropout_acts_only_while_it_is_switched_on(tmp_path: Path, network: dict[str, Any]) -> None:
    components, prepared = made.ready(tmp_path, "sd1", made.request(network={"rank": 4, **network}))
    made.change(prepared, 0.2)
    with torch.no_grad():
        still = made.answer(components)
        assert torch.equal(made.answer(components), still)
        prepared.switch(True)
        torch.manual_seed(3)
        one = made.answer(components)
        torch.manual_seed(3)
        assert torch.equal(made.answer(components), one)
        assert not torch.equal(made.answer(components), one)
        prepared.switch(False)
        assert torch.equal(made.answer(components), still)


@pytest.mark.parametrize(
    ("network", "problem"),
    [
        ({"rank": 0}, "rank is not decided"),
        ({"rank": 4, "type": "LoHa", "dropout": 0.1}, "LoHa has no dropout"),
        ({"rank": 4, "type": "DoRA", "rank_dropout": 0.1}, "DoRA has no rank dropout"),
    ],
)
def test_what_a_kind_does_not_have_is_refused(tmp_path: Path, network: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadRequest, match=problem):
        made.ready(tmp_path, "sd1", made.request(network=network))
