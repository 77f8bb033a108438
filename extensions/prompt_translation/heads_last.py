"""Chinese, Japanese and Korean phrases, whose chief word comes last, in English order."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from modules.prompts.vocabulary import vocabulary

from .english import DEPICTIONS, NounPhrase, Place, bare, usual_place
from .tokens import Token

OWNERS = ("people", "animals")  # categories of what owns things
WORN = ("body", "clothes")  # and of what belongs to somebody
RELATIONS = ("left", "right", "above", "below", "beside", "under")


@dataclass
class Mark:
    """A small word between things."""

    role: str
    english: str = ""


Unit = NounPhrase | Place | Mark


@dataclass
class Reading:
    """What has been read of a phrase: things, places, verbs and small words in the order in which they were written."""

    units: list[Unit] = field(default_factory=list[Unit])
    adjectives: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    article: str = ""
    several: bool = False

    def thing(self, token: Token) -> None:
        """Take a thing, with the adjectives and the number before it; a thing right before it tells what kind it is of."""
        before = self.units[-1] if self.units else None
        if isinstance(before, NounPhrase) and not before.posts and before.kind != "x" and not before.article:
            self.units.pop()
            self.adjectives[:0] = [*before.adjectives, (before.noun, "noun")]
        self.units.append(NounPhrase(token.english, token.kind, self.article, self.several or token.plural, self.adjectives))
        self.adjectives, self.article, self.several = [], "", False

    def loose(self) -> None:
        """Keep adjectives and numbers that no thing follows."""
        words = ([self.article] if self.article and self.several else []) + [text for text, _ in self.adjectives]
        self.units += [NounPhrase(word, "x") for word in words]
        self.adjectives, self.article, self.several = [], "", False


def arranged(tokens: Sequence[Token], language: str) -> str:
    """The English of a phrase."""
    return said(attributes(places(read_units(tokens)), language))


def read_units(tokens: Sequence[Token]) -> list[Unit]:
    """The things, places and small words of a phrase."""
    reading = Reading()
    for index, token in enumerate(tokens):
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        if token.role == "adjective":
            reading.adjectives.append((token.english, token.kind))
        elif token.role in ("d", "article"):
            reading.article = "a" if token.english in ("one", "a") else token.english
            reading.several = reading.article != "a"
        elif token.role == "noun":
            reading.thing(token)
        elif token.role in ("counter", "drop") or (token.role == "link" and reading.adjectives and following is not None):
            continue
        elif token.role == "text":
            reading.loose()
            reading.units.append(NounPhrase(token.english, "x"))
        elif token.role == "loc" and following is not None and following.role == "noun" and not reading.units:
            reading.units += [Place(token.english), Mark("link")]
        else:
            reading.loose()
            reading.units.append(Place("", said=token.english) if token.role == "side" else Mark(token.role, token.english))
    reading.loose()
    return reading.units


def is_mark(unit: object, *roles: str) -> bool:
    """Whether a unit is a small word with one of these roles."""
    return isinstance(unit, Mark) and unit.role in roles


def places(units: Sequence[Unit]) -> list[Unit]:
    """Things with a side behind them, or a particle of place, as places: 背景 + 上, 背景 + 的 + 上, 背景 + に."""
    found: list[Unit] = []
    for unit in units:
        if not isinstance(unit, Mark) or unit.role not in ("loc", "place"):
            found.append(unit)
            continue
        link = bool(found) and is_mark(found[-1], "link")
        thing = found[-2] if link and len(found) > 1 else found[-1] if found else None
        if unit.role == "place" and isinstance(thing, Place):
            continue  # 左に, after 左 has become one
        if isinstance(thing, NounPhrase) and (thing.kind != "x" or unit.role == "loc"):
            del found[-2 if link else -1 :]
            found.append(Place("at" if unit.role == "place" else unit.english, thing))
        elif unit.role == "loc":
            found.append(Place(unit.english))
        if len(found) > 1 and is_mark(found[-2], "at") and isinstance(found[-1], Place):
            del found[-2]
    return bare_places(found)


def bare_places(units: Sequence[Unit]) -> list[Unit]:
    """What a word for "at" stands before as a place, if nothing said so behind it."""
    found: list[Unit] = []
    for unit in units:
        if found and is_mark(found[-1], "at"):
            found[-1] = Place("at", unit) if isinstance(unit, NounPhrase) and unit.kind != "x" else unit  # 在跳舞: dancing, not in it
        else:
            found.append(unit)
    return found


def attributes(units: Sequence[Unit], language: str) -> list[Unit]:
    """The units with what stands before a thing and belongs to it behind that thing."""
    found: list[Unit] = []
    for unit in units:
        thing = unit.of if isinstance(unit, Place) else unit  # 有云的天空中: what is tied to a place is tied to its thing
        if isinstance(thing, NounPhrase) and thing.kind != "x" and found:
            if is_mark(found[-1], "link"):
                found.pop()
                belongs(found, thing)
            elif language != "zh" and is_mark(found[-1], "verb", "post"):
                clause(found, thing)
        found.append(unit)
    return found


def belongs(found: list[Unit], thing: NounPhrase) -> None:
    """Give a thing what a 的, の or 의 before it ties to it, taken from the end of what was found."""
    before = found[-1] if found else None
    if isinstance(before, NounPhrase):
        found.pop()
        mark = found[-1] if found else None
        if isinstance(mark, Mark) and mark.role in ("verb", "have", "without"):
            found.pop()
            thing.posts += [mark.english, before]
        else:
            owned(before, thing)
    gathered: list[Unit] = []
    while found and (isinstance(found[-1], Place) or is_mark(found[-1], "verb")):
        gathered.insert(0, found.pop())
    thing.posts += [unit.english for unit in gathered if isinstance(unit, Mark)]
    thing.posts += [unit for unit in gathered if isinstance(unit, Place)]


def owned(before: NounPhrase, thing: NounPhrase) -> None:
    """Tie two things: a picture of a star, a star on a background, a girl's eyes, a girl with long hair, a house window."""
    word = vocabulary().word(before.noun)
    category = word.category if word else ""
    if thing.noun in DEPICTIONS:
        thing.posts += ["of", before]
    elif category in WORN:
        thing.posts += ["with", before]
    elif usual_place(before.noun)[0] or category == "places":
        thing.posts.insert(0, Place("at", before))
    elif category in OWNERS:
        thing.owner = before
    else:
        thing.adjectives[:0] = [*before.adjectives, (before.noun, "noun")]


