"""Where parts wait and compute. Without a card the processor stands for both places, and what is counted is who is in."""

import pytest
import torch
from torch import Tensor, nn

from modules.families.base import Components
from modules.families.clip_text import TextOptions
from modules.runtime.device import Device
from modules.runtime.placement import Placement, Placing, Where, placement_for, size_of, store_in_8_bits, stream
from tests import tiny

GB = 2**30
CARD = Device(torch.device("cuda"), torch.float16, torch.float16, True, "tests")
HERE = torch.device("cpu")
SIZES = {"unet": 5 * GB, "text": 2 * GB, "vae": GB // 4}


def linear() -> nn.Module:
    return nn.Linear(4, 4).requires_grad_(False)


@pytest.mark.parametrize(
    ("free", "where"), [(16 * GB, "Resident"), (8 * GB, "One part at a time"), (6 * GB, "In groups"), (1 * GB, "In groups")]
)
def test_free_memory_decides(free: int, where: str) -> None:
    assert placement_for(Placing(CARD), SIZES, free).where == where


def test_the_choice_is_told_with_its_figures() -> None:
    reason = placement_for(Placing(CARD), SIZES, 8 * GB).reason
    assert reason == "Networks wait: one part at a time, for the model has 7.2 GB, its largest part 5.0 GB, and cuda has 8.0 GB free."


@pytest.mark.parametrize("where", ["Resident", "One part at a time", "In groups"])
def test_a_wish_counts_more_than_free_memory(where: Where) -> None:
    assert placement_for(Placing(CARD, where), SIZES, 100 * GB).where == where


def test_on_a_processor_everything_stays() -> None:
    assert placement_for(Placing(tiny.CPU, "In groups"), SIZES).where == "Resident"


def test_one_part_at_a_time_is_on_the_device() -> None:
    placement = Placement(HERE, "One part at a time")
    for name in ("text", "unet", "vae"):
        placement.add(name, linear())
    seen: list[set[str]] = []
    for name in ("text", "unet", "unet", "vae"):
        with placement.on_device(name):
            seen.append(set(placement.present))
    assert seen == [{"text"}, {"unet"}, {"unet"}, {"vae"}]


def test_a_part_in_use_stays_while_another_is_asked_for() -> None:
    placement = Placement(HERE, "One part at a time")
    for name in ("controlnet", "unet", "vae"):
        placement.add(name, linear())
    with placement.on_device("controlnet"):
        with placement.on_device("unet"):
            assert placement.present == {"controlnet", "unet"}
        with placement.on_device("vae"):
            assert placement.present == {"controlnet", "vae"}


def test_what_waits_is_not_where_it_computes() -> None:
    placement = Placement(torch.device("meta"), "One part at a time")  # a place without memory stands for the card
    module = linear()
    placement.add("unet", module)
    assert next(module.parameters()).device.type == "cpu"
    with placement.on_device("unet"):
        assert next(module.parameters()).device.type == "meta"


def test_resident_parts_are_on_the_device_at_once() -> None:
    placement = Placement(torch.device("meta"))
    module = linear()
    placement.add("unet", module)
    assert next(module.parameters()).device.type == "meta"


def answer(components: Components) -> Tensor:
    with torch.inference_mode():
        text = components.encode_prompts(["a star"], TextOptions()).context
        noise = components.predict(torch.ones(1, 4, 8, 8), torch.tensor([10.0]), text)
        return components.decode(noise)


@pytest.mark.parametrize("where", ["One part at a time", "In groups"])
def test_the_picture_is_the_same_wherever_parts_wait(where: Where) -> None:
    components = tiny.loaded(tiny.tensors())
    before = answer(components)
    components.placement = Placement(HERE, where)
    components.placement.add("unet", components.unet, layers=True)
    components.placement.add("text", *(encoder.model for encoder in components.encoders))
    components.placement.add("vae", components.vae)
    assert torch.equal(answer(components), before)


def test_weights_changed_in_place_while_they_wait_in_groups_count() -> None:
    unet = tiny.loaded(tiny.tensors()).unet
    stream(unet, HERE)
    inputs = torch.ones(1, 4, 8, 8), torch.tensor([10.0]), torch.ones(1, 77, 64)
    with torch.inference_mode():
        before = unet(*inputs, return_dict=False)[0]
        weight = unet.get_parameter("down_blocks.0.resnets.0.conv1.weight")
        kept = weight.data.clone()
        weight.data.mul_(1.5)
        changed = unet(*inputs, return_dict=False)[0]
        weight.data.copy_(kept)
        after = unet(*inputs, return_dict=False)[0]
    assert not torch.allclose(before, changed)
    assert torch.equal(before, after)


def test_8_bits_round_the_stored_matrices_and_nothing_else() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(4, 8), nn.Flatten(), nn.Linear(8 * 36, 5)).requires_grad_(False)
    rounded = nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(4, 8), nn.Flatten(), nn.Linear(8 * 36, 5)).requires_grad_(False)
    state = {name: value.to(torch.float8_e4m3fn).float() if name[0] in "03" else value for name, value in model.state_dict().items()}
    rounded.load_state_dict(state)
    before = size_of(model)
    store_in_8_bits(model, torch.float32)
    x = torch.randn(2, 3, 8, 8)
    assert torch.equal(model(x), rounded(x))
    assert size_of(model) < before / 3.5
    assert model[0].weight.dtype == torch.float8_e4m3fn  # type: ignore[union-attr]
    assert model[1].weight.dtype == torch.float32  # type: ignore[union-attr]


def test_a_model_in_8_bits_makes_nearly_the_same_picture_in_groups_too() -> None:
    full, small = tiny.model("sd1"), tiny.loaded(tiny.tensors(), place=Placing(tiny.CPU, fp8=True))
    inputs = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([500.0])
    with torch.inference_mode():
        text = full.encode_prompts(["star"], TextOptions()).context
        one, other = (model.predict(*inputs, text) for model in (full, small))
        stream(small.unet, HERE)
        grouped = small.predict(*inputs, text)
    assert (one - other).abs().mean() < 0.1 * one.abs().mean()  # three bits of mantissa: 1/16 at most for each weight
    assert not torch.equal(one, other)
    assert torch.equal(grouped, other)
