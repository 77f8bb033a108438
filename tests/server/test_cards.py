"""The routes of the model cards, over cards in a folder."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from modules.imaging.thumbnails import Thumbnails
from modules.server import cards, errors
from tests.weights.test_cards import Shelves, png, write_lora

LIST = "/webui/cards/lora"


class Site:
    """An app with the routes over a folder of models."""

    def __init__(self, folder: Path) -> None:
        self.models = folder / "models"
        self.models.mkdir()
        self.shelves = Shelves(self.models)
        self.insertion: tuple[float, str] = (1.0, " ")
        self.app = FastAPI()
        errors.install(self.app)
        self.app.include_router(cards.router(self.shelves.cards, Thumbnails(folder / "thumbnails"), lambda: self.insertion))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    with TestClient(site.app) as client:
        yield client


@pytest.fixture
def lora(site: Site) -> Path:
    return write_lora(site.models / "Lora" / "ink" / "a line & more.safetensors", {"ss_base_model_version": "sd_v1.5"})


NAME = {"name": "ink/a line & more.safetensors"}


def test_a_list_is_given_once_and_again_only_when_it_changed(site: Site, client: TestClient, lora: Path) -> None:
    first = client.get(LIST)
    body = first.json()
    assert (body["kind"], body["weight"], body["unread"]) == ("lora", 1.0, 0)
    assert [card["key"] for card in body["cards"]] == [NAME["name"]]
    tag = {"If-None-Match": first.headers["etag"]}
    again = client.get(LIST, headers=tag)
    assert (again.status_code, again.content) == (304, b"")
    write_lora(site.models / "Lora" / "new.safetensors")
    assert len(client.get(LIST, headers=tag).json()["cards"]) == 2


def test_weight_and_separator_of_the_settings_are_part_of_the_list(site: Site, client: TestClient, lora: Path) -> None:
    tag = client.get(LIST).headers["etag"]
    site.insertion = (0.7, ", ")
    answer = client.get(LIST, headers={"If-None-Match": tag})
    assert answer.status_code == 200 and (answer.json()["weight"], answer.json()["separator"]) == (0.7, ", ")


def test_a_long_list_is_packed_for_browsers_that_can_unpack_it(site: Site, client: TestClient) -> None:
    for number in range(60):
        write_lora(site.models / "Lora" / f"{number}.safetensors", width=16)
    with client.stream("GET", LIST, headers={"Accept-Encoding": "gzip"}) as packed:
        assert packed.headers["content-encoding"] == "gzip"
        assert len(json.loads(gzip.decompress(b"".join(packed.iter_raw())))["cards"]) == 60
    assert "content-encoding" not in client.get(LIST, headers={"Accept-Encoding": "identity"}).headers


def test_an_unknown_kind_is_refused(client: TestClient) -> None:
    assert client.get("/webui/cards/passwords").status_code == 422


@pytest.mark.parametrize("name", ["", "nope", "../../secret.safetensors", "/etc/passwd", "ink/a line & more.json", "\0"])
def test_only_names_of_the_list_lead_to_a_model(client: TestClient, lora: Path, name: str) -> None:
    for answer in (
        client.get(f"{LIST}/details", params={"name": name}),
        client.get(f"{LIST}/picture", params={"name": name}),
        client.get(f"{LIST}/picture", params={"name": name, "whole": 1}),
        client.post(f"{LIST}/notes", params={"name": name}, json={"notes": "x"}),
        client.post(f"{LIST}/preview", params={"name": name}, content=png()),
    ):
        assert answer.status_code == 404
        assert answer.json()["error"] == "NotFound"


def test_notes_are_written_and_read_back(client: TestClient, lora: Path) -> None:
    notes: dict[str, Any] = {"description": "Thin", "notes": "♥", "sd version": "SD1", "activation text": "ink", "preferred weight": 0.8}
    notes["negative text"] = ""
    assert client.post(f"{LIST}/notes", params=NAME, json=notes).status_code == 200
    assert client.get(f"{LIST}/details", params=NAME).json()["notes"] == notes
    assert json.loads(lora.with_suffix(".json").read_text("utf8")) == notes
    client.post(f"{LIST}/notes", params=NAME, json={"notes": "later"})
    assert client.get(f"{LIST}/details", params=NAME).json()["notes"] == {**notes, "notes": "later"}


@pytest.mark.parametrize(
    "values", [{"preferred weight": 99}, {"sd version": "SD9"}, {"path": "x"}, {"notes": 4}, {"notes": "x" * 200_000}, [1]]
)
def test_wrong_notes_are_refused_and_nothing_is_written(client: TestClient, lora: Path, values: Any) -> None:
    assert client.post(f"{LIST}/notes", params=NAME, json=values).status_code == 422
    assert not lora.with_suffix(".json").exists()


def test_a_picture_is_set_and_served_small_and_whole(client: TestClient, lora: Path) -> None:
    data = png(size=(1024, 1536))
    assert client.post(f"{LIST}/preview", params=NAME, content=data).status_code == 200
    version = client.get(LIST).json()["cards"][0]["picture"]
    small = client.get(f"{LIST}/picture", params={**NAME, "v": version})
    assert (small.status_code, small.headers["content-type"]) == (200, "image/webp")
    assert "immutable" in small.headers["cache-control"] and "sandbox" in small.headers["content-security-policy"]
    assert client.get(f"{LIST}/picture", params={**NAME, "whole": 1}).content == data


def test_a_picture_that_is_none_is_neither_taken_nor_served(client: TestClient, lora: Path) -> None:
    assert client.post(f"{LIST}/preview", params=NAME, content=b"<html>").status_code == 400
    lora.with_suffix(".png").write_bytes(b"<html><script>alert(1)</script>")
    assert client.get(f"{LIST}/picture", params=NAME).status_code == 400
    assert client.get(f"{LIST}/picture", params={**NAME, "whole": 1}).status_code == 404
