"""The data sets' routes, over real folders."""

import io
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from modules.datasets.desk import Desk, Doors
from modules.datasets.library import Library
from modules.imaging.thumbnails import Thumbnails
from modules.server import datasets, errors
from tests.datasets.test_check import SIDE, picture, words, written

LOCAL = {"host": "localhost"}


class Workbench:
    """A folder of four pictures and one that is none, behind the routes."""

    def __init__(self, folder: Path, *, may: bool = True) -> None:
        self.folder = folder / "my pictures"
        for seed in range(4):
            written(self.folder, f"{seed}.png", picture(seed), f"thing {seed}, red")
        (self.folder / "broken.jpg").write_bytes(b"nothing")
        app = FastAPI()
        errors.install(app)
        desk = Desk(Library(folder / "data"), Doors(count=words))
        app.include_router(datasets.router(desk, Thumbnails(folder / "small"), lambda request: may))
        self.client = TestClient(app, client=("127.0.0.1", 1234), headers=LOCAL)
        self.base = "/webui/datasets"

    def opened(self) -> str:
        return self.client.post(self.base, json={"folder": str(self.folder)}).json()["id"]

    def get(self, path: str, **values: Any) -> Any:
        return self.client.get(f"{self.base}/{path}", params=values)

    def post(self, path: str, **values: Any) -> Any:
        return self.client.post(f"{self.base}/{path}", json=values)

    def finished(self, task: str) -> dict[str, Any]:
        for _ in range(1000):
            state = self.get(f"tasks/{task}").json()
            if state["state"] != "running":
                return state
            time.sleep(0.01)
        raise AssertionError("the task does not end")

    def captions(self, id: str) -> list[str | None]:
        return [one["caption"] for one in self.get(id).json()["pictures"]]


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path)


def test_a_folder_is_named_looked_at_and_shown(bench: Workbench) -> None:
    id = bench.opened()
    assert bench.finished(bench.post(f"{id}/scan").json()["task"])["state"] == "done"
    found = bench.get(id).json()
    assert [one["name"] for one in found["pictures"]] == ["0.png", "1.png", "2.png", "3.png", "broken.jpg"]
    assert found["pictures"][0]["width"] == SIDE and found["pictures"][4]["problem"] == "not a picture"
    assert found["statistics"]["tags"][0] == ["red", 4]
    small = bench.get(f"{id}/thumbnail", name="0.png", side=64)
    assert Image.open(io.BytesIO(small.content)).size == (64, 64)
    assert bench.get(f"{id}/picture", name="0.png").content == (bench.folder / "0.png").read_bytes()


def test_nothing_outside_of_the_folder_is_shown(bench: Workbench, tmp_path: Path) -> None:
    secret = written(tmp_path, "secret.png", picture(9))
    (bench.folder / "link.png").symlink_to(secret)
    (bench.folder / "notes.html").write_text("<script>")
    id = bench.opened()
    for name in ("../secret.png", str(secret), "link.png", "notes.html", ".removed/x.png", "missing.png", "", "0.txt"):
        assert bench.get(f"{id}/picture", name=name).status_code == 404, name
        assert bench.get(f"{id}/thumbnail", name=name).status_code == 404, name


def test_folders_are_named_from_this_machine_only_and_strangers_see_nothing(tmp_path: Path) -> None:
    bench = Workbench(tmp_path)
    far = {"host": "example.com"}
    answer = bench.client.post(bench.base, json={"folder": str(bench.folder)}, headers=far)
    assert answer.status_code == 403 and "machine" in answer.json()["detail"]
    assert bench.client.post(bench.base, json={"name": "mine"}, headers=far).status_code == 200
    shut = Workbench(tmp_path / "other", may=False)
    assert shut.client.get(shut.base).status_code == 403


def test_pictures_are_uploaded_into_a_new_set(bench: Workbench) -> None:
    made = bench.client.post(bench.base, json={"name": "new things"}).json()
    data = (bench.folder / "0.png").read_bytes()
    put = lambda name, body: bench.client.post(f"{bench.base}/{made['id']}/files", params={"name": name}, content=body)  # noqa: E731
    assert put("a.png", data).json() == {"name": "a.png"}
    assert put("../../a.txt", b"a thing").json() == {"name": "a.txt"}
    assert bench.captions(made["id"]) == ["a thing"]
    assert put("evil.html", b"x").status_code == 400 and put("b.png", b"").status_code == 400
    assert bench.client.post(bench.base, json={"name": "../out"}).status_code == 400
    assert bench.client.post(bench.base, json={"name": "new things"}).status_code == 400


