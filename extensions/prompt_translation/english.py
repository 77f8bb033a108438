"""English phrases put together: plurals, articles, the order of adjectives, and where things are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from modules.prompts.vocabulary.book import ADJECTIVES, vocabulary

IRREGULAR = {
    "person": "people", "man": "men", "woman": "women", "child": "children", "mouse": "mice", "goose": "geese", "foot": "feet",
    "leaf": "leaves", "wolf": "wolves", "knife": "knives", "elf": "elves", "bookshelf": "bookshelves", "fish": "fish", "sheep": "sheep",
    "deer": "deer", "koi": "koi", "goldfish": "goldfish", "samurai": "samurai", "ninja": "ninja", "torii": "torii", "starfish": "starfish",
    "octopus": "octopuses", "cactus": "cacti", "volcano": "volcanoes", "tomato": "tomatoes", "hero": "heroes", "snowman": "snowmen",
}  # fmt: skip
# Where one is "in", "on" or "at" such a thing if nothing more is said, and with which article.
PLACES: dict[str, tuple[str, str]] = {
    "background": ("on", "a"), "night": ("at", ""), "noon": ("at", ""), "midnight": ("at", ""), "dawn": ("at", ""), "dusk": ("at", ""),
    "twilight": ("at", ""), "sunrise": ("at", ""), "sunset": ("at", ""), "christmas": ("at", ""), "day": ("during", "the"),
    "stars": ("under", "the"), "blue sky": ("in", "a"),
    "starry sky": ("under", "a"), "darkness": ("in", "the"), "foreground": ("in", "the"),
    **dict.fromkeys(("sky", "night sky", "sea", "ocean", "water", "rain", "snow", "wind", "fog", "mist", "morning", "afternoon", "evening",
                     "moonlight", "sunlight", "mountains", "clouds", "universe", "milky way"), ("in", "the")),
    **dict.fromkeys(("spring", "summer", "autumn", "winter", "outer space", "tokyo", "paris", "new york", "china", "japan"), ("in", "")),
    **dict.fromkeys(("beach", "street", "road", "stage", "rooftop", "roof", "balcony", "bridge", "hill", "mountain", "island", "wall",
                     "window sill", "table", "desk", "chair", "sofa", "bed", "bench", "throne", "stairs", "cliff", "branch", "path",
                     "coast", "carpet", "horse", "bicycle", "motorcycle", "boat", "ship"), ("on", "a")),
    **dict.fromkeys(("grass", "ice", "sand"), ("on", "")),
}  # fmt: skip
SURFACES = ("sea", "ocean", "water", "lake", "river", "snow", "pond")  # one can be in them and on them
# What a place is called that is of nothing in particular.
SIDES = {
    "left": "on the left", "right": "on the right", "above": "at the top", "top": "at the top", "bottom": "at the bottom",
    "below": "at the bottom", "center": "in the center", "front": "in front", "behind": "behind", "beside": "nearby", "in": "inside",
    "on": "on top", "near": "nearby", "around": "all around", "under": "below", "across": "opposite", "between": "in between",
}  # fmt: skip
PREPOSITIONS = {
    "left": "to the left of", "right": "to the right of", "above": "above", "top": "at the top of", "bottom": "at the bottom of",
    "below": "below", "center": "in the center of", "front": "in front of", "behind": "behind", "beside": "next to", "in": "in", "on": "on",
    "near": "near", "around": "around", "under": "under", "across": "opposite", "between": "between", "at": "in", "outside": "outside",
}  # fmt: skip
DEPICTIONS = ("drawing", "picture", "image", "photo", "painting", "illustration", "portrait", "sketch", "statue", "sculpture", "silhouette",
              "oil painting", "pencil drawing", "ink painting", "watercolor", "close-up", "bouquet", "icon", "poster",
              "sticker")  # fmt: skip


@dataclass
class NounPhrase:
    """A thing with what belongs to it. `adjectives` are (English, kind); `posts` stand behind it. Of the kind "x" it is text alone."""

    noun: str
    kind: str = "n"
    article: str = ""
    plural: bool = False
    adjectives: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    posts: list["NounPhrase | Place | str"] = field(default_factory=list["NounPhrase | Place | str"])
    owner: "NounPhrase | None" = None  # whose it is

    def text(self, sentence: bool) -> str:
        """Its English. In a sentence a thing has an article where one alone has none."""
        sentence = sentence or any(not bare(post) for post in self.posts) or self.owner is not None
        noun = plural(self.noun) if self.plural and self.kind == "n" else self.noun
        words = " ".join(ordered(self.adjectives, noun))
        article = self.article
        if self.owner is not None:
            words, article = f"{self.owner.text(sentence)}'s {words}", ""
        elif not article and sentence and self.kind == "n" and not self.plural:
            article = "a"
        behind = [post if isinstance(post, str) else post.text(True) for post in self.posts]
        return " ".join(part for part in (with_article(article, words), *behind) if part)


@dataclass
class Place:
    """Where something is: a preposition's key in PREPOSITIONS, and of what; without that a side of the picture. `said` is kept as it is."""

    key: str
    of: NounPhrase | None = None
    said: str = ""

    def text(self, sentence: bool = True) -> str:
        """Its English."""
        if self.said:
            return self.said if self.of is None else f"{self.said} {self.of.text(sentence)}"
        if self.of is None or (self.of.noun in ("picture", "image") and self.key in SIDES and self.key not in ("in", "on", "at")):
            return SIDES.get(self.key, self.key)
        return f"{self.preposition(self.of)} {settled(self.of).text(sentence)}"

    def preposition(self, place: NounPhrase) -> str:
        """The word before the place."""
        usual = usual_place(place.noun)[0]
        if place.noun in SURFACES:
            usual = "on" if self.key == "on" else "in"
        return usual if usual and self.key in ("in", "on", "at") else PREPOSITIONS.get(self.key, self.key)


