"""The list of pictures on disk, in SQLite: many may read while one writes."""

import logging
import sqlite3
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modules.contract.database import Unreadable, at_fault, connected, migrate, put_aside, transaction
from modules.contract.errors import WebuiError

log = logging.getLogger(__name__)
NOUN = "list of pictures"

# One entry for each version of the tables; only ever append. The texts stand apart, so that filters need not read past them.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE roots (id INTEGER PRIMARY KEY AUTOINCREMENT, path NOT NULL UNIQUE)",
        "CREATE TABLE folders (root INTEGER NOT NULL, path NOT NULL, mtime_ns INTEGER NOT NULL, PRIMARY KEY (root, path)) WITHOUT ROWID",
        """CREATE TABLE pictures (
            id INTEGER PRIMARY KEY AUTOINCREMENT, root INTEGER NOT NULL, folder NOT NULL, name NOT NULL,
            bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, made REAL NOT NULL, day TEXT NOT NULL, fingerprint BLOB NOT NULL,
            width INTEGER NOT NULL, height INTEGER NOT NULL, kind TEXT NOT NULL,
            seed TEXT, model TEXT, model_hash TEXT, sampler TEXT, steps INTEGER, guidance REAL,
            favourite INTEGER NOT NULL DEFAULT 0, trashed REAL, missing REAL, problem TEXT,
            UNIQUE (root, folder, name))""",
        # with all that can be asked for, so that a search reads nothing but this, in order
        """CREATE INDEX pictures_by_time ON pictures (made DESC, id DESC, day, kind, width, height, model, model_hash, sampler, seed, steps,
            guidance, favourite, folder, problem) WHERE trashed IS NULL AND missing IS NULL""",
        "CREATE INDEX pictures_in_trash ON pictures (trashed) WHERE trashed IS NOT NULL",
        "CREATE INDEX pictures_by_fingerprint ON pictures (fingerprint)",
        "CREATE TABLE texts (id INTEGER PRIMARY KEY REFERENCES pictures (id) ON DELETE CASCADE, infotext TEXT NOT NULL)",
        """CREATE TABLE loras (name TEXT NOT NULL COLLATE NOCASE, picture INTEGER NOT NULL REFERENCES pictures (id) ON DELETE CASCADE,
            PRIMARY KEY (name, picture)) WITHOUT ROWID""",
        "CREATE INDEX loras_by_picture ON loras (picture)",
        "CREATE VIRTUAL TABLE words USING fts5 (prompt, negative, name, tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3')",
        "CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, 'col')",
    ),
)

class HistoryStore:
    """The tables. Thread-safe: one connection writes, behind a lock; each thread that reads has a connection of its own.

    Whoever opens it owns the data folder. A file that is damaged, or of a newer version, is put aside; `problem` then says so,
    and `begun` that the list is empty and the files have to be looked at.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the list. Raises WebuiError if the place cannot be used."""
        self.path = path
        self.lock = threading.RLock()
        self.problem: str | None = None
        self.readers: list[sqlite3.Connection] = []
        self.own = threading.local()
        try:
            self.connection = opened(path)
        except Unreadable as reason:
            aside = put_aside(path)
            self.problem = f"The list of pictures {path.name} {reason}; it was kept as {aside.name}, and a new one is made from the files."
            log.warning(self.problem)
            self.connection = opened(path)

    def read(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Rows as they are now. Raises WebuiError."""
        try:
            return self.reader().execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise WebuiError(f"The list of pictures could not be read ({error}).") from error

    def reader(self) -> sqlite3.Connection:
        """This thread's connection."""
        found = getattr(self.own, "connection", None)
        if found is None:
            found = connected(self.path, NOUN, patience=10)
            found.execute("PRAGMA query_only = ON")
            found.execute("PRAGMA cache_size = -16000")
            found.execute("PRAGMA mmap_size = 268435456")
            self.own.connection = found
            with self.lock:
                self.readers.append(found)
        return found

    @contextmanager
    def writing(self, *, synchronous: str = "NORMAL") -> Generator[sqlite3.Connection, None, None]:
        """A transaction; those of other threads wait. `synchronous` FULL: it is on the disk when this returns.

        Raises WebuiError if the disk does not take it; then nothing was changed.
        """
        with self.lock:
            try:
                self.connection.execute(f"PRAGMA synchronous = {synchronous}")
                with transaction(self.connection):
                    yield self.connection
            except sqlite3.Error as error:
                raise WebuiError(f"The list of pictures could not be written ({error}).", "Is there room on the disk?") from error

    def close(self) -> None:
        """Let go of the file."""
        with self.lock:
            for connection in [*self.readers, self.connection]:
                connection.close()
            self.readers.clear()


def opened(path: Path) -> sqlite3.Connection:
    """A connection to a sound list of this version. Raises Unreadable, or WebuiError if the place is at fault."""
    connection = connected(path, NOUN, patience=10)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")
        migrate(connection, path, NOUN, MIGRATIONS)
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise Unreadable(f"is damaged ({found})")
        connection.execute("SELECT id, day, favourite FROM pictures LIMIT 1").fetchall()
    except sqlite3.DatabaseError as error:
        connection.close()
        if at_fault(error) or "locked" in str(error).lower():
            raise WebuiError(f"The list of pictures {path} cannot be used ({error}).") from None
        raise Unreadable(f"could not be read ({error})") from None
    except BaseException:
        connection.close()
        raise
    return connection
