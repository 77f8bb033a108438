"""A file on the disk becomes a row of the list: new, changed, back again, or moved here from elsewhere."""

import sqlite3
import time
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from modules.history.reading import Facts, Told, facts_of, told
from modules.history.rows import TRASH, day_of, inside, kind_of, restored, shown, stored
from modules.history.words import spaced

BATCH_TIME = "%Y%m%d-%H%M%S"


@dataclass(frozen=True)
class Found:
    """A picture file: where it lies below its root, how long it is, and when it was written last."""

    root: int
    folder: str
    name: str
    bytes: int
    mtime_ns: int


@dataclass(frozen=True)
class Read:
    """A file with what it says."""

    found: Found
    facts: Facts
    told: Told


def look_at(folder: Path, found: Found) -> Read | None:
    """Read a file below the root `folder`; None if it is gone by now."""
    try:
        facts = facts_of(inside(folder, found.folder, found.name))
    except OSError:
        return None
    return Read(found, facts, told(facts.infotext))


def enter(connection: sqlite3.Connection, read: Read, favourites: Container[bytes]) -> int:
    """Write a file into the list, within a transaction; its id.

    One that is known at its place keeps its favourite; one whose equal is missing elsewhere is that picture, moved.
    """
    found, facts = read.found, read.facts
    place = (found.root, stored(found.folder), stored(found.name))
    known = connection.execute("SELECT id, fingerprint FROM pictures WHERE root = ? AND folder = ? AND name = ?", place).fetchone()
    if known and known[1] == facts.fingerprint:
        connection.execute("UPDATE pictures SET missing = NULL, bytes = ?, mtime_ns = ? WHERE id = ?",
                           (found.bytes, found.mtime_ns, known[0]))  # fmt: skip
        return known[0]
    if known:
        write(connection, known[0], read)
        return known[0]
    moved = connection.execute("SELECT id FROM pictures WHERE fingerprint = ? AND missing IS NOT NULL ORDER BY favourite DESC LIMIT 1",
                               (facts.fingerprint,)).fetchone()  # fmt: skip
    if moved:
        move(connection, moved[0], found)
        return moved[0]
    row = connection.execute(
        "INSERT INTO pictures (root, folder, name, bytes, mtime_ns, made, day, fingerprint, width, height, kind, favourite) "
        "VALUES (?, ?, ?, 0, 0, 0, '', x'', 0, 0, 'other', ?)", (*place, facts.fingerprint in favourites))  # fmt: skip
    assert row.lastrowid is not None
    write(connection, row.lastrowid, read)
    return row.lastrowid


def write(connection: sqlite3.Connection, id: int, read: Read) -> None:
    """All that a file says into its row."""
    found, facts, said = read.found, read.facts, read.told
    made = found.mtime_ns / 1e9
    kind = kind_of(original_folder(found.folder), found.name, has_infotext=bool(facts.infotext), image_to_image=said.image_to_image,
                   postprocessed=facts.postprocessed)  # fmt: skip
    values: dict[str, Any] = {
        "bytes": found.bytes, "mtime_ns": found.mtime_ns, "made": made, "day": day_of(made), "fingerprint": facts.fingerprint,
        "width": facts.width, "height": facts.height, "kind": kind, "seed": said.seed, "model": said.model,
        "model_hash": said.model_hash, "sampler": said.sampler, "steps": said.steps, "guidance": said.guidance,
        "trashed": trashed_at(found.folder), "missing": None, "problem": facts.problem,
    }  # fmt: skip
    clean = {name: shown(value) if isinstance(value, str) else value for name, value in values.items()}
    connection.execute(f"UPDATE pictures SET {', '.join(f'{name} = ?' for name in clean)} WHERE id = ?", (*clean.values(), id))
    connection.execute("INSERT OR REPLACE INTO texts VALUES (?, ?)", (id, shown(facts.infotext)))
    connection.execute("DELETE FROM loras WHERE picture = ?", (id,))
    connection.executemany("INSERT OR IGNORE INTO loras VALUES (?, ?)", [(shown(name), id) for name in said.loras])
    connection.execute("DELETE FROM words WHERE rowid = ?", (id,))
    connection.execute("INSERT INTO words (rowid, prompt, negative, name) VALUES (?, ?, ?, ?)",
                       (id, shown(said.prompt), shown(said.negative), name_words(found.name)))  # fmt: skip


def move(connection: sqlite3.Connection, id: int, found: Found) -> None:
    """A picture lies elsewhere now: in another folder, in the trash or out of it. What it is and when it was made stays.

    A missing one that lay there before is forgotten; if it was a favourite, `Favourites` still knows.
    """
    old = connection.execute("SELECT id FROM pictures WHERE root = ? AND folder = ? AND name = ? AND missing IS NOT NULL AND id <> ?",
                             (found.root, stored(found.folder), stored(found.name), id)).fetchone()  # fmt: skip
    if old:
        forget(connection, old[0])
    connection.execute(
        "UPDATE pictures SET root = ?, folder = ?, name = ?, bytes = ?, mtime_ns = ?, trashed = ?, missing = NULL WHERE id = ?",
        (found.root, stored(found.folder), stored(found.name), found.bytes, found.mtime_ns, trashed_at(found.folder), id),
    )
    connection.execute("UPDATE words SET name = ? WHERE rowid = ?", (name_words(found.name), id))


def forget(connection: sqlite3.Connection, id: int) -> None:
    """Take a picture out of the list."""
    connection.execute("DELETE FROM words WHERE rowid = ?", (id,))
    connection.execute("DELETE FROM pictures WHERE id = ?", (id,))


def name_words(name: str) -> str:
    """A file's name as it is indexed."""
    return spaced(PurePosixPath(shown(name)).stem)


def trashed_at(folder: str) -> float | None:
    """When a picture was put where it lies, if that is in the trash: the batch's name begins with the time."""
    parts = PurePosixPath(folder).parts
    if not parts or parts[0] != TRASH:
        return None
    try:
        return time.mktime(time.strptime(parts[1][:15], BATCH_TIME))
    except (ValueError, IndexError, OverflowError):
        return 0.0


def original_folder(folder: str) -> str:
    """The folder that a picture in the trash came from; any other folder as it is."""
    parts = PurePosixPath(folder).parts
    return "/".join(parts[2:]) if parts and parts[0] == TRASH else folder


def place_of(connection: sqlite3.Connection, id: int) -> Found | None:
    """Where a picture of the list lies; None if there is none of that id."""
    row = connection.execute("SELECT root, folder, name, bytes, mtime_ns FROM pictures WHERE id = ?", (id,)).fetchone()
    return Found(row[0], restored(row[1]), restored(row[2]), row[3], row[4]) if row else None
