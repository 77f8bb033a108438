"""The Models tab's routes over the files on disk: what there is, and what can be done with a file.

A file is named by an id of the listing, never by a path. Whatever changes files needs leave, see `Leave`.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from modules.contract.errors import WebuiError
from modules.server.routes import Threads

May = Callable[[Request], bool]


class NotAllowed(WebuiError):
    """Only people at this machine, or who have logged in, may do this."""

    status = 403


class Leave:
    """Lets changes through only where `may(request)` says so. A dependency of routes."""

    def __init__(self, may: May) -> None:
        self.may = may

    def __call__(self, request: Request) -> None:
        """Raises NotAllowed."""
        if not self.may(request):
            raise NotAllowed(
                "Models are only changed from the machine that the program runs on, or after a login.",
                "A setting on the page Downloads allows it to others; it is changed on that machine.",
            )


class Stock(Protocol):
    """What can be done with the files; see weights.stock."""

    def listing(self) -> dict[str, Any]: ...
    def state(self) -> dict[str, Any]: ...
    def refresh(self) -> None: ...
    def details(self, identifier: str) -> dict[str, Any]: ...
    def hash(self, identifiers: Sequence[str]) -> None: ...
    def move(self, identifier: str) -> str: ...
    def throw(self, identifier: str) -> str: ...
    def restore(self, identifier: str) -> str: ...
    def empty(self, identifier: str | None = None) -> int: ...
    def where(self, sha256: str | None) -> str | None: ...


class HashesAsked(BaseModel):
    """Files whose hashes are wanted; none are all that have none yet."""

    ids: list[str] = Field(default_factory=list, max_length=10_000)


def router(stock: Stock, may: May) -> APIRouter:
    """The routes below /webui/models. `may` says whose requests may change files."""
    routes = APIRouter(prefix="/webui/models")
    threads, slow = Threads("models-route", 2), Threads("models-files", 1)
    leave = Leave(may)

    @routes.get("/files")
    async def files(request: Request, since: str = "") -> dict[str, Any]:
        """All files; only what is still being found out, where nothing has changed `since` a version."""
        state = await threads.run(stock.state)
        allowed = {"may_change": may(request)}
        if since and since == state["version"]:
            return {**state, **allowed, "unchanged": True}
        return {**await threads.run(stock.listing), **allowed}

    @routes.post("/refresh")
    async def refresh() -> dict[str, Any]:
        """Look at the folders again."""
        await slow.run(stock.refresh)
        return await threads.run(stock.state)

    @routes.get("/files/{id}")
    async def details(id: str) -> dict[str, Any]:
        """One file, with its header's texts."""
        return await threads.run(stock.details, id)

    @routes.post("/hash")
    async def hashes(asked: HashesAsked) -> dict[str, Any]:
        """Compute hashes; `hashing` of the listing says how far it is."""
        await threads.run(stock.hash, asked.ids)
        return await threads.run(stock.state)

    @routes.post("/files/{id}/move")
    async def move(id: str, request: Request) -> dict[str, str]:
        """Put a file into the folder of its kind."""
        leave(request)
        return {"path": await slow.run(stock.move, id)}

    @routes.delete("/files/{id}")
    async def throw(id: str, request: Request) -> dict[str, str]:
        """Put a file into the trash."""
        leave(request)
        return {"trash": await slow.run(stock.throw, id)}

    @routes.post("/trash/{id}/restore")
    async def restore(id: str, request: Request) -> dict[str, str]:
        """Take a file back."""
        leave(request)
        return {"path": await slow.run(stock.restore, id)}

    @routes.delete("/trash")
    async def empty(request: Request) -> dict[str, int]:
        """Delete what is in the trash for good."""
        leave(request)
        return {"freed": await slow.run(stock.empty)}

    @routes.delete("/trash/{id}")
    async def remove(id: str, request: Request) -> dict[str, int]:
        """Delete one thing in the trash for good."""
        leave(request)
        return {"freed": await slow.run(stock.empty, id)}

    return routes
