"""Brownian motion that is the same however it is asked: torchsde's tree, number for number.

Increments over halved intervals by Brownian bridges, each with random numbers of a seed that follows from its place. Li et al. 2020,
arXiv:2001.01328, section 4; Kidger et al. 2021, arXiv:2105.13493. DPM++ SDE samplers take their noise from it, so that a step's
noise does not depend on the steps before.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

DIGITS = 6  # times are rounded to these; two that round to the same are the same
POOL_SIZE = 24  # of the seed sequence; decides the numbers
REMEMBERED = 64  # draws: what two neighbouring queries have in common, and a few more

Draw = Callable[[int], Tensor]


class Node(NamedTuple):
    """An interval that halving leads to: `place` counts those of its depth from the left."""

    start: float
    end: float
    depth: int
    place: int


class BrownianTree:
    """One Brownian path between two times. `draw(seed)` gives the standard normal numbers of a seed, in the path's shape."""

    def __init__(self, start: float, end: float, entropy: int, draw: Draw) -> None:
        first = int(np.random.SeedSequence(entropy, pool_size=POOL_SIZE).generate_state(3)[0])
        self.entropy = entropy
        self.draw = draw
        self.root = Node(round(start, DIGITS), round(end, DIGITS), 0, 0)
        self.total = draw(first) * math.sqrt(end - start)
        self.draws: dict[tuple[int, int], Tensor] = {}

    def noise(self, depth: int, place: int) -> Tensor:
        """The random numbers of an interval's halving."""
        key = (depth, place)
        if key not in self.draws:
            if len(self.draws) == REMEMBERED:
                del self.draws[next(iter(self.draws))]
            sequence = np.random.SeedSequence(self.entropy, spawn_key=(place, depth), pool_size=POOL_SIZE)
            self.draws[key] = self.draw(int(sequence.generate_state(4)[0]))
        return self.draws[key]

    def increment(self, start: float, end: float) -> Tensor:
        """The path's increment from `start` to a later `end`; times outside the tree count as its ends."""
        low, high = (round(min(max(t, self.root.start), self.root.end), DIGITS) for t in (start, end))
        if low >= high:
            return torch.zeros_like(self.total)
        parts = self.parts(self.root, self.total, low, high)
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total

    def parts(self, node: Node, whole: Tensor, low: float, high: float) -> list[Tensor]:
        """The increments of the largest intervals below `node` that make up low..high, in order; `whole` is the node's own."""
        start, end, depth, place = node
        if (low, high) == (start, end):
            return [whole]
        middle = round(0.5 * (end + start), DIGITS)
        share = 1 / (end - start)
        mean = (middle - start) * whole * share
        left = mean + math.sqrt((middle - start) * (end - middle) * share) * self.noise(depth, place)
        parts: list[Tensor] = []
        if low < middle:
            parts += self.parts(Node(start, middle, depth + 1, 2 * place), left, low, min(high, middle))
        if high > middle:
            parts += self.parts(Node(middle, end, depth + 1, 2 * place + 1), whole - left, max(low, middle), high)
        return parts
