"""T-10: pages of another site in a real Chromium, against a server on this machine; and our own page beside them."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, StreamingResponse
from starlette.types import ASGIApp

from modules.server.security import secure
from tests.server.served import listening

sync_api = pytest.importorskip("playwright.sync_api")
# `--self-test` says where a browser is; empty: the one that Playwright finds by itself.
CHROMIUM = os.environ.get("EASEL_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome") or None
NAMES = "MAP evil.example 127.0.0.1, MAP rebound.example 127.0.0.1, MAP localhost. 127.0.0.1"

pytestmark = pytest.mark.browser

# Everything that a page can make a browser send, to every name that leads here. Counts what it got an answer from.
ATTACK = """async (port) => {
  const names = ["127.0.0.1", "localhost", "localhost.", "rebound.example"].map(name => `http://${name}:${port}`);
  const form = new FormData(); form.append("files", new Blob(["x"]), "x.txt");
  const bodies = [[undefined, {}], ["{}", {"content-type": "text/plain"}], ["{}", {"content-type": "application/json"}],
    ["a=b", {"content-type": "application/x-www-form-urlencoded"}], [form, {}], [new Blob(["{}"]), {}],
    ["{}", {"x-requested-with": "x"}]];
  let answered = 0;
  const count = response => { answered += response.ok; };
  const add = (kind, values) => document.body.appendChild(Object.assign(document.createElement(kind), values));
  for (const name of names) {
    for (const mode of ["no-cors", "cors"]) {
      for (const [body, headers] of bodies)
        await fetch(name + "/change", {method: "POST", mode, credentials: "include", body, headers}).then(count, () => {});
      await fetch(name + "/state", {mode, credentials: "include"}).then(count, () => {});
    }
    for (const method of ["PUT", "DELETE"]) await fetch(name + "/change", {method}).then(count, () => {});
    navigator.sendBeacon(name + "/change", form);
    for (const kind of ["img", "iframe", "script", "embed", "video"]) add(kind, {src: name + "/state"});
    for (const enctype of ["multipart/form-data", "text/plain", "application/x-www-form-urlencoded"]) {
      const target = add("iframe", {name: name + enctype}).name;
      add("form", {method: "post", enctype, action: name + "/change", target}).submit();
    }
    await new Promise(done => {
      const source = new EventSource(name + "/stream");
      source.onopen = () => { answered++; source.close(); done(); };
      source.onerror = () => { source.close(); done(); };
    });
  }
  await new Promise(done => setTimeout(done, 500));
  return answered;
}"""

# What our own page does: all must be answered.
OWN = """async () => {
  const form = new FormData(); form.append("files", new Blob(["x"]), "x.txt");
  const statuses = [];
  for (const [body, headers] of [[undefined, {}], ["{}", {"content-type": "application/json"}], [form, {}], [new Blob(["x"]), {}]])
    statuses.push((await fetch("/change", {method: "POST", body, headers})).status);
  statuses.push((await fetch("/state")).status);
  await new Promise((done, fail) => {
    const source = new EventSource("/stream");
    source.onmessage = () => { source.close(); done(); };
    source.onerror = fail;
  });
  return statuses;
}"""


class Served:
    """An app that is served while the block lasts."""

    def __init__(self) -> None:
        self.listener = listening()
        self.port: int = self.listener.getsockname()[1]

    def __call__(self, app: ASGIApp) -> "Served":
        self.server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1))
        return self

    def __enter__(self) -> "Served":
        self.thread = threading.Thread(target=self.server.run, args=([self.listener],))
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.server.should_exit = True
        self.thread.join(20)


def target(reached: list[str]) -> FastAPI:
    """An app that notes what reaches it."""
    app = FastAPI()

    @app.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse("<!doctype html><title>ours</title><h1>ours</h1>")

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        reached.append("GET /stream")
        return StreamingResponse(iter(["data: x\n\n"]), media_type="text/event-stream")

    @app.api_route("/{path}", methods=["GET", "POST", "PUT", "DELETE"])
    async def note(path: str, request: Request) -> dict[str, int]:
        reached.append(f"{request.method} /{path}")
        return {"bytes": len(await request.body())}

    return app


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--host-resolver-rules={NAMES}"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def evil() -> Iterator[str]:
    """A page of another site; `?port=` makes it link to ours."""
    app = FastAPI()

    @app.get("/")
    async def page(port: int = 0) -> HTMLResponse:
        return HTMLResponse(f'<!doctype html><title>evil</title><body><a href="http://127.0.0.1:{port}/">a link</a></body>')

    with Served()(app) as served:
        yield f"http://evil.example:{served.port}/"


@pytest.mark.parametrize("guarded", [False, True], ids=["without the guard", "with the guard"])
def test_another_site_executes_nothing(browser: Any, evil: str, guarded: bool) -> None:
    reached: list[str] = []
    served = Served()
    app = target(reached)
    with served(secure(app, port=served.port) if guarded else app):
        page = browser.new_page()
        page.goto(evil)
        answered = page.evaluate(ATTACK, served.port)
        page.close()
    if guarded:
        assert reached == [] and answered == 0
    else:  # so much would come through, or the attack is none
        assert {"POST /change", "GET /state", "GET /stream"} <= set(reached) and len(reached) > 40


def test_a_rebound_name_shows_nothing_of_ours(browser: Any) -> None:
    reached: list[str] = []
    served = Served()
    with served(secure(target(reached), port=served.port)):
        page = browser.new_page()
        for name in ("rebound.example", "localhost."):
            answer = page.goto(f"http://{name}:{served.port}/")
            assert answer.status == 421 and "ours" not in page.content()
        page.close()
    assert reached == []


def test_our_own_page_may_do_all_it_needs(browser: Any) -> None:
    served = Served()
    with served(secure(target([]), port=served.port)):
        for name in ("127.0.0.1", "localhost"):
            page = browser.new_page()
            assert page.goto(f"http://{name}:{served.port}/").status == 200
            assert page.evaluate(OWN) == [200] * 5
            page.close()


def test_a_person_logs_in_comes_back_by_a_link_and_logs_out(browser: Any, evil: str) -> None:
    served = Served()
    with served(secure(target([]), port=served.port, page_accounts={"anna": "red"})):
        context = browser.new_context()
        page = context.new_page()
        ours = f"http://127.0.0.1:{served.port}/"
        assert page.goto(ours).status == 401
        page.get_by_label("Name").fill("anna")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button").click()
        assert "wrong" in page.get_by_role("alert").text_content()
        page.get_by_label("Name").fill("anna")
        page.get_by_label("Password").fill("red")
        page.get_by_role("button").click()
        page.wait_for_selector("text=ours")
        assert page.url == ours
        assert page.evaluate("document.cookie") == ""
        page.goto(f"{evil}?port={served.port}")
        page.get_by_role("link").click()
        page.wait_for_selector("text=ours")  # although the cookie does not come with the link
        assert page.evaluate("fetch('/logout', {method: 'POST'}).then(answer => answer.status)") == 401  # of the page that it leads to
        assert page.goto(ours).status == 401
        context.close()
