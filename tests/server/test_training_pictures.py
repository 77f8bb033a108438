"""The routes that tell which of a training's pictures are hard, and show them."""

from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from modules.contract.training import training_request_from
from modules.server import errors
from modules.server.threads import Threads
from modules.server.training_pictures import add_pictures
from modules.training.runs import hard_pictures
from modules.training.runs.hard_pictures import Measured
from modules.training.runs.launch import Launch
from modules.training.runs.queue import Around, Runs
from modules.training.runs.run_folder import RunFolder


def client(tmp_path: Path, *, may: bool) -> TestClient:
    """The routes over one training of one picture."""
    data = tmp_path / "data"
    data.mkdir()
    Image.new("RGB", (8, 8)).save(data / "a.png")
    (data / "secret.png").write_bytes((data / "a.png").read_bytes())
    run = RunFolder(tmp_path / "trainings" / "cat")
    run.path.mkdir(parents=True)
    run.write_request(training_request_from({"name": "cat", "data": {"folders": [{"folder": str(data)}]}}))
    hard_pictures.write(run, 5, [Measured("0/a.png", 12, 1.5, 0.05)])
    routes = APIRouter()
    runs = Runs(tmp_path / "trainings", Around(lambda run: Launch(())))
    add_pictures(routes, runs, Threads("test", 1), lambda request: may, lambda path, side: path)
    app = FastAPI()
    errors.install(app)
    app.include_router(routes)
    return TestClient(app)


def test_the_pictures_are_told_and_shown(tmp_path: Path) -> None:
    asked = client(tmp_path, may=True)
    told = asked.get("/runs/cat/pictures").json()
    assert told["step"] == 5
    assert [(one["name"], one["verdict"], one["there"]) for one in told["pictures"]] == [("0/a.png", "hard", True)]
    assert asked.get("/runs/cat/picture", params={"name": "0/a.png"}).status_code == 200
    assert asked.get("/runs/cat/picture", params={"name": "0/secret.png"}).status_code == 404
    assert asked.get("/runs/dog/pictures").status_code == 404


def test_strangers_are_told_and_shown_nothing(tmp_path: Path) -> None:
    asked = client(tmp_path, may=False)
    for path in ("pictures", "picture?name=0/a.png"):
        assert asked.get(f"/runs/cat/{path}").status_code == 403
