"""The Extensions tab's routes: what this machine may do, what others may not, and what is written down."""

import base64
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from modules.plugins.desk import Desk
from modules.plugins.installation import Installation
from modules.plugins.journal import Journal
from modules.server import errors, extensions
from tests.plugins.writing import CODE, extension

HERE = "http://127.0.0.1:7860"
Open = Callable[..., TestClient]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(Installation.loaded(tmp_path / "program", tmp_path / "data"))


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "data" / "extensions.log")


@pytest.fixture
def opened(desk: Desk, journal: Journal) -> Iterator[Open]:
    """Opens the program as a client at some address sees it."""
    clients: list[TestClient] = []

    def open_at(address: str = "127.0.0.1", *, url: str = HERE) -> TestClient:
        app = FastAPI()
        errors.install(app)
        app.include_router(extensions.router(desk, journal))
        client = TestClient(app, base_url=url, client=(address, 50_000))
        clients.append(client)
        return client

    yield open_at
    for client in clients:
        client.close()


@pytest.fixture
def client(opened: Open) -> TestClient:
    return opened()


def archive(name: str, code: str = CODE) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        file.writestr("extension.toml", f'name = "{name}"\ntitle = "{name}"\nversion = "1.0"\napi = 1\n')
        file.writestr("__init__.py", code)
    return data.getvalue()


def done(client: TestClient, answer: Any) -> dict[str, Any]:
    """Wait for a task."""
    assert answer.status_code == 200, answer.text
    end = time.monotonic() + 60
    while time.monotonic() < end:
        task = client.get(f"/webui/extensions/tasks/{answer.json()['task']}").json()
        if task["state"] in ("done", "failed"):
            return task
        time.sleep(0.02)
    raise AssertionError("The task did not end.")


def row(client: TestClient, name: str) -> dict[str, Any]:
    return next(one for one in client.get("/webui/extensions").json()["rows"] if one["name"] == name)


def test_an_archive_is_installed_looked_at_switched_on_removed_and_brought_back(client: TestClient) -> None:
    new = client.post("/webui/extensions/install-zip", content=archive("served_zip")).json()
    assert (new["state"], new["on"]) == ("new", False)
    details = client.get("/webui/extensions/details/served_zip").json()
    assert (details["files"], details["python_files"], details["missing"]) == (2, 1, [])
    assert client.post("/webui/extensions/switch", json={"name": "served_zip", "on": True}).json()["state"] == "on"
    removed = client.post("/webui/extensions/remove", json={"name": "served_zip"}).json()
    assert client.get("/webui/extensions").json()["rows"] == []
    assert client.post("/webui/extensions/bring-back", json={"id": removed["id"]}).json()["state"] == "on"


def test_a_folder_is_installed(client: TestClient, tmp_path: Path) -> None:
    asked = {"path": str(extension(tmp_path / "mine", "served_folder"))}
    assert client.post("/webui/extensions/install-folder", json=asked).json()["state"] == "new"


def test_a_task_says_how_it_failed(client: TestClient) -> None:
    task = done(client, client.post("/webui/extensions/install", json={"url": "http://127.0.0.1:9/x.zip"}))
    assert task["state"] == "failed" and "cannot be reached" in task["error"] and "internet" in task["hint"]
    task = done(client, client.post("/webui/extensions/index", json={"url": ""}))
    assert "no address of an index" in task["error"]
    assert client.get("/webui/extensions/tasks/nothing").status_code == 404


def test_one_that_fails_to_load_is_a_row_with_its_reason_and_the_rest_works(client: TestClient) -> None:
    client.post("/webui/extensions/install-zip", content=archive("served_bad", "1 / 0"))
    now = client.post("/webui/extensions/switch", json={"name": "served_bad", "on": True}).json()
    assert now["state"] == "failed" and "ZeroDivisionError" in now["problem"] and "Traceback" in now["traceback"]
    assert client.get("/webui/extensions").status_code == 200


def test_many_are_switched_off_together_and_on_again(client: TestClient) -> None:
    client.post("/webui/extensions/install-zip", content=archive("served_mode"))
    client.post("/webui/extensions/switch", json={"name": "served_mode", "on": True})
    client.post("/webui/extensions/mode", json={"mode": "extra"})
    assert (row(client, "served_mode")["state"], row(client, "served_mode")["on"]) == ("off", True)
    client.post("/webui/extensions/mode", json={"mode": "none"})
    assert row(client, "served_mode")["state"] == "on"
    assert client.post("/webui/extensions/mode", json={"mode": "some"}).status_code == 422


