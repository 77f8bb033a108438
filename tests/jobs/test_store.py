"""The list on disk: what it keeps, what it refuses, and what becomes of files that are not as they should be."""

import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from modules.contract.errors import BadRequest, WebuiError
from modules.contract.progress import Filed
from modules.jobs import store as store_module
from modules.jobs.job import Job
from modules.jobs.store import JobStore, Unreadable, opened

ROOT = Path(__file__).parents[2]


def job(id: str, **values: object) -> Job:
    start = Job(id, "draw", "page", "a star", "queued", {"prompt": "a star"}, created=1.0)
    return replace(start, **values)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.sqlite"


def test_a_job_comes_back_from_the_disk_as_it_was(path: Path) -> None:
    wanted = job("a", summary={"paths": ["x"]}, error="no", hint="try", state="failed", started=2.5, ended=3.5, attempts=2, durable=False)
    store = JobStore(path)
    store.add(wanted)
    store.close()
    assert JobStore(path).get("a") == wanted


def test_jobs_are_listed_in_the_order_in_which_they_were_added(path: Path) -> None:
    store = JobStore(path)
    for number in range(5):
        store.add(job(f"j{number}", owner="ab"[number % 2]))
    assert [one.id for one in store.jobs()] == ["j0", "j1", "j2", "j3", "j4"]
    assert [one.id for one in store.jobs(owner="a")] == ["j0", "j2", "j4"]
    assert [one.id for one in store.jobs(limit=2)] == ["j3", "j4"]
    assert store.jobs(states=["running"]) == []


def test_an_id_is_used_once(path: Path) -> None:
    store = JobStore(path)
    store.add(job("a"))
    with pytest.raises(BadRequest, match="'a'"):
        store.add(job("a", title="another"))
    assert [one.title for one in store.jobs()] == ["a star"]


def test_only_the_last_ended_jobs_are_kept_and_waiting_ones_always(path: Path) -> None:
    store = JobStore(path, keep=3)
    store.add(job("waits"))
    for number in range(6):
        store.add(job(f"j{number}"))
        store.filing(f"j{number}", 0, Filed("p", "s"))
        store.update(job(f"j{number}", state="done", ended=2.0))
    assert [one.id for one in store.jobs()] == ["waits", "j3", "j4", "j5"]
    assert store.filed("j2", 0) is None
    assert store.filed("j3", 0) == Filed("p", "s")


def test_a_later_announcement_of_a_file_replaces_the_earlier_one(path: Path) -> None:
    store = JobStore(path)
    store.add(job("a"))
    store.filing("a", 0, Filed("first", "1"))
    store.filing("a", 0, Filed("second", "2"))
    assert store.filed("a", 0) == Filed("second", "2")
    assert store.filed("a", 1) is None


def test_text_that_is_no_text_is_taken(path: Path) -> None:
    store = JobStore(path)
    store.add(job("a", title="lone \ud800", request={"prompt": "lone \ud800", "nul": "\0"}))
    store.filing("a", 0, Filed("bytes \udcff.png", "1"))
    store.update(job("a", state="failed", error="in \udcff.png"))
    found = store.get("a")
    assert found is not None and found.request == {"prompt": "lone \ud800", "nul": "\0"}
    assert store.filed("a", 0) == Filed("bytes \udcff.png", "1")


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
def test_only_the_owner_may_read_the_list(path: Path) -> None:
    store = JobStore(path)
    store.add(job("a"))
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


def test_a_second_program_is_told_that_the_list_is_in_use(path: Path) -> None:
    store = JobStore(path)
    code = f"from pathlib import Path; from modules.jobs.store import JobStore; JobStore(Path({str(path)!r}))"
    second = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert second.returncode == 1
    assert "Another copy of this program is using" in second.stderr
    store.add(job("a"))


DAMAGES = {
    "no database": b"this is not a database, but long enough to be looked at " * 40,
    "zeros": bytes(8192),
    "a header alone": b"SQLite format 3\0" + bytes(84),
}


