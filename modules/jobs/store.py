"""The list of jobs on disk, in SQLite: what it acknowledged is there after a crash."""

import json
import logging
import os
import sqlite3
import threading
from collections.abc import Collection, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modules.contract.errors import BadRequest, WebuiError
from modules.contract.progress import Filed
from modules.jobs.job import Job, JobState

log = logging.getLogger(__name__)

# One entry for each version of the tables; only ever append.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE jobs (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, owner TEXT NOT NULL, title TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'interrupted', 'cancelled', 'failed')),
            request TEXT NOT NULL, created REAL NOT NULL, started REAL, ended REAL,
            attempts INTEGER NOT NULL, durable INTEGER NOT NULL, summary TEXT, error TEXT, hint TEXT,
            stop TEXT CHECK (stop IN ('interrupt', 'cancel')))""",
        "CREATE INDEX jobs_by_state ON jobs (state, number)",
        """CREATE TABLE files (
            job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, number INTEGER NOT NULL,
            path TEXT NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (job, number))""",
    ),
)

COLUMNS = "id, kind, owner, title, state, request, created, started, ended, attempts, durable, summary, error, hint"

# What SQLite says when the place is at fault and not the file: then nothing is put aside.
PLACE_FAULTS = ("unable to open", "readonly", "disk i/o", "is full")


class Unreadable(Exception):
    """The file cannot be used; says why, as the end of a sentence."""


class JobStore:
    """Jobs and the files they announced. Thread-safe: one connection behind a lock.

    The connection holds the file for itself, so that a second copy of the program cannot run the same jobs.
    A file that is damaged, or of a newer version, is put aside; `problem` then says so.
    """

    def __init__(self, path: Path, *, keep: int = 500) -> None:
        """Open or make the list at `path`; of ended jobs it keeps the last `keep`. Raises WebuiError if the place cannot be used."""
        self.path = path
        self.keep = keep
        self.lock = threading.Lock()
        self.problem: str | None = None
        try:
            self.connection = opened(path)
        except Unreadable as reason:
            aside = put_aside(path)
            self.problem = f"The list of jobs {path.name} {reason}; it was kept as {aside.name}, and a new list was begun."
            log.warning(self.problem)
            self.connection = opened(path)

    def add(self, job: Job) -> None:
        """Append a job; it is on the disk when this returns. Raises BadRequest if its id is taken."""
        values = row(job)
        try:
            with self.writing() as connection:
                connection.execute(f"INSERT INTO jobs ({COLUMNS}) VALUES ({', '.join('?' * len(values))})", values)
        except sqlite3.IntegrityError:
            raise BadRequest(f"There is already a job with the id '{job.id}'.") from None

    def update(self, job: Job) -> None:
        """Write what changes in a job's life: state, times, attempts, outcome.

        A cancel is not waited for until the disk has it, since a person waits for its answer. Killing the program does not
        lose it; a power cut may, and then costs a picture that nobody wanted.
        """
        with self.writing(synchronous="NORMAL" if job.state == "cancelled" else "FULL") as connection:
            connection.execute(
                "UPDATE jobs SET state = ?, started = ?, ended = ?, attempts = ?, summary = ?, error = ?, hint = ? WHERE id = ?",
                (job.state, job.started, job.ended, job.attempts, packed(job.summary), clean(job.error), clean(job.hint), job.id),
            )
            if job.over:
                connection.execute(
                    "DELETE FROM jobs WHERE number IN (SELECT number FROM jobs WHERE state NOT IN ('queued', 'running') "
                    "ORDER BY number DESC LIMIT -1 OFFSET ?)",
                    (self.keep,),
                )

    def note_stop(self, job: str, stop: str) -> None:
        """Remember that a running job was asked to 'interrupt' or 'cancel', in case the program dies before it does.

        Not waited for until the disk has it, like a cancel.
        """
        with self.writing(synchronous="NORMAL") as connection:
            connection.execute("UPDATE jobs SET stop = ? WHERE id = ?", (stop, job))

    def remove(self, job: str) -> None:
        """Forget a job and the names of its files; the files stay."""
        with self.writing() as connection:
            connection.execute("DELETE FROM jobs WHERE id = ?", (job,))

    def get(self, job: str) -> Job | None:
        """The job, or None if there is none with that id."""
        rows = self.read(f"SELECT {COLUMNS} FROM jobs WHERE id = ?", (job,))
        return job_of(rows[0]) if rows else None

    def jobs(self, *, owner: str | None = None, states: Collection[JobState] | None = None, limit: int = 100) -> list[Job]:
        """The last `limit` jobs in the order in which they were added, of one owner or of all."""
        wanted = "1" if states is None else f"state IN ({', '.join('?' * len(states))})"
        rows = self.read(
            f"SELECT {COLUMNS} FROM jobs WHERE (? IS NULL OR owner = ?) AND {wanted} ORDER BY number DESC LIMIT ?",
            (owner, owner, *(states or ()), limit),
        )
        return [job_of(row) for row in reversed(rows)]

    def unfinished(self) -> list[tuple[Job, str | None]]:
        """The jobs that wait or run, in order, each with the stop it was asked for."""
        return unfinished(self.connection)

    def filed(self, job: str, number: int) -> Filed | None:
        """The file that was announced for a job's picture `number`."""
        rows = self.read("SELECT path, sha256 FROM files WHERE job = ? AND number = ?", (job, number))
        return Filed(json.loads(rows[0][0]), rows[0][1]) if rows else None

    def filing(self, job: str, number: int, filed: Filed) -> None:
        """Announce the file of a job's picture `number`, in place of an earlier one; on the disk when this returns."""
        path = json.dumps(filed.path)  # a path may hold bytes that are no text, which SQLite refuses
        with self.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", (job, number, path, filed.sha256))

    def close(self) -> None:
        """Let go of the file."""
        with self.lock:
            self.connection.close()

    def read(self, query: str, values: tuple[Any, ...]) -> list[Any]:
        with self.lock:
            try:
                return self.connection.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise WebuiError(f"The list of jobs could not be read ({error}).") from error

    @contextmanager
    def writing(self, *, synchronous: str = "FULL") -> Generator[sqlite3.Connection, None, None]:
        """A transaction. Raises WebuiError if the disk does not take it; then nothing was changed."""
        with self.lock:
            try:
                self.connection.execute(f"PRAGMA synchronous = {synchronous}")
                with transaction(self.connection):
                    yield self.connection
            except sqlite3.IntegrityError:
                raise
            except sqlite3.Error as error:
                raise WebuiError(f"The list of jobs could not be written ({error}).", "Is there room on the disk?") from error


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


