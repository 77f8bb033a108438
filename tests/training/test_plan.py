"""Which picture is shown when: a function of (seed, step, slot), each picture equally often, and the same however many processes."""

from collections import Counter

import pytest

from modules.training.data.plan import Plan, chance, order, share

GROUPS = [[0, 1, 2], [3, 4, 5, 6, 7, 7, 7], [8]]


@pytest.mark.parametrize("unit", [1, 2, 4, 16])
def test_every_entry_is_shown_equally_often(unit: int) -> None:
    plan = Plan(3, "test", GROUPS, unit)
    epochs = 16  # a multiple of every unit: no group leaves anything over
    counts = Counter(entry for number in range(plan.begun(epochs)) for entry in plan.at(number))
    assert counts == {entry: epochs * sum(group.count(entry) for group in GROUPS) for group in GROUPS for entry in group}


def test_a_unit_is_of_one_group() -> None:
    plan = Plan(3, "test", GROUPS, 4)
    for number in range(50):
        assert any(set(plan.at(number)) <= set(group) for group in GROUPS)


def test_the_order_comes_from_the_seed_and_the_number_alone() -> None:
    first, second = Plan(3, "test", GROUPS, 2), Plan(3, "test", GROUPS, 2)
    backwards = [second.at(number) for number in reversed(range(40))]
    forwards = [first.at(number) for number in range(40)]
    assert forwards == backwards[::-1]
    assert forwards != [Plan(4, "test", GROUPS, 2).at(number) for number in range(40)]


def test_epochs_have_orders_of_their_own() -> None:
    plan = Plan(3, "test", [list(range(20))], 1)
    epochs = [[plan.at(number)[0] for number in range(20 * epoch, 20 * epoch + 20)] for epoch in range(3)]
    assert all(sorted(epoch) == list(range(20)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


@pytest.mark.parametrize("world", [1, 2, 3, 4])
def test_processes_share_a_step_without_changing_it(world: int) -> None:
    plan = Plan(3, "test", GROUPS, 4)
    units = [plan.at(number) for number in (6, 7)]
    whole = {slot: entry for entries, slots in share(units, 4, 0, 1) for entry, slot in zip(entries, slots, strict=True)}
    parts = [part for rank in range(world) for part in share(units, 1, rank, world)]
    assert {slot: entry for entries, slots in parts for entry, slot in zip(entries, slots, strict=True)} == whole
    assert len(whole) == 8


def test_chances_are_spread_over_the_whole_range() -> None:
    found = [chance(1, "spread", place) for place in range(4000)]
    assert min(found) >= 0 and max(found) < 1
    tenths = Counter(int(value * 10) for value in found)
    assert all(330 < tenths[tenth] < 470 for tenth in range(10))  # 400 each, 3.7 standard deviations


def test_an_order_is_a_permutation_that_its_key_decides() -> None:
    assert sorted(order(30, 5, "key")) == list(range(30))
    assert order(30, 5, "key") == order(30, 5, "key") != order(30, 6, "key")
