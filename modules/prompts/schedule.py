"""Prompts that change while a picture is made: `[from:to:when]`, `[to:when]`, `[from::when]`, `[a|b|c]`, and `AND`.

All of it in one pass over the text, without recursion. A bracket that is no well-formed group is text, as are brackets and
colons outside of groups; a `|` outside of a group, or a backslash with nothing behind it in its line, makes the whole prompt
text, as in A1111. Where A1111's own parser takes one of several readings by chance (its order changes with Python's hash
seed), every well-formed group counts here.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

TOKEN = re.compile(r"(?:[^\\\[\]():|]|\\.)+|[\[\]():|\\]")
NUMBER = re.compile(r"\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*")
CLOSES = {")": "(", "]": "["}
AND = re.compile(r"\bAND\b")
WEIGHT = re.compile(r"[-+]?(?:\d+\.?|\d*\.\d+)")


class Until(NamedTuple):
    """A text that holds up to and including a step."""

    step: int
    text: str


class Part(NamedTuple):
    """One of the texts that AND joins."""

    text: str
    weight: float


class Opened(NamedTuple):
    """A bracket that waits for its other half, with the separators that stand directly in it."""

    bracket: str
    start: int
    separators: list[int]


class Group(NamedTuple):
    """Brackets whose text depends on the step: where its branches end, and its number if it is `[from:to:when]`."""

    start: int
    ends: tuple[int, ...]
    close: int
    number: str | None


class Fork(NamedTuple):
    """A place where reading goes on elsewhere: after `when` at the second target; without `when` at each in turn."""

    start: int
    targets: tuple[tuple[int, int], ...]  # where in the text, and the first fork from there on
    when: int | None


class Timeline(NamedTuple):
    """How a number in a prompt becomes a step: `steps` of this pass, and what was before it."""

    steps: int
    steps_before: int
    share_before: float
    old: bool

    def step(self, number: str) -> int:
        """The last step of what stands before `number`, in 0..steps. With a dot it is a share of the steps, else a step."""
        value = float(number)
        if self.old:
            step = value * self.steps if value < 1 else value
        elif "." in number:
            step = (value - self.share_before) * self.steps
        else:
            step = value - self.steps_before
        return int(min(max(0.0, step), self.steps))


def schedule(prompt: str, steps: int, *, hires_steps: int | None = None, old: bool = False) -> list[Until]:
    """The texts that a prompt stands for, each with its last step; the last one's is the number of steps. Never raises.

    `hires_steps` gives the schedule of the second pass, after `steps` of the first: shares are then 1.0 to 2.0, and whole
    numbers count on from the first pass. `old` is the timeline of A1111 before 1.6: a number below 1 is a share of `steps`,
    and the second pass has the first one's schedule.
    """
    line = Timeline(steps, 0, 0.0, old)
    if hires_steps is not None and not old:
        line = Timeline(hires_steps, steps, 1.0, old)
    groups = groups_of(prompt)
    if not groups:
        return [Until(line.steps, prompt)]
    forks = forks_of(groups, line)
    ends = {line.steps}
    for group in groups:
        ends.update(range(1, line.steps + 1) if group.number is None else [line.step(group.number)])
    return [Until(end, text_at(end, prompt, forks)) for end in sorted(ends) if end >= 1 or end == line.steps]


def at(entries: Sequence[Until], step: int) -> int:
    """The index of the entry for the denoiser's call `step`, from 0: the first that ends at it or later.

    So the first entry has one call more than its number says. Beyond the last entry, where only DPM adaptive gets, it is
    the first one again, as in A1111.
    """
    return next((index for index, entry in enumerate(entries) if step <= entry.step), 0)


def parts(prompt: str) -> list[Part]:
    """The texts that AND joins with their weights, the number behind the last colon or 1. Blanks in front stay.

    Liu et al. 2022, arXiv:2206.01714, for what they are for.
    """
    return [part(text) for text in AND.split(prompt)]


def part(text: str) -> Part:
    """One text without the weight and the blanks at its end."""
    stripped = text.rstrip()
    head, colon, tail = stripped.rpartition(":")
    if colon and WEIGHT.fullmatch(tail.lstrip()):
        return Part(head.rstrip(), float(tail))
    return Part(stripped, 1.0)


def groups_of(prompt: str) -> list[Group]:
    """The groups of a prompt whose text depends on the step, inner ones before outer ones. None if the prompt is all text."""
    groups: list[Group] = []
    opened: list[Opened] = []
    for match in TOKEN.finditer(prompt):
        start, token = match.start(), match.group()
        if token == "\\":
            return []
        if token in "([":
            opened.append(Opened(token, start, []))
        elif token in ":|" and opened:
            opened[-1].separators.append(start)
        elif token == "|":
            return []
        elif token in CLOSES and opened:
            one = opened[-1]
            group = closed(prompt, one, start) if one.bracket == CLOSES[token] else False
            if group is False:  # no bracket around this one can be a group either
                if strays(prompt, opened):
                    return []
                opened.clear()
                continue
            opened.pop()
            if group is not True:
                groups.append(group)
    return [] if strays(prompt, opened) else groups


def strays(prompt: str, opened: list[Opened]) -> bool:
    """Whether a `|` stands directly in brackets that are no groups."""
    return any(prompt[place] == "|" for one in opened for place in one.separators)


def closed(prompt: str, opened: Opened, close: int) -> Group | bool:
    """What two brackets are: a group; True for emphasis, which stays text; False for neither."""
    kinds = "".join(prompt[place] for place in opened.separators)
    if opened.bracket == "(":
        return kinds in ("", ":")
    if not kinds:
        return True
    if "|" in kinds:
        return ":" not in kinds and Group(opened.start, (*opened.separators, close), close, None)
    number = NUMBER.fullmatch(prompt, opened.separators[-1] + 1, close)
    return number is not None and len(kinds) <= 2 and Group(opened.start, tuple(opened.separators), close, number.group(1))


def forks_of(groups: list[Group], line: Timeline) -> list[Fork]:
    """The places where reading leaves the order of the text: at the beginning of a group, and where a branch ends."""
    places = sorted(place for group in groups for place in (group.start, *group.ends))

    def target(place: int) -> tuple[int, int]:
        return place, bisect_left(places, place)

    forks: list[Fork] = []
    for group in groups:
        behind = target(group.close + 1)
        branches = [target(place + 1) for place in (group.start, *group.ends[:-1])]
        when = None
        if group.number is not None:
            when = line.step(group.number)
            branches = branches if len(branches) == 2 else [behind, *branches]  # [to:when] has nothing before it
        forks.append(Fork(group.start, tuple(branches), when))
        forks.extend(Fork(place, (behind,), None) for place in group.ends)
    return sorted(forks)


def text_at(step: int, prompt: str, forks: list[Fork]) -> str:
    """The text of a prompt at a step, from 1."""
    pieces: list[str] = []
    place = index = 0
    while index < len(forks):
        fork = forks[index]
        pieces.append(prompt[place : fork.start])
        branch = (step - 1) % len(fork.targets) if fork.when is None else int(step > fork.when)
        place, index = fork.targets[branch]
    pieces.append(prompt[place:])
    return "".join(pieces)
