"""The values of an axis: comma-separated, with ranges for numbers and all orders for lists."""

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Literal

from modules.contract.errors import BadRequest

Kind = Literal["whole", "decimal", "text", "order"]
Value = int | float | str | tuple[str, ...]

NUMBER = r"[+-]?\s*\d+(?:\.\d*)?"
RANGE = re.compile(rf"\s*({NUMBER})\s*-\s*({NUMBER})(?:\s*\(({NUMBER})\s*\))?\s*")
COUNT = re.compile(rf"\s*({NUMBER})\s*-\s*({NUMBER})\s*\[(\d+)\s*\]\s*")
MOST = 4096  # values of one axis
NEARLY = 1e-9  # of a step: what adding up steps may be off by


def split(text: str) -> list[str]:
    """The entries of a comma-separated line; those with commas are in double quotes."""
    rows = csv.reader(io.StringIO(text.replace("\n", ",")), skipinitialspace=True)
    return [entry for row in rows for part in row if (entry := part.strip())]


def joined(entries: Sequence[str]) -> str:
    """Entries as one comma-separated line; the other way of `split`."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(entries)
    return line.getvalue()


def values(label: str, kind: Kind, entries: Sequence[str]) -> list[Value]:
    """What the entries of an axis stand for. Raises BadRequest for what is no value of its kind, and for too many."""
    found: list[Value] = []
    if kind == "order":
        if len(entries) > 6:
            raise BadRequest(
                f"{label} has {len(entries)} parts, which is {math.factorial(len(entries))} orders; at most 6 parts can be used."
            )
        found += permutations(entries)
    elif kind == "text":
        found += entries
    else:
        for entry in entries:
            for number in numbers(entry, whole=kind == "whole"):
                found.append(number)
                if len(found) > MOST:
                    raise BadRequest(f"{label} has more than {MOST} values; take larger steps.")
    return found


def numbers(entry: str, *, whole: bool) -> Iterator[int | float]:
    """One number, or those of a range: `1-5`, `1-9 (+2)`, `9-1 (-2)`, `0-1 [5]` for five evenly spread. Both ends are in it."""
    if match := COUNT.fullmatch(entry):
        first, last, count = number(match[1]), number(match[2]), int(match[3])
        spread = [first + (last - first) * index / max(count - 1, 1) for index in range(min(count, MOST + 1))]
        yield from (int(value) if whole else value for value in spread)
    elif match := RANGE.fullmatch(entry):
        first, last = number(match[1]), number(match[2])
        step = number(match[3]) if match[3] else 1.0
        if step == 0 or (last - first) * step < 0:
            raise BadRequest(f"The range '{entry}' leads nowhere; a falling one needs a negative step, such as 10-5 (-1).")
        for index in range(int((last - first) / step + NEARLY) + 1):
            yield int(first + index * step) if whole else round(first + index * step, 12)
    else:
        try:
            yield int(entry) if whole else float(entry)
        except ValueError:
            wanted = "a whole number" if whole else "a number"
            raise BadRequest(f"'{entry}' is not {wanted}; a range is written 1-5, 1-5 (+2) or 1-10 [5].") from None


def number(text: str) -> float:
    """A number that may have blanks behind its sign."""
    return float(text.replace(" ", ""))
