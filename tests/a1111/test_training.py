"""A1111's training over the API, by a trainer that only remembers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from starlette.requests import Request

from modules.a1111.parts import Ended
from modules.contract.errors import BadRequest
from modules.contract.training import TrainingRequest
from tests.a1111.pretended import Site


class Trainer:
    """Has an embedding of three vectors."""

    def __init__(self, end: Ended) -> None:
        self.end = end
        self.asked: list[TrainingRequest] = []

    def create(self, name: str, values: Mapping[str, Any], asked: Request) -> str:
        raise BadRequest(f"There is an embedding named '{name}' already.")

    def vectors(self, name: str) -> int:
        return 3

    def train(self, request: TrainingRequest, asked: Request) -> str:
        self.asked.append(request)
        return "run"

    def ended(self, id: str) -> Ended | None:
        return self.end


ARGUMENTS = {"embedding_name": "zorb", "learn_rate": "0.004", "data_root": "/pictures", "steps": 300, "batch_size": 2, "gradient_step": 3,
             "training_width": 512, "training_height": 512, "shuffle_tags": True, "tag_drop_out": 0.1, "clip_grad_mode": "norm",
             "clip_grad_value": "0.5", "create_image_every": 0, "id_task": "x", "template_filename": "style.txt"}  # fmt: skip


def client(folder: Path, trainer: Trainer | None) -> TestClient:
    return TestClient(Site(folder, trainer=trainer).app)


def test_an_embedding_is_trained_as_a1111_asks_for_it(tmp_path: Path) -> None:
    trainer = Trainer(Ended(published="zorb"))
    answer = client(tmp_path, trainer).post("/sdapi/v1/train/embedding", json=ARGUMENTS)
    assert answer.json() == {"info": "train embedding complete: filename: zorb error: None"}
    [request] = trainer.asked
    assert (request.method, request.name, request.embedding.vectors, request.embedding.begin_with) == (
        "Textual Inversion",
        "zorb",
        3,
        "zorb",
    )
    assert (request.steps.steps, request.steps.batch, request.steps.accumulation, request.optimizer.rate) == (300, 2, 3, 0.004)
    assert (request.data.resolution, request.data.shuffle_tags, request.data.drop_tags) == (512, True, 0.1)
    assert (request.optimizer.clip, request.samples.on) == (0.5, False)


def test_what_went_wrong_is_said(tmp_path: Path) -> None:
    failed = Trainer(Ended(error="There was not enough memory."))
    answer = client(tmp_path, failed).post("/sdapi/v1/train/embedding", json=ARGUMENTS)
    assert (answer.status_code, answer.json()["detail"]) == (500, "There was not enough memory.")
    assert "already" in client(tmp_path / "b", failed).post("/sdapi/v1/create/embedding", json={"name": "zorb"}).text


def test_what_there_is_not_here_is_refused(tmp_path: Path) -> None:
    trainer = Trainer(Ended())
    site = client(tmp_path, trainer)
    rates = site.post("/sdapi/v1/train/embedding", json={**ARGUMENTS, "learn_rate": "0.005:100, 1e-3"})
    assert (rates.status_code, "must be one number" in rates.text) == (400, True)
    values = site.post("/sdapi/v1/train/embedding", json={**ARGUMENTS, "clip_grad_mode": "value"})
    assert (values.status_code, "clip_grad_mode" in values.text) == (400, True)
    assert "cannot train hypernetworks" in site.post("/sdapi/v1/train/hypernetwork", json={}).text
    assert trainer.asked == []
