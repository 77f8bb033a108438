"""Tag completion: what a prompt may say is offered while it is typed. The list is in lists.py, the search in web/tag_index.js."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from extensions.tag_completion.desk import Desk
from extensions.tag_completion.old import add_old_routes
from extensions.tag_completion.settings import Settings
from modules.plugins import Extension, Host, Tab


class Used(BaseModel):
    """A tag that was taken."""

    name: str = Field(max_length=300)
    negative: bool = False


class Forgotten(BaseModel):
    """A tag whose uses are to be forgotten; None: all of them."""

    name: str | None = Field(None, max_length=300)


class TagCompletion(Extension):
    """It takes no part in making pictures: all of it is on the page."""

    Settings = Settings
    observer = True
    tab = Tab("Tag completion", "easel-tag-lists")

    @classmethod
    def routes(cls, router: APIRouter, host: Host) -> None:
        """The list, the state, the uses."""
        desk = Desk(host)

        @router.get("/tags")
        def tags(request: Request) -> Response:
            """The list as payload() writes it, packed."""
            known = request.headers.get("if-none-match", "").strip('W/"')
            stamp, data = desk.listed(known)
            headers = {"ETag": f'"{stamp}"', "Cache-Control": "no-cache"}
            if not data:
                return Response(None, 304, headers)
            return Response(data, 200, headers | {"Content-Encoding": "gzip"}, "text/plain; charset=utf-8")

        @router.get("/state")
        def state() -> dict[str, Any]:
            """Settings, names, uses."""
            return desk.state()

        @router.get("/lists")
        def lists() -> dict[str, Any]:
            """The files that were read, and the table of uses."""
            return desk.overview()

        @router.post("/used")
        def used(body: Used) -> None:
            """Count a use."""
            desk.count(body.name, negative=body.negative)

        @router.post("/forget")
        def forget(body: Forgotten) -> None:
            """Forget the uses of a tag, or all."""
            desk.usage.forget(body.name)

    @classmethod
    def old_routes(cls, router: APIRouter, host: Host) -> None:
        """Those of A1111's tag completion that other tools call."""
        add_old_routes(router, Desk(host))
