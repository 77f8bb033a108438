"""A1111's infotext back to named values."""

import json
import re

PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
SIZE = re.compile(r"^(\d+)x(\d+)$")
NEGATIVE = "Negative prompt:"
FEWEST_PAIRS = 3  # a last line with fewer belongs to the prompt


def unquoted(text: str) -> str:
    """A value without the quotes that `write` puts around it."""
    if len(text) > 1 and text[0] == '"' and text[-1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text
    return text


def read(text: str) -> dict[str, str]:
    """The values of an infotext by their labels, 'Prompt' and 'Negative prompt' among them. Never raises.

    A value such as 512x768 is given as `Label-1` and `Label-2`.
    """
    *lines, last = text.strip().split("\n")
    if len(PAIR.findall(last)) < FEWEST_PAIRS:
        lines, last = [*lines, last], ""
    prompt: list[str] = []
    negative: list[str] = []
    part = prompt
    for line in lines:
        stripped = line.strip()
        if stripped.startswith(NEGATIVE):
            part = negative
            stripped = stripped.removeprefix(NEGATIVE).strip()
        part.append(stripped)
    values = {"Prompt": "\n".join(prompt), "Negative prompt": "\n".join(negative)}
    for key, raw in PAIR.findall(last):
        value = unquoted(raw)
        size = SIZE.match(value)
        if size:
            values[f"{key}-1"], values[f"{key}-2"] = size.groups()
        else:
            values[key] = value
    return values
