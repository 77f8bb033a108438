"""Pictures that are the same or nearly so, found by what they look like in very small."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MOST_BITS = 6  # of 64 that may differ
CELLS = 8  # a side of the small colour picture that decides where the hash says "maybe"
MEAN_LEVELS, MOST_LEVELS = 16.0, 48  # of 255, over all cells and in any: drawings on white share a hash while they differ
SEEN = 64  # pixels: about the shorter side of the copy that is looked at
BLOCK = 512  # pictures that are compared with all others at once: 512 x 20,000 numbers of 64 bits are 80 MB


class Seen(Protocol):
    """A picture as far as it is compared."""

    @property
    def look(self) -> int: ...

    @property
    def colors(self) -> str: ...

    @property
    def digest(self) -> str: ...


S = TypeVar("S", bound=Seen)


def dhash(image: Image.Image) -> int:
    """64 bits: whether each of 8 x 8 places is brighter than the one on its right. Changes of size and quality hardly change it."""
    small = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX), np.int16)
    bits = (small[:, :-1] > small[:, 1:]).ravel()
    return int(np.packbits(bits).view(">u8")[0])


def colors(image: Image.Image) -> str:
    """A picture as 8 x 8 colours, in hexadecimal digits."""
    return image.convert("RGB").resize((CELLS, CELLS), Image.Resampling.BOX).tobytes().hex()


def look_of(image: Image.Image) -> tuple[int, str]:
    """A picture's hash and its small colours, of an RGB picture of any size."""
    small = image.reduce(max(1, min(image.size) // SEEN))  # what follows looks at it twice
    return dhash(small), colors(small)


def levels(small: NDArray[np.int16], other: str | NDArray[np.int16]) -> tuple[NDArray[np.float64], NDArray[np.int16]]:
    """By how much small colours (N, 192) differ from others: on average over all cells, and in any; each (N,), of 255."""
    wanted = np.array(list(bytes.fromhex(other)), np.int16) if isinstance(other, str) else other
    difference = np.abs(small - wanted)
    return difference.mean(axis=1), difference.max(axis=1)


def groups(looks: Sequence[int], most: int = MOST_BITS, sure: Callable[[int, int], bool] = lambda one, other: True) -> list[list[int]]:
    """The places of pictures that are alike, in groups of two and more, each in order; `sure` may still say no to a pair."""
    hashes = np.asarray(looks, np.uint64)
    above = list(range(len(hashes)))

    def root(one: int) -> int:
        while above[one] != one:
            above[one] = above[above[one]]
            one = above[one]
        return one

    for start in range(0, len(hashes), BLOCK):
        block = hashes[start : start + BLOCK]
        distances = np.bitwise_count(block[:, None] ^ hashes[None, start:])
        for one, other in np.argwhere(distances <= most).tolist():
            if one < other and root(start + one) != root(start + other) and sure(start + one, start + other):
                above[root(start + other)] = root(start + one)
    found: dict[int, list[int]] = {}
    for one in range(len(hashes)):
        found.setdefault(root(one), []).append(one)
    return [group for group in found.values() if len(group) > 1]


def alike(pictures: Sequence[S]) -> list[list[S]]:
    """Groups of pictures that look the same, identical ones included."""
    small: NDArray[np.int16] = np.array([list(bytes.fromhex(one.colors)) for one in pictures], np.int16)

    def sure(one: int, other: int) -> bool:
        mean, most = levels(small[one : one + 1], small[other])
        return float(mean[0]) <= MEAN_LEVELS and int(most[0]) <= MOST_LEVELS

    return [[pictures[one] for one in group] for group in groups([one.look for one in pictures], sure=sure)]


def identical(pictures: Sequence[S]) -> list[list[S]]:
    """Groups of pictures whose files are the same, byte for byte."""
    found: dict[str, list[S]] = {}
    for one in pictures:
        found.setdefault(one.digest, []).append(one)
    return [group for group in found.values() if len(group) > 1]
