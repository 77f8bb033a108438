"""The list of jobs on disk, in SQLite: what it acknowledged is there after a crash."""

import json
import logging
import sqlite3
import threading
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modules.contract.database import Unreadable, at_fault, connected, migrate, put_aside, transaction
from modules.contract.errors import BadRequest, WebuiError
from modules.contract.progress import Filed
from modules.jobs.job import Job, JobState

log = logging.getLogger(__name__)
NOUN = "list of jobs"

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
    (
        "ALTER TABLE jobs ADD COLUMN place INTEGER",  # among the jobs that wait, where a person moved it; else its number
        "ALTER TABLE jobs ADD COLUMN held INTEGER NOT NULL DEFAULT 0",
        """CREATE TABLE requests (
            job TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE, request TEXT NOT NULL)""",
        "CREATE TABLE marks (name TEXT PRIMARY KEY)",
        "CREATE INDEX jobs_by_end ON jobs (ended, number)",
    ),
)

COLUMNS = "id, kind, owner, title, state, request, created, started, ended, attempts, durable, summary, error, hint, held"
WHOLE = COLUMNS.replace("request", "coalesce((SELECT requests.request FROM requests WHERE job = id), request)")
PLACE = "coalesce(place, number)"
LONGEST_TEXT = 100_000  # in a listed request: prompts pass, pictures do not

class JobStore:
    """Jobs and the files they announced. Thread-safe: one connection behind a lock.

    The connection holds the file for itself, so that a second copy of the program cannot run the same jobs.
    A file that is damaged, or of a newer version, is put aside; `problem` then says so.
    """

    def __init__(self, path: Path, *, keep: int = 1000) -> None:
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
                keep_whole(connection, job)
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
        rows = self.read(f"SELECT {WHOLE} FROM jobs WHERE id = ?", (job,))
        return job_of(rows[0]) if rows else None

    def jobs(self, *, owner: str | None = None, states: Collection[JobState] | None = None, limit: int = 100) -> list[Job]:
        """The last `limit` jobs in the order in which they were added, of one owner or of all.

        Their requests lack what is long, such as pictures; `get` has them whole.
        """
        wanted = "1" if states is None else f"state IN ({', '.join('?' * len(states))})"
        rows = self.read(
            f"SELECT {COLUMNS} FROM jobs WHERE (? IS NULL OR owner = ?) AND {wanted} ORDER BY number DESC LIMIT ?",
            (owner, owner, *(states or ()), limit),
        )
        return [job_of(row) for row in reversed(rows)]

    def ended(self, *, before: str | None = None, limit: int = 50) -> list[Job]:
        """Jobs that have ended, the last first; those that ended before the job `before` did. Requests lack what is long."""
        then = "1" if before is None else "(ended, number) < (SELECT ended, number FROM jobs WHERE id = ?)"
        rows = self.read(
            f"SELECT {COLUMNS} FROM jobs WHERE ended IS NOT NULL AND {then} ORDER BY ended DESC, number DESC LIMIT ?",
            (*([] if before is None else [before]), limit),
        )
        return [job_of(row) for row in rows]

    def count_ended(self) -> int:
        """How many jobs of the list have ended."""
        return self.read("SELECT count(*) FROM jobs WHERE ended IS NOT NULL", ())[0][0]

    def remove_ended(self) -> None:
        """Forget all jobs that have ended; their files stay."""
        with self.writing() as connection:
            connection.execute("DELETE FROM jobs WHERE ended IS NOT NULL")

    def write_order(self, jobs: Sequence[str]) -> None:
        """Have these waiting jobs stand in this order; on the disk when this returns."""
        with self.writing() as connection:
            known = dict(connection.execute(f"SELECT id, {PLACE} FROM jobs WHERE state = 'queued'"))
            there = [job for job in jobs if job in known]
            places = sorted(known[job] for job in there)
            changed = [(place, job) for place, job in zip(places, there, strict=True) if known[job] != place]
            connection.executemany("UPDATE jobs SET place = ? WHERE id = ?", changed)

    def write_held(self, job: str, held: bool) -> None:
        """Remember whether a waiting job is held."""
        with self.writing() as connection:
            connection.execute("UPDATE jobs SET held = ? WHERE id = ?", (int(held), job))

    def write_request(self, job: Job) -> None:
        """Replace what a job was asked, and its title; on the disk when this returns."""
        with self.writing() as connection:
            connection.execute(
                "UPDATE jobs SET title = ?, request = ? WHERE id = ?", (clean(job.title), packed(outline(job.request)), job.id)
            )
            keep_whole(connection, job)

    def mark(self, name: str, there: bool) -> None:
        """Remember a fact about the whole list, such as 'paused'."""
        with self.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO marks VALUES (?)" if there else "DELETE FROM marks WHERE name = ?", (name,))

    def marked(self, name: str) -> bool:
        """Whether a fact was remembered."""
        return bool(self.read("SELECT 1 FROM marks WHERE name = ?", (name,)))

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


