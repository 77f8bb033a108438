"""Which picture is shown at which step: a function of the seed and the step alone, so that nothing of it need be kept or restored."""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

EPOCHS_KEPT = 64


def chance(*key: int | str) -> float:
    """A number in 0..1, the same for the same key everywhere: SHA-like mixing in place of a generator whose state must be kept."""
    return number(*key) / 2**64


def number(*key: int | str) -> int:
    """A whole number of 64 bits for a key."""
    return int.from_bytes(blake2b(repr(key).encode(), digest_size=8).digest(), "little")


def order(count: int, *key: int | str) -> list[int]:
    """The numbers below `count` in an order that the key decides."""
    return sorted(range(count), key=lambda index: number(*key, index))


class Plan:
    """The order of pictures in groups of one size, without end.

    Each group of entries (those of one bucket, each as often as it is repeated) is gone through in a new order each epoch, one epoch
    behind the other, and cut into units of `unit`. What an epoch leaves over begins the next one's first unit: each entry is shown
    equally often, and no unit is filled up with pictures shown twice as often as the others. An epoch's units come in a new order.
    """

    def __init__(self, seed: int, name: str, groups: Sequence[Sequence[int]], unit: int) -> None:
        self.seed, self.name, self.unit = seed, name, unit
        self.groups = [list(group) for group in groups if group]
        self.shown = sum(map(len, self.groups))
        self.permutation = lru_cache(EPOCHS_KEPT * max(len(self.groups), 1))(self.permuted)
        self.epoch = lru_cache(EPOCHS_KEPT)(self.units_of)

    def permuted(self, epoch: int, group: int) -> list[int]:
        """A group's entries in their order of an epoch."""
        entries = self.groups[group]
        return [entries[index] for index in order(len(entries), self.seed, self.name, "entries", epoch, group)]

    def begun(self, epoch: int) -> int:
        """How many units come before an epoch."""
        return sum(epoch * len(group) // self.unit for group in self.groups)

    def units_of(self, epoch: int) -> list[tuple[int, int]]:
        """The units of an epoch in their order: (group, number of the unit within the group)."""
        units = [
            (group, unit)
            for group, entries in enumerate(self.groups)
            for unit in range(epoch * len(entries) // self.unit, (epoch + 1) * len(entries) // self.unit)
        ]
        return [units[index] for index in order(len(units), self.seed, self.name, "units", epoch)]

    def at(self, number: int) -> tuple[int, ...]:
        """The entries of a unit, counted from 0 over all epochs. There must be entries."""
        epoch = number * self.unit // self.shown  # at the soonest: `begun` rounds down
        while self.begun(epoch + 1) <= number:
            epoch += 1
        group, unit = self.epoch(epoch)[number - self.begun(epoch)]
        count = len(self.groups[group])
        places = range(unit * self.unit, (unit + 1) * self.unit)
        return tuple(self.permutation(place // count, group)[place % count] for place in places)


def share(units: Sequence[Sequence[int]], batch: int, rank: int, world: int) -> list[tuple[list[int], list[int]]]:
    """The part of a step's units that is one process's: batches of at most `batch`, as (entries, slots).

    Slots count the entries of all units in order. The batches are dealt out in turn, so that together the processes show the same
    pictures in the same slots, however many they are.
    """
    dealt: list[tuple[list[int], list[int]]] = []
    slot = 0
    for unit in units:
        for start in range(0, len(unit), batch):
            part = list(unit[start : start + batch])
            dealt.append((part, list(range(slot, slot + len(part)))))
            slot += len(part)
    return dealt[rank::world]
