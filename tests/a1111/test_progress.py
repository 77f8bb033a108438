"""How far a job is, and how it is stopped."""

import threading
import time
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.a1111.pretended import ExtrasSite, get, post
from tests.golden import golden_json, needs_golden

BODY: dict[str, Any] = {"prompt": "a red star", "width": 64, "height": 64, "steps": 2, "seed": 5}


@pytest.fixture
def client(site: ExtrasSite, connection: TestClient) -> TestClient:
    return connection


def while_running(client: TestClient, site: ExtrasSite, body: dict[str, Any]) -> tuple[threading.Thread, list[Any]]:
    """Start a request that is held before its first step."""
    site.gate.clear()
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(client.post("/sdapi/v1/txt2img", json=BODY | body)))
    thread.start()
    end = time.monotonic() + 30
    while not site.queue.current():
        assert time.monotonic() < end
        time.sleep(0.005)
    return thread, answers


@needs_golden
def test_nothing_runs_and_progress_says_so_in_a1111s_form(client: TestClient) -> None:
    answer = get(client, "/sdapi/v1/progress")
    recorded = golden_json("api/progress.json")
    assert (set(answer), set(answer["state"])) == (set(recorded), set(recorded["state"]))
    assert (answer["progress"], answer["eta_relative"], answer["state"]["job"]) == (0.0, 0.0, "")


def test_progress_begins_at_one_hundredth(client: TestClient, site: ExtrasSite) -> None:
    thread, _ = while_running(client, site, {"n_iter": 3, "force_task_id": "task(mine)"})
    answer = get(client, "/sdapi/v1/progress")
    assert (answer["progress"], answer["state"]["job"], answer["state"]["job_count"]) == (0.01, "task(mine)", 3)
    task = post(client, "/internal/progress", {"id_task": "task(mine)"})
    assert (task["active"], task["queued"], task["completed"]) == (True, False, False)
    assert get(client, "/internal/pending-tasks") == {"size": 1, "tasks": ["task(mine)"]}
    site.gate.set()
    thread.join(30)
    assert post(client, "/internal/progress", {"id_task": "task(mine)"})["completed"]


def test_an_interrupted_job_says_so_and_keeps_what_it_has(client: TestClient, site: ExtrasSite) -> None:
    thread, answers = while_running(client, site, {"n_iter": 3})
    assert post(client, "/sdapi/v1/interrupt") == {}
    thread.join(30)
    assert len(answers[0].json()["images"]) == 1
    thread, answers = while_running(client, site, {"n_iter": 1})
    assert not get(client, "/sdapi/v1/progress")["state"]["interrupted"]
    site.gate.set()
    thread.join(30)


def test_skip_ends_one_batch(client: TestClient, site: ExtrasSite) -> None:
    thread, answers = while_running(client, site, {"n_iter": 2})
    assert client.post("/sdapi/v1/skip").json() is None
    site.gate.set()
    thread.join(30)
    assert len(answers[0].json()["images"]) == 2


def test_stopping_with_nothing_to_stop_is_fine(client: TestClient) -> None:
    assert post(client, "/sdapi/v1/interrupt") == {}
    assert post(client, "/sdapi/v1/skip") is None
