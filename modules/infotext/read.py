"""A1111's infotext back to named values, in time proportional to its length."""

import json
import re
from collections.abc import Iterator

NOT_LABEL = re.compile(r"[^\w \-/]")
QUOTED = re.compile(r'"(?:\\.|[^\\"])+"(?=,|\Z)')
SIZE = re.compile(r"(\d+)x(\d+)")
NEGATIVE = "Negative prompt:"
FEWEST_PAIRS = 3  # a last line with fewer belongs to the prompt


def read(text: str) -> dict[str, str]:
    """The values of an infotext by their labels, 'Prompt' and 'Negative prompt' among them. Never raises.

    A value such as 512x768 is given as `Label-1` and `Label-2`; a label without a value is left out.
    """
    *lines, last = text.strip().split("\n")
    found = list(pairs(last))
    if len(found) < FEWEST_PAIRS:
        lines, found = [*lines, last], []
    prompt: list[str] = []
    negative: list[str] = []
    part = prompt
    for line in lines:
        stripped = line.strip()
        if stripped.startswith(NEGATIVE):
            part = negative
            stripped = stripped.removeprefix(NEGATIVE).strip()
        if part or stripped:  # empty lines before the first word are dropped
            part.append(stripped)
    values = {"Prompt": "\n".join(prompt), "Negative prompt": "\n".join(negative)}
    for label, raw in found:
        value = unquoted(raw)
        size = SIZE.fullmatch(value)
        if size:
            values[f"{label}-1"], values[f"{label}-2"] = size.groups()
        elif value:
            values[label] = value
    return values


def pairs(line: str) -> Iterator[tuple[str, str]]:
    """The labels of a line and their values as they stand there: up to the next comma, or a whole quoted text.

    A label has two characters or more: letters, digits, `_`, `-`, `/` and blanks, the first one a letter, a digit or `_`.
    """
    place = 0
    while (colon := line.find(":", place)) >= 0:
        label = label_at_end(line[place:colon])
        place = colon + 1
        if not label:
            continue
        while place < len(line) and line[place].isspace():
            place += 1
        quoted = QUOTED.match(line, place)
        end = quoted.end() if quoted else line.find(",", place)
        if end < 0:
            end = len(line)
        yield label, line[place:end]
        place = end + 1


def label_at_end(text: str) -> str:
    """The longest label that a text ends with; empty if there is none."""
    start = 0
    for stranger in NOT_LABEL.finditer(text):
        start = stranger.end()
    while start < len(text) and not (text[start] == "_" or text[start].isalnum()):
        start += 1
    return text[start:] if len(text) - start > 1 else ""


def unquoted(text: str) -> str:
    """A value without the quotes that `write` puts around it."""
    if len(text) > 1 and text[0] == '"' and text[-1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text
    return text
