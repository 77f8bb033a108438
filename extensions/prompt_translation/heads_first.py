"""German, French, Spanish and Russian phrases in English: their order is nearly the same."""

from collections.abc import Sequence

from .english import DEPICTIONS, NounPhrase, Place, bare, usual_place
from .tokens import Token

Unit = NounPhrase | Place | str
PLACING = ("on", "in", "at")
GERMAN_GENITIVE = ("einer", "eines", "des", "der")
RUSSIAN_GENITIVE = ("ого", "его", "ой", "ей", "ых", "их")


def arranged(tokens: Sequence[Token], language: str) -> str:
    """The English of a phrase."""
    return said(joined(units_of(tokens, language)))


def units_of(tokens: Sequence[Token], language: str) -> list[Unit | Token]:
    """Things with their articles and adjectives, on whichever side these stand; all else as it is."""
    found: list[Unit | Token] = []
    article, several, adjectives = "", False, list[tuple[str, str]]()
    thing: NounPhrase | None = None  # the last one, as long as adjectives may follow it
    for token in tokens:
        if thing is not None and belongs(token, thing, language):
            found.append(Token("", "of"))
            thing = None
        if token.role == "adjective" and thing is not None and language in ("fr", "es", "ru"):
            thing.adjectives.append((token.english, token.kind))
        elif token.role == "adjective":
            adjectives.append((token.english, token.kind))
            several = several or (language == "ru" and token.source.endswith(("ые", "ие")))
        elif token.role in ("article", "d"):
            article = "a" if token.english in ("one", "a") else token.english
            several = token.role == "d" and article != "a"
            thing = None
        elif token.role == "noun":
            thing = NounPhrase(token.english, token.kind, article, (several or token.plural) and article != "a", adjectives)
            found.append(thing)
            article, several, adjectives = "", False, []
        elif token.role != "drop":
            found += [NounPhrase(text, "x") for text, _ in adjectives]
            found.append(NounPhrase(token.english, "x") if token.role == "text" else token)
            article, several, adjectives, thing = "", False, [], None
    return [*found, *(NounPhrase(text, "x") for text, _ in adjectives)]


def belongs(token: Token, thing: NounPhrase, language: str) -> bool:
    """Whether a word behind a thing begins what it is of: eine Zeichnung einer Blume, рисунок красного дома."""
    source = token.source.casefold()
    if language == "de":
        return token.role == "article" and source in GERMAN_GENITIVE
    genitive = token.role == "adjective" and source.endswith(RUSSIAN_GENITIVE)
    return language == "ru" and (token.role == "noun" or (genitive and thing.noun in DEPICTIONS))


def joined(units: Sequence[Unit | Token]) -> list[Unit]:
    """Prepositions with what stands behind them, as places; what is `of` something tied to it."""
    found: list[Unit] = []
    waiting: Token | None = None
    for unit in units:
        if isinstance(unit, Token):
            if unit.role == "side":
                found.append(Place("", said=unit.english))
            elif unit.role in ("prep", "of"):
                waiting = unit
            else:
                found.append(unit.english or unit.role)
            continue
        if waiting is None or isinstance(unit, str):
            found.append(unit)
        elif waiting.role == "of":
            tie(found, unit)
        else:
            found.append(place_of(waiting.english, unit))
        waiting = None
    return found


def place_of(preposition: str, thing: Unit) -> Unit:
    """A preposition and a thing as a place."""
    if not isinstance(thing, NounPhrase):
        return thing
    words = preposition.split(" ")
    if words[-1] == "the" and not thing.article:
        preposition, thing.article = " ".join(words[:-1]), "the"
    if preposition not in PLACING:
        return Place(preposition, thing, said=preposition)
    usual, article = usual_place(thing.noun)
    if thing.article == "the" and usual and article != "the":
        thing.article = ""  # le fond bleu: no background in particular
    return Place(preposition, thing)


def tie(found: list[Unit], thing: Unit) -> None:
    """Tie a thing to the one before it: a drawing of a star; a princess dress."""
    before = found[-1] if found else None
    if not isinstance(before, NounPhrase) or not isinstance(thing, NounPhrase):
        found.append(thing)
    elif before.noun in DEPICTIONS or thing.article or thing.adjectives or before.kind == "x" or thing.kind == "x":
        before.posts += ["of", thing]
    else:
        before.adjectives.append((thing.noun, "noun"))


def said(units: Sequence[Unit]) -> str:
    """English for units in their order, places at the beginning behind the first thing. With a place or a verb it is a sentence."""
    first = next((index for index, unit in enumerate(units) if isinstance(unit, NounPhrase)), None)
    order = list(units)
    if first is not None and all(isinstance(unit, Place) for unit in units[:first]):
        order = [units[first], *units[:first], *units[first + 1 :]]
    sentence = len(order) > 1 and any(not isinstance(unit, NounPhrase) and not bare(unit) for unit in order)
    texts = (unit if isinstance(unit, str) else unit.text(sentence) for unit in order)
    return " ".join(text for text in texts if text)