def clause(found: list[Unit], thing: NounPhrase) -> None:
    """Give a thing the Japanese or Korean clause before it: 窓辺に座っている + 猫, 剣を持っている + 少女."""
    verb = found.pop()
    assert isinstance(verb, Mark)
    thing.posts.append(verb.english)
    objects = len(thing.posts)
    while found:
        last = found[-1]
        if isinstance(last, Place) and verb.role == "verb":
            thing.posts.append(last)
            found.pop()
        elif is_mark(last, "object", "subject") and (verb.role == "post" or is_mark(last, "object")):
            found.pop()
            if found and isinstance(found[-1], NounPhrase):
                thing.posts.insert(objects, found[-1])
                found.pop()
        elif verb.role == "post" and isinstance(last, NounPhrase) and last.kind != "x":
            thing.posts.insert(objects, last)
            found.pop()
        else:
            return
        if verb.role == "post":
            return


def said(units: Sequence[Unit]) -> str:
    """English for units in their order, with what stands before the first thing behind it."""
    order = verbs_first(objects_behind(things_first(shared_places(units))))
    sentence = len(order) > 1 and any(not isinstance(unit, NounPhrase) and not bare(unit) for unit in order)
    words: list[str] = []
    for unit in order:
        if isinstance(unit, Mark):
            words.append("and" if unit.role == "and" else unit.english)
        else:
            words.append(unit.text(sentence))
    return " ".join(word for word in words if word)


def related(unit: object) -> bool:
    """Whether a place says how two things stand to each other."""
    return isinstance(unit, Place) and unit.of is not None and unit.key in RELATIONS


def shared_places(units: Sequence[Unit]) -> list[Unit]:
    """The place of the first of several things behind the last of them: 背景上的 A 和 B are both there."""
    found = list(units)
    for index in range(1, len(found) - 1):
        before, behind = found[index - 1], found[index + 1]
        if is_mark(found[index], "and") and isinstance(before, NounPhrase) and isinstance(behind, NounPhrase):
            shared = [post for post in before.posts if isinstance(post, Place) and not related(post)]
            before.posts = [post for post in before.posts if post not in shared]
            behind.posts += shared
    return found


def things_first(units: Sequence[Unit]) -> list[Unit]:
    """The places and verbs at the beginning of a phrase behind its things, and behind where these stand to each other."""
    first = next((index for index, unit in enumerate(units) if isinstance(unit, NounPhrase) and unit.kind != "x"), None)
    if first is None:
        return list(units)
    early = [unit for unit in units[:first] if isinstance(unit, Place) or is_mark(unit, "verb")]
    if not any(isinstance(unit, Place) for unit in early):
        return [unit for unit in units if unit is not units[0] or not is_mark(unit, "have")]
    before = [unit for unit in units[:first] if unit not in early and not is_mark(unit, "have")]
    behind = first + 1
    while behind < len(units) and (is_mark(units[behind], "and", "subject") or is_mark(units[behind - 1], "and") or related(units[behind])):
        behind += 1
    return [*before, *units[first:behind], *early, *units[behind:]]


def objects_behind(units: Sequence[Unit]) -> list[Unit]:
    """Japanese and Korean objects behind their verb: 剣 + を + 持っている."""
    found = list(units)
    for index in range(len(found) - 2):
        if is_mark(found[index + 1], "object") and is_mark(found[index + 2], "verb"):
            found[index : index + 3] = [found[index + 2], found[index], Mark("drop")]
    return found


def verbs_first(units: Sequence[Unit]) -> list[Unit]:
    """A verb before the places that stand right before it: a cat sitting on a window sill. Small words without English are left out."""
    found: list[Unit] = []
    for unit in units:
        if is_mark(unit, "verb"):
            place = len(found)
            while place and isinstance(found[place - 1], Place):
                place -= 1
            found.insert(place, unit)
        elif not is_mark(unit, "subject", "drop", "link", "object", "at", "place"):
            found.append(unit)
    return found
