"""A1111's attention syntax: which weight each piece of a prompt has.

`(x)` is 1.1, `[x]` is 1/1.1, `(x:1.5)` is 1.5; they nest and multiply. A backslash makes a bracket literal. A bracket that
is never closed holds to the end of the text, one that was never opened is text.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import numpy as np

ROUND = 1.1
SQUARE = 1 / 1.1

TOKEN = re.compile(
    r"""
    \\(?P<literal>[()\[\]\\])          # an escaped bracket or backslash
    | (?P<backslash>\\)
    | (?P<open>[(\[])
    | :\s*(?P<weight>[+-]?[.\d]+)\s*\)  # the end of (text:1.2)
    | (?P<close>[)\]])
    | (?P<text>[^\\()\[\]:]+|:)
    """,
    re.VERBOSE,
)
BREAK = re.compile(r"\bBREAK\b")


class Piece(NamedTuple):
    """Text with one weight. A break between chunks is Piece('BREAK', -1)."""

    text: str
    weight: float


class Range(NamedTuple):
    """Pieces, from `start` up to before `end`, that a bracket weighs."""

    start: int
    end: int
    factor: float


def parse_attention(prompt: str) -> list[Piece]:
    """The pieces of a prompt, in order, neighbours of equal weight joined; an empty prompt is one empty piece. Never raises.

    A BREAK inside brackets has its marker weight multiplied like any other and so does not break: A1111's behaviour,
    which the pictures of old prompts depend on.
    """
    pieces: list[Piece] = []
    ranges: list[Range] = []
    opened: dict[str, list[int]] = {"(": [], "[": []}
    for match in TOKEN.finditer(prompt):
        kind, value = match.lastgroup, match.group(match.lastgroup or 0)
        if kind == "open":
            opened[value].append(len(pieces))
        elif kind == "weight" and opened["("]:
            ranges.append(Range(opened["("].pop(), len(pieces), number(value)))
        elif kind == "close" and opened["(" if value == ")" else "["]:
            ranges.append(Range(opened["(" if value == ")" else "["].pop(), len(pieces), ROUND if value == ")" else SQUARE))
        elif kind in ("literal", "backslash"):
            pieces.append(Piece(value if kind == "literal" else "", 1.0))  # a backslash before anything else is dropped
        else:
            pieces.extend(broken(match.group(0)))
    ranges += [Range(start, len(pieces), ROUND) for start in opened["("]]
    ranges += [Range(start, len(pieces), SQUARE) for start in opened["["]]
    return joined(weighed(pieces, ranges)) or [Piece("", 1.0)]


def broken(literal: str) -> Iterator[Piece]:
    """A text without brackets as pieces: what stands between its BREAKs, without the blanks around them, and these."""
    texts = BREAK.split(literal)
    for index, part in enumerate(texts):
        if index:
            yield Piece("BREAK", -1.0)
        text = part.lstrip() if index else part
        yield Piece(text.rstrip() if index < len(texts) - 1 else text, 1.0)


def number(text: str) -> float:
    """The weight that a person wrote. `1.2.3` and `.` are no numbers and weigh 1."""
    try:
        return float(text)
    except ValueError:
        return 1.0


def weighed(pieces: list[Piece], ranges: list[Range]) -> list[Piece]:
    """The pieces, each multiplied by the factors of its ranges in their order, which decides the last bit."""
    weights = np.array([piece.weight for piece in pieces], dtype=np.float64)
    with np.errstate(all="ignore"):  # thousands of brackets lead to infinity, or to zero
        for start, end, factor in ranges:
            weights[start:end] *= factor
    return [Piece(piece.text, weight) for piece, weight in zip(pieces, weights.tolist(), strict=True)]


def joined(pieces: list[Piece]) -> list[Piece]:
    """Neighbours of equal weight as one."""
    runs = groupby(pieces, key=lambda piece: piece.weight)
    return [Piece("".join(piece.text for piece in run), weight) for weight, run in runs]


COMMENT = re.compile(r"\n?#[^\n]*(?:\n|$)")


def without_comments(prompt: str) -> str:
    """The prompt without its comments, from `#` to the end of the line; a line that is only a comment goes whole."""
    return COMMENT.sub("\n", prompt)
