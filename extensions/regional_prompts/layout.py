"""One picture's regions: their texts, their networks, their place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from extensions.regional_prompts.maps import map_of, painted, shared_out, softened
from extensions.regional_prompts.regions import MATRIX, PLAIN, WORD, Area, Divided, areas, base_shares, divided
from modules.contract.errors import BadRequest
from modules.prompts.tags import Tag, without_tags


@dataclass(frozen=True)
class Region:
    """A region's whole text, with the common part and without network tags, its own networks, and its negative text."""

    text: str
    tags: tuple[Tag, ...]
    negative: str


@dataclass(frozen=True)
class Layout:
    """A picture's regions. `places` None: they are painted in `mask`. `negated`: they have negative texts of their own."""

    divided: Divided
    regions: tuple[Region, ...]
    background: str
    common_tags: tuple[Tag, ...]
    negative_background: str
    negated: bool
    places: tuple[Area, ...] | None
    mask: bytes | None
    base: tuple[float, ...]

    def maps(self, height: int, width: int, softness: float) -> list[Tensor]:
        """The weights (height, width) of the base and of each region, 1 together. `softness` in cells."""
        if self.places is None:
            assert self.mask is not None
            found = painted(self.mask, len(self.regions), height, width)
        else:
            found = [map_of(place, height, width) for place in self.places]
        return shared_out(softened(found, softness), self.base)


def layouts_of(positive: Sequence[str], negative: Sequence[str], options: Any, *, networks: bool) -> list[Layout]:
    """The regions of each picture of a batch. `networks`: whether tags in the texts name networks. Raises BadRequest."""
    return [layout_of(text, other, options, networks=networks) for text, other in zip(positive, negative, strict=True)]


def layout_of(positive: str, negative: str, options: Any, *, networks: bool) -> Layout:
    """Those of one."""
    columns_first = options.divide == "Rows"
    parts = divided(positive, columns_first=columns_first, use_base=options.use_base, use_common=options.use_common)

    def plain(text: str) -> tuple[str, tuple[Tag, ...]]:
        without, tags = without_tags(text) if networks else (text, [])
        return without, tuple(tags)

    count = len(parts.regions)
    against = negative_parts(negative, count, options)
    negatives = against.texts() if against else (negative,) * count
    own = [plain(region)[1] for region in parts.regions]
    texts = [plain(text)[0] for text in parts.texts()]
    places = None if options.divide == "Mask" else tuple(areas(parts.groups, options.ratios, columns_first=columns_first))
    return Layout(
        divided=parts,
        regions=tuple(Region(text, tags, other) for text, tags, other in zip(texts, own, negatives, strict=True)),
        background=plain(parts.background())[0],
        common_tags=plain(parts.common)[1] + plain(parts.base or "")[1],
        negative_background=against.background() if against else negative,
        negated=against is not None,
        places=places,
        mask=options.mask,
        base=tuple(base_shares(options.base_ratio, count)) if parts.base is not None else (0.0,) * count,
    )


def negative_parts(negative: str, count: int, options: Any) -> Divided | None:
    """A negative prompt's parts; None if it is one for all regions.

    BREAK alone divides it only if that gives as many parts as there are regions: else it is what it always was. AND is a word there.
    """
    words = [word for word in WORD.findall(negative) if word != "AND"]
    if not words:
        return None
    hidden = negative.replace("AND", "\0")
    parts = divided(hidden, columns_first=options.divide == "Rows", use_common=options.use_common_negative)
    parts = Divided(
        parts.common.replace("\0", "AND"),
        None if parts.base is None else parts.base.replace("\0", "AND"),
        tuple(region.replace("\0", "AND") for region in parts.regions),
        parts.groups,
    )
    if len(parts.regions) == count:
        return parts
    if set(words) <= set(PLAIN):
        return None
    if not set(words) & set(MATRIX) and len(parts.regions) == 1:
        return Divided(parts.common, parts.base, parts.regions * count, (count,))
    raise BadRequest(
        f"The negative prompt has {len(parts.regions)} regions, and the prompt has {count}.",
        "Give it as many, or none.",
    )
