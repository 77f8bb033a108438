"""The blocks that LoRAs are weighed by, and what a tag's `lbw` says of them."""

import re
from collections.abc import Mapping, Sequence

from modules.contract.errors import BadRequest
from modules.families.networks import Blocks

SIDES = {"IN": 12, "OUT": 12}
ALL = ("BASE", *(f"IN{number:02d}" for number in range(12)), "MID", *(f"OUT{number:02d}" for number in range(12)))
SD_17 = ("BASE", "IN01", "IN02", "IN04", "IN05", "IN07", "IN08", "MID", *(f"OUT{number:02d}" for number in range(3, 12)))
XL_12 = ("BASE", "IN04", "IN05", "IN07", "IN08", "MID", *(f"OUT{number:02d}" for number in range(6)))
XL_20 = ("BASE", *(f"IN{number:02d}" for number in range(9)), "MID", *(f"OUT{number:02d}" for number in range(9)))
LISTS: Mapping[str, Mapping[int, Sequence[str]]] = {"sd": {17: SD_17, 26: ALL}, "xl": {12: XL_12, 20: XL_20, 26: ALL}}
# In SD's blocks the names mean: early and late ones of the way down, the middle with its neighbours, early and late ones of the way up.
SD_PRESETS = """
NONE:0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0
ALL:1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1
INS:1,1,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0
IND:1,0,0,0,1,1,1,0,0,0,0,0,0,0,0,0,0
INALL:1,1,1,1,1,1,1,0,0,0,0,0,0,0,0,0,0
MIDD:1,0,0,0,1,1,1,1,1,1,1,1,0,0,0,0,0
OUTD:1,0,0,0,0,0,0,0,1,1,1,1,0,0,0,0,0
OUTS:1,0,0,0,0,0,0,0,0,0,0,0,1,1,1,1,1
OUTALL:1,0,0,0,0,0,0,0,1,1,1,1,1,1,1,1,1
ALL0.5:0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5
""".strip()
XL_PRESETS = """
NONE:0,0,0,0,0,0,0,0,0,0,0,0
ALL:1,1,1,1,1,1,1,1,1,1,1,1
INS:1,1,1,0,0,0,0,0,0,0,0,0
IND:1,0,0,1,1,0,0,0,0,0,0,0
INALL:1,1,1,1,1,0,0,0,0,0,0,0
MIDD:1,0,0,1,1,1,1,1,1,0,0,0
OUTD:1,0,0,0,0,0,1,1,1,0,0,0
OUTS:1,0,0,0,0,0,0,0,0,1,1,1
OUTALL:1,0,0,0,0,0,1,1,1,1,1,1
ALL0.5:0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5
""".strip()
NAMED = re.compile(r"(BASE|MID|(?:IN|OUT)(?:\d\d?(?:-\d\d?)?)?)=?([0-9.+-]*)", re.IGNORECASE)


def presets_of(text: str) -> dict[str, str]:
    """The presets of a text with one `NAME:numbers` in a line; lines that are none are left out."""
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {name.strip().upper(): numbers.strip() for name, numbers in pairs if name.strip()}


def blocks_of(text: str, presets: Mapping[str, str], *, xl: bool) -> Blocks:
    """The factors that an `lbw` means: a preset's name, a list of numbers, or block names, whose others then count for nothing.

    A list has 17 numbers (SD: the blocks with attention) or 26 (all), for SDXL 12, 20 or 26; blocks that it does not name get 0, as in
    A1111's extension, unless all numbers are the same. Raises BadRequest.
    """
    numbers = presets.get(text.strip().upper(), text).strip()
    if not re.fullmatch(r"[0-9.,\s+-]+", numbers):
        return named(numbers, presets)
    try:
        factors = [float(part) for part in numbers.split(",")]
    except ValueError:
        raise BadRequest(f"In lbw={text} a part of '{numbers}' is not a number.", "Write numbers with commas between them.") from None
    lists = LISTS["xl" if xl else "sd"]
    if len(factors) not in lists:
        wanted = " or ".join(map(str, lists))
        said = f"lbw={text} has {len(factors)} numbers; this checkpoint's blocks are {wanted}."
        raise BadRequest(said, "The first is the text encoder's.")
    rest = factors[0] if len(set(factors)) == 1 else 0.0  # one factor for all is for all
    found = dict.fromkeys(ALL, rest) | dict(zip(lists[len(factors)], factors, strict=True))
    return tuple(found.items())


def named(text: str, presets: Mapping[str, str]) -> Blocks:
    """Factors from names, as in `IN04-08,MID=0.5`. `IN` and `OUT` alone are all of a side. Raises BadRequest."""
    found = dict.fromkeys(ALL, 0.0) | {"BASE": 1.0}
    for part in text.replace(";", ",").split(","):
        match = NAMED.fullmatch(part.strip())
        if match is None:
            known = ", ".join(presets)
            raise BadRequest(
                f"lbw={text} is neither a preset nor a list of blocks: '{part.strip()}' is unknown.", f"The presets are {known}."
            )
        factor = factor_of(match[2], text)
        for block in spread(match[1].upper()):
            found[block] = factor
    return tuple(found.items())


def factor_of(text: str, whole: str) -> float:
    """A block's factor; 1 without a number. Raises BadRequest."""
    try:
        return float(text) if text else 1.0
    except ValueError:
        raise BadRequest(f"In lbw={whole} '{text}' is not a number.", "Write it as MID=0.5.") from None


def spread(name: str) -> list[str]:
    """The blocks of a name: IN, IN04, IN04-08, MID, BASE. Raises BadRequest for a number that is none."""
    side = "IN" if name.startswith("IN") else "OUT" if name.startswith("OUT") else name
    if side not in SIDES:
        return [name]
    first, _, last = name.removeprefix(side).partition("-")
    numbers = range(int(first or 0), int(last or first or SIDES[side] - 1) + 1)
    if not numbers or numbers[-1] >= SIDES[side]:
        raise BadRequest(f"lbw names the blocks {name}; there are {side}00 to {side}{SIDES[side] - 1}.")
    return [f"{side}{number:02d}" for number in numbers]