def opened(path: Path) -> sqlite3.Connection:
    """A connection to a sound list of this version. Raises Unreadable, or WebuiError if the place or another program is in the way."""
    connection = connected(path, NOUN, patience=2)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")
        migrate(connection, path, NOUN, MIGRATIONS)
        found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise Unreadable(f"is damaged ({found})")
        unfinished(connection)
    except (sqlite3.DatabaseError, ValueError) as error:
        connection.close()
        if "locked" in str(error):
            raise WebuiError(f"Another copy of this program is using {path}.", "Stop it, or give this one its own --data-dir.") from None
        if at_fault(error):
            raise WebuiError(f"The list of jobs {path} cannot be used ({error}).") from None
        raise Unreadable(f"could not be read ({error})") from None
    except BaseException:
        connection.close()
        raise
    return connection


def unfinished(connection: sqlite3.Connection) -> list[tuple[Job, str | None]]:
    rows = connection.execute(f"SELECT {WHOLE}, stop FROM jobs WHERE state IN ('queued', 'running') ORDER BY {PLACE}, number")
    return [(job_of(row[:-1]), row[-1]) for row in rows]


def row(job: Job) -> tuple[Any, ...]:
    """A job as the values of COLUMNS; of its request what is not long."""
    return (job.id, job.kind, clean(job.owner), clean(job.title), job.state, packed(outline(job.request)), job.created, job.started,
            job.ended, job.attempts, int(job.durable), packed(job.summary), clean(job.error), clean(job.hint), int(job.held))  # fmt: skip


def job_of(row: tuple[Any, ...]) -> Job:
    """The job of the values of COLUMNS. Raises ValueError where one is no JSON."""
    id, kind, owner, title, state, request, created, started, ended, attempts, durable, summary, error, hint, held = row
    return Job(id, kind, owner, title, state, json.loads(request), created, started, ended, attempts, bool(durable),
               None if summary is None else json.loads(summary), error, hint, bool(held))  # fmt: skip


def keep_whole(connection: sqlite3.Connection, job: Job) -> None:
    """Keep a request apart that is too long for the list, so that a list of jobs reads no pictures."""
    connection.execute("DELETE FROM requests WHERE job = ?", (job.id,))
    if outline(job.request) != job.request:
        connection.execute("INSERT INTO requests VALUES (?, ?)", (job.id, packed(job.request)))


def outline(value: Any) -> Any:
    """A JSON value whose long texts are empty."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else ""
    if isinstance(value, dict):
        return {name: outline(part) for name, part in value.items()}  # type: ignore[reportUnknownVariableType]
    return [outline(part) for part in value] if isinstance(value, list) else value  # type: ignore[reportUnknownVariableType]


def packed(value: dict[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value)


def clean(text: str | None) -> str | None:
    """The text without lone surrogates, which SQLite refuses; prompts and file names may hold them."""
    return None if text is None else text.encode(errors="replace").decode()
