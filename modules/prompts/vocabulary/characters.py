"""Chinese characters: traditional ones made simplified, and how they are read. Only those that the vocabulary has."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("characters")


@cache
def table(name: str) -> Mapping[str, str]:
    """A file of characters: what stands in its second column, by its first."""
    lines = (FOLDER / f"{name}.tsv").read_text("utf8").splitlines()
    return dict(line.split("\t") for line in lines if not line.startswith("#"))


@cache
def replacements() -> dict[int, str]:
    """The simplified characters as `str.translate` takes them."""
    return {ord(traditional): simple for traditional, simple in table("simplified").items()}


def simplified(text: str) -> str:
    """A text with its traditional characters in their simplified form; of the same length. What is not known stays."""
    return text.translate(replacements())


def pinyin(text: str) -> tuple[str, ...]:
    """The readings of a text's characters without tones, `("lan", "fa")` for 蓝发; letters and digits stand for themselves.

    Of several readings it is the usual one. What is neither a letter nor known is left out.
    """
    readings = table("pinyin")
    known = (readings.get(one, "").split(" ")[0] or (one.lower() if one.isascii() and one.isalnum() else "") for one in simplified(text))
    return tuple(reading for reading in known if reading)


def initials(text: str) -> str:
    """The first letters of a text's readings: `lf` for 蓝发, as people type it."""
    return "".join(reading[0] for reading in pinyin(text))
