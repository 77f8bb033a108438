"""Random sets in a prompt: `#[red, green, blue]` is one of the three, the same one for the same seed.

A1111's prompts have comments that begin with `#`; so that a set is none, it is written with the wide number sign (U+FF03) while a
picture is made. Both signs mean the same.
"""

import random

MARK = "\uff03["
OPENING = ("#[", MARK)
COMMAS = ",\uff0c\u3001"
BRACKETS = {"(": ")", "[": "]", "<": ">", "{": "}"}


def has_sets(text: str) -> bool:
    """Whether a text may have a random set."""
    return any(opening in text for opening in OPENING)


def marked(text: str) -> str:
    """A text whose sets are no comments; those that are not closed stay as they are."""
    kept: list[str] = []
    place = 0
    while (found := next_set(text, place)) is not None:
        start, end = found
        kept += [text[place:start], MARK, marked(text[start + 2 : end]), "]"]
        place = end + 1
    return "".join(kept) + text[place:]


def chosen(text: str, seed: int, key: str = "") -> str:
    """A text with one entry for each of its sets; `key` tells texts of one seed apart. Sets within an entry are chosen in turn.

    Network tags, weights and schedules inside of entries stay whole: only commas outside of brackets part entries.
    """
    return Choosing(seed, key).text(text)


class Choosing:
    """The choices of one text, numbered in its order, so that each is another."""

    def __init__(self, seed: int, key: str) -> None:
        self.seed = seed
        self.key = key
        self.number = 0

    def text(self, text: str) -> str:
        """The text with its sets decided."""
        kept: list[str] = []
        place = 0
        while (found := next_set(text, place)) is not None:
            start, end = found
            kept += [text[place:start], self.entry(text[start + 2 : end])]
            place = end + 1
        return "".join(kept) + text[place:]

    def entry(self, inside: str) -> str:
        """One of a set's entries."""
        self.number += 1
        drawn = random.Random(f"{self.seed} {self.key} {self.number}").random()
        entries = entries_of(inside)
        return self.text(entries[int(drawn * len(entries))])


def next_set(text: str, place: int) -> tuple[int, int] | None:
    """Where the next set begins and its bracket closes; None if there is no whole one."""
    while True:
        starts = [at for opening in OPENING if (at := text.find(opening, place)) >= 0]
        if not starts:
            return None
        start = min(starts)
        end = closing(text, start + 1)
        if end is not None:
            return start, end
        place = start + 2


def closing(text: str, opened: int) -> int | None:
    """Where the square bracket at a place is closed; None if it is not."""
    depth = 0
    place = opened
    while place < len(text):
        sign = text[place]
        if sign == "\\":
            place += 1
        elif sign == "[":
            depth += 1
        elif sign == "]":
            depth -= 1
            if depth == 0:
                return place
        place += 1
    return None


def entries_of(inside: str) -> list[str]:
    """What stands between the commas of a set that are in no bracket, without the blanks around it. Never empty."""
    entries, start, place = list[str](), 0, 0
    waiting: list[str] = []
    while place < len(inside):
        sign = inside[place]
        if sign == "\\":
            place += 1
        elif sign in BRACKETS:
            waiting.append(BRACKETS[sign])
        elif waiting and sign == waiting[-1]:
            waiting.pop()
        elif sign in COMMAS and not waiting:
            entries.append(inside[start:place])
            start = place + 1
        place += 1
    return [entry.strip() for entry in (*entries, inside[start:])]
