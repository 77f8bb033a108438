"""The vocabulary as it is read from its tables, and the ways to look things up in it.

A table is a file of words/: English word, kind, and its names in each language, the usual one first, then others behind `;`.
Lines that begin with `#` are headings. Kinds: n a thing that can be counted, m one that cannot or a plural, v what somebody does,
d a number, x what stands for itself; adjectives in the order in which English has them: a (how it is), s (size), h (form, state, age),
c (colour), t (material).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from modules.prompts.vocabulary.characters import simplified

FOLDER = Path(__file__).with_name("words")
LANGUAGES: Mapping[str, str] = {
    "zh": "简体中文", "ja": "日本語", "ko": "한국어", "de": "Deutsch", "fr": "Français", "es": "Español", "ru": "Русский",
}  # fmt: skip
# The files in the order in which their words count, where a name stands for several. The order is an editor's choice: 눈 is an eye first.
CATEGORIES = (
    "shapes", "colours", "people", "body", "nature", "animals", "clothes", "composition", "places", "things", "food", "styles", "quality",
    "actions",
)  # fmt: skip
ADJECTIVES = "ashct"
NOUNS = "nm"


@dataclass(frozen=True)
class Word:
    """A word or phrase of prompts. `category` is its file, `group` the heading that it stands under; `names` are by language."""

    english: str
    kind: str
    category: str
    group: str
    names: Mapping[str, tuple[str, ...]]


class Vocabulary:
    """All words, and where each is found. Its tables are made when they are first asked for; nothing changes afterwards."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = tuple(words)
        self.tables: dict[str, Mapping[str, tuple[Word, ...]]] = {}

    @cached_property
    def english_words(self) -> Mapping[str, Word]:
        """Each word by its English text in small letters."""
        return {word.english.lower(): word for word in self.words}

    def word(self, english: str) -> Word | None:
        """The word of an English text or tag, `blue_hair` or `Blue hair`; None if there is none."""
        return self.english_words.get(plain(english))

    def table(self, language: str) -> Mapping[str, tuple[Word, ...]]:
        """The words that a name stands for in a language, by the name in small letters, the likeliest first."""
        if language not in self.tables:
            found: dict[str, list[Word]] = {}
            for word in self.words:
                for name in word.names.get(language, ()):
                    found.setdefault(name.casefold(), []).append(word)
            self.tables[language] = {name: tuple(words) for name, words in found.items()}
        return self.tables[language]

    def lookup(self, language: str) -> Mapping[str, tuple[str, ...]]:
        """The English texts that each name of a language stands for, by the name in small letters."""
        return {name: tuple(word.english for word in words) for name, words in self.table(language).items()}

    def names(self, english: str, language: str) -> tuple[str, ...]:
        """What a tag is called in a language, the usual name first; put together from its words where it has no row of its own.

        That is done for Chinese, Japanese and Korean, whose words do not change when they meet. Empty if it is not known.
        """
        word = self.word(english)
        if word is not None:
            return word.names.get(language, ())
        return tuple(self.composed(plain(english).split(), language)) if language in ("zh", "ja", "ko") else ()

    def names_of(self, english: str) -> Mapping[str, tuple[str, ...]]:
        """What a tag is called in each language that has a name for it."""
        return {language: names for language in LANGUAGES if (names := self.names(english, language))}

    def composed(self, words: Sequence[str], language: str) -> Iterator[str]:
        """A name for adjectives before a noun: 红色裙子 for "red skirt"."""
        joint = " " if language == "ko" else ""
        for split in range(1, len(words)):
            noun = self.word(" ".join(words[split:]))
            adjectives = [self.word(one) for one in words[:split]]
            if noun is None or noun.kind not in NOUNS or not all(one and one.kind in ADJECTIVES for one in adjectives):
                continue
            names = [one.names[language][0] for one in [*adjectives, noun] if one]
            yield joint.join(attributive(name, language) for name in names[:-1]) + joint + names[-1]
            return

    def english(self, text: str, language: str) -> tuple[str, ...]:
        """The English texts that a name stands for, the likeliest first; traditional characters count as simplified ones.

        A name that is none is taken apart into an adjective and a noun: 红色裙子 is "red skirt". Empty if it is not known.
        """
        name = (simplified(text) if language == "zh" else text).strip().casefold()
        table = self.table(language)
        if name in table:
            return tuple(word.english for word in table[name])
        for split in range(len(name) - 1, 0, -1):
            before, after = name[:split].strip().removesuffix("的"), name[split:].strip()
            for adjective in table.get(before, ()):
                for noun in table.get(after, ()):
                    if adjective.kind in ADJECTIVES and noun.kind in NOUNS:
                        return (f"{adjective.english} {noun.english}",)
        return ()


def attributive(name: str, language: str) -> str:
    """An adjective's name as it stands before a noun."""
    return f"{name}の" if language == "ja" and name[-1] not in "いなのた" else name


def plain(english: str) -> str:
    """An English tag in small letters with blanks between its words."""
    return " ".join(english.replace("_", " ").lower().split())


def read(path: Path) -> Iterator[Word]:
    """The words of one table."""
    group = ""
    header, *lines = path.read_text("utf8").splitlines()
    languages = header.split("\t")[2:]
    for line in lines:
        if line.startswith("#"):
            group = line.lstrip("# ")
            continue
        english, kind, *cells = line.split("\t")
        names = {language: tuple(cell.split(";")) for language, cell in zip(languages, cells, strict=True)}
        yield Word(english, kind, path.stem, group, names)


@cache
def vocabulary() -> Vocabulary:
    """The program's vocabulary, read once."""
    return Vocabulary([word for category in CATEGORIES for word in read(FOLDER / f"{category}.tsv")])
