"""Looking pictures up: a query's result, what it can be narrowed by, what could be meant."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from modules.contract.errors import BadRequest
from modules.history.query import DAYS, KEYS, STATES, conditions
from modules.history.rows import KINDS, Row, restored
from modules.history.store import HistoryStore

SORTS = {
    "newest": "made DESC, id DESC",
    "oldest": "made, id",
    "name": "name COLLATE NOCASE, id",
    "largest": "width * height DESC, made DESC, id DESC",
    "deleted": "trashed DESC, made DESC, id DESC",
}
COLUMNS = "id, root, folder, name, bytes, made, width, height, kind, favourite, trashed, missing, problem"
TITLE = "coalesce((SELECT substr(infotext, 1, 200) FROM texts WHERE texts.id = pictures.id), '')"
MOST_SUGGESTIONS = 10
SHORTEST_WORD = 2


@dataclass(frozen=True)
class Result:
    """The ids of the pictures in order, the days with their counts if they are sorted by time, and what was not understood."""

    ids: list[int]
    days: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    problems: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class Suggestion:
    """What the part that is being typed could become; `count` pictures have it, None where that is not known."""

    text: str
    count: int | None = None


def search(store: HistoryStore, query: str, *, sort: str = "newest", trash: bool = False) -> Result:
    """The pictures that a query asks for, all of them. Raises BadRequest for an unknown order."""
    if sort not in SORTS:
        raise BadRequest(f"The order '{sort}' is not known; there are {', '.join(SORTS)}.")
    wanted = conditions(query)
    place = "trashed IS NOT NULL" if trash else "trashed IS NULL"
    where = " AND ".join([place, "missing IS NULL", *wanted.clauses])
    rows = store.read(f"SELECT id, day FROM pictures WHERE {where} ORDER BY {SORTS[sort]}", wanted.values)
    dated = sort in ("newest", "oldest")
    days = [(day, sum(1 for _ in group)) for day, group in itertools.groupby(rows, key=lambda row: row[1])] if dated else []
    return Result([row[0] for row in rows], days, wanted.problems)


def rows_of(store: HistoryStore, ids: Sequence[int]) -> list[Row]:
    """The rows of some pictures, in the order of the ids; those that are not there are left out."""
    marks = ", ".join("?" * len(ids))
    found = store.read(f"SELECT {COLUMNS}, {TITLE} FROM pictures WHERE id IN ({marks})", ids)
    rows = {values[0]: row_of(values) for values in found}
    return [rows[id] for id in ids if id in rows]


def row_of(values: Sequence[Any]) -> Row:
    """The row of the values of COLUMNS and the beginning of the infotext."""
    id, root, folder, name, size, made, width, height, kind, favourite, trashed, missing, problem, text = values
    title = text.partition("\n")[0].strip()
    return Row(id, root, restored(folder), restored(name), size, made, width, height, kind, bool(favourite), trashed, missing, problem,
               "" if title.startswith(("Steps:", "Negative prompt:", "Postprocess")) else title)  # fmt: skip


def facets(store: HistoryStore) -> dict[str, list[tuple[str, int]]]:
    """What the pictures can be narrowed by, with how many have it, the most common first."""
    here = "trashed IS NULL AND missing IS NULL"
    found = {name: [(value, count) for value, count in store.read(
        f"SELECT {name}, count(*) FROM pictures WHERE {here} AND {name} IS NOT NULL GROUP BY {name} ORDER BY 2 DESC, 1 LIMIT 1000")]
        for name in ("model", "sampler", "kind")}  # fmt: skip
    loras = store.read("SELECT name, count(*) FROM loras GROUP BY name ORDER BY 2 DESC, 1 LIMIT 5000")
    sizes = store.read(
        f"SELECT width || 'x' || height, count(*) FROM pictures WHERE {here} AND width > 0 GROUP BY width, height ORDER BY 2 DESC LIMIT 50"
    )
    return {**found, "lora": loras, "size": sizes}


def suggestions(known: dict[str, list[tuple[str, int]]], store: HistoryStore, part: str) -> list[Suggestion]:
    """What the part of a query at the caret could become: keys, values of a key, words that prompts have."""
    minus, text = ("-", part[1:]) if part.startswith("-") else ("", part)
    key, colon, value = text.partition(":")
    if colon and key in KEYS:
        start = value.strip('"').lower()
        named = values_of(known, key)
        matching = [(name, count) for name, count in named if name.lower().startswith(start)]
        matching += [(name, count) for name, count in named if start in name.lower() and not name.lower().startswith(start)]
        return [Suggestion(f"{minus}{key}:{quoted(name)}", count) for name, count in matching[:MOST_SUGGESTIONS]]
    keys = [Suggestion(f"{minus}{name}:") for name in KEYS if text and name.startswith(text.lower())]
    if len(text) < SHORTEST_WORD:
        return keys[:MOST_SUGGESTIONS]
    low = text.lower().strip('"')
    words = store.read(
        "SELECT term, doc FROM vocabulary WHERE term >= ? AND term < ? AND col = 'prompt' ORDER BY doc DESC LIMIT ?",
        (low, low + "\U0010ffff", MOST_SUGGESTIONS),
    )
    return (keys + [Suggestion(minus + term, count) for term, count in words if term != low])[:MOST_SUGGESTIONS]


def values_of(known: dict[str, list[tuple[str, int]]], key: str) -> list[tuple[str, int | None]]:
    """The values that a key can have, as far as they can be listed."""
    fixed: dict[str, Sequence[str]] = {"is": [state for state in STATES if state != "favorite"], "date": DAYS, "kind": KINDS}
    if key in known:
        return list(known[key])
    return [(name, None) for name in fixed.get(key, ())]


def quoted(text: str) -> str:
    """A value as it stands behind its key."""
    return f'"{text}"' if any(character.isspace() for character in text) else text
