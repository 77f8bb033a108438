"""T-14: 64 clients at once, the server in a process of its own."""

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CLIENTS, TURNS = 64, 10
JSON = {"content-type": "application/json"}


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "tests.server.served", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield int(server.stdout.readline())
        server.kill()


def request(connection: http.client.HTTPConnection, method: str, path: str, body: object = None) -> tuple[int, Any]:
    connection.request(method, path, None if body is None else json.dumps(body), JSON if body is not None else {})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def test_64_clients_at_once_are_each_answered_and_none_is_lost(port: int) -> None:
    """The queue takes 32: each request gets an id or 429, each id its own seed, and a look in between never takes long."""
    jobs: dict[str, int] = {}
    statuses: set[int] = set()
    looks: list[float] = []
    over = threading.Event()

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for turn in range(TURNS):
            seed, status = number * 100 + turn, 429
            answer: dict[str, str] = {}
            while status == 429:
                status, answer = request(connection, "POST", "/webui/jobs", {"request": {"steps": 1, "seed": seed}, "owner": str(number)})
                statuses.add(status)
                time.sleep(0.25 if status == 429 else 0)
            jobs[answer["id"]] = seed

    def look() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while not over.is_set():
            begin = time.perf_counter()
            request(connection, "GET", "/webui/ping")
            looks.append(time.perf_counter() - begin)
            time.sleep(0.02)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    looking = threading.Thread(target=look)
    for thread in (looking, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    over.set()
    looking.join()
    assert len(jobs) == CLIENTS * TURNS and statuses == {200, 429}
    looks.sort()
    slow = looks[int(len(looks) * 0.99)]
    print(f"\nlook under load: median {looks[len(looks) // 2] * 1e3:.1f} ms, 99 % {slow * 1e3:.1f} ms")
    assert looks[len(looks) // 2] < 0.25  # seconds; 99 % are below 0.05 on an idle machine, which this one may not be

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    end = time.monotonic() + 30
    while any(job["state"] in ("queued", "running") for job in request(connection, "GET", "/webui/jobs?limit=40")[1]):
        assert time.monotonic() < end
        time.sleep(0.05)
    found = [request(connection, "GET", f"/webui/jobs/{id}") for id in list(jobs)[-400:]]  # the store keeps the last 500
    assert [(status, job["state"], job["summary"]["seeds"]) for status, job in found] == [
        (200, "done", [seed]) for seed in list(jobs.values())[-400:]
    ]
