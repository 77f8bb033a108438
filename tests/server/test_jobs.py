"""The routes that change what waits, and the list of what has ended."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from modules.contract.request import picture_text
from tests.server.site import PNG, Site
from tests.server.test_routes import add, state, until

SOURCE = {"pictures": [picture_text(PNG)], "inpaint": {"mask": picture_text(PNG + b"mask")}}


def waiting(site: Site, client: TestClient, count: int = 3, **request: Any) -> list[str]:
    """A job that runs, held at its first step, and some that wait."""
    site.gate.clear()
    ids = [add(client, **request) for _ in range(count + 1)]
    until(lambda: state(client, ids[0]) == "running")
    return ids


def order(client: TestClient) -> list[str]:
    jobs = [job for job in client.get("/webui/jobs").json() if job["state"] == "queued"]
    return [job["id"] for job in sorted(jobs, key=lambda job: job["position"])]


def test_waiting_jobs_are_moved(site: Site, client: TestClient) -> None:
    running, a, b, c = waiting(site, client)
    assert client.post(f"/webui/jobs/{c}/move", json={"before": a}).json() == {"id": c}
    assert order(client) == [c, a, b]
    assert client.post(f"/webui/jobs/{c}/move", json={}).status_code == 200
    assert order(client) == [a, b, c]
    refused = client.post(f"/webui/jobs/{running}/move", json={"before": a})
    assert refused.status_code == 400 and "begun" in refused.json()["detail"]
    assert client.post("/webui/jobs/nope/move", json={}).status_code == 404


def test_a_waiting_job_is_changed_checked_and_let_go(site: Site, client: TestClient) -> None:
    _, a, *_ = waiting(site, client)
    assert client.post(f"/webui/jobs/{a}/hold").json()["held"]
    wrong = client.post(f"/webui/jobs/{a}/edit", json={"changes": {"steps": 0}})
    assert wrong.status_code == 400 and "Sampling steps is 0" in wrong.json()["detail"]
    assert client.get(f"/webui/jobs/{a}").json()["held"]
    line = client.post(f"/webui/jobs/{a}/edit", json={"changes": {"prompt": "a moon", "seed": "9", "batch_count": 2}}).json()
    assert (line["title"], line["held"], line["brief"]["seed"], line["brief"]["batch_count"]) == ("a moon", False, 9, 2)
    site.gate.set()
    until(lambda: state(client, a) == "done")
    assert client.get(f"/webui/jobs/{a}").json()["summary"]["seeds"] == [9]


def test_only_what_still_waits_is_changed(site: Site, client: TestClient) -> None:
    running, *_ = waiting(site, client)
    for change in ("hold", "let_go"):
        assert client.post(f"/webui/jobs/{running}/{change}").status_code == 400
    assert client.post(f"/webui/jobs/{running}/edit", json={"changes": {}}).status_code == 400


def test_a_new_job_takes_the_place_of_one_that_was_opened_in_the_form(site: Site, client: TestClient) -> None:
    _, a, b, c = waiting(site, client)
    client.post(f"/webui/jobs/{a}/hold")
    assert client.post(f"/webui/jobs/{a}/replace", json={"by": c}).json() == {"id": c}
    assert order(client) == [c, b]
    assert client.get(f"/webui/jobs/{a}").status_code == 404


def test_an_ended_job_is_repeated_with_its_seed_or_a_new_one(client: TestClient) -> None:
    id = add(client, seed=7, variation={"seed": 3, "strength": 0.5})
    until(lambda: state(client, id) == "done")
    same, new = (client.post(f"/webui/jobs/{id}/repeat", json={"seed": seed, "owner": "me"}).json()["id"] for seed in ("same", "new"))
    jobs = [client.get(f"/webui/jobs/{one}").json() for one in (same, new)]
    assert [job["owner"] for job in jobs] == ["me", "me"]
    assert [(job["request"]["seed"], job["request"]["variation"]["seed"]) for job in jobs] == [(7, 3), (-1, -1)]


def test_a_job_of_any_kind_is_repeated(site: Site, client: TestClient) -> None:
    site.queue.work = {**site.queue.work, "merge": site.draw}  # type: ignore[dict-item]
    job = site.queue.submit("merge", {"steps": 1, "seed": 2}, owner="a", title="two models")
    until(lambda: state(client, job.id) == "done")
    again = client.post(f"/webui/jobs/{job.id}/repeat", json={"seed": "new"}).json()["id"]
    line = client.get(f"/webui/jobs/{again}").json()
    assert (line["kind"], line["title"], line["request"], line["brief"]) == ("merge", "two models", {"steps": 1, "seed": 2}, None)


def test_a_list_says_what_is_asked_and_carries_no_pictures(site: Site, client: TestClient) -> None:
    large = {"pictures": [picture_text(PNG * 2000)]}
    _, a = waiting(site, client, 1, source=large, size=[64, 128], batch_count=3)
    [_, line] = client.get("/webui/jobs").json()
    assert (line["mode"], line["brief"]["size"], line["brief"]["batch_count"]) == ("img2img", [64, 128], 3)
    assert line["brief"]["work"] == 64 * 128 * 3 * 3 * 0.75
    assert client.get(f"/webui/jobs/{a}").json()["request"]["source"]["pictures"] == [""]
    assert client.get(f"/webui/jobs/{a}/source").content == PNG * 2000


def test_a_form_gets_a_waiting_jobs_request_and_its_pictures(site: Site, client: TestClient) -> None:
    _, a = waiting(site, client, 1, source=SOURCE, settings={"CLIP_stop_at_last_layers": 2})
    form = client.get(f"/webui/jobs/{a}/form").json()
    assert form["mode"] == "inpaint" and form["values"]["prompt"] == "a star"
    assert form["values"]["overrides"] == ["Clip skip: 2"]
    for part, data in (("picture", PNG), ("mask", PNG + b"mask")):
        answer = client.get(f"/webui/jobs/{a}/source", params={"part": part})
        assert answer.content == data and answer.headers["content-type"] == "image/png"
        assert answer.headers["content-security-policy"].startswith("sandbox")
    plain = add(client)
    assert client.get(f"/webui/jobs/{plain}/source").status_code == 404


def test_a_jobs_picture_is_shown_small_and_none_from_outside(site: Site, client: TestClient) -> None:
    (site.folders.outputs / "a.png").write_bytes(PNG)
    id = add(client)
    until(lambda: state(client, id) == "done")
    assert client.get(f"/webui/jobs/{id}/thumbnail").content == PNG
    assert client.get(f"/webui/jobs/{id}/thumbnail", params={"number": 1}).status_code == 404
    (site.folder / "secret.png").write_bytes(PNG)
    site.queue.store.update(site.queue.get(id).__class__(**{**vars(site.queue.get(id)), "summary": {"paths": ["../secret.png", None]}}))
    for number in (0, 1):
        assert client.get(f"/webui/jobs/{id}/thumbnail", params={"number": number}).status_code == 404


def test_the_queue_is_paused_and_goes_on(site: Site, client: TestClient) -> None:
    assert client.post("/webui/queue/pause").json()["paused"]
    id = add(client)
    assert client.get("/webui/queue").json() == {"paused": True, "order": [id], "ended": 0}
    assert state(client, id) == "queued"
    client.post("/webui/queue/resume")
    until(lambda: state(client, id) == "done")


def test_all_that_waits_is_cancelled_and_what_has_ended_is_cleared(site: Site, client: TestClient) -> None:
    running, a, b, _ = waiting(site, client)
    client.post("/webui/queue/cancel_waiting")
    page = client.get("/webui/queue/ended", params={"limit": 2}).json()
    assert [job["state"] for job in page] == ["cancelled", "cancelled"]
    rest = client.get("/webui/queue/ended", params={"before": page[-1]["id"]}).json()
    assert {job["id"] for job in [*page, *rest]} > {a, b}
    assert client.post("/webui/queue/clear_ended").json()["ended"] == 0
    assert [job["id"] for job in client.get("/webui/jobs").json()] == [running]


def test_a_running_job_is_asked_to_finish_its_picture(site: Site, client: TestClient) -> None:
    running, *_ = waiting(site, client, 0, steps=50)
    assert client.post(f"/webui/jobs/{running}/finish").json()["progress"]["finishing"]
    assert state(client, running) == "running"


@pytest.mark.parametrize("change", ["explode", "stop"])
def test_the_queue_is_not_changed_in_ways_that_do_not_exist(client: TestClient, change: str) -> None:
    assert client.post(f"/webui/queue/{change}").status_code == 422
    assert client.get("/webui/queue/pause").status_code == 405


def test_a_persons_own_sound_is_served_where_there_is_one(site: Site, client: TestClient) -> None:
    assert client.get("/webui/notification-sound").status_code == 204
    (site.folder / "notification.mp3").write_bytes(b"ID3 sound")
    answer = client.get("/webui/notification-sound")
    assert answer.content == b"ID3 sound" and answer.headers["content-type"] == "audio/mpeg"
