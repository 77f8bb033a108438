"""The routes of the Models tab, over files in a folder and a site on this machine."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from modules.downloads.desk import Desk
from modules.downloads.ledger import Ledger
from modules.downloads.sources import Preferences, Sources, Tokens
from modules.server import downloads, errors, models
from modules.weights.hashes import HashCache
from modules.weights.inventory import Inventory
from modules.weights.shelves import Shelves
from modules.weights.stock import Stock
from tests.downloads.site import MODEL, REPOSITORY, Site, lora
from tests.weights.test_inventory import variant_of

FILES = "/webui/models/files"
NAME = "dunes-lora.safetensors"


class Tab:
    """An app with the routes. `allowed` says whether requests may change something."""

    def __init__(self, data: Path, site: Site) -> None:
        self.data, self.site, self.allowed = data, site, True
        self.shelves = Shelves(data / "models", data)
        hashes = HashCache(data / "hashes.json")
        self.sources = Sources(Tokens(data / "tokens.json"), lambda: Preferences(site.hub, site.bay), seconds=5)
        self.desk = Desk(Ledger(data / "list.json"), self.sources.client, folder_of=lambda kind: self.shelves.of(kind).home,
                         arrived=lambda path, sha256: self.stock.look_again())  # fmt: skip
        self.inventory = Inventory(self.shelves, hashes, data / "cache.json", variant_of)
        self.stock = Stock(self.inventory, hashes)
        self.app = FastAPI()
        errors.install(self.app)
        self.app.include_router(models.router(self.stock, lambda request: self.allowed))
        shown = downloads.router(self.sources, self.desk, lambda request: self.allowed, where=self.stock.where,
                                 shown=lambda one: self.shelves.shown(one.path.parent))  # fmt: skip
        self.app.include_router(shown)
        self.desk.start()

    def put(self, place: str, data: bytes) -> None:
        path = self.data / "models" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.inventory.refresh()
        while self.inventory.pending:
            time.sleep(0.01)


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    site = Site()
    (tmp_path / "models").mkdir()
    tab = Tab(tmp_path, site)
    yield tab
    tab.desk.stop()
    site.close()


@pytest.fixture
def client(tab: Tab) -> Iterator[TestClient]:
    with TestClient(tab.app) as client:
        yield client


def until(get: Callable[[], Any], right: Callable[[Any], bool]) -> Any:
    end = time.monotonic() + 15
    while not right(value := get()):
        assert time.monotonic() < end, value
        time.sleep(0.02)
    return value


def test_the_listing_says_what_is_there_and_nothing_twice(tab: Tab, client: TestClient) -> None:
    tab.put("Lora/a.safetensors", lora())
    first = client.get(FILES).json()
    (file,) = first["files"]
    assert (file["name"], file["kind"], file["family"], file["details"]) == ("a.safetensors", "lora", "sd1", ["rank 4", "fp16"])
    assert "path" not in file
    assert first["may_change"] is True
    assert {shelf["kind"] for shelf in first["shelves"]} >= {"checkpoint", "lora", "vae", "embedding", "hypernetwork", "upscaler"}
    assert first["disk"]["total"] > first["disk"]["free"] > 0
    again = client.get(FILES, params={"since": first["version"]}).json()
    assert (again["unchanged"], "files" in again) == (True, False)
    tab.put("Lora/b.safetensors", lora(fill=1))
    assert len(client.get(FILES, params={"since": first["version"]}).json()["files"]) == 2


def test_a_file_is_hashed_moved_thrown_away_and_taken_back(tab: Tab, client: TestClient) -> None:
    tab.put("Stable-diffusion/a.safetensors", lora())
    (file,) = client.get(FILES).json()["files"]
    assert file["problem"] == "It is a LoRA, and lies among the checkpoints."
    assert client.get(f"{FILES}/{file['id']}").json()["home"] == "Lora"
    assert client.post(f"{FILES}/{file['id']}/move").json() == {"path": "Lora/a.safetensors"}
    (file,) = client.get(FILES).json()["files"]
    assert client.post("/webui/models/hash", json={"ids": [file["id"]]}).status_code == 200
    hashed = until(lambda: client.get(FILES).json()["files"][0], lambda one: one["sha256"])
    assert client.get(f"{FILES}/{file['id']}").json()["sha256"] == hashed["sha256"]
    trash = client.delete(f"{FILES}/{file['id']}").json()["trash"]
    assert (client.get(FILES).json()["files"], client.get(f"{FILES}/{file['id']}").status_code) == ([], 404)
    assert client.post(f"/webui/models/trash/{trash}/restore").json() == {"path": "Lora/a.safetensors"}
    (file,) = client.get(FILES).json()["files"]
    client.delete(f"{FILES}/{file['id']}")
    assert client.delete("/webui/models/trash").json()["freed"] > 1000
    assert client.get(FILES).json()["trash"] == []


def test_a_model_is_found_fetched_and_then_known_to_be_here(tab: Tab, client: TestClient) -> None:
    answer = client.post("/webui/models/find", json={"text": f"{tab.site.bay}/models/{MODEL}"}).json()
    (found,) = answer["found"]
    (offer,) = found["offers"]
    assert (found["title"], found["has_picture"], offer["name"], offer["here"]) == ("Dunes of Mars", True, NAME, None)
    assert not [
        value for value in json.dumps(answer).split('"') if value.startswith(tab.site.bay) and "download" in value
    ]  # keys, not addresses
    picture = client.get(f"/webui/models/found/{found['key']}/picture")
    assert (picture.headers["content-type"], picture.content[:2]) == ("image/jpeg", b"\xff\xd8")
    added = client.post("/webui/models/downloads", json={"key": offer["key"], "kind": "lora"}).json()
    assert (added["name"], added["folder"], added["open"]) == (NAME, "Lora", True)
    done = until(lambda: client.get("/webui/models/downloads").json()[0], lambda one: one["state"] == "done")
    assert (done["received"], done["checked"], done["notes"]) == (done["size"], True, [])
    until(lambda: client.get(FILES).json(), lambda one: [file["name"] for file in one["files"]] == [NAME] and not one["pending"])
    client.post("/webui/models/hash", json={"ids": []})
    until(lambda: client.get(FILES).json()["files"][0], lambda one: one["sha256"])
    again = client.post("/webui/models/find", json={"text": f"{tab.site.hub}/{REPOSITORY}"}).json()
    assert [one["here"] for one in again["found"][0]["offers"]] == [f"Lora/{NAME}", None]
    assert client.delete(f"/webui/models/downloads/{done['id']}").status_code == 200
    assert client.get("/webui/models/downloads").json() == []


def test_a_download_is_paused_gone_on_with_and_cancelled_over_the_routes(tab: Tab, client: TestClient) -> None:
    tab.site.faults.statuses["/cdn/"] = [503] * 50
    offer = client.post("/webui/models/find", json={"text": f"{tab.site.hub}/{REPOSITORY}"}).json()["found"][0]["offers"][0]
    one = client.post("/webui/models/downloads", json={"key": offer["key"], "kind": "lora"}).json()
    waiting = until(lambda: client.get("/webui/models/downloads").json()[0], lambda line: line["state"] == "waiting")
    assert (waiting["error"], waiting["next_try"] is not None) == ("Hugging Face is out of order (status 503).", True)
    for turn, state in (("pause", "paused"), ("resume", "queued"), ("cancel", "cancelled")):
        answer = client.post(f"/webui/models/downloads/{one['id']}/{turn}").json()
        assert answer["state"] in ((state, "running", "waiting") if turn == "resume" else (state,))
    assert client.post(f"/webui/models/downloads/{one['id']}/pause").status_code == 400
    assert client.post("/webui/models/downloads/none/pause").status_code == 404


CHANGES: list[tuple[str, str, Any]] = [
    ("POST", "/files/ID/move", None), ("DELETE", "/files/ID", None), ("POST", "/trash/x/restore", None), ("DELETE", "/trash", None),
    ("DELETE", "/trash/x", None), ("POST", "/find", {"text": "x"}), ("POST", "/downloads", {"key": "x", "kind": "lora"}),
    ("POST", "/downloads/x/pause", None), ("POST", "/downloads/x/cancel", None), ("DELETE", "/downloads/x", None),
    ("POST", "/tokens", {"site": "civitai", "token": "x"}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_whoever_has_no_leave_changes_nothing(method: str, path: str, body: Any, tab: Tab, client: TestClient) -> None:
    tab.put("Stable-diffusion/a.safetensors", lora())
    tab.allowed = False
    listing = client.get(FILES).json()
    assert listing["may_change"] is False
    answer = client.request(method, f"/webui/models{path.replace('ID', listing['files'][0]['id'])}", json=body)
    assert (answer.status_code, answer.json()["error"]) == (403, "NotAllowed")
    assert (tab.data / "models/Stable-diffusion/a.safetensors").exists()
    assert not (tab.data / "tokens.json").exists()
    assert tab.site.asked == []


def test_a_token_goes_in_and_never_comes_out(tab: Tab, client: TestClient) -> None:
    assert client.get("/webui/models/tokens").json() == {"huggingface": False, "civitai": False}
    answer = client.post("/webui/models/tokens", json={"site": "civitai", "token": "very-secret"})
    assert answer.json() == {"huggingface": False, "civitai": True}
    for path in ("/webui/models/tokens", FILES, "/webui/models/downloads"):
        assert "very-secret" not in client.get(path).text
    assert client.post("/webui/models/tokens", json={"site": "civitai", "token": ""}).json()["civitai"] is False


@pytest.mark.parametrize("identifier", ["..%2f..%2fx", "%00", "a" * 300, "con", "*"])
def test_an_id_is_never_taken_for_a_path(identifier: str, tab: Tab, client: TestClient) -> None:
    tab.put("Lora/a.safetensors", lora())
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/move")):
        assert client.request(method, f"{FILES}/{identifier}{path}").status_code in (404, 405)
    assert client.delete(f"/webui/models/trash/{identifier}").status_code == 404
    assert (tab.data / "models/Lora/a.safetensors").exists()


def test_what_is_asked_wrongly_is_refused_in_words(tab: Tab, client: TestClient) -> None:
    offer = client.post("/webui/models/find", json={"text": f"{tab.site.hub}/{REPOSITORY}"}).json()["found"][0]["offers"][0]
    assert (
        client.post("/webui/models/downloads", json={"key": "unknown", "kind": "lora"}).json()["detail"] == "This search is too long ago."
    )
    wrong = client.post("/webui/models/downloads", json={"key": offer["key"], "kind": "lorra"})
    assert (wrong.status_code, "Did you mean lora" in wrong.json()["errors"]) == (404, True)
    assert client.post("/webui/models/find", json={"text": "x", "site": "elsewhere"}).status_code == 422
    assert client.post("/webui/models/find", json={"text": "https://127.0.0.1/x.safetensors"}).status_code == 200  # only offered
    tab.site.close()
    answer = client.post("/webui/models/find", json={"text": "dunes", "site": "huggingface"})
    assert answer.status_code == 200
    assert answer.json()["problem"] == "Hugging Face cannot be reached (the connection was refused)."
    assert answer.json()["hint"] == "Is this machine connected to the internet?"
