"""The page and its own web files as part of the program's web server."""

import gzip
import hashlib
import html
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI, Request, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Scope

from modules.frontend.theme import theme
from modules.frontend.toolkit import gr

WEB = Path(__file__).parent / "web"
UPLOAD_LIMIT = "64mb"
YEAR = 365 * 86400
Appearance = Literal["light", "dark"] | None


class Versioned(StaticFiles):
    """Files whose address changes with their content, so that a browser never asks for them twice."""

    def file_response(self, *args: object, **keywords: object) -> Response:
        response = super().file_response(*args, **keywords)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
        return response


def web_version(folder: Path = WEB) -> str:
    """A name for the web files' content as it is now."""
    content = b"".join(file.name.encode() + file.read_bytes() for file in sorted(folder.iterdir()))
    return hashlib.sha256(content).hexdigest()[:12]


def mount(
    app: FastAPI, page: gr.Blocks, *, outputs: Path, settings: Callable[[], Mapping[str, Any]] = dict, appearance: Appearance = None
) -> FastAPI:
    """Add the page to `app`, last of all routes: whatever is added after it is never reached.

    `outputs` is the only folder whose files Gradio may serve. `settings` are those that the page goes by, by A1111's keys, as they
    are when it is loaded. `appearance` is the page's until a person chooses another; None follows the browser.
    """
    web = f"/webui/web/{web_version()}"
    app.mount(web, Versioned(directory=WEB))

    @app.get("/", include_in_schema=False)
    async def first_page(request: Request) -> Response:
        status, body = await answer(gradio, request.scope)
        text = with_head(body.decode(), head_html(web, appearance, settings()))
        packed = "gzip" in request.headers.get("accept-encoding", "")
        headers = {"Vary": "Accept-Encoding", "Cache-Control": "no-store"} | ({"Content-Encoding": "gzip"} if packed else {})
        data = text.encode()
        return Response(gzip.compress(data, 5) if packed else data, status, headers, "text/html; charset=utf-8")

    gr.mount_gradio_app(
        app, page, path="", theme=theme(), allowed_paths=[str(outputs)], max_file_size=UPLOAD_LIMIT, footer_links=[],
        run_history=False, show_error=False, pwa=False, ssr_mode=False, enable_monitoring=False, mcp_server=False,
        app_kwargs={"openapi_url": None, "docs_url": None, "redoc_url": None})
    page.has_launched = True  # until this is set Gradio takes any path on the disk for an upload
    gradio: ASGIApp = app.routes[-1].app  # type: ignore[attr-defined]
    return app


def head_html(web: str, appearance: Appearance, settings: Mapping[str, Any]) -> str:
    """What stands first in the page's head: before Gradio's own script, so that colours are right from the first paint."""
    values = json.dumps(dict(settings)).replace("<", "\\u003c")  # nothing in them can end the script
    names = json.dumps({"imports": {"easel/": f"{web}/"}})  # how the modules of extensions name ours; before any module is asked for
    return (f"<script type='importmap'>{names}</script><script>window.webuiSettings = {values}</script>"
            f"<link rel='icon' href='{web}/icon.svg'>"
            f"<link rel='stylesheet' href='{web}/page.css'><link rel='stylesheet' href='{web}/icons.css'>"
            f"<link rel='stylesheet' href='{web}/forms.css'><link rel='stylesheet' href='{web}/widgets.css'>"
            f"<script src='{web}/theme.js' data-appearance='{html.escape(appearance or '')}'></script>"
            f"<script type='module' src='{web}/page.js'></script>"
            "<link rel='stylesheet' href='webui/user.css'>")


def with_head(page: str, head: str) -> str:
    """Gradio's page with our head, and without its advertisements for link previews, which name outside addresses."""
    page = re.sub(r"<meta\s+(?:property=\"og:|name=\"twitter:)[^>]*>\s*", "", page)
    return page.replace("<head>", "<head>" + head, 1)


async def answer(app: ASGIApp, scope: Scope) -> tuple[int, bytes]:
    """Status and body of what an application answers to a GET, uncompressed."""
    status, body = 500, b""

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, body
        status = message.get("status", status)
        body += message.get("body", b"")

    plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
    await app({**scope, "headers": plain}, receive, send)
    return status, body
