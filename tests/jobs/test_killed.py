"""T-15: the program is killed ten times while 200 jobs are in its queue; each job ends once, in order, with one file."""

import os
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modules.jobs.store import JobStore

ROOT = Path(__file__).parents[2]
JOBS, KILLS = 200, 10

# Kept by the database itself, in the same transaction as the change: neither a crash nor the program can hide an end.
RECORD = """
    CREATE TABLE ends (id TEXT);
    CREATE TRIGGER ended AFTER UPDATE OF state ON jobs WHEN NEW.state NOT IN ('queued', 'running')
        BEGIN INSERT INTO ends VALUES (NEW.id); END;
"""


pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    JobStore(tmp_path / "jobs.sqlite").close()
    connection = sqlite3.connect(tmp_path / "jobs.sqlite")
    connection.executescript(RECORD)
    connection.close()
    return tmp_path


def life(folder: Path, count: int, *place: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.jobs.killed", str(folder), str(count), *place]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def check(folder: Path, count: int) -> list[int]:
    """Each job ended once, in order, with one file; returns how often each was begun."""
    ids = [f"job-{number:03d}" for number in range(count)]
    connection = sqlite3.connect(folder / "jobs.sqlite")
    assert [id for (id,) in connection.execute("SELECT id FROM ends ORDER BY rowid")] == ids
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    rows = connection.execute("SELECT state, attempts FROM jobs ORDER BY number").fetchall()
    connection.close()
    assert {state for state, _ in rows} == {"done"}
    files = sorted((folder / "pictures").glob("*.bin"))
    assert [file.name for file in files] == [f"{number:05d}-{id}.bin" for number, id in enumerate(ids, start=1)]
    for file, id in zip(files, ids, strict=True):
        assert file.read_bytes() == f"picture of {id}".encode() * 1000
    return [attempts for _, attempts in rows]


def test_200_jobs_survive_ten_kills(folder: Path) -> None:
    chance = random.Random(15)
    for _ in range(KILLS):
        with life(folder, JOBS) as program:
            assert program.stdout is not None
            ended = int(program.stdout.readline())
            for _ in range(ended + chance.randint(1, 14)):  # at least one new end, so that no job meets two kills
                assert program.stdout.readline()
            time.sleep(chance.random() * 0.03)  # a job takes about 20 ms
            program.kill()
    with life(folder, JOBS) as program:
        program.communicate(timeout=60)
    assert program.returncode == 0
    attempts = check(folder, JOBS)
    assert set(attempts) == {1, 2}  # the kills did hit jobs at work
    assert sum(attempts) <= JOBS + KILLS


@pytest.mark.parametrize("place", ["written", "announced", "linked", "saved"])
def test_a_kill_at_any_place_of_saving_leaves_one_file(folder: Path, place: str) -> None:
    lives = 0
    while True:
        with life(folder, 12, place) as program:
            program.communicate(timeout=60)
        lives += 1
        if program.returncode == 0:
            break
    assert lives == 3
    assert [number for number, attempts in enumerate(check(folder, 12)) if attempts == 2] == [3, 10]
