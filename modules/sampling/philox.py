"""The normal numbers that torch gives on an NVIDIA card, computed on the CPU.

Philox4x32-10: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3". Box-Muller as cuRAND does it.
"""

import numpy as np
import torch
from numpy.typing import NDArray

Words = NDArray[np.uint32]
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
TO_UNIT = float(np.float32(2.3283064e-10))  # 2^-32
TO_CIRCLE = float(np.float32(2.3283064e-10 * 6.2831855))  # 2 pi 2^-32, in single precision as the card has it


def philox(counters: list[Words], key: tuple[int, int]) -> list[Words]:
    """Four words (each of n) of random bits for four words (each of n) of counter."""
    a, b, c, d = counters
    low, high = key
    for _ in range(ROUNDS):
        first = a.astype(np.uint64) * MULTIPLIERS[0]
        second = c.astype(np.uint64) * MULTIPLIERS[1]
        a, b, c, d = (
            (second >> 32).astype(np.uint32) ^ b ^ np.uint32(low),
            second.astype(np.uint32),
            (first >> 32).astype(np.uint32) ^ d ^ np.uint32(high),
            first.astype(np.uint32),
        )
        low, high = (low + WEYL[0]) & 0xFFFFFFFF, (high + WEYL[1]) & 0xFFFFFFFF
    return [a, b, c, d]


def box_muller(x: Words, y: Words) -> NDArray[np.float32]:
    """One normal number for each pair of 32-bit words."""
    u = x.astype(np.float64) * TO_UNIT + TO_UNIT / 2
    v = y.astype(np.float64) * TO_CIRCLE + TO_CIRCLE / 2
    return (np.sqrt(-2 * np.log(u)) * np.sin(v)).astype(np.float32)


class PhiloxGenerator:
    """A torch.cuda generator's twin. `offset` counts the tensors drawn, as the card's counter does."""

    def __init__(self, seed: int) -> None:
        self.key = (seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF)
        self.offset = 0

    def randn(self, shape: tuple[int, ...]) -> torch.Tensor:
        """Normal numbers of a shape, float32 on the CPU; the same as `torch.randn(shape, device='cuda')`'s next."""
        n = int(np.prod(shape, dtype=np.int64))
        zeros: Words = np.zeros(n, np.uint32)
        counters: list[Words] = [np.full(n, self.offset, np.uint32), zeros, np.arange(n, dtype=np.uint32), zeros]
        self.offset += 1
        x, y, _, _ = philox(counters, self.key)
        return torch.from_numpy(box_muller(x, y)).reshape(shape)  # pyright: ignore[reportUnknownMemberType]
