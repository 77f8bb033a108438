"""A prompt cut into what is to be translated and what is not: weights, tags, schedules, wildcards, choices and escapes stay as they are."""

import re
from collections.abc import Iterator
from typing import NamedTuple

# What is never translated, and separates what stands before it from what stands behind. The prompts' grammar is that of
# modules/prompts: (text:1.2), [from:to:0.5], [a|b], AND, BREAK, <lora:name:1>, # comments; and that of the dynamic prompts.
FIXED = re.compile(
    r"""
    <[^<>\n]*>                          # network tags
    | __[^\s,|{}()<>]+?__               # wildcards
    | \$\{\s*[^\s{}|=:]+\s*(?:\}|[=:]!?)  # ${name}, and the beginning of ${name=...}
    | (?m:^\s*\#[^\n]*)                 # comments
    | \b(?:AND|BREAK)\b
    | \\.                               # escapes
    | :\s*[-+]?(?:\d+\.?\d*|\.\d+)\s*(?=[)\]])  # the number at the end of (text:1.2) and of [from:to:0.5]
    | (?<=[{|])\s*[\d.]+::              # weights of choices
    | (?<=\{)\s*\d*(?:-\d*)?[~@]?\$\$(?:[^{}|$]*\$\$)?  # how many choices, and what joins them
    | [()\[\]{}|:,;\n]
    """,
    re.VERBOSE,
)
WIDE = {"，": ",", "、": ",", "。": ",", "；": ",", "！": ",", "？": ",", "（": "(", "）": ")", "：": ":", "【": "[", "】": "]", "｜": "|",
        "｛": "{", "｝": "}", "．": ".", "「": ",", "」": ",", "“": '"', "”": '"', "‘": "'", "’": "'", "\u3000": " "}  # fmt: skip
WIDE_TABLE = str.maketrans(WIDE)


class Piece(NamedTuple):
    """A part of a prompt. `fixed`: it stays as it is."""

    text: str
    fixed: bool


def narrowed(prompt: str) -> str:
    """A prompt with the punctuation of Chinese and Japanese keyboards as the prompts' grammar writes it."""
    return prompt.translate(WIDE_TABLE)


def pieces(prompt: str) -> Iterator[Piece]:
    """The parts of a prompt in their order; put together they are the prompt."""
    place = 0
    for match in FIXED.finditer(prompt):
        if match.start() > place:
            yield Piece(prompt[place : match.start()], False)
        yield Piece(match.group(), True)
        place = match.end()
    if place < len(prompt):
        yield Piece(prompt[place:], False)
