"""A prompt's regions: what its keywords say, and which part of the picture each one has."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from modules.contract.errors import BadRequest

MATRIX = ("ADDROW", "ADDCOL")
PLAIN = ("BREAK", "AND")
WORD = re.compile(r"\b(ADDCOMM|ADDBASE|ADDROW|ADDCOL|BREAK|AND)\b")


class Area(NamedTuple):
    """A rectangle in shares of the picture, 0 to 1."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class Divided:
    """A prompt in its parts. `groups`: how many regions each row holds (each column, where rows lie within columns); one group: flat.

    `common` stands before every region and before the base. `base` None: there is none.
    """

    common: str
    base: str | None
    regions: tuple[str, ...]
    groups: tuple[int, ...]

    def texts(self) -> tuple[str, ...]:
        """The whole text of each region."""
        return tuple(joined(self.common, region) for region in self.regions)

    def background(self) -> str:
        """What holds where no region does: the base, or else all that the prompt says."""
        return joined(self.common, self.base) if self.base is not None else joined(self.common, *self.regions)


def joined(*parts: str) -> str:
    """Parts of a prompt with commas between those that are not empty."""
    return ", ".join(part for part in (part.strip().strip(",").strip() for part in parts) if part)


def divided(prompt: str, *, columns_first: bool, use_base: bool = False, use_common: bool = False) -> Divided:
    """A prompt in its parts. `columns_first`: ADDCOL divides the picture, and ADDROW the columns; else the other way round.

    Without ADDROW and ADDCOL each BREAK (or AND) begins a region; with them it stays a part of the text. The common and the base
    prompt end with ADDCOMM and ADDBASE, or are the first parts where `use_common` and `use_base` say so.
    """
    pieces = WORD.split(prompt)
    first, words = pieces[0], list(zip(pieces[1::2], pieces[2::2], strict=True))
    matrix = any(word in MATRIX for word, _ in words)
    parts, before = [first], list[str]()  # `before`: the word that each part but the first stands behind
    for word, text in words:
        if word in PLAIN and matrix:
            parts[-1] += word + text
        else:
            parts.append(text)
            before.append(word)
    common, base = "", None
    if "ADDCOMM" in before or (use_common and len(parts) > 1):
        place = before.index("ADDCOMM") if "ADDCOMM" in before else 0
        common, parts, before = joined(*parts[: place + 1]), parts[place + 1 :], before[place + 1 :]
    if "ADDBASE" in before or (use_base and len(parts) > 1):
        place = before.index("ADDBASE") if "ADDBASE" in before else 0
        base, parts, before = joined(*parts[: place + 1]), parts[place + 1 :], before[place + 1 :]
    return Divided(common, base, tuple(part.strip() for part in parts), grouped(before, columns_first=columns_first))


def grouped(words: Sequence[str], *, columns_first: bool) -> tuple[int, ...]:
    """How many regions each group holds, by the words between them. One kind of word alone makes a flat row of regions."""
    outer, inner = ("ADDCOL", "ADDROW") if columns_first else ("ADDROW", "ADDCOL")
    if outer not in words:
        return (len(words) + 1,)
    if inner not in words:
        return (1,) * (len(words) + 1)
    groups = [1]
    for word in words:
        if word == outer:
            groups.append(1)
        else:
            groups[-1] += 1
    return tuple(groups)


def areas(groups: Sequence[int], ratios: str, *, columns_first: bool) -> list[Area]:
    """The rectangle of each region, in order.

    `ratios`: "1,2" for a flat division; "1,2,1;2,1" for groups, each of which begins with its own share (a group of one region may be
    that alone). Empty: equal shares. Raises BadRequest where they do not go with the regions.
    """
    shares = shares_of(groups, ratios)
    found: list[Area] = []
    for (start, end), inner in zip(spans([own for own, _ in shares]), [inner for _, inner in shares], strict=True):
        for low, high in spans(inner):
            found.append(Area(start, low, end, high) if columns_first else Area(low, start, high, end))
    return found


def shares_of(groups: Sequence[int], ratios: str) -> list[tuple[float, list[float]]]:
    """Each group's share and those of its regions. A flat division is one group; several with one region each may be one list too."""
    given = [[share(text) for text in part.split(",")] for part in ratios.strip().strip(";").split(";")] if ratios.strip() else []
    count = sum(groups)
    if not given:
        return [(1.0, [1.0] * size) for size in groups]
    if len(given) == 1:
        flat = given[0]
        if len(flat) == count and len(groups) == 1:
            return [(1.0, flat)]
        if len(flat) == count and set(groups) == {1}:
            return [(own, [1.0]) for own in flat]
    else:
        inner = [part[1:] or [1.0] for part in given]
        if sum(map(len, inner)) == count and (len(groups) == 1 or [len(part) for part in inner] == list(groups)):
            return [(part[0], rest) for part, rest in zip(given, inner, strict=True)]
    described = sum(len(part[1:]) or 1 for part in given) if len(given) > 1 else len(given[0])
    held = " + ".join(map(str, groups)) if len(groups) > 1 else str(count)
    raise BadRequest(
        f"The prompt has {held} regions, and the ratios '{ratios.strip()}' are for {described}.",
        "Leave the ratios empty for equal parts, or write one number for each region, such as 1,2.",
    )


def share(text: str) -> float:
    """A positive number. Raises BadRequest."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise BadRequest(f"In the ratios '{text.strip()}' is not a positive number.", "Write them as 1,2 or as 1,1,1;2,1,1.")
    return value


def spans(shares: Sequence[float]) -> list[tuple[float, float]]:
    """Where each of some shares begins and ends between 0 and 1."""
    edges, total = [0.0], sum(shares)
    for one in shares:
        edges.append(edges[-1] + one / total)
    edges[-1] = 1.0
    return list(pairwise(edges))


def base_shares(text: str, count: int) -> list[float]:
    """How much the base prompt has a say in each region: one number for all, or one for each. Raises BadRequest."""
    try:
        values = [float(part) for part in text.split(",")] if text.strip() else [0.0]
    except ValueError:
        values = []
    if not values or any(not 0 <= value <= 1 for value in values):
        raise BadRequest(f"The base ratio is '{text}'; it must be a number from 0 to 1, or one for each region.", "Write it as 0.2.")
    if len(values) not in (1, count):
        raise BadRequest(f"There are {len(values)} base ratios for {count} regions.", "Give one for all, or one for each.")
    return values * count if len(values) == 1 else values
