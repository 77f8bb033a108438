"""The Train tab's routes, over real trainings whose processes only count."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from modules.contract.errors import BadRequest, NotFound
from modules.contract.training import TrainingRequest
from modules.imaging.metadata import encode
from modules.server import errors, training
from modules.training.runs import launch
from modules.training.runs.launch import ROOT, Launch
from modules.training.runs.queue import Around, Runs
from modules.training.runs.run_folder import RunFolder

WORKER = ROOT / "tests" / "training" / "worker.py"


class Desk:
    """Takes everything that has a name."""

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        self.here: list[bool] = []
        self.published: list[tuple[str, int, str]] = []

    def form(self) -> dict[str, Any]:
        return {"fields": [], "groups": []}

    def advise(self, request: TrainingRequest, *, here: bool) -> dict[str, Any]:
        self.here.append(here)
        return {"request": request.model_dump(mode="json"), "reasons": {"steps.steps": "Because."}}

    def check(self, request: TrainingRequest, *, here: bool) -> dict[str, Any]:
        return {"level": "green" if request.name else "red", "findings": []}

    def add(self, request: TrainingRequest, *, here: bool, first: bool) -> str:
        if not request.name:
            raise BadRequest("It has no name.")
        return self.runs.add(request, first=first).id

    def try_out(self, request: TrainingRequest, *, here: bool) -> str:
        return "trial"

    def trial(self, id: str) -> dict[str, Any]:
        return {"state": "running"}

    def end_trial(self, id: str) -> None:
        return None

    def ladder(self, id: str) -> dict[str, Any]:
        return {"short": self.runs.get(id).status().short_of_memory, "step": 4, "rungs": [], "tried": []}

    def climb(self, id: str, rung: str) -> dict[str, Any] | None:
        return None if rung == "batch" else {"name": self.runs.get(id).request().name}

    def commands(self, id: str) -> list[str]:
        return ["python"]

    def publish(self, id: str, step: int, name: str) -> dict[str, Any]:
        self.published.append((id, step, name))
        return {"name": name}

    def from_file(self, name: str) -> dict[str, Any]:
        raise NotFound(f"There is no LoRA named '{name}'.")

    def presets(self) -> list[dict[str, Any]]:
        return [{"name": "one"}]

    def preset(self, name: str) -> bytes:
        return b"{}"

    def keep_preset(self, name: str, text: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"name": name, "values": values}]

    def add_preset(self, name: str, data: bytes) -> list[dict[str, Any]]:
        return [{"name": name, "file": data.decode()}]

    def remove_preset(self, name: str) -> list[dict[str, Any]]:
        return []


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    def command(run: RunFolder) -> Launch:
        return Launch((sys.executable, str(WORKER), str(run.path)), {"PYTHONPATH": str(ROOT)})

    made = Runs(tmp_path / "trainings", Around(command), every=0.05)
    yield made
    made.stop()
    for run in made.all():
        launch.end(run, at_once=True)


@pytest.fixture
def client(runs: Runs) -> TestClient:
    return client_of(runs, may=True)


def client_of(runs: Runs, *, may: bool) -> TestClient:
    app = FastAPI()
    errors.install(app)
    app.include_router(training.router(runs, Desk(runs), lambda request: may, lambda path, side: path))
    return TestClient(app)


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "It did not come about."
        time.sleep(0.05)


def begun(client: TestClient, **values: Any) -> str:
    request = {"name": "cat", "steps": {"steps": 100_000}, **values}
    return str(client.post("/webui/training/runs", json={"request": request}).json()["id"])


def line(client: TestClient, id: str) -> dict[str, Any]:
    return dict(client.get(f"/webui/training/runs/{id}").json())


def state(client: TestClient, id: str) -> str:
    return str(line(client, id)["status"]["state"])


def test_a_training_is_followed_from_its_start_to_its_stop(runs: Runs, client: TestClient) -> None:
    runs.start()
    id = begun(client)
    until(lambda: line(client, id)["status"]["step"] > 1)
    first = client.get(f"/webui/training/runs/{id}/events").json()
    until(lambda: line(client, id)["status"]["step"] > first["events"][-1]["step"])
    second = client.get(f"/webui/training/runs/{id}/events", params={"after": first["next"]}).json()
    steps = [event["step"] for event in [*first["events"], *second["events"]]]
    assert steps == [*range(1, len(steps) + 1)]
    assert client.get("/webui/training/runs").json()["busy"] == id
    assert client.post(f"/webui/training/runs/{id}/stop").json()["status"]["state"] in ("stopping", "stopped")
    until(lambda: state(client, id) == "stopped")
    assert line(client, id)["can"] == ["resume", "remove"]


def test_it_is_paused_and_goes_on(runs: Runs, client: TestClient) -> None:
    runs.start()
    id = begun(client)
    until(lambda: line(client, id)["status"]["step"] > 1)
    client.post(f"/webui/training/runs/{id}/pause")
    until(lambda: state(client, id) == "paused")
    assert client.post(f"/webui/training/runs/{id}/resume").json()["position"] in (1, None)
    until(lambda: state(client, id) == "running")


def test_the_list_says_no_more_than_that_nothing_has_changed(client: TestClient) -> None:
    begun(client)  # nobody looks after the queue, so it waits
    version = client.get("/webui/training/runs").json()["version"]
    assert client.get("/webui/training/runs", params={"since": version}).json() == {"unchanged": True, "version": version}
    begun(client)
    found = client.get("/webui/training/runs", params={"since": version}).json()
    assert {(run["id"], run["position"]) for run in found["runs"]} == {("cat", 1), ("cat-2", 2)}
    assert client.post("/webui/training/runs/cat-2/move", json={"before": "cat"}).json() == {"order": ["cat-2", "cat"]}


def test_whoever_has_no_leave_may_look_and_change_nothing(runs: Runs) -> None:
    stranger = client_of(runs, may=False)
    runs.add(TrainingRequest(name="cat"))
    assert stranger.get("/webui/training/runs").status_code == 200
    asked = ("pause", "stop", "publish", "ladder")
    changes = ("/advise", "/check", "/runs", *(f"/runs/cat/{what}" for what in asked), "/presets", "/from-file")
    for path in changes:
        answer = stranger.post(f"/webui/training{path}", json={"request": {}, "step": 1, "name": "a", "values": {}, "lora": "a"})
        assert (answer.status_code, "after a login" in answer.text) == (403, True), path
    assert stranger.delete("/webui/training/runs/cat").status_code == 403
    assert runs.get("cat").status().state == "queued"


def test_the_folder_and_the_commands_are_named_only_to_this_machine(runs: Runs, client: TestClient) -> None:
    runs.add(TrainingRequest(name="cat"))
    afar = client.get("/webui/training/runs/cat").json()  # the test client's address is no machine's
    assert (afar["folder"], afar["commands"]) == (None, [])
    local = TestClient(client.app, base_url="http://127.0.0.1", client=("127.0.0.1", 5000))
    near = local.get("/webui/training/runs/cat").json()
    assert (near["folder"], near["commands"]) == (str(runs.get("cat").path), ["python"])


def test_wrong_values_are_refused_each_in_a_sentence(client: TestClient) -> None:
    answer = client.post("/webui/training/runs", json={"request": {"name": "cat", "steps": {"batch": 900}}})
    assert (answer.status_code, "Batch size" in answer.text) == (400, True)
    assert client.post("/webui/training/runs", json={"request": {}}).json()["detail"] == "It has no name."
    assert client.get("/webui/training/runs/dog").status_code == 404
    assert client.get("/webui/training/runs/.trials").status_code == 404
    assert client.post("/webui/training/runs/dog/dance").status_code in (404, 422)


def test_what_would_need_less_memory_is_told_and_taken(client: TestClient) -> None:
    id = begun(client)
    assert client.get(f"/webui/training/runs/{id}/ladder").json() == {"short": "", "step": 4, "rungs": [], "tried": []}
    stays = client.post(f"/webui/training/runs/{id}/ladder", json={"rung": "batch"}).json()
    assert (stays["request"], stays["line"]["id"]) == (None, id)
    assert client.post(f"/webui/training/runs/{id}/ladder", json={"rung": "lora"}).json()["request"] == {"name": "cat"}
    assert client.post("/webui/training/runs/dog/ladder", json={"rung": "lora"}).status_code == 404
    assert client.post(f"/webui/training/runs/{id}/ladder", json={}).status_code in (400, 422)


def test_its_pictures_and_no_other_files_are_served(runs: Runs, client: TestClient) -> None:
    run = runs.add(TrainingRequest(name="cat"))
    run.samples.mkdir()
    (run.samples / "00000000-0.png").write_bytes(encode(Image.new("RGB", (8, 8)), format="png", infotext="a cat"))
    (run.samples / "prompts.json").write_text("[]")
    run.tell("sample", step=0, prompt=0, text="a cat", file="00000000-0.png", seed=1, infotext="a cat")
    answer = client.get("/webui/training/runs/cat/samples/00000000-0.png")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    for bad in ("prompts.json", "..%2frequest.json", "00000001-0.png"):
        assert client.get(f"/webui/training/runs/cat/samples/{bad}").status_code == 404
    assert client.get("/webui/training/runs/cat/copies/00000000-0.png").status_code == 404  # the sample is no copy
    run.copies.mkdir()
    (run.copies / "00000000-0.png").write_bytes(encode(Image.new("RGB", (8, 8)), format="png", infotext=""))
    assert client.get("/webui/training/runs/cat/copies/00000000-0.png").headers["content-type"] == "image/png"
    assert client.get("/webui/training/runs/cat/copies/..%2frequest.json").status_code == 404
    details = client.get("/webui/training/runs/cat").json()
    assert [(one["step"], one["text"]) for one in details["samples"]] == [(0, "a cat")]
    assert details["cover"] == "samples/00000000-0.png"


def test_a_step_s_file_is_downloaded_under_the_name_of_its_training(runs: Runs, client: TestClient) -> None:
    run = runs.add(TrainingRequest(name="cat"))
    run.files.mkdir()
    (run.files / "step-00000100.safetensors").write_bytes(b"tensors")
    answer = client.get("/webui/training/runs/cat/files/100")
    assert (answer.content, "cat-000100.safetensors" in answer.headers["content-disposition"]) == (b"tensors", True)
    assert client.get("/webui/training/runs/cat/files/7").status_code == 404
    [file] = client.get("/webui/training/runs/cat").json()["files"]
    assert (file["step"], file["size"], file["published"]) == (100, 7, "")


def test_the_log_is_read_on_from_where_one_was(runs: Runs, client: TestClient) -> None:
    run = runs.add(TrainingRequest(name="cat"))
    run.log.write_text("one\n")
    first = client.get("/webui/training/runs/cat/log").json()
    run.log.write_text("one\ntwo\n")
    assert client.get("/webui/training/runs/cat/log", params={"after": first["next"]}).json()["text"] == "two\n"


def test_presets_are_kept_given_and_taken(client: TestClient) -> None:
    kept = client.post("/webui/training/presets", json={"name": "mine", "values": {"goal": "style"}}).json()
    assert kept == [{"name": "mine", "values": {"goal": "style"}}]
    assert client.post("/webui/training/presets", json={"name": "given", "file": "{}"}).json() == [{"name": "given", "file": "{}"}]
    assert client.get("/webui/training/presets/mine").headers["content-disposition"].endswith("mine.json")
    assert client.delete("/webui/training/presets", params={"name": "mine"}).json() == []
