"""Errors as a client gets them."""

import logging
import math
from pathlib import Path

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient
from pydantic import BaseModel

from modules.contract.errors import BadRequest, NotFound, NotSupported, OutOfMemory, TooBusy, Unavailable, WebuiError
from modules.server import errors


class Asked(BaseModel):
    steps: int


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    errors.install(app)

    @app.get("/known/{status}")
    async def known(status: int) -> None:
        kinds: list[type[WebuiError]] = [BadRequest, NotFound, NotSupported, TooBusy, Unavailable, OutOfMemory, WebuiError]
        raise next(kind for kind in kinds if kind.status == status)("Steps is 0.", "Give at least 1.")

    @app.get("/bug")
    async def bug() -> None:
        Path("/home/someone/secret").read_bytes()

    @app.get("/raised")
    async def raised() -> None:
        raise HTTPException(404, "Init image not found")

    @app.post("/typed")
    async def typed(asked: Asked) -> None: ...

    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize("status", [400, 404, 409, 429, 503, 507, 500])
def test_what_a_person_can_act_on_has_its_status_and_words(client: TestClient, status: int) -> None:
    answer = client.get(f"/known/{status}")
    assert answer.status_code == status
    assert {**answer.json(), "error": ""} == {
        "error": "", "detail": "Steps is 0.", "body": "", "errors": "Steps is 0. Give at least 1.", "hint": "Give at least 1.",
    }  # fmt: skip
    assert ("retry-after" in answer.headers) == (status in (429, 503))


def test_a_bug_gives_an_id_and_nothing_of_this_machine(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    answer = client.get("/bug")
    assert answer.status_code == 500
    assert set(answer.json()) == {"error", "detail", "body", "errors"}
    assert "secret" not in answer.text and "home" not in answer.text and "Traceback" not in answer.text
    short = answer.json()["detail"].partition("(id ")[2][:4]
    record = next(record for record in caplog.records if record.levelno == logging.ERROR)
    assert short in record.getMessage() and record.exc_info is not None


def test_what_a_route_raises_looks_as_in_a1111(client: TestClient) -> None:
    assert client.get("/raised").json() == {"error": "HTTPException", "detail": "Init image not found", "body": "", "errors": ""}
    assert client.get("/nonexistent").json() == {"detail": "Not Found"}


def test_a_wrong_type_is_named_and_the_value_not_sent_back(client: TestClient) -> None:
    answer = client.post("/typed", json={"steps": "x" * 1000})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "steps"]
    assert "xxx" not in answer.text
    not_json = client.post("/typed", content=f'{{"steps": {math.nan}}}', headers={"content-type": "application/json"})
    assert not_json.status_code == 422