def opened(path: Path) -> sqlite3.Connection:
    """A connection to a sound list of this version. Raises Unreadable, or WebuiError if the place or another program is in the way."""
    connection = connected(path)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")
        migrate(connection, path)
        found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise Unreadable(f"is damaged ({found})")
        unfinished(connection)
    except (sqlite3.DatabaseError, ValueError) as error:
        connection.close()
        if "locked" in str(error):
            raise WebuiError(f"Another copy of this program is using {path}.", "Stop it, or give this one its own --data-dir.") from None
        if isinstance(error, sqlite3.OperationalError) and any(fault in str(error).lower() for fault in PLACE_FAULTS):
            raise WebuiError(f"The list of jobs {path} cannot be used ({error}).") from None
        raise Unreadable(f"could not be read ({error})") from None
    except BaseException:
        connection.close()
        raise
    return connection


def connected(path: Path) -> sqlite3.Connection:
    """A connection to the file, which only its owner may read: requests hold prompts. Raises WebuiError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        return sqlite3.connect(path, timeout=2, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise WebuiError(f"The list of jobs {path} cannot be opened ({error}).") from None


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the tables to this version, each step whole or not at all; a list with content is copied first. Raises Unreadable."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables and "schema" not in tables:
        raise Unreadable("is not a list of jobs")
    version = connection.execute("SELECT version FROM schema").fetchone()[0] if tables else 0
    if version > len(MIGRATIONS):
        raise Unreadable(f"was written by a newer version of this program (format {version}, known up to {len(MIGRATIONS)})")
    if 0 < version < len(MIGRATIONS):
        connection.execute("VACUUM INTO ?", (str(free_name(path, f"before-format-{len(MIGRATIONS)}")),))
    for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
        with transaction(connection):
            if number == 1:
                connection.execute("CREATE TABLE schema (version INTEGER NOT NULL)")
                connection.execute("INSERT INTO schema VALUES (0)")
            for statement in statements:
                connection.execute(statement)
            connection.execute("UPDATE schema SET version = ?", (number,))


def put_aside(path: Path) -> Path:
    """Rename the list and what SQLite keeps beside it; the new name."""
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


def unfinished(connection: sqlite3.Connection) -> list[tuple[Job, str | None]]:
    rows = connection.execute(f"SELECT {COLUMNS}, stop FROM jobs WHERE state IN ('queued', 'running') ORDER BY number")
    return [(job_of(row[:-1]), row[-1]) for row in rows]


def row(job: Job) -> tuple[Any, ...]:
    """A job as the values of COLUMNS."""
    return (job.id, job.kind, clean(job.owner), clean(job.title), job.state, packed(job.request), job.created, job.started, job.ended,
            job.attempts, int(job.durable), packed(job.summary), clean(job.error), clean(job.hint))  # fmt: skip


def job_of(row: tuple[Any, ...]) -> Job:
    """The job of the values of COLUMNS. Raises ValueError where one is no JSON."""
    id, kind, owner, title, state, request, created, started, ended, attempts, durable, summary, error, hint = row
    return Job(id, kind, owner, title, state, json.loads(request), created, started, ended, attempts, bool(durable),
               None if summary is None else json.loads(summary), error, hint)  # fmt: skip


def packed(value: dict[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value)


def clean(text: str | None) -> str | None:
    """The text without lone surrogates, which SQLite refuses; prompts and file names may hold them."""
    return None if text is None else text.encode(errors="replace").decode()
