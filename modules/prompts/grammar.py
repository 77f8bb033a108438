"""A1111's attention syntax: which weight each piece of a prompt has.

`(x)` is 1.1, `[x]` is 1/1.1, `(x:1.5)` is 1.5; they nest and multiply. A backslash makes a bracket literal. A bracket that
is never closed holds to the end of the text, one that was never opened is text.
"""

import re
from typing import NamedTuple

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
BREAK = re.compile(r"\s*\bBREAK\b\s*", re.DOTALL)


class Piece(NamedTuple):
    """Text with one weight. A break between chunks is Piece('BREAK', -1)."""

    text: str
    weight: float


def parse_attention(prompt: str) -> list[Piece]:
    """The pieces of a prompt, in order, neighbours of equal weight joined; an empty prompt is one empty piece. Never raises.

    A BREAK inside brackets has its marker weight multiplied like any other and so does not break: A1111's behaviour,
    which the pictures of old prompts depend on.
    """
    pieces: list[list[str | float]] = []
    opened: dict[str, list[int]] = {"(": [], "[": []}

    def weigh(start: int, factor: float) -> None:
        for piece in pieces[start:]:
            piece[1] *= factor  # type: ignore[operator]

    for match in TOKEN.finditer(prompt):
        kind, value = match.lastgroup, match.group(match.lastgroup or 0)
        if kind == "open":
            opened[value].append(len(pieces))
        elif kind == "weight" and opened["("]:
            weigh(opened["("].pop(), number(value))
        elif kind == "close" and opened["(" if value == ")" else "["]:
            weigh(opened["(" if value == ")" else "["].pop(), ROUND if value == ")" else SQUARE)
        elif kind in ("literal", "backslash"):
            pieces.append([value if kind == "literal" else "", 1.0])  # a backslash before anything else is dropped
        else:
            for index, part in enumerate(BREAK.split(match.group(0))):
                if index:
                    pieces.append(["BREAK", -1.0])
                pieces.append([part, 1.0])
    for start in opened["("]:
        weigh(start, ROUND)
    for start in opened["["]:
        weigh(start, SQUARE)
    return joined([Piece(str(text), float(weight)) for text, weight in pieces]) or [Piece("", 1.0)]


def number(text: str) -> float:
    """The weight that a person wrote. `1.2.3` and `.` are no numbers and weigh 1."""
    try:
        return float(text)
    except ValueError:
        return 1.0


def joined(pieces: list[Piece]) -> list[Piece]:
    """Neighbours of equal weight as one."""
    result: list[Piece] = []
    for piece in pieces:
        if result and result[-1].weight == piece.weight:
            result[-1] = Piece(result[-1].text + piece.text, piece.weight)
        else:
            result.append(piece)
    return result


COMMENT = re.compile(r"\n?#[^\n]*(?:\n|$)")


def without_comments(prompt: str) -> str:
    """The prompt without its comments, from `#` to the end of the line; a line that is only a comment goes whole."""
    return COMMENT.sub("\n", prompt)
