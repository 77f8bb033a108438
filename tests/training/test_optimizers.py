from typing import Any

import pytest
import torch
from torch import nn

from modules.contract.errors import BadRequest, NotSupported
from modules.contract.training import OptimizerOptions
from modules.training.steps import schedule
from modules.training.steps.average import Average
from modules.training.steps.optimizers import FIRST_SCALE, GROW_AFTER, Lion, Update, optimizer_for
from tests.training.small import Group

CPU = torch.device("cpu")
NAMES = ["AdamW", "Adafactor", "Prodigy", "Lion"]


def update_of(name: str, parameter: nn.Parameter, *, clip: float = 0.0, half: bool = False, rate: float = 0.1) -> Update:
    options = OptimizerOptions(name=name, rate=rate, weight_decay=0.0)  # type: ignore[arg-type]
    return Update(optimizer_for(options, [Group([parameter])]), clip=clip, half=half, device=CPU)


@pytest.mark.parametrize("name", NAMES)
def test_every_optimizer_finds_the_bottom_of_a_bowl(name: str) -> None:
    parameter = nn.Parameter(torch.tensor([[3.0, -2.0], [1.0, 4.0]]))
    update = update_of(name, parameter, rate=1.0 if name == "Prodigy" else 0.05)
    before = parameter.norm().item()
    for _ in range(150):
        (parameter**2).sum().backward()
        assert not update.step()
    assert parameter.norm().item() < 0.3 * before


@pytest.mark.parametrize("name", NAMES)
def test_a_broken_gradient_changes_nothing(name: str) -> None:
    parameter = nn.Parameter(torch.ones(2, 2))
    update = update_of(name, parameter)
    (parameter**2).sum().backward()
    update.step()
    before = parameter.detach().clone()
    state = {key: value.clone() for key, value in update.optimizer.state[parameter].items() if isinstance(value, torch.Tensor)}
    (parameter.sum() * float("nan")).backward()
    assert update.step()
    assert torch.equal(parameter, before)
    for key, value in state.items():
        assert torch.equal(update.optimizer.state[parameter][key], value)
    (parameter**2).sum().backward()
    assert not update.step()
    assert not torch.equal(parameter, before)


def test_lion_changes_by_the_sign_alone() -> None:
    parameter = nn.Parameter(torch.tensor([1.0, -5.0, 0.2]))
    lion = Lion([parameter], 0.1, weight_decay=0.5)
    parameter.grad = torch.tensor([3.0, -0.01, 7.0])
    lion.step()
    assert torch.allclose(parameter, torch.tensor([1.0, -5.0, 0.2]) * 0.95 - 0.1 * torch.tensor([1.0, -1.0, 1.0]))
    assert torch.allclose(lion.state[parameter]["exp_avg"], 0.01 * torch.tensor([3.0, -0.01, 7.0]))


def test_long_gradients_are_shortened() -> None:
    parameter = nn.Parameter(torch.zeros(2))
    update = Update(torch.optim.SGD([parameter], lr=1.0), clip=0.5, half=False, device=CPU)
    parameter.grad = torch.tensor([30.0, 40.0])
    update.step()
    assert torch.allclose(parameter, torch.tensor([-0.3, -0.4]), atol=1e-6)


def test_the_scale_of_fp16_halves_on_overflow_and_grows_again() -> None:
    parameter = nn.Parameter(torch.ones(2))
    update = update_of("AdamW", parameter, half=True)
    assert update.scale == FIRST_SCALE
    parameter.grad = torch.tensor([float("inf"), 0.0])
    assert not update.step()  # it says nothing of the numbers themselves
    assert update.scale == FIRST_SCALE / 2
    assert torch.equal(parameter, torch.ones(2))
    update.good.fill_(GROW_AFTER - 1)
    (update.scale * (parameter**2).sum()).backward()
    update.step()
    assert (update.scale, update.good) == (FIRST_SCALE, 0)
    update.scale.fill_(1.0)
    parameter.grad = torch.tensor([float("nan"), 0.0])
    assert update.step()  # no scale is to blame


def test_the_scale_does_not_change_the_step() -> None:
    ends: list[Any] = []
    for half in (False, True):
        parameter = nn.Parameter(torch.tensor([1.0, 2.0]))
        update = update_of("AdamW", parameter, half=half, clip=1.0)
        (update.scale * (parameter**3).sum()).backward()
        update.step()
        ends.append(parameter.detach().clone())
    assert torch.equal(*ends)


def test_a_state_is_laid_out_as_its_parameter() -> None:
    parameter = nn.Parameter(torch.randn(4, 3, 2, 2).contiguous(memory_format=torch.channels_last))
    update = update_of("AdamW", parameter)
    (parameter**2).sum().backward()
    update.step()
    state = update.state()
    state["optimizer"]["state"][0] = {key: value.contiguous() for key, value in state["optimizer"]["state"][0].items()}
    again = update_of("AdamW", parameter)
    again.restore(state)
    assert again.optimizer.state[parameter]["exp_avg"].stride() == parameter.stride()


def test_prodigy_wants_one_rate_and_8_bit_its_package() -> None:
    groups = [Group([nn.Parameter(torch.ones(1))]), Group([nn.Parameter(torch.ones(1))], factor=0.5)]
    with pytest.raises(BadRequest, match="one rate"):
        optimizer_for(OptimizerOptions(name="Prodigy", rate=1.0), groups)
    with pytest.raises(NotSupported, match="bitsandbytes"):
        optimizer_for(OptimizerOptions(name="AdamW 8-bit", rate=1.0), groups)


@pytest.mark.parametrize("name", ["constant", "linear", "cosine", "cosine with restarts", "polynomial"])
def test_rates_rise_first_and_stay_between_nothing_and_all(name: str) -> None:
    options = OptimizerOptions(schedule=name)  # type: ignore[arg-type]
    factors = [schedule.factor(options, step, 1000) for step in range(1000)]
    assert factors[0] == 1 / 50 and factors[49] == 1.0
    assert all(0 < factor <= 1 for factor in factors)
    assert (factors[-1] == 1.0) if name == "constant" else (factors[-1] < 0.01)
    assert schedule.factor(OptimizerOptions(warm_up=0, schedule="cosine"), 0, 1) == 1.0


def test_restarts_begin_at_the_full_rate() -> None:
    options = OptimizerOptions(schedule="cosine with restarts", warm_up=0, restarts=4)
    assert [schedule.factor(options, step, 400) for step in (0, 100, 200, 300)] == [1.0] * 4
    assert schedule.factor(options, 99, 400) < 0.01


def test_the_average_follows_slowly_and_makes_room_again() -> None:
    tensors = {"a": torch.zeros(2)}
    average = Average(tensors, 0.9)
    tensors["a"].fill_(1.0)
    average.follow(tensors, 0)
    assert torch.allclose(average.values["a"], torch.full((2,), 0.9))  # early it forgets faster
    average.follow(tensors, 1000)
    assert torch.allclose(average.values["a"], torch.full((2,), 0.91))
    with average.in_place_of(tensors):
        assert torch.allclose(tensors["a"], torch.full((2,), 0.91))
    assert torch.equal(tensors["a"], torch.ones(2))