def test_a_set_is_saved_downloaded_and_restored_from_its_file(client: TestClient) -> None:
    client.post("/webui/extensions/install-zip", content=archive("served_set"))
    client.post("/webui/extensions/switch", json={"name": "served_set", "on": True})
    file = client.post("/webui/extensions/sets", json={"name": "mine"}).json()["file"]
    saved = client.get(f"/webui/extensions/sets/{file}").json()
    client.post("/webui/extensions/switch", json={"name": "served_set", "on": False})
    data = base64.b64encode(json.dumps(saved).encode()).decode()
    assert done(client, client.post("/webui/extensions/sets/restore", json={"data": data}))["result"] == []
    assert row(client, "served_set")["on"]
    assert done(client, client.post("/webui/extensions/sets/restore", json={"data": "%"}))["state"] == "failed"


@pytest.mark.parametrize("name", ["../x", "/etc", "a/b", "..", "", "x" * 100, "a\u0000"])
def test_a_name_that_leads_elsewhere_is_refused(client: TestClient, name: str) -> None:
    for path in ("switch", "retry", "remove", "packages", "update/prepare", "update/apply", "go-back"):
        assert client.post(f"/webui/extensions/{path}", json={"name": name, "on": True}).status_code == 422


BODIES: dict[str, Any] = {
    "switch": {"name": "x", "on": False}, "mode": {"mode": "all"}, "install": {"url": "https://example.org/x"},
    "install-folder": {"path": "/x"}, "bring-back": {"id": "x"}, "sets/delete": {"file": "x"}, "sets/restore": {"file": "x"},
}  # fmt: skip


def changing(desk: Desk, journal: Journal) -> list[str]:
    """Every route that changes something."""
    routes = [one for one in extensions.router(desk, journal).routes if isinstance(one, APIRoute)]
    return [route.path.removeprefix("/webui/extensions/") for route in routes if "POST" in (route.methods or ())]


STRANGERS = [
    ("10.0.0.5", HERE, {}),
    ("127.0.0.1", "http://studio.example.org:7860", {}),
    ("127.0.0.1", HERE, {"X-Forwarded-For": "10.0.0.5"}),
    ("127.0.0.1", HERE, {"Forwarded": "for=10.0.0.5"}),
    ("127.0.0.1", HERE, {"Origin": "https://studio.example.org"}),
]


@pytest.mark.parametrize(("address", "url", "headers"), STRANGERS)
def test_who_is_not_at_this_machine_changes_nothing(
    opened: Open, desk: Desk, journal: Journal, address: str, url: str, headers: dict[str, str]
) -> None:
    stranger, paths = opened(address, url=url), changing(desk, journal)
    assert len(paths) > 18
    for path in paths:
        answer = stranger.post(f"/webui/extensions/{path}", json=BODIES.get(path, {"name": "x"}), headers=headers)
        assert answer.status_code == 403 and "Extensions are programs" in answer.json()["detail"], path
    assert len(journal.lines()) == len(paths) and all(line["what"].startswith("refused: ") for line in journal.lines())
    assert stranger.get("/webui/extensions/log", headers=headers).json() == []


def test_who_is_not_at_this_machine_learns_no_folder_of_it(client: TestClient, opened: Open, tmp_path: Path) -> None:
    client.post("/webui/extensions/install-zip", content=archive("served_seen", "1 / 0"))
    client.post("/webui/extensions/switch", json={"name": "served_seen", "on": True})
    for path in ("", "/details/served_seen"):
        answer = opened("10.0.0.5").get(f"/webui/extensions{path}")
        assert answer.status_code == 200 and str(tmp_path) not in answer.text
    seen = opened("10.0.0.5").get("/webui/extensions").json()
    assert seen["allowed"] is False and "at this machine" in seen["why"]


def test_all_that_is_done_is_written_down_with_what_it_was(client: TestClient, journal: Journal) -> None:
    client.post("/webui/extensions/install-zip", content=archive("served_log"))
    client.post("/webui/extensions/switch", json={"name": "served_log", "on": True})
    client.post("/webui/extensions/remove", json={"name": "served_log"})
    told = client.get("/webui/extensions/log").json()
    assert [line["what"] for line in told] == ["removed", "switched on", "installed", "asked to install"]
    assert told[0]["client"] == "127.0.0.1" and len(told[2]["sha256"]) == 64
    with journal.path.open("a") as file:
        file.write('{"cut off')
    assert len(client.get("/webui/extensions/log").json()) == 4
