"""What is on a picture: scenes drawn by lot, and the combinations that training never sees."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal, TypeVar

import numpy as np

from . import figures, palette

Size = Literal["small", "", "large"]
Place = Literal["", "left", "right", "top", "bottom", "center"]
Relation = Literal["", "left of", "right of", "above", "below"]

SIZES: tuple[Size, ...] = ("", "small", "large")
PLACES: tuple[Place, ...] = ("", "left", "right", "top", "bottom", "center")
RELATIONS: tuple[Relation, ...] = ("", "left of", "right of", "above", "below")
LANDSCAPES: tuple[str, ...] = ("sky", "sea", "night")
BACKGROUNDS: tuple[str, ...] = (*palette.NAMES, *LANDSCAPES)
UNSEEN_PERCENT = 8
# In a landscape these would hardly be seen.
CAMOUFLAGE: dict[str, tuple[str, ...]] = {"sky": (), "sea": ("blue",), "night": ("black",)}


Option = TypeVar("Option")


@dataclass(frozen=True)
class Subject:
    """A thing in one colour."""

    colour: str
    thing: str


@dataclass(frozen=True)
class Scene:
    """What a picture shows. `count` is 1..3 of the first subject; `second` stands `relation` to it, None if alone."""

    first: Subject
    background: str
    count: int = 1
    size: Size = ""
    place: Place = ""
    outlined: bool = False
    second: Subject | None = None
    relation: Relation = ""


def held_out(colour: str, thing: str, background: str) -> bool:
    """Whether training never sees this thing in this colour on this plain background; about 8 of 100 combinations."""
    digest = blake2b(f"{colour} {thing} on {background}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little") % 100 < UNSEEN_PERCENT


def scene(rng: np.random.Generator) -> Scene:
    """A scene by lot, never a held-out one; about half are one thing on a plain background."""
    kind = rng.random()
    background = _pick(rng, palette.NAMES if kind < 0.84 else LANDSCAPES)
    first = _subject(rng, background)
    outlined = bool(rng.random() < 0.08)
    if kind < 0.52:
        return Scene(first, background)
    if kind < 0.60:
        return Scene(first, background, size=_pick(rng, SIZES), outlined=outlined)
    if kind < 0.68:
        return Scene(first, background, size=_pick(rng, SIZES[:2]), place=_pick(rng, PLACES[1:]), outlined=outlined)
    if kind < 0.76:
        return Scene(first, background, count=int(rng.integers(2, 4)), outlined=outlined)
    if kind < 0.84:
        second = _subject(rng, background)
        while second.thing == first.thing or second.colour == first.colour:
            second = _subject(rng, background)
        return Scene(first, background, second=second, relation=_pick(rng, RELATIONS))
    count = 1 if rng.random() < 0.75 else int(rng.integers(2, 4))
    return Scene(first, background, count=count)


def unseen_scenes(count: int) -> list[Scene]:
    """The first `count` held-out single things, in a fixed order that uses colours, things and backgrounds evenly."""
    pool = [
        (colour, thing, background)
        for thing in figures.NAMES
        for colour in palette.NAMES
        for background in palette.NAMES
        if colour != background and held_out(colour, thing, background)
    ]
    used: dict[tuple[int, str], int] = {}
    chosen: list[Scene] = []
    for _ in range(count):
        best = min(pool, key=lambda triple: (sum(used.get(part, 0) ** 2 for part in enumerate(triple)), triple))
        pool.remove(best)
        for part in enumerate(best):
            used[part] = used.get(part, 0) + 1
        chosen.append(Scene(Subject(best[0], best[1]), best[2]))
    return chosen


def _subject(rng: np.random.Generator, background: str) -> Subject:
    while True:
        subject = Subject(_pick(rng, palette.NAMES), _pick(rng, figures.NAMES))
        if background in LANDSCAPES:
            if subject.colour not in CAMOUFLAGE[background]:
                return subject
        elif subject.colour != background and not held_out(subject.colour, subject.thing, background):
            return subject


def _pick(rng: np.random.Generator, options: tuple[Option, ...]) -> Option:
    return options[int(rng.integers(len(options)))]