def settled(place: NounPhrase) -> NounPhrase:
    """A thing with the article that it has as a place: the sky, a blue sky, night."""
    usual, article = usual_place(place.noun)
    if usual and not place.article and not place.plural:
        if place.adjectives and article == "the" and place.kind == "n":
            place.article = "a"
        elif article:
            place.article = article
        elif place.kind == "n":
            place.kind = "m"
    return place


def bare(post: object) -> bool:
    """Whether it is only a side of the picture, which needs no sentence: red star on the left."""
    return isinstance(post, Place) and post.of is None and post.text() in SIDES.values()


def usual_place(noun: str) -> tuple[str, str]:
    """The preposition and the article of a thing as a place, as in PLACES; of a thing of several words its last one decides."""
    return PLACES.get(noun) or PLACES.get(noun.rpartition(" ")[2], ("", ""))


def plural(noun: str) -> str:
    """Several of a thing, whose last word counts."""
    *before, last = noun.split(" ")
    if last in IRREGULAR:
        last = IRREGULAR[last]
    elif re.search(r"(s|x|z|ch|sh)$", last):
        last += "es"
    elif re.search(r"[^aeiou]y$", last):
        last = last[:-1] + "ies"
    else:
        last += "s"
    return " ".join([*before, last])


def with_article(article: str, words: str) -> str:
    """Words with an article, `an` before a vowel that is spoken as one."""
    if article in ("a", "an"):
        article = "an" if re.match(r"(?!uni|one|eu|use)[aeiou]|hour|heir|honest", words, re.IGNORECASE) else "a"
    return f"{article} {words}" if article else words


def ordered(adjectives: Sequence[tuple[str, str]], noun: str) -> list[str]:
    """Adjectives and their noun in English order: how it is, its size, form, colour, material. `long hair` counts as two words."""
    found = list(adjectives)
    words = noun.split(" ")
    while found and len(words) > 1 and (first := vocabulary().word(words[0])) is not None and first.kind in ADJECTIVES:
        found.append((words.pop(0), first.kind))
    once = dict.fromkeys(sorted(found, key=lambda one: ADJECTIVES.find(one[1]) if one[1] in ADJECTIVES else len(ADJECTIVES)))
    return [*(text for text, _ in once), " ".join(words)]
