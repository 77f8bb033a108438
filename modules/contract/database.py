"""A list in an SQLite file that a crash leaves sound: opened, brought to this version, put aside where it cannot be read."""

import os
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from modules.contract.errors import WebuiError

# What SQLite says when the place is at fault and not the file: then nothing is put aside.
PLACE_FAULTS = ("unable to open", "readonly", "disk i/o", "is full")
Migrations = Sequence[Sequence[str]]  # the statements that lead to each version of the tables


class Unreadable(Exception):
    """The file cannot be used; says why, as the end of a sentence."""


def connected(path: Path, noun: str, *, patience: float) -> sqlite3.Connection:
    """A connection to the file, which only its owner may read, made if need be. It waits `patience` seconds for another program.

    `noun` is what the file holds, for people: "list of jobs". Raises WebuiError.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        return sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise WebuiError(f"The {noun} {path} cannot be opened ({error}).") from None


def at_fault(error: Exception) -> bool:
    """Whether an error is the place's, not the file's."""
    return isinstance(error, sqlite3.OperationalError) and any(fault in str(error).lower() for fault in PLACE_FAULTS)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None, None, None]:
    """All or nothing, a commit that fails included."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def migrate(connection: sqlite3.Connection, path: Path, noun: str, migrations: Migrations) -> None:
    """Bring the tables to this version, each step whole or not at all; a list with content is copied first. Raises Unreadable."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables and "schema" not in tables:
        raise Unreadable(f"is not a {noun}")
    row = connection.execute("SELECT version FROM schema").fetchone() if tables else (0,)
    version = row[0] if row else None
    if not isinstance(version, int):
        raise Unreadable("is damaged (it does not say which version it is)")
    if version > len(migrations):
        raise Unreadable(f"was written by a newer version of this program (format {version}, known up to {len(migrations)})")
    if 0 < version < len(migrations):
        connection.execute("VACUUM INTO ?", (str(free_name(path, f"before-format-{len(migrations)}")),))
    for number, statements in enumerate(migrations[version:], start=version + 1):
        with transaction(connection):
            if number == 1:
                connection.execute("CREATE TABLE schema (version INTEGER NOT NULL)")
                connection.execute("INSERT INTO schema VALUES (0)")
            for statement in statements:
                connection.execute(statement)
            connection.execute("UPDATE schema SET version = ?", (number,))


def put_aside(path: Path) -> Path:
    """Rename the file and what SQLite keeps beside it; the new name."""
    aside = free_name(path, "unreadable")
    for ending in ("-wal", "-shm", ""):
        part = path.with_name(path.name + ending)
        if part.exists():
            part.replace(aside.with_name(aside.name + ending))
    return aside


def free_name(path: Path, word: str) -> Path:
    """`jobs.sqlite` with a word: `jobs.word.sqlite`, or `jobs.word-2.sqlite` and on if that exists."""
    names = (path.with_name(f"{path.stem}.{word}{'' if n == 1 else f'-{n}'}{path.suffix}") for n in range(1, 10_000))
    return next(name for name in names if not name.exists())
