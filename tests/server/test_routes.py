"""Our routes, over a real queue."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.server.site import JPEG, PNG, Site


def add(client: TestClient, owner: str = "page", **request: Any) -> str:
    answer = client.post("/webui/jobs", json={"request": {"prompt": "a star", "steps": 3, "seed": 5, **request}, "owner": owner})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def state(client: TestClient, id: str) -> str:
    return client.get(f"/webui/jobs/{id}").json()["state"]


def test_a_job_is_added_found_and_its_result_is_there(client: TestClient) -> None:
    id = add(client)
    until(lambda: state(client, id) == "done")
    job = client.get(f"/webui/jobs/{id}").json()
    assert job["summary"] == {"paths": ["a.png"], "seeds": [5]}
    assert (job["kind"], job["owner"], job["title"], job["request"]["size"]) == ("txt2img", "page", "a star", [512, 512])


def test_a_page_finds_its_own_jobs_again_and_sees_those_of_others(client: TestClient) -> None:
    ids = [add(client, owner) for owner in ("a", "b", "a")]
    assert [job["id"] for job in client.get("/webui/jobs").json()] == ids
    assert [job["id"] for job in client.get("/webui/jobs", params={"owner": "a"}).json()] == [ids[0], ids[2]]
    assert [job["id"] for job in client.get("/webui/jobs", params={"limit": 1}).json()] == ids[2:]
    assert "request" not in client.get("/webui/jobs").json()[0]


def test_the_list_says_how_far_jobs_are(site: Site, client: TestClient) -> None:
    site.gate.clear()
    ids = [add(client) for _ in range(3)]
    until(lambda: state(client, ids[0]) == "running")
    jobs = client.get("/webui/jobs").json()
    assert [job["position"] for job in jobs] == [0, 1, 2]
    until(lambda: client.get("/webui/jobs").json()[0]["progress"]["total"] == 3)


def test_an_unknown_job_is_not_found_by_any_route(client: TestClient) -> None:
    answers = [client.get("/webui/jobs/nope"), client.get("/webui/preview/nope")]
    answers += [client.post(f"/webui/jobs/nope/{stop}") for stop in ("skip", "interrupt", "cancel", "remove")]
    for answer in answers:
        assert answer.status_code == 404
        assert answer.json()["error"] == "NotFound" and "'nope'" in answer.json()["detail"]


@pytest.mark.parametrize(("stop", "end"), [("interrupt", "interrupted"), ("cancel", "cancelled"), ("skip", "interrupted")])
def test_a_running_job_is_stopped(site: Site, client: TestClient, stop: str, end: str) -> None:
    site.gate.clear()
    id = add(client)
    until(lambda: state(client, id) == "running")
    assert client.post(f"/webui/jobs/{id}/{stop}").json()["id"] == id
    until(lambda: state(client, id) == end)


def test_a_waiting_job_is_cancelled_at_once_and_can_be_removed(site: Site, client: TestClient) -> None:
    site.gate.clear()
    running, waiting, other = (add(client) for _ in range(3))
    until(lambda: state(client, running) == "running")
    assert client.post(f"/webui/jobs/{waiting}/interrupt").json()["state"] == "cancelled"
    assert client.post(f"/webui/jobs/{other}/remove").json() == {"id": other}
    assert [job["id"] for job in client.get("/webui/jobs").json()] == [running, waiting]
    assert client.post(f"/webui/jobs/{running}/remove").status_code == 400


def test_stopping_in_a_way_that_does_not_exist_is_refused(client: TestClient) -> None:
    id = add(client)
    assert client.post(f"/webui/jobs/{id}/explode").status_code == 422
    assert client.get(f"/webui/jobs/{id}/cancel").status_code == 405


def test_a_wrong_request_is_refused_in_words(client: TestClient) -> None:
    for request, words in (
        ({"steps": 0}, "Sampling steps"),
        ({"sampler": "nope"}, "nope"),
        ({"stepps": 1}, "stepps"),
        ({"size": [4, 4]}, "Width is 4"),
    ):
        answer = client.post("/webui/jobs", json={"request": request})
        assert answer.status_code == 400 and words in answer.json()["detail"], answer.text
    assert client.get("/webui/jobs").json() == []


def test_a_full_queue_says_when_to_come_again(site: Site, client: TestClient) -> None:
    site.gate.clear()
    site.limit = 1
    running = add(client)
    until(lambda: state(client, running) == "running")
    add(client)
    answer = client.post("/webui/jobs", json={"request": {}})
    assert answer.status_code == 429 and answer.headers["retry-after"]


def test_a_preview_is_fetched_while_the_job_runs(site: Site, client: TestClient) -> None:
    site.gate.clear()
    id = add(client, steps=100)
    until(lambda: state(client, id) == "running")
    none = client.get(f"/webui/preview/{id}")
    assert (none.status_code, none.content) == (204, b"")
    site.seconds = 0.05
    site.gate.set()
    until(lambda: client.get(f"/webui/preview/{id}").status_code == 200)
    answer = client.get(f"/webui/preview/{id}")
    assert answer.content == JPEG
    assert answer.headers["content-type"] == "image/jpeg" and answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["x-preview-number"]) >= 1
    client.post(f"/webui/jobs/{id}/cancel")
    until(lambda: state(client, id) == "cancelled")
    assert client.get(f"/webui/preview/{id}").status_code == 204


def test_a_picture_of_the_output_folder_is_served_with_its_type(site: Site, client: TestClient) -> None:
    (site.folders.outputs / "a star.png").write_bytes(PNG)
    (site.folder / "secret.png").write_bytes(PNG)
    for path in ("a star.png", str(site.folders.outputs / "a star.png")):
        answer = client.get("/webui/picture", params={"path": path})
        assert answer.content == PNG and answer.headers["content-type"] == "image/png"
        assert answer.headers["content-security-policy"].startswith("sandbox")
    for path in ("../secret.png", str(site.folder / "secret.png"), "/etc/hostname", "a\0.png", "jobs.sqlite"):
        answer = client.get("/webui/picture", params={"path": path})
        assert answer.status_code == 404 and str(site.folder) not in answer.text
    for written in ("%2e%2e%2fsecret.png", "..%2fsecret.png", "%252e%252e%252fsecret.png", "..%5csecret.png", "%00", "%ff%fe.png"):
        assert client.get(f"/webui/picture?path={written}").status_code == 404


def test_tokens_are_counted(client: TestClient) -> None:
    counted = client.post("/webui/tokens", json={"prompt": "a red star", "steps": 20}).json()
    assert counted == {"used": 3, "limit": 75, "problem": None, "borders": []}
    assert client.post("/webui/tokens", json={"prompt": "x" * 100_001}).status_code == 422


def test_the_text_in_a_picture_is_read(client: TestClient) -> None:
    assert client.post("/webui/infotext", content=PNG, headers={"content-type": "image/png"}).json() == {"infotext": "a star\nSteps: 20"}
    assert client.post("/webui/infotext", content=b"x", headers={"content-type": "image/png"}).status_code == 400


def test_the_server_says_that_it_answers(client: TestClient) -> None:
    assert client.get("/webui/ping").json() == {"ok": True}
