"""The guard and the door around a real Gradio, whose own holes they close (spec: H3, H4, uploads, routes without login)."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.routing import Mount

from modules.server.security import secure
from tests.server.raw import HOST, ORIGIN, PORT, ask

EVIL = "http://evil.example"
BOUNDARY = "xxxx"
UPLOAD = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="x.txt"\r\n\r\nwritten\r\n--{BOUNDARY}--\r\n'.encode()
MULTIPART = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", "content-length": str(len(UPLOAD))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gradio")


@pytest.fixture(scope="module")
def mounted(folder: Path) -> Iterator[FastAPI]:
    """A page with one function, mounted as the program does it; files in `folder` are allowed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "uploads"))
        import gradio as gr

        with gr.Blocks(analytics_enabled=False) as demo:
            text = gr.Textbox()
            text.submit(lambda value: value, text, text, api_name="echo")
        app = FastAPI()
        gr.mount_gradio_app(app, demo, path="", allowed_paths=[str(folder)], ssr_mode=False, max_file_size="64mb")
        demo.has_launched = True
        yield app


def uploads(folder: Path) -> list[Path]:
    return [path for path in (folder / "uploads").rglob("*") if path.is_file()]


def test_the_page_itself_is_served_with_its_policy(mounted: FastAPI) -> None:
    answer = ask(secure(mounted, port=PORT), headers={"accept": "text/html"})
    policy = answer.header("content-security-policy")
    assert answer.status == 200 and b"gradio" in answer.body
    assert policy is not None and "frame-ancestors 'self'" in policy


def test_gradio_gives_no_permission_to_other_origins_under_any_name(mounted: FastAPI) -> None:
    """Under a name that is not localhost, Gradio alone reflects every origin with credentials."""
    app = secure(mounted, port=PORT, hosts=["studio.lan"])
    for host in (HOST, "localhost:7860", "studio.lan"):
        for origin in (EVIL, "null", f"http://{host}"):
            asks = {"origin": origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type"}
            for method, headers in (("GET", {"origin": origin}), ("OPTIONS", asks)):
                answer = ask(app, method, "/config", headers, host=host)
                assert not [name for name, _ in answer.headers if name.startswith("access-control")], (host, origin, method)
                assert answer.status == 403 or origin == f"http://{host}"


def test_no_other_site_writes_a_file_or_runs_a_function(mounted: FastAPI, folder: Path) -> None:
    app = secure(mounted, port=PORT)
    call = json.dumps({"data": ["x"]}).encode()
    for headers in ({"origin": EVIL}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}, {}):
        assert ask(app, "POST", "/gradio_api/upload", {**MULTIPART, **headers}, chunks=[UPLOAD]).status == 403
        if headers:
            json_headers = {"content-type": "application/json", **headers}
            assert ask(app, "POST", "/gradio_api/run/echo", json_headers, chunks=[call]).status == 403
    assert uploads(folder) == []


def test_our_page_uploads_and_runs(mounted: FastAPI, folder: Path) -> None:
    app = secure(mounted, port=PORT)
    own = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
    answer = ask(app, "POST", "/gradio_api/upload", {**MULTIPART, **own}, chunks=[UPLOAD[:50], UPLOAD[50:]])
    assert answer.status == 200 and [path.read_text() for path in uploads(folder)] == ["written"]
    call = json.dumps({"data": ["x"]}).encode()
    answer = ask(app, "POST", "/gradio_api/run/echo", {"content-type": "application/json", **own}, chunks=[call])
    assert answer.status == 200 and json.loads(answer.body)["data"] == ["x"]


def test_a_page_among_the_files_runs_no_script(mounted: FastAPI, folder: Path) -> None:
    (folder / "evil.html").write_text("<script>alert(1)</script>")
    answer = ask(secure(mounted, port=PORT), path=f"/gradio_api/file={folder / 'evil.html'}")
    assert answer.status == 200
    assert answer.header("content-security-policy") == "sandbox; default-src 'none'; img-src 'self'"


def paths_of(routes: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every method and path that answers, those of mounts and included routers too."""
    for route in routes:
        if isinstance(route, Mount):
            yield from paths_of(route.routes, prefix + route.path)
        elif hasattr(route, "effective_candidates"):  # FastAPI 0.165 keeps included routers unopened, and app.routes does not show them
            yield from paths_of(route.effective_candidates(), prefix)
        else:
            for method in getattr(route, "methods", None) or ["GET"]:
                yield method, prefix + route.path


@pytest.mark.parametrize("credentials", [{}, {"cookie": f"easel_session_{PORT}=wrong"}, {"authorization": "Basic YTpi"}])
def test_every_route_of_gradio_needs_a_login(mounted: FastAPI, credentials: dict[str, str]) -> None:
    """T-08. Gradio's own login leaves some open: cancel, reset, stream, heartbeat, custom_component, app_id."""
    routes = set(paths_of(mounted.routes))
    assert len(routes) >= 60, "the walk no longer finds Gradio's routes"
    assert {path for _, path in routes} >= {"/", "/config", "/gradio_api/upload", "/gradio_api/cancel", "/gradio_api/reset"}
    app = secure(mounted, port=PORT, page_accounts={"anna": "red"})
    public = {"/robots.txt", "/favicon.ico"}
    for method, path in sorted(routes):
        own = {"origin": ORIGIN, "content-type": "application/json", **credentials}
        answer = ask(app, method, path.replace("{", "").replace("}", "").replace(":path", ""), own, chunks=[b"{}"])
        if path not in public and (method, path) != ("POST", "/login"):
            assert answer.status == 401, (method, path)


@pytest.mark.skipif(os.name != "posix", reason="a path of Linux")
def test_a_file_outside_is_refused_by_gradio_itself(mounted: FastAPI) -> None:
    answer = ask(secure(mounted, port=PORT), path="/gradio_api/file=/etc/hostname")
    assert answer.status in (403, 404)
