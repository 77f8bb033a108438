"""Prompts in English by the vocabulary: which language it is, phrase by phrase, word by word."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from modules.prompts.vocabulary import vocabulary

from . import heads_first, heads_last
from .protected import narrowed, pieces
from .tokens import OTHERWISE, Token, composed, cut, phrase_tokens, read, words_of

HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
KANA = re.compile(r"[\u3041-\u30ff]")
HANGUL = re.compile(r"[\uac00-\ud7af\u1100-\u11ff]")
CYRILLIC = re.compile(r"[\u0400-\u04ff]")
LATIN_LANGUAGES = ("de", "fr", "es")
BETWEEN_HAN = re.compile(r"(?<=[\u3041-\u9fff])\s+(?=[\u3041-\u9fff])")
# English words that are small, or that others have too, and the vocabulary has not: they speak for English.
ENGLISH = frozenset(
    """a an the of on in at with without and or by for from to into over under above below behind between near next against is are was
    her his its their my your this that these those as it he she they who some more most less no not all only wearing holding die gross
    art style hair eyes shot view light high low good bad best side front back made looking up down out off""".split()
)
SURE = 0.6  # the share of words that must belong to a language before a prompt in Latin letters is taken for it


@dataclass(frozen=True)
class Translation:
    """A prompt in English. `words` are (what was written, its English) in their order, `unknown` what was kept as it was."""

    text: str
    language: str = ""
    words: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()


def language_of(prompt: str) -> str:
    """The language of a prompt, as in the vocabulary; "" if it is English, or cannot be told."""
    for language, script in (("ja", KANA), ("ko", HANGUL), ("zh", HAN), ("ru", CYRILLIC)):
        if script.search(prompt):
            return language
    words = [word for piece in pieces(prompt) if not piece.fixed for word in words_of(piece.text) if word[0].isalpha()]
    if not words:
        return ""
    english = sum(map(is_english, words))
    scores = {language: sum(is_foreign(word, language) for word in words) for language in LATIN_LANGUAGES}
    best = max(scores, key=lambda language: scores[language])
    return best if scores[best] > english and scores[best] / len(words) >= SURE else ""


def is_english(word: str) -> bool:
    """Whether a word is surely English too."""
    plain = word.lower().strip(".")
    return plain in ENGLISH or vocabulary().word(plain) is not None or vocabulary().word(plain.removesuffix("s")) is not None


def is_foreign(word: str, language: str) -> bool:
    """Whether a language has a word, in any of its forms."""
    return bool(phrase_tokens(word, language))


def translate(prompt: str, language: str = "", *, names: Sequence[str] = (), otherwise: OTHERWISE | None = None) -> Translation:
    """A prompt in English; one that is English already comes back as it is, to the letter.

    `language` "" finds out by itself. `names` (of embeddings) are left alone. `otherwise` knows further Chinese words.
    """
    language = language or language_of(prompt)
    if not language:
        return Translation(prompt)
    found: list[str] = []
    tokens: list[Token] = []
    kept = {name.lower() for name in names}
    for piece in pieces(prompt if language in LATIN_LANGUAGES else narrowed(composed(prompt))):
        stays = piece.fixed or piece.text.strip().lower() in kept or not is_in(piece.text, language)
        found.append(piece.text if stays else phrases(piece.text, language, tokens, otherwise))
    if not tokens:
        return Translation(prompt)
    words = tuple((token.source, token.english) for token in tokens if token.role not in ("drop", "counter", "subject", "object"))
    unknown = dict.fromkeys(token.source for token in tokens if not token.known)
    return Translation(spaced_out(found), language, words, tuple(unknown))


def is_in(text: str, language: str) -> bool:
    """Whether a part of a prompt is of the prompt's language, and not English."""
    if language not in LATIN_LANGUAGES:
        return any(script.search(text) for script in (KANA, HANGUL, HAN, CYRILLIC))
    words = [word for word in words_of(text) if word[0].isalpha()]
    foreign = [word for word in words if not is_english(word)]
    return any(is_foreign(word, language) for word in foreign) or (bool(foreign) and is_foreign(text.strip(), language))


def phrases(text: str, language: str, tokens: list[Token], otherwise: OTHERWISE | None) -> str:
    """A part of a prompt in English, with the blanks around it as they were. Its tokens are added to `tokens`."""
    bare = text.strip()
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    if language in ("zh", "ja"):
        found: list[str] = []
        for part in BETWEEN_HAN.split(bare):
            read_part = [token for word in part.split() for token in cut(word, language, otherwise)]
            tokens += read_part
            found.append(heads_last.arranged(read_part, language))
        return before + ", ".join(one for one in found if one) + after
    read_all = read(bare, language)
    tokens += read_all
    english = heads_last.arranged(read_all, language) if language == "ko" else heads_first.arranged(read_all, language)
    return before + english + after


def spaced_out(parts: Sequence[str]) -> str:
    """The parts of a prompt with blanks where English has them: behind commas, and between words that now meet."""
    text = ""
    for part in parts:
        glued = text and part and (text[-1].isalnum() or text[-1] in ")]}>_\"'") and (part[0].isalnum() or part[0] in '(<{"')
        text += (" " if glued else "") + part
    text = re.sub(r",(?=[^\s,)\]}|])(?!(?<=\d,)\d)", ", ", text)
    return re.sub(r"(, ?){2,}", ", ", text).replace(" ,", ",")
