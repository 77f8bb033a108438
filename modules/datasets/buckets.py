"""Which size each picture is trained at: of nearly its own proportions, and of nearly the same number of pixels for all."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from modules.contract.request import Size
from modules.contract.training import DataOptions
from modules.datasets.pictures import covering

SQUARE_STEP = 8  # without buckets only the VAE's own step counts


class Sized(Protocol):
    """A picture as far as buckets are concerned."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> Size: ...

    @property
    def repeats(self) -> int: ...


@dataclass(frozen=True)
class Rules:
    """All pixels: `resolution` is the side of the square with as many as a bucket may have, `step` what sides are multiples of.

    `on`: False puts all into that square. `enlarge`: False puts small pictures into smaller buckets.
    """

    resolution: int
    step: int = 64
    least: int = 256
    most: int = 1024
    on: bool = True
    enlarge: bool = True

    @classmethod
    def of(cls, data: DataOptions, own: int) -> "Rules":
        """What a request asks for, what it leaves open decided. `own`: the resolution that the checkpoint was made for."""
        resolution = data.resolution or own
        least, most = data.bucket_least or resolution // 2, data.bucket_most or resolution * 2
        return cls(resolution, data.bucket_step, least, most, data.buckets, data.enlarge)


@dataclass(frozen=True)
class Bucket:
    """A size, how many pictures have it, how often they are shown in an epoch, and their names."""

    size: Size
    pictures: int
    shown: int
    names: tuple[str, ...]


def bucket_sizes(rules: Rules) -> tuple[Size, ...]:
    """All sizes that pictures may be brought to, the square among them, from the tallest to the widest."""
    side = max(SQUARE_STEP, rules.resolution // (rules.step if rules.on else SQUARE_STEP) * (rules.step if rules.on else SQUARE_STEP))
    found = {Size(side, side)}
    if rules.on:
        least, area = max(math.ceil(rules.least / rules.step), 1) * rules.step, rules.resolution**2
        for width in range(least, rules.most + 1, rules.step):
            height = min(area // width, rules.most) // rules.step * rules.step
            if height >= least:
                found |= {Size(width, height), Size(height, width)}
    return tuple(sorted(found, key=lambda size: size.width / size.height))


def bucket_of(size: Size, rules: Rules) -> Size:
    """The bucket of a picture: the one nearest in proportions, of several the largest."""
    wanted = math.log(size.width / size.height)

    def distance(bucket: Size) -> tuple[float, int]:
        return round(abs(math.log(bucket.width / bucket.height) - wanted), 9), -bucket.width * bucket.height

    nearest = min(bucket_sizes(rules), key=distance)
    if rules.enlarge:
        return nearest
    step = rules.step if rules.on else SQUARE_STEP
    width, height = (min(bucket, max(step, side // step * step)) for bucket, side in zip(nearest, size, strict=True))
    return Size(width, height) if rules.on else Size(min(width, height), min(width, height))


def table(pictures: Iterable[Sized], rules: Rules) -> list[Bucket]:
    """The buckets that are in use, from the tallest to the widest."""
    found: dict[Size, list[Sized]] = {}
    known: dict[Size, Size] = {}
    for picture in pictures:
        bucket = known.setdefault(picture.size, bucket_of(picture.size, rules))
        found.setdefault(bucket, []).append(picture)
    ordered = sorted(found.items(), key=lambda pair: (pair[0].width / pair[0].height, pair[0]))
    return [Bucket(size, len(held), sum(one.repeats for one in held), tuple(one.name for one in held)) for size, held in ordered]


def lost(size: Size, bucket: Size) -> float:
    """The share of a picture that is cut away to bring it to a bucket, 0..1."""
    scaled = covering(size, bucket)
    return 1 - bucket.width * bucket.height / (scaled.width * scaled.height)
