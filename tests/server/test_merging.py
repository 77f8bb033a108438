"""The merger's route."""

from fastapi import FastAPI
from fastapi.testclient import TestClient

from modules.contract.merge import MergeRequest
from modules.server import errors, merging


class Desk:
    """Takes merges in the queue's place."""

    def __init__(self) -> None:
        self.taken: list[tuple[MergeRequest, str]] = []

    def submit(self, request: MergeRequest, owner: str) -> str:
        self.taken.append((request, owner))
        return "job-1"


def client(desk: Desk) -> TestClient:
    app = FastAPI()
    errors.install(app)
    app.include_router(merging.router(desk.submit))
    return TestClient(app)


def test_a_merge_is_submitted_with_its_values_and_owner() -> None:
    desk = Desk()
    answer = client(desk).post("/webui/merge", json={"request": {"primary": "a", "secondary": "b", "multiplier": 0.5}, "owner": "me"})
    assert answer.json() == {"id": "job-1"}
    [(request, owner)] = desk.taken
    assert (request.primary, request.secondary, request.multiplier, owner) == ("a", "b", 0.5, "me")


def test_a_merge_that_cannot_be_is_refused_in_a_sentence() -> None:
    desk = Desk()
    answer = client(desk).post("/webui/merge", json={"request": {"primary": "a"}})
    assert answer.status_code == 400
    assert "needs a secondary model" in answer.text
    assert not desk.taken
