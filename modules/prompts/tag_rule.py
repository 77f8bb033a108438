"""Which tags of a list are offered: the one place that says so, for every list that is read, whoever wrote it.

A tag that sexualises minors is never offered; no setting changes that. Explicit tags are offered where a person's setting says so.
The rule is of three short lists of words, compared word by word, so that `class` or `cockpit` are no match for anything.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

WORDS = re.compile(r"[a-z0-9]+")
EASTERN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
BLANKS = re.compile(r"[_\s]+")


@dataclass(frozen=True)
class TagRule:
    """`never`: words that sexualise minors by themselves. `young` and `explicit`: words that do so when one of each is in one tag.

    A word that ends in `*` stands for all that begin with it; one with a blank for words that follow each other. Words in Chinese,
    Japanese or Korean count wherever they stand. `harmless` are the tags in which a word of `never` means something else.
    """

    never: tuple[str, ...]
    young: tuple[str, ...]
    explicit: tuple[str, ...]
    harmless: tuple[str, ...] = ()

    def allows(self, tag: str, others: Iterable[str] = (), *, explicit: bool = False) -> bool:
        """Whether a tag is offered. `others` are its aliases and translations: what bars one of them bars the tag."""
        return all(self.allows_text(text, explicit=explicit) for text in (tag, *others))

    def allows_text(self, text: str, *, explicit: bool) -> bool:
        """The same for one text."""
        plain = BLANKS.sub(" ", unicodedata.normalize("NFKC", text).casefold())
        for harmless in self.harmless:
            plain = plain.replace(harmless, " ")
        if held(plain, self.never):
            return False
        return not held(plain, self.explicit) or (explicit and not held(plain, self.young))


def held(text: str, words: Iterable[str]) -> bool:
    """Whether one of some words is in a text in lower case."""
    spaced = f" {' '.join(WORDS.findall(text))} "
    eastern = EASTERN.search(text) is not None
    for word in words:
        if not word.isascii():
            if eastern and word in text:
                return True
        elif (f" {word[:-1]}" if word.endswith("*") else f" {word} ") in spaced:
            return True
    return False


# As few words as do it: who adds one, adds what lists in use call something, not all that can be said.
TAG_RULE = TagRule(
    never=(
        "loli", "lolis", "lolicon", "shota", "shotas", "shotacon", "lolita", "toddlercon", "jailbait", "oppailoli",
        "萝莉", "蘿莉", "正太", "ロリ", "ショタ", "로리", "쇼타",
    ),
    young=(
        "child", "children", "kid", "kids", "toddler*", "baby", "babies", "infant*", "minor", "minors", "underage*", "teen*", "preteen*",
        "schoolgirl*", "schoolboy*", "school", "little girl", "little boy", "young girl", "young boy", "kindergarten*", "elementary",
        "aged down",
        "儿童", "兒童", "幼", "小学", "子供", "어린이",
    ),
    explicit=(
        "sex", "sexual*", "nude", "nudity", "naked", "topless", "bottomless", "nsfw", "hentai", "porn*", "nipple*", "areola*", "genital*",
        "penis", "penises", "vagina*", "vulva*", "pussy", "clitoris", "anus", "anal", "cum", "cumshot*", "semen", "ejaculat*", "orgasm*",
        "masturbat*", "erection", "testicle*", "blowjob*", "handjob*", "fellatio", "cunnilingus", "rape*", "bdsm", "bondage", "futa*",
        "dildo*", "vibrator", "pubic", "cameltoe", "ahegao", "bestiality", "explicit", "裸", "性交", "乳首", "成人",
    ),
    harmless=(
        "lolita fashion", "gothic lolita", "sweet lolita", "classic lolita", "wa lolita", "lolita hairband", "lolita dress",
        "lolita channel",
        "sex pistols", "naked mole rat", "naked tree", "explicit vector", "成人礼",
    ),
)
