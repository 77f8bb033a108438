"""Nothing is lost: the program is killed again and again, and every job still ends exactly once."""

import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from modules.imaging.metadata import read_infotext
from modules.infotext import read
from tests import tiny
from tests.served import Served

JOBS, KILLS = 200, 10
REQUEST = {"prompt": "a red star", "size": [16, 16], "steps": 2, "sampler": "Euler"}


def ended(program: Served) -> list[dict[str, Any]]:
    return [job for job in program.get("/webui/jobs?limit=1000") if job["state"] not in ("queued", "running")]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_hundred_jobs_end_exactly_once_though_the_program_is_killed_ten_times(tmp_path: Path) -> None:
    tiny.checkpoint(tmp_path / "models" / "Stable-diffusion" / "tiny.safetensors")
    (tmp_path / "settings.json").write_text('{"limits": {"queue_length": 1000}}')
    chance = random.Random(3)
    program = Served(tmp_path, "--no-half", "--nowebui")
    program.start()
    try:
        asked = [program.post("/webui/jobs", {"request": REQUEST | {"seed": seed}, "owner": "me"})["id"] for seed in range(JOBS)]
        for kill in range(KILLS):
            goal = JOBS * (kill + 1) // (KILLS + 1)
            while len(ended(program)) < goal:
                time.sleep(0.05)
            time.sleep(chance.uniform(0, 0.3))
            program.kill()
            program.start()
        while len(jobs := ended(program)) < JOBS:
            time.sleep(0.2)
    finally:
        program.kill()
    assert [job["id"] for job in jobs] == asked
    states = Counter(job["state"] for job in jobs)
    assert set(states) <= {"done", "failed"}
    assert states["failed"] <= 1  # only a job that two kills hit is put aside
    seeds = Counter(int(read(read_infotext(path.read_bytes()))["Seed"]) for path in tmp_path.glob("outputs/**/*.png"))
    done = {seed for seed, job in enumerate(jobs) if job["state"] == "done"}
    assert {seed: seeds[seed] for seed in done} == dict.fromkeys(done, 1)
    assert not list(tmp_path.glob("outputs/**/*.tmp"))
