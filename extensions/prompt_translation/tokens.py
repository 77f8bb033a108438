"""Text to tokens: which words of the vocabulary, and which small words, a phrase is made of."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from modules.prompts.vocabulary import Word, vocabulary
from modules.prompts.vocabulary.book import ADJECTIVES, NOUNS
from modules.prompts.vocabulary.characters import simplified

from .forms import folded, forms, looks_plural
from .function_words import FUNCTIONS, PARTICLES

LONGEST = 12  # characters of a word of Chinese or Japanese
MOST_WORDS = 5  # of a phrase that is looked up as one
LATIN = re.compile(r"[A-Za-z0-9À-ɏ][A-Za-z0-9À-ɏ'’.+_-]*")
WORD = re.compile(r"\s*((?:[ldjqcsnm]|qu)['’](?=\w)|[^\s'’\"]+(?:['’][^\s'’\"]*)*|['’\"])", re.IGNORECASE)
# A word costs less than two, a small word of one character less than one that has it at its end, an unknown character a lot.
PRICES = {"link": 9.5, "other": 15.0}
OTHERWISE = Callable[[str], str | None]


@dataclass(frozen=True)
class Token:
    """A piece of text: what it does (`role`, see function_words), its English and kind. `known` is False for what was not found."""

    source: str
    role: str
    english: str = ""
    kind: str = ""
    plural: bool = False
    known: bool = True
    others: tuple[Word, ...] = ()  # what it may be instead


def role_of(kind: str) -> str:
    """What a word of a kind does in a phrase."""
    if kind in ADJECTIVES:
        return "adjective"
    return {"n": "noun", "m": "noun", "v": "verb", "d": "d"}.get(kind, "text")


def token_of(source: str, words: Sequence[Word], *, several: bool = False) -> Token:
    """A token for the words of the vocabulary that a text may be."""
    first = words[0]
    return Token(source, role_of(first.kind), first.english, first.kind, several and first.kind == "n", others=tuple(words[1:]))


def unknown(source: str) -> Token:
    """A token for what is kept as it is. Numbers and Latin letters are no wonder: they may be names, or English."""
    return Token(source, "text", source, "x", known=LATIN.fullmatch(source) is not None)


def decided(tokens: Sequence[Token]) -> list[Token]:
    """The tokens with each ambiguous one as what fits its neighbours: an adjective beside a thing, else a thing."""
    found = list(tokens)
    for index, token in enumerate(found):
        if not token.others:
            continue
        near = [found[place] for place in (index - 1, index + 1) if 0 <= place < len(found)]
        wanted = ADJECTIVES if any(one.role == "noun" for one in near) else NOUNS
        fitting = [word for word in token.others if word.kind in wanted]
        if fitting and token.kind not in wanted:
            found[index] = replace(token_of(token.source, fitting), others=())
    return found


# Chinese and Japanese: words without blanks between them


@cache
def unspaced(language: str) -> Mapping[str, Token]:
    """All words of a language that is written without blanks, as tokens."""
    found = {name: token_of(name, words) for name, words in vocabulary().table(language).items()}
    found |= {text: Token(text, role, english) for text, (role, english) in FUNCTIONS[language].items()}
    return found


def cut(text: str, language: str, otherwise: OTHERWISE | None = None) -> list[Token]:
    """The tokens of a text without blanks: as little as can be stays unknown, and of the rest as few words as can be are made.

    `otherwise` is asked for the English of what the vocabulary does not have.
    """
    plain = (simplified(text) if language == "zh" else text).casefold()
    if len(plain) != len(text):  # a letter whose small form is longer
        plain = text
    table = unspaced(language)
    names = {match.end(): match.start() for match in LATIN.finditer(text)}
    best: list[tuple[float, int, Token]] = [(0.0, 0, unknown(""))]  # cost up to each place, where its last token begins, and that token
    for end in range(1, len(plain) + 1):
        cost, start, token = best[end - 1][0] + 100, end - 1, unknown(text[end - 1])
        for begin in range(max(0, end - LONGEST), end):
            one = table.get(plain[begin:end]) or from_elsewhere(plain[begin:end], text[begin:end], otherwise)
            if one is not None and (price := best[begin][0] + PRICES.get(one.role, 10) - (end - begin) * 0.01) < cost:
                cost, start, token = price, begin, one
        if end in names and best[names[end]][0] + 10 < cost:
            cost, start, token = best[names[end]][0] + 10, names[end], unknown(text[names[end] : end])
        best.append((cost, start, replace(token, source=text[start:end])))
    found: list[Token] = []
    place = len(plain)
    while place:
        _, start, token = best[place]
        found.insert(0, replace(token, role="noun") if token.role == "other" else token)
        place = start
    return decided(merged(found))


def from_elsewhere(plain: str, source: str, otherwise: OTHERWISE | None) -> Token | None:
    """A word that another dictionary knows, as a token."""
    if otherwise is None or len(plain) < 2:
        return None
    english = otherwise(plain)
    return Token(source, "other", english, "n") if english else None


def merged(tokens: Sequence[Token]) -> list[Token]:
    """Neighbours that are not known as one: a name is named once."""
    found: list[Token] = []
    for token in tokens:
        if found and not token.known and not found[-1].known:
            found[-1] = unknown(found[-1].source + token.source)
        else:
            found.append(token)
    return found


# Languages with blanks between words


@cache
def spaced(language: str) -> Mapping[str, tuple[Word, ...]]:
    """The vocabulary by its names without accents, for those who write none."""
    found: dict[str, list[Word]] = {}
    for name, words in vocabulary().table(language).items():
        found.setdefault(folded(name, language), []).extend(words)
    return {name: tuple(words) for name, words in found.items()}


def words_of(text: str) -> list[str]:
    """The words of a text, French articles with an apostrophe on their own."""
    return [match.group(1) for match in WORD.finditer(text)]


def read(text: str, language: str) -> list[Token]:
    """The tokens of a text whose words stand apart, the longest phrases first."""
    words = words_of(text)
    found: list[Token] = []
    place = 0
    while place < len(words):
        for count in range(min(MOST_WORDS, len(words) - place), 0, -1):
            phrase = " ".join(words[place : place + count]).replace("’", "'").replace("' ", "'")
            tokens = phrase_tokens(phrase, language)
            if tokens:
                found += tokens
                place += count
                break
        else:
            found += (
                cut(words[place], language) if language == "ko" and not LATIN.fullmatch(words[place]) else [missing(words[place], language)]
            )
            place += 1
    return decided(found)


def missing(word: str, language: str) -> Token:
    """A token for a word that is not known. In a language of Latin letters only numbers are no wonder."""
    token = unknown(word)
    return token if language in ("ko", "ru") else replace(token, known=not any(map(str.isalpha, word)))


def phrase_tokens(phrase: str, language: str) -> list[Token]:
    """A phrase as the vocabulary or the small words know it, in any of its forms. Empty if they do not."""
    functions, plain = FUNCTIONS[language], phrase.casefold()
    if plain in functions:
        role, english = functions[plain]
        return [Token(phrase, role, english)]
    table = vocabulary().table(language)
    if plain in table:
        return [token_of(phrase, table[plain])]
    if language == "ko":
        return list(with_particle(phrase))
    loose = spaced(language)
    for form in forms(phrase, language):
        words = loose.get(form)
        if words:
            return [token_of(phrase, words, several=looks_plural(phrase, form, language))]
    return []


def with_particle(phrase: str) -> Iterator[Token]:
    """A Korean phrase and the particle at its end, as two tokens; none if it has none that leaves a known word."""
    table, functions = vocabulary().table("ko"), FUNCTIONS["ko"]
    for particle in sorted(PARTICLES, key=len, reverse=True):
        stem = phrase.removesuffix(particle)
        if stem in (phrase, ""):
            continue
        role, english = PARTICLES[particle]
        if stem in functions:
            yield Token(stem, *functions[stem])
        elif stem.casefold() in table:
            yield token_of(stem, table[stem.casefold()], several=role == "plural")
        else:
            continue
        if role != "plural":
            yield Token(particle, role, english)
        return


def composed(text: str) -> str:
    """A text in one way of writing its characters, with full-width letters as plain ones."""
    return "".join(unicodedata.normalize("NFKC", one) if "\uff01" <= one <= "\uff5e" or "\uff61" <= one <= "\uff9f" else one
                   for one in unicodedata.normalize("NFC", text))  # fmt: skip
