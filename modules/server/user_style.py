"""A person's own style sheet for the page: user.css in the data folder."""

from pathlib import Path

from fastapi import APIRouter, Response

from modules.server.routes import Threads

LARGEST = 2**20


def style_of(path: Path) -> str:
    """The sheet's text; empty without one, and in place of one that is too large or cannot be read."""
    try:
        return path.read_text("utf8", errors="replace") if path.stat().st_size <= LARGEST else ""
    except OSError:
        return ""


def router(path: Path) -> APIRouter:
    """GET /webui/user.css."""
    routes, threads = APIRouter(), Threads("style-route", 1)

    @routes.get("/webui/user.css")
    async def sheet() -> Response:
        """The sheet as it is now."""
        return Response(await threads.run(style_of, path), media_type="text/css", headers={"Cache-Control": "no-cache"})

    return routes
