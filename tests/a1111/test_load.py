"""T-14 for A1111's API: 64 clients wait for pictures, and others look and stop at once all the while."""

import base64
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

from tests.a1111.pretended import png

ROOT = Path(__file__).parents[2]
CLIENTS = 64
SECONDS = 0.25  # what an interrupt or a look may take
PICTURE = base64.b64encode(png(size=(512, 512))).decode()


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "tests.a1111.served", str(tmp_path / "data")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield int(server.stdout.readline())
        server.kill()


def send(port: int, method: str, path: str, body: object = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"content-type": "application/json"} if body is not None else {}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def test_64_clients_wait_and_nobody_who_looks_or_stops_has_to(port: int) -> None:
    """Each gets its own seed; every third client sends a picture."""
    seeds: dict[int, list[int]] = {}
    over = threading.Event()
    times: dict[str, list[float]] = {"/sdapi/v1/progress": [], "/sdapi/v1/interrupt": [], "/sdapi/v1/skip": [], "/internal/progress": []}

    def client(number: int) -> None:
        body: dict[str, Any] = {"width": 64, "height": 64, "steps": 10, "seed": number}
        if number % 3 == 1:
            status, answer = send(port, "POST", "/sdapi/v1/img2img", body | {"init_images": [PICTURE]})
        else:
            status, answer = send(port, "POST", "/sdapi/v1/txt2img", body)
        assert status == 200, answer
        seeds[number] = json.loads(answer["info"])["all_seeds"]

    def look() -> None:
        while not over.is_set():
            for path, taken in times.items():
                begin = time.perf_counter()
                body = {"id_task": "task(none)"} if path.startswith("/internal") else None
                send(port, "GET" if path.endswith("v1/progress") else "POST", path, body)
                taken.append(time.perf_counter() - begin)
            time.sleep(0.02)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    looking = threading.Thread(target=look)
    for thread in (looking, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    over.set()
    looking.join()
    assert seeds == {number: [number] for number in range(CLIENTS)}
    for path, taken in times.items():
        taken.sort()
        print(f"\n{path}: median {taken[len(taken) // 2] * 1e3:.1f} ms, 99 % {taken[int(len(taken) * 0.99)] * 1e3:.1f} ms of {len(taken)}")
        assert taken[len(taken) // 2] < SECONDS  # of 99 % on an idle machine, which this one may not be


def test_clients_that_do_not_fit_into_the_queue_are_told_to_come_again(port: int) -> None:
    statuses: list[int] = []

    def client() -> None:
        body = {"width": 64, "height": 64, "steps": 100, "send_images": False}
        statuses.append(send(port, "POST", "/sdapi/v1/txt2img", body)[0])

    threads = [threading.Thread(target=client, daemon=True) for _ in range(80)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 60
    while 429 not in statuses:
        assert time.monotonic() < end
        time.sleep(0.01)
    while any(thread.is_alive() for thread in threads):
        assert time.monotonic() < end
        send(port, "POST", "/sdapi/v1/interrupt")
        time.sleep(0.005)
    assert set(statuses) == {200, 429}
