"""What a data set holds, in numbers: its tags, sizes and captions."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from modules.contract.request import Size
from modules.datasets.captions import tags_of
from modules.datasets.scan import Scan


@dataclass(frozen=True)
class Statistics:
    """`tags`: each tag with the number of pictures that have it, the most frequent first; `sizes`: of pictures, upright, likewise."""

    pictures: int
    unusable: int
    captioned: int
    masked: int
    bytes: int
    tags: tuple[tuple[str, int], ...]
    sizes: tuple[tuple[Size, int], ...]
    tags_a_picture: float

    def as_json(self) -> dict[str, Any]:
        """All of it, as the page takes it."""
        return {**asdict(self), "sizes": [[*size, count] for size, count in self.sizes]}


def statistics(found: Scan, separator: str = ",") -> Statistics:
    """The numbers of what was scanned."""
    tags: Counter[str] = Counter()
    total = 0
    for item in found.usable:
        own = tags_of(item.caption or "", separator)
        total += len(own)
        tags.update(set(own))
    captioned = sum(bool(item.caption) for item in found.usable)
    return Statistics(
        pictures=len(found.usable),
        unusable=len(found.items) - len(found.usable),
        captioned=captioned,
        masked=sum(item.mask is not None for item in found.usable),
        bytes=sum(item.facts.bytes for item in found.usable),
        tags=tuple(sorted(tags.items(), key=lambda pair: (-pair[1], pair[0].casefold()))),
        sizes=tuple(sorted(Counter(item.size for item in found.usable).items(), key=lambda pair: (-pair[1], pair[0]))),
        tags_a_picture=round(total / captioned, 1) if captioned else 0.0,
    )
