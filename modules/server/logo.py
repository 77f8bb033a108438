"""A person's own logo for the page: logo.png in the data folder, sent up once."""

from pathlib import Path

from fastapi import APIRouter, Request, Response

from modules.contract.errors import BadRequest, NotFound
from modules.contract.files import write_whole
from modules.imaging.metadata import encode
from modules.imaging.opening import open_image
from modules.imaging.thumbnails import fitting
from modules.server.routes import Threads
from modules.server.security import FILE_POLICY

SIDE = 512  # pixels; on the page it is as high as a button, on a card to share larger


def keep(path: Path, data: bytes) -> None:
    """Write a picture's bytes to `path` as a PNG of at most SIDE pixels a side, without what the file said besides.

    Raises BadRequest for what is no picture that can be opened.
    """
    if not data:
        raise BadRequest("There is no picture in the request.")
    write_whole(path, encode(fitting(open_image(data, name="The logo"), SIDE), format="png", infotext=None))


def read(path: Path) -> bytes:
    """The logo's bytes. Raises NotFound without one."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFound("There is no logo of your own.", "Choose a picture in Settings, Language and looks.") from None


def router(path: Path) -> APIRouter:
    """GET, POST and DELETE /webui/logo; `path` is where it is kept."""
    routes, threads = APIRouter(), Threads("logo-route", 1)

    @routes.get("/webui/logo")
    async def shown() -> Response:
        """The logo as it is now."""
        headers = {"Cache-Control": "no-cache", "Content-Security-Policy": FILE_POLICY, "X-Content-Type-Options": "nosniff"}
        return Response(await threads.run(read, path), media_type="image/png", headers=headers)

    @routes.post("/webui/logo")
    async def take(request: Request) -> dict[str, bool]:
        """Keep a picture as the logo; the body is the file itself."""
        await threads.run(keep, path, await request.body())
        return {"kept": True}

    @routes.delete("/webui/logo")
    async def forget() -> dict[str, bool]:
        """Have no logo."""
        await threads.run(lambda: path.unlink(missing_ok=True))
        return {"kept": False}

    return routes
