"""Routes of extensions: they come and go, and none of them brings the program down or holds it up (T-18)."""

import sys
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from starlette.responses import StreamingResponse

from modules.contract.errors import BadRequest
from modules.server import errors, extension_routes
from modules.server.extension_routes import ExtensionRoutes, Routed
from modules.server.security import secure

HERE = {"X-Requested-With": "test"}


def recurse() -> None:
    recurse()


def worst(own: APIRouter, old: APIRouter) -> None:
    """Every way to fail, blocking and not."""

    @own.get("/raise")
    def raises() -> None:
        raise RuntimeError("on purpose")

    @own.get("/exit")
    def exits() -> None:
        sys.exit(3)

    @own.get("/exit-async")
    async def exits_async() -> None:
        sys.exit(3)

    @own.get("/recurse")
    async def recurses() -> None:
        recurse()

    @own.get("/garbage")
    def garbage() -> object:
        return {1, object()}

    @own.get("/stream")
    def stream() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"a"
            sys.exit(3)

        return StreamingResponse(pieces())

    @own.get("/sleep")
    def sleeps() -> str:
        time.sleep(0.5)
        return "late"

    @own.get("/block")
    async def blocks() -> str:
        time.sleep(1)
        return "late"

    @own.get("/refuse")
    def refuses() -> None:
        raise BadRequest("The dog is 3; it must be a cat.")

    @old.post("/worst/old")
    def old_one(body: dict[str, int]) -> dict[str, int]:
        return body


def well(own: APIRouter, old: APIRouter) -> None:
    @own.get("/answer")
    def answer() -> dict[str, int]:
        return {"answer": 42}


class World:
    """The program with routes of its own, and what was written down."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, str, BaseException | None]] = []
        self.routes = ExtensionRoutes(lambda name, hook, seconds, error: self.noted.append((name, hook, error)))
        self.app = FastAPI()
        errors.install(self.app)

        @self.app.get("/webui/extensions/log")
        async def log() -> str:
            return "ours"

        self.app.router.routes.append(self.routes)
        self.client = TestClient(self.app, base_url="http://127.0.0.1:7860", raise_server_exceptions=False)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    made.routes.replace([Routed("worst", "The Worst", 1, worst), Routed("well", "Well", 1, well)])
    with made.client:
        yield made
    made.routes.replace([])


@pytest.mark.parametrize(
    ("path", "kind"),
    [("raise", "RuntimeError"), ("exit", "SystemExit"), ("exit-async", "SystemExit"), ("recurse", "RecursionError"), ("garbage", "")],
)
def test_a_route_that_fails_is_a_500_with_its_extension_s_name(world: World, path: str, kind: str) -> None:
    answer = world.client.get(f"/webui/extensions/worst/{path}")
    assert answer.status_code == 500
    assert answer.json()["detail"].startswith(f"The Worst failed in GET /webui/extensions/worst/{path}: {kind}")
    name, hook, error = world.noted[-1]
    assert (name, hook) == ("worst", "route") and error is not None
    assert world.client.get("/webui/extensions/well/answer").json() == {"answer": 42}


def test_one_that_ends_in_the_middle_of_an_answer_ends_only_that(world: World) -> None:
    assert world.client.get("/webui/extensions/worst/stream").content in (b"a", b"")
    assert world.noted[-1][2] is not None
    assert world.client.get("/webui/extensions/well/answer").status_code == 200
    assert world.client.get("/webui/extensions/worst/refuse").status_code == 400


def test_errors_for_a_person_are_as_everywhere(world: World) -> None:
    answer = world.client.get("/webui/extensions/worst/refuse")
    assert answer.status_code == 400 and answer.json()["detail"] == "The dog is 3; it must be a cat."
    assert world.client.get("/webui/extensions/worst/nothing").status_code == 404
    assert world.client.get("/webui/extensions/nobody/nothing").status_code == 404


def test_old_paths_are_whole_and_ours_come_first(world: World) -> None:
    assert world.client.post("/worst/old", json={"a": 1}).json() == {"a": 1}
    assert world.client.get("/worst/old").status_code == 405
    assert world.client.get("/webui/extensions/log").json() == "ours"
    assert world.routes.is_old("/worst/old") and not world.routes.is_old("/webui/extensions/worst/raise")


def test_one_that_blocks_holds_up_only_its_own(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setattr(extension_routes, "PATIENCE", 0.1)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(world.client.get, "/webui/extensions/worst/block")
        time.sleep(0.3)
        begun = time.monotonic()
        assert world.client.get("/webui/extensions/well/answer").status_code == 200
        busy = world.client.get("/webui/extensions/worst/refuse")
        assert time.monotonic() - begun < 0.7
        assert busy.status_code == 503 and "The Worst does not answer" in busy.json()["detail"]
        assert late.result().json() == "late"
    assert world.client.get("/webui/extensions/worst/refuse").status_code == 400


def test_they_come_and_go_without_a_restart(world: World) -> None:
    site = world.routes.sites["well"]
    world.routes.replace([Routed("well", "Well", 1, well)])
    assert world.routes.sites["well"] is site, "what did not change is kept"
    assert world.client.get("/webui/extensions/worst/refuse").status_code == 404
    assert world.client.post("/worst/old", json={"a": 1}).status_code in (404, 405)
    world.routes.replace([Routed("well", "Well", 2, well)])
    assert world.routes.sites["well"] is not site
    assert world.client.get("/webui/extensions/well/answer").status_code == 200


@pytest.mark.parametrize("path", ["/", "/{anything:path}", "/sdapi/v1/txt2img", "/webui/jobs", "/internal/ping", "/login"])
def test_no_extension_takes_over_the_program_s_addresses(world: World, path: str) -> None:
    def add(own: APIRouter, old: APIRouter) -> None:
        old.add_api_route(path, lambda: "mine")

    world.routes.replace([Routed("thief", "Thief", 1, add), Routed("well", "Well", 1, well)])
    assert set(world.routes.sites) == {"well"}
    assert isinstance(world.noted[-1][2], BadRequest) and world.noted[-1][0] == "thief"


def test_one_whose_routes_cannot_be_made_is_noted_and_the_others_are_there(world: World) -> None:
    for bad in (lambda own, old: 1 / 0, lambda own, old: sys.exit(1), lambda own, old: recurse()):
        world.routes.replace([Routed("bad", "Bad", object(), bad), Routed("well", "Well", 1, well)])  # type: ignore[arg-type]
        assert world.noted[-1][0] == "bad" and world.client.get("/webui/extensions/well/answer").status_code == 200


def test_the_guard_and_the_accounts_stand_before_them(world: World) -> None:
    import base64

    app = secure(world.app, port=7860, page_accounts={"me": "page"}, api_accounts={"robot": "api"}, shared=world.routes.is_old)
    basic = {"Authorization": "Basic " + base64.b64encode(b"robot:api").decode()}
    with TestClient(app, base_url="http://127.0.0.1:7860") as client:
        assert client.post("/worst/old", json={"a": 1}).status_code == 401
        assert client.post("/worst/old", json={"a": 1}, headers=basic).json() == {"a": 1}
        assert client.get("/webui/extensions/well/answer", headers=basic).status_code == 401, "the page's own need its login"
        assert client.get("/webui/extensions/well/answer", headers={"Host": "evil.example"}).status_code == 421
        assert client.post("/worst/old", content="a=1", headers={**basic, "Content-Type": "text/plain"}).status_code == 403