def test_captions_are_edited_after_a_look_and_taken_back(bench: Workbench) -> None:
    id = bench.opened()
    edit = {"kind": "replace", "find": "red", "tags": ["blue"]}
    looked = bench.post(f"{id}/edit", names=["0.png", "1.png"], edit=edit, dry=True).json()
    assert looked["differences"][0] == {"name": "0.png", "before": "thing 0, red", "after": "thing 0, blue"}
    assert bench.captions(id)[0] == "thing 0, red"
    assert bench.post(f"{id}/edit", names=["0.png", "1.png"], edit=edit).json()["undo"]["files"] == 2
    assert bench.captions(id)[:3] == ["thing 0, blue", "thing 1, blue", "thing 2, red"]
    assert bench.post(f"{id}/undo").json()["redo"]["what"] == "Tag replaced (2)"
    assert bench.captions(id)[0] == "thing 0, red"
    assert bench.post(f"{id}/redo").json()["redo"] is None
    assert bench.captions(id)[0] == "thing 0, blue"
    assert bench.post(f"{id}/edit", names=["missing.png"], edit=edit).status_code == 404
    assert bench.post(f"{id}/edit", edit={"kind": "add", "tags": ["x"]}).json()["changed"] == 4
    assert not (bench.folder / "broken.txt").exists()


def test_a_check_names_files_and_its_repair_mends_them(bench: Workbench) -> None:
    id = bench.opened()
    found = bench.post(f"{id}/check", own=SIDE).json()
    assert found["refused"] and found["findings"][0]["files"] == ["broken.jpg"]
    assert found["findings"][0]["repairs"] == [{"action": "drop", "label": "Put aside"}]
    task = bench.finished(bench.post(f"{id}/repair", action="drop", names=["broken.jpg"]).json()["task"])
    assert task["result"] == {"changed": 1}
    assert not bench.post(f"{id}/check", own=SIDE).json()["refused"]
    assert (bench.folder / ".removed/0001/before/broken.jpg").read_bytes() == b"nothing"
    assert bench.post(f"{id}/repair", action="explode").status_code == 400


def test_a_trainings_check_is_mended_by_its_own_names(bench: Workbench) -> None:
    request = {"data": {"folders": [{"folder": str(bench.folder)}]}}
    tasks = bench.post("repair", request=request, action="drop", files=["0/broken.jpg"]).json()["tasks"]
    assert bench.finished(tasks[0])["state"] == "done"
    assert not (bench.folder / "broken.jpg").exists()
    assert bench.post("repair", request=request, action="drop", files=["1/broken.jpg"]).status_code == 400


def test_cuts_are_shown_before_they_are_made(bench: Workbench) -> None:
    id = bench.opened()
    options = {"width": 1, "height": 2, "how": "middle"}
    cuts = bench.post(f"{id}/cuts", action="crop", names=["0.png"], options=options).json()["cuts"]
    assert cuts == {"0.png": [[SIDE // 4, 0, SIDE // 4 * 3, SIDE]]}
    bench.finished(bench.post(f"{id}/repair", action="crop", names=["0.png"], options=options).json()["task"])
    assert bench.get(id).json()["pictures"][0]["width"] == SIDE // 2


def test_a_failing_task_says_why_and_changes_nothing(bench: Workbench) -> None:
    id = bench.opened()
    options = {"boxes": {"1.png": [0, 0, 9999, 9999]}}
    state = bench.finished(bench.post(f"{id}/repair", action="crop", names=["0.png", "1.png"], options=options).json()["task"])
    assert state["state"] == "failed" and "not inside its 256x256 pixels" in state["error"]
    assert bench.get(id).json()["undo"] is None


def test_captions_come_from_a_template(bench: Workbench) -> None:
    id = bench.opened()
    names = [one["name"] for one in bench.client.get(bench.base).json()["captioners"]]
    assert names == ["file name", "template"]
    asked = {"by": "template", "template": "a {trigger}", "trigger": "xyz", "where": "front"}
    state = bench.finished(bench.post(f"{id}/caption", names=["0.png"], **asked).json()["task"])
    assert state["result"]["differences"] == [{"name": "0.png", "before": "thing 0, red", "after": "a xyz, thing 0, red"}]
    assert bench.captions(id)[0] == "a xyz, thing 0, red"


def test_buckets_say_who_is_in_them(bench: Workbench) -> None:
    written(bench.folder, "wide.png", picture(7, (512, 128)))
    found = bench.post(f"{bench.opened()}/buckets", resolution=SIDE).json()
    assert [(one["width"], one["height"], one["pictures"]) for one in found] == [(256, 256, 4), (512, 128, 1)]
    assert found[1]["names"] == ["wide.png"]


def test_a_folder_off_the_list_is_not_reached_any_more(bench: Workbench) -> None:
    id = bench.opened()
    assert bench.client.delete(f"{bench.base}/{id}").json()["datasets"] == []
    assert bench.get(id).status_code == 404
    assert (bench.folder / "0.png").exists()
