"""What a person types into the search box, as conditions on the list.

Words, "exact words", -words, and `key:value` pairs: model, lora, sampler, seed, size, width, height, steps, cfg, date, kind, is, name,
folder and negative. Several values of one key mean any of them, several LoRAs all of them. A minus in front means: not.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from modules.history.rows import KINDS
from modules.history.words import asked

PART = re.compile(r'(?P<minus>-?)(?:(?P<key>[A-Za-z]+):(?P<value>"[^"]*"?|\S+)|"(?P<exact>[^"]*)"?|(?P<word>\S+))')
SIZE = re.compile(r"(\d+)[x\u00d7*](\d+)")
RANGE = re.compile(r"(>=|<=|>|<)?([\d.]+)(\.\.)?([\d.]+)?")
DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
LONGEST = 1000  # characters of a query
KEYS = ("model", "lora", "sampler", "seed", "size", "width", "height", "steps", "cfg", "date", "kind", "is", "name", "folder", "negative")
NUMBERS = {"width": "width", "height": "height", "steps": "steps", "cfg": "guidance"}
STATES = ("favourite", "favorite", "landscape", "portrait", "square", "damaged")
DAYS = ("today", "yesterday", "week", "month", "year")


class Wrong(ValueError):
    """A value that a key cannot have; a sentence."""


@dataclass(frozen=True)
class Term:
    """One part of a query; `key` is empty for words."""

    key: str
    value: str
    minus: bool = False
    exact: bool = False


@dataclass
class Conditions:
    """SQL over `pictures` with its values, and what was not understood, in sentences."""

    clauses: list[str] = field(default_factory=list[str])
    values: list[Any] = field(default_factory=list[Any])
    problems: list[str] = field(default_factory=list[str])

    def add(self, clause: str, *values: Any, minus: bool = False) -> None:
        self.clauses.append(f"NOT coalesce({clause}, 0)" if minus else f"({clause})")
        self.values += values


def terms(query: str) -> Iterator[Term]:
    """The parts of a query in order. A key that is none belongs to the words."""
    for match in PART.finditer(query[:LONGEST]):
        minus = bool(match["minus"])
        if (match["key"] or "").lower() in KEYS:
            value = match["value"]
            yield Term(match["key"].lower(), value.strip('"').strip(), minus, value.startswith('"'))
        elif match["key"]:
            yield Term("", f"{match['key']} {match['value'].strip(chr(34))}", minus)
        elif match["exact"] is not None:
            yield Term("", match["exact"], minus, exact=True)
        elif match["word"] != "-":
            yield Term("", match["word"], minus)


def conditions(query: str, *, today: date | None = None) -> Conditions:
    """The conditions that a query makes. A value that cannot be is left out and named among the problems."""
    made = Conditions()
    any_of: dict[str, list[tuple[str, list[Any]]]] = {}
    for term in terms(query):
        if not term.value:
            continue
        try:
            clause, values = clause_of(term, today or date.today())
        except Wrong as problem:
            made.problems.append(str(problem))
            continue
        if not clause:
            continue
        if term.minus or term.key in ("", "lora", "negative", "name", "is"):
            made.add(clause, *values, minus=term.minus)
        else:
            any_of.setdefault(term.key, []).append((clause, values))
    for choices in any_of.values():
        made.add(" OR ".join(f"({clause})" for clause, _ in choices), *(value for _, values in choices for value in values))
    return made


def clause_of(term: Term, today: date) -> tuple[str, list[Any]]:
    """SQL and values of a term; empty SQL where it asks for nothing. Raises Wrong."""
    key, value = term.key, term.value
    if key in ("", "negative", "name"):
        columns = {"": "prompt name", "negative": "negative", "name": "name"}[key]
        phrase = asked(value, exact=term.exact)
        match = f"{{{columns}}} : {phrase}"
        return ("id IN (SELECT rowid FROM words WHERE words MATCH ?)", [match]) if phrase else ("", [])
    if key in NUMBERS:
        return number(NUMBERS[key], value, key)
    special: dict[str, Callable[[str], tuple[str, list[Any]]]] = {
        "model": model, "lora": lora, "sampler": lambda text: named("sampler", text), "seed": seed, "size": size,
        "date": lambda text: day(text, today), "kind": kind, "is": state, "folder": folder,
    }  # fmt: skip
    return special[key](value)


def pattern(text: str, around: str = "%") -> str:
    """A LIKE pattern for what contains a text; * stands for anything."""
    escaped = re.sub(r"([\\%_])", r"\\\1", text)
    return escaped.replace("*", "%") if "*" in text else f"{around}{escaped}{around}"


def named(column: str, text: str) -> tuple[str, list[Any]]:
    """What is named exactly so; if nothing is, what contains it."""
    exact = f"EXISTS (SELECT 1 FROM pictures WHERE {column} = ? COLLATE NOCASE)"
    return (f"CASE WHEN {exact} THEN {column} = ? COLLATE NOCASE ELSE {column} LIKE ? ESCAPE '\\' END", [text, text, pattern(text)])


def model(text: str) -> tuple[str, list[Any]]:
    """By name, or by the beginning of its hash."""
    clause, values = named("model", text)
    if re.fullmatch(r"[0-9a-fA-F]{6,64}", text):
        return f"({clause}) OR model_hash LIKE ?", [*values, f"{text[:10].lower()}%"]
    return clause, values


def lora(text: str) -> tuple[str, list[Any]]:
    exact = "EXISTS (SELECT 1 FROM loras WHERE name = ?)"
    chosen = f"CASE WHEN {exact} THEN name = ? ELSE name LIKE ? ESCAPE '\\' END"
    return f"id IN (SELECT picture FROM loras WHERE {chosen})", [text, text, pattern(text)]


def seed(text: str) -> tuple[str, list[Any]]:
    if not re.fullmatch(r"-?\d{1,20}", text):
        raise Wrong(f"The seed '{text}' is no whole number.")
    return "seed = ?", [text]


def size(text: str) -> tuple[str, list[Any]]:
    match = SIZE.fullmatch(text.lower())
    if not match:
        raise Wrong(f"The size '{text}' is none; write it as 512x768.")
    return "width = ? AND height = ?", [int(match[1]), int(match[2])]


def number(column: str, text: str, key: str) -> tuple[str, list[Any]]:
    """20, >20, <=20 or 20..30."""
    match = RANGE.fullmatch(text)
    try:
        if not match or (match[3] and match[1]) or (match[4] and not match[3]):
            raise ValueError
        value = float(match[2])
        if match[3]:
            return f"{column} BETWEEN ? AND ?", [value, float(match[4])] if match[4] else [value, 1e9]
    except ValueError:
        raise Wrong(f"'{key}:{text}' is not understood; write {key}:20, {key}:>20 or {key}:20..30.") from None
    return f"{column} {match[1] or '='} ?", [value]


def day(text: str, today: date) -> tuple[str, list[Any]]:
    """A year, a month, a day, two of them with .. between, >, <, or a word."""
    begin = {"today": today, "yesterday": today - timedelta(1), "week": today - timedelta(6), "month": today - timedelta(29),
             "year": today - timedelta(364)}  # fmt: skip
    if text.lower() in begin:
        last = begin["yesterday"] if text.lower() == "yesterday" else today
        return "day BETWEEN ? AND ?", [begin[text.lower()].isoformat(), last.isoformat()]
    first, dots, last = text.lstrip("<>=").partition("..")
    low, high = bounds(first, text), bounds(last if dots and last else first, text)
    if dots:
        return ("day BETWEEN ? AND ?", [low[0], high[1]]) if last else ("day >= ?", [low[0]])
    if text.startswith(">"):
        return "day >= ?", [low[0] if text.startswith(">=") else low[1] + "~"]
    if text.startswith("<"):
        return "day < ?", [low[1] + "~" if text.startswith("<=") else low[0]]
    return "day BETWEEN ? AND ?", [low[0], low[1]]


def bounds(text: str, whole: str) -> tuple[str, str]:
    """The first and last day of a date that may be a month or a year; 31 for any month's last. Raises Wrong."""
    match = DATE.fullmatch(text)
    if not match or not 1 <= int(match[2] or 1) <= 12 or not 1 <= int(match[3] or 1) <= 31:
        raise Wrong(f"The date '{whole}' is not understood; write 2026, 2026-11, 2026-11-22 or 2026-11-01..2026-11-22.")
    year, month, one = match[1], int(match[2] or 0), int(match[3] or 0)
    return f"{year}-{month or 1:02}-{one or 1:02}", f"{year}-{month or 12:02}-{one or 31:02}"


def kind(text: str) -> tuple[str, list[Any]]:
    if text.lower() not in KINDS:
        raise Wrong(f"There is no kind '{text}'; there are {', '.join(KINDS)}.")
    return "kind = ?", [text.lower()]


def state(text: str) -> tuple[str, list[Any]]:
    clauses = {"favourite": "favourite = 1", "favorite": "favourite = 1", "landscape": "width > height", "portrait": "width < height",
               "square": "width = height AND width > 0", "damaged": "problem IS NOT NULL"}  # fmt: skip
    if text.lower() not in clauses:
        raise Wrong(f"'is:{text}' is not understood; there are {', '.join(STATES)}.")
    return clauses[text.lower()], []


def folder(text: str) -> tuple[str, list[Any]]:
    return "folder LIKE ? ESCAPE '\\'", [pattern(text.replace("\\", "/"))]
