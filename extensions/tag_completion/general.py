"""The list that comes along, written for this program: tags/general.txt with its braces filled in.

A heading `# Hair: 60000` gives the weight of its first tag; those behind it weigh a little less each, so that a search has an order. It is
an editor's guess of how useful a tag is, no count of anything, and is not shown. `{a|b} hair` are two tags, `x = y; z` a tag with two
other names, `kind 5` behind a weight another kind (5 is meta, as in A1111's lists).
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "tags" / "general.txt"
HEADING = re.compile(r"# (?P<title>[^:]+): (?P<weight>\d+)(?: kind (?P<kind>\d))?")
BRACES = re.compile(r"\{([^{}]+)\}")
FADING = 60  # after so many tags of a heading one weighs half

General = tuple[str, int, int, tuple[str, ...]]  # name with underscores, kind, weight, other names


@cache
def general_tags() -> tuple[General, ...]:
    """All tags of the list, each once, in the file's order."""
    found: dict[str, General] = {}
    weight, kind, place = 0, 0, 0
    for line in FILE.read_text("utf8").splitlines():
        heading = HEADING.fullmatch(line)
        if heading:
            weight, kind, place = int(heading["weight"]), int(heading["kind"] or 0), 0
            continue
        for entry in parts(line):
            name, _, others = entry.partition("=")
            aliases = tuple(other.strip().replace(" ", "_") for other in others.split(";") if other.strip())
            for full in filled(name.strip()):
                key = full.replace(" ", "_")
                found.setdefault(key, (key, kind, round(weight / (1 + place / FADING)), aliases))
                place += 1
    return tuple(found.values())


def parts(line: str) -> Iterator[str]:
    """The entries of a line, which commas part."""
    return (entry for entry in line.split(",") if entry.strip())


def filled(entry: str) -> list[str]:
    """An entry with each of what its braces offer: all combinations, those of the first braces slowest."""
    match = BRACES.search(entry)
    if match is None:
        return [entry]
    before, after = entry[: match.start()], entry[match.end() :]
    return [" ".join(text.split()) for choice in match[1].split("|") for text in filled(before + choice + after)]