@pytest.mark.parametrize("content", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_file_that_is_no_list_is_put_aside(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    store = JobStore(path)
    aside = path.with_name("jobs.unreadable.sqlite")
    assert store.problem is not None and aside.name in store.problem
    assert aside.read_bytes() == content
    store.add(job("a"))


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_truncated_list_never_stops_the_program(path: Path, share: float) -> None:
    store = JobStore(path)
    for number in range(40):
        store.add(job(f"j{number}", title="x" * 500))
    store.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    store = JobStore(path)
    assert store.problem is not None
    store.add(job("new"))
    store.close()
    assert JobStore(path).problem is None


@pytest.mark.parametrize("seed", range(20))
def test_a_list_with_a_damaged_page_never_stops_the_program(path: Path, seed: int) -> None:
    store = JobStore(path)
    for number in range(40):
        store.add(job(f"j{number}", title="x" * 500))
    store.close()
    damaged = bytearray(path.read_bytes())
    begin = seed * len(damaged) // 20
    damaged[begin : begin + 600] = b"\xa5" * 600
    path.write_bytes(damaged)
    store = JobStore(path)
    assert len(store.jobs()) in (0, 40) or store.problem is None
    store.add(job("new"))


def test_two_damaged_lists_are_both_kept(path: Path) -> None:
    for content in (b"first" * 1000, b"second" * 1000):
        path.write_bytes(content)
        JobStore(path).close()
        path.unlink()
    assert path.with_name("jobs.unreadable.sqlite").read_bytes().startswith(b"first")
    assert path.with_name("jobs.unreadable-2.sqlite").read_bytes().startswith(b"second")


def test_a_list_of_a_newer_version_is_put_aside_whole(path: Path) -> None:
    store = JobStore(path)
    store.add(job("a"))
    with store.writing() as connection:
        connection.execute("UPDATE schema SET version = 99")
    store.close()
    store = JobStore(path)
    assert store.problem is not None and "newer version" in store.problem
    kept = sqlite3.connect(path.with_name("jobs.unreadable.sqlite"))
    assert kept.execute("SELECT id FROM jobs").fetchall() == [("a",)]


def test_another_programs_database_is_not_written_into(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE jobs (mine)")
    other.commit()
    other.close()
    store = JobStore(path)
    assert store.problem is not None and "not a list of jobs" in store.problem
    store.add(job("a"))


def test_a_request_that_is_no_longer_json_is_damage(path: Path) -> None:
    store = JobStore(path)
    store.add(job("a"))
    with store.writing() as connection:
        connection.execute("UPDATE jobs SET request = '{'")
    store.close()
    assert JobStore(path).problem is not None


def test_an_older_list_is_copied_and_then_brought_up_to_date(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = JobStore(path)
    store.add(job("a"))
    store.close()
    monkeypatch.setattr(store_module, "MIGRATIONS", (*store_module.MIGRATIONS, ("ALTER TABLE jobs ADD COLUMN further TEXT",)))
    store = JobStore(path)
    assert store.problem is None
    assert store.read("SELECT id, further FROM jobs", ()) == [("a", None)]
    before = sqlite3.connect(path.with_name(f"jobs.before-format-{len(store_module.MIGRATIONS)}.sqlite"))
    assert before.execute("SELECT version FROM schema").fetchall() == [(len(store_module.MIGRATIONS) - 1,)]


def test_a_step_of_migration_that_fails_leaves_the_old_list(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = JobStore(path)
    store.add(job("a"))
    store.close()
    steps = ("ALTER TABLE jobs ADD COLUMN further TEXT", "THIS IS NO SQL")
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "MIGRATIONS", (*store_module.MIGRATIONS, steps))
        with pytest.raises(Unreadable):
            opened(path)
    store = JobStore(path)
    assert store.problem is None
    assert store.read("SELECT version FROM schema", ()) == [(len(store_module.MIGRATIONS),)]
    assert [one.id for one in store.jobs()] == ["a"]


def test_a_place_that_cannot_be_written_is_named_and_nothing_is_put_aside(tmp_path: Path) -> None:
    folder = tmp_path / "jobs.sqlite"
    folder.mkdir()
    with pytest.raises(WebuiError, match=r"jobs\.sqlite"):
        JobStore(folder)
    assert [file.name for file in tmp_path.iterdir()] == ["jobs.sqlite"]


def test_a_full_disk_is_said_and_changes_nothing(path: Path) -> None:
    store = JobStore(path)
    store.add(job("a"))
    pages = store.connection.execute("PRAGMA page_count").fetchone()[0]
    store.connection.execute(f"PRAGMA max_page_count = {pages}")  # SQLite then says what it says on a full disk
    with pytest.raises(WebuiError, match="could not be written") as refusal:
        store.add(job("b", title="x" * 100_000))
    assert refusal.value.hint
    store.connection.execute("PRAGMA max_page_count = 100000")
    store.add(job("c"))
    assert [one.id for one in store.jobs()] == ["a", "c"]
