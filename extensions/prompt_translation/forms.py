"""The forms of words in German, French, Spanish and Russian, led back to those of the vocabulary: endings only, no dictionary."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import islice, product

# What an ending may stand for: (ending, what is in the vocabulary instead).
ENDINGS: dict[str, tuple[tuple[str, str], ...]] = {
    "de": (*((ending, "") for ending in ("ern", "en", "er", "es", "em", "e", "n", "s", "r", "nen")), ("enen", "end"), ("enden", "end")),
    "fr": (
        ("es", ""),
        ("s", ""),
        ("x", ""),
        ("e", ""),
        ("aux", "al"),
        ("euses", "eux"),
        ("euse", "eux"),
        ("ives", "if"),
        ("ive", "if"),
        ("elles", "el"),
        ("elle", "el"),
        ("ennes", "en"),
        ("enne", "en"),
        ("eres", "er"),
        ("ere", "er"),
        ("ieres", "ier"),
        ("trices", "teur"),
        ("ette", "et"),
        ("ettes", "et"),
    ),
    "es": (
        ("s", ""),
        ("es", ""),
        ("a", "o"),
        ("as", "o"),
        ("os", "o"),
        ("ces", "z"),
        ("a", ""),
        ("as", ""),
        ("e", "o"),
        ("oras", "or"),
        ("esas", "es"),
        ("ones", "on"),
    ),
}
RUSSIAN_ADJECTIVE = "ого его ому ему ыми ими ую юю ая яя ое ее ые ие ый ий ой ей ым им ом ем ых их".split()
RUSSIAN_NOUN = (
    "ами",
    "ями",
    "ах",
    "ях",
    "ов",
    "ев",
    "ей",
    "ам",
    "ям",
    "ом",
    "ем",
    "ой",
    "ою",
    "ью",
    "а",
    "я",
    "у",
    "ю",
    "ы",
    "и",
    "е",
    "о",
    "",
)
RUSSIAN_ENDINGS = (
    *product(RUSSIAN_ADJECTIVE, ("ый", "ий", "ой")),
    *product(RUSSIAN_NOUN, ("", "а", "я", "о", "е", "ь", "й", "ы", "и")),
    # цветок, цветка; птенец, птенца: a vowel that comes and goes
    *(
        (consonant + ending, vowel + consonant)
        for consonant in "кц"
        for ending in ("а", "у", "е", "ом", "ем", "и", "ы", "ов", "ев", "ам", "ами", "ах")
        for vowel in "ое"
    ),
)
SHORTEST = 3  # letters that must be left, so that "der" is not a form of "d"
MOST = 400  # forms of a phrase that are tried


def folded(text: str, language: str) -> str:
    """A name in small letters without accents: `jardín` and `jardin`, `Häuser` and `hauser` are one; and Russian's two e."""
    if language == "ru":
        return text.casefold().replace("ё", "е")
    plain = unicodedata.normalize("NFD", text.casefold().replace("œ", "oe"))
    return "".join(one for one in plain if not unicodedata.combining(one))


def forms(phrase: str, language: str) -> Iterator[str]:
    """What a phrase may be called in the vocabulary, likeliest first, each of its words led back on its own."""
    words = [list(dict.fromkeys(word_forms(folded(word, language), language))) for word in phrase.split(" ")]
    yield from islice((" ".join(chosen) for chosen in product(*words)), MOST)


def word_forms(word: str, language: str) -> Iterator[str]:
    """What one word may be called in the vocabulary."""
    yield word
    endings = RUSSIAN_ENDINGS if language == "ru" else ENDINGS.get(language, ())
    shortest = 2 if language == "ru" else SHORTEST
    for ending, base in endings:
        if word.endswith(ending) and len(word) - len(ending) >= shortest:
            yield word[: len(word) - len(ending)] + base


def looks_plural(phrase: str, form: str, language: str) -> bool:
    """Whether a form found in the vocabulary was written in its plural."""
    last, base = folded(phrase, language).rpartition(" ")[2], form.rpartition(" ")[2]
    if last == base:
        return False
    if language in ("fr", "es"):
        return last.endswith(("s", "x"))
    if language == "de":
        return re.search(r"(e|en|er|n)$", last) is not None and not base.endswith(last)
    return False  # Russian endings say case as well as number: its numbers and adjectives tell
