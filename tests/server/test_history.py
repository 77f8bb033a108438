"""The History tab's routes, over a real history of small pictures."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from modules.history.history import History
from modules.imaging.opening import open_image
from modules.imaging.thumbnails import Thumbnails
from modules.server import errors, history
from modules.server.security import FILE_POLICY
from tests.history.pictures import Place, draw, infotext

HERE = ("127.0.0.1", 50_000)


class Desk:
    """The routes with a history behind them; `shown` are the folders that a file manager was asked for."""

    def __init__(self, folder: Path) -> None:
        self.place = Place(folder)
        for number in range(3):
            draw(self.place.outputs / "in" / f"{number}.png", infotext(f"a castle, {number}", seed=number), color=(number, 0, 0))
        self.history: History = self.place.history()
        self.history.scan()
        self.shown: list[Path] = []
        app = FastAPI()
        errors.install(app)
        app.include_router(history.router(self.history, Thumbnails(folder / "small"), self.show))
        self.app = app
        self.client = TestClient(app, base_url="http://127.0.0.1", client=HERE)
        self.stranger = TestClient(app, base_url="http://127.0.0.1", client=("10.0.0.5", 50_000))

    def show(self, folder: Path) -> bool:
        self.shown.append(folder)
        return True

    def ids(self, query: str = "", **values: str) -> list[int]:
        return self.client.get("/webui/history", params={"q": query, **values}).json()["ids"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.history.stop()


def test_a_search_answers_with_all_ids_and_the_first_rows(desk: Desk) -> None:
    answer = desk.client.get("/webui/history", params={"q": "castle"}).json()
    assert len(answer["ids"]) == 3 and sum(count for _, count in answer["days"]) == 3
    assert [row["id"] for row in answer["rows"]] == answer["ids"]
    assert answer["rows"][0]["title"].startswith("a castle")
    assert desk.client.get("/webui/history", params={"q": "size:x"}).json()["problems"]
    assert desk.client.get("/webui/history", params={"sort": "wild"}).status_code == 400


def test_a_picture_its_small_copy_and_what_is_known_of_it_are_served(desk: Desk) -> None:
    id = desk.ids("seed:1")[0]
    known = desk.client.get(f"/webui/history/pictures/{id}").json()
    assert known["values"]["Seed"] == "1" and known["path"] == "in/1.png"
    file = desk.client.get(f"/webui/history/pictures/{id}/file")
    assert file.content == (desk.place.outputs / "in" / "1.png").read_bytes()
    assert file.headers["content-type"] == "image/png" and file.headers["content-security-policy"] == FILE_POLICY
    small = desk.client.get(f"/webui/history/thumbnails/{id}?side=256")
    assert open_image(small.content).size == (64, 48) and "immutable" in small.headers["cache-control"]
    assert "attachment" in desk.client.get(f"/webui/history/pictures/{id}/file?download=true").headers["content-disposition"]
    for address in ("pictures/999", "pictures/999/file", "thumbnails/999", "difference?left=1&right=999"):
        assert desk.client.get(f"/webui/history/{address}").status_code == 404
    assert desk.client.get(f"/webui/history/thumbnails/{id}?side=4096").status_code == 422


def test_a_file_that_became_a_link_to_elsewhere_is_not_served(desk: Desk) -> None:
    id = desk.ids("seed:1")[0]
    secret = draw(desk.place.data / "secret.png")
    (desk.place.outputs / "in" / "1.png").unlink()
    (desk.place.outputs / "in" / "1.png").symlink_to(secret)
    assert desk.client.get(f"/webui/history/pictures/{id}/file").status_code == 404
    assert desk.client.get(f"/webui/history/thumbnails/{id}").status_code == 404


def test_a_picture_is_thrown_away_looked_at_in_the_trash_and_brought_back(desk: Desk) -> None:
    id = desk.ids("seed:1")[0]
    revision = desk.client.get("/webui/history/state").json()["revision"]
    assert desk.client.post("/webui/history/trash", json={"ids": [id]}).json() == {"ids": [id], "problems": []}
    state = desk.client.get("/webui/history/state").json()
    assert (state["pictures"], state["trashed"]) == (2, 1) and state["revision"] > revision
    assert desk.ids(trash="true") == [id]
    assert desk.client.get(f"/webui/history/pictures/{id}/file").status_code == 200
    desk.client.post("/webui/history/restore", json={"ids": [id]})
    assert id in desk.ids()
    desk.client.post("/webui/history/trash", json={"ids": [id]})
    assert desk.client.post("/webui/history/empty", json={"ids": None}).json()["ids"] == [id]
    assert desk.client.get(f"/webui/history/pictures/{id}").status_code == 404


def test_favourites_are_kept_and_found(desk: Desk) -> None:
    ids = desk.ids()[:2]
    desk.client.post("/webui/history/favourites", json={"ids": ids, "favourite": True})
    assert desk.ids("is:favourite") == ids
    rows = desk.client.post("/webui/history/rows", json={"ids": [*ids, 999]}).json()
    assert [row["favourite"] for row in rows] == [True, True]


def test_pictures_are_downloaded_as_an_archive_with_their_own_names(desk: Desk) -> None:
    ids = desk.ids()
    (desk.place.outputs / "in" / "2.png").unlink()  # gone by now: the others are sent
    address = desk.client.post("/webui/history/downloads", json={"ids": ids}).json()["address"]
    archive = zipfile.ZipFile(io.BytesIO(desk.client.get(f"/{address}").content))
    assert sorted(archive.namelist()) == ["in/0.png", "in/1.png"]
    assert archive.testzip() is None
    assert archive.read("in/0.png") == (desk.place.outputs / "in" / "0.png").read_bytes()
    assert desk.client.get("/webui/history/downloads/nonsense").status_code == 404


def test_two_pictures_are_compared(desk: Desk) -> None:
    left, right = desk.ids("seed:1")[0], desk.ids("seed:2")[0]
    found = desk.client.get(f"/webui/history/difference?left={left}&right={right}").json()
    assert {line["label"] for line in found["lines"]} == {"Prompt", "Seed"}
    assert desk.client.get(f"/webui/history/difference?left={left}&right={left}").json()["conclusion"].startswith("These two files")


def test_folders_are_added_and_shown_on_this_machine_only(desk: Desk) -> None:
    extra = draw(desk.place.data / "elsewhere" / "a.png", infotext("a tower")).parent
    refused = desk.stranger.post("/webui/history/folders", json={"folders": [str(extra)]})
    assert refused.status_code == 409 and "machine" in refused.text
    for wrong in ("relative", str(desk.place.data / "none"), "/"):
        assert desk.client.post("/webui/history/folders", json={"folders": [wrong]}).status_code == 400
    assert desk.client.post("/webui/history/folders", json={"folders": [str(extra)]}).json() == {"folders": [str(extra)]}
    desk.history.scan()
    [id] = desk.ids("tower")
    assert desk.client.get(f"/webui/history/pictures/{id}/file").status_code == 200
    assert desk.client.post(f"/webui/history/pictures/{id}/show").json() == {"opened": True, "folder": str(extra)}
    assert desk.stranger.post(f"/webui/history/pictures/{id}/show").json()["opened"] is False
    assert desk.shown == [extra]
    assert desk.stranger.get("/webui/history/folders").json()["here"] is False


def test_facets_and_suggestions_are_answered(desk: Desk) -> None:
    assert desk.client.get("/webui/history/facets").json()["model"] == [["demo", 3]]
    assert desk.client.get("/webui/history/suggestions", params={"part": "cast"}).json() == [{"text": "castle", "count": 3}]


@pytest.mark.parametrize("ids", [["x"], [0], [-1], [2**63], "all"])
def test_what_is_no_picture_is_refused(desk: Desk, ids: object) -> None:
    answer = desk.client.post("/webui/history/trash", content=json.dumps({"ids": ids}), headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert len(desk.ids()) == 3
