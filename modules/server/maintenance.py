"""What the Settings tab can do beside settings: memory, hashes, caches, a description of the system, licences."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from modules.contract.errors import NotFound
from modules.server.here import from_this_machine
from modules.server.licences import licences
from modules.server.routes import Threads


class Cache(Protocol):
    """Something that the program keeps to be quick, and can make again."""

    @property
    def title(self) -> str: ...

    def size(self) -> int | None:
        """Bytes; None where that cannot be told."""
        ...

    def clear(self) -> None: ...


class OwnerGiven(BaseModel):
    """Whose job it will be."""

    owner: str = Field("", max_length=128)


class CachesGiven(BaseModel):
    """Titles of caches."""

    titles: list[str] = Field(max_length=100)


@dataclass(frozen=True)
class Maintenance:
    """What the routes stand on. `hash_all` puts the hashing of all checkpoints into the queue and answers with the job's id.

    `loaded` is the title of the checkpoint in memory, or None; `system` describes the system, in full or without what only this
    machine's people should see.
    """

    loaded: Callable[[], str | None]
    unload: Callable[[], None]
    load: Callable[[], None]
    hash_all: Callable[[str], str]
    caches: Sequence[Cache]
    system: Callable[[bool], Mapping[str, Any]]


def router(maintenance: Maintenance) -> APIRouter:
    """All routes."""
    routes = APIRouter(prefix="/webui/maintenance")
    threads = Threads("maintenance-route", 2)
    add_memory(routes, maintenance, threads)
    add_caches(routes, maintenance, threads)

    @routes.post("/hashes")
    async def hashes(given: OwnerGiven) -> dict[str, str]:
        """Have the hashes of all checkpoints computed; the job's id."""
        return {"id": await threads.run(maintenance.hash_all, given.owner)}

    @routes.get("/system")
    async def system(request: Request) -> Response:
        """A file that describes the system, for reports of problems."""
        described = await threads.run(maintenance.system, from_this_machine(request))
        headers = {"Content-Disposition": 'attachment; filename="sysinfo.json"', "Cache-Control": "no-store"}
        return Response(json.dumps(described, indent=4, ensure_ascii=False, default=str), media_type="application/json", headers=headers)

    @routes.get("/licences")
    async def installed() -> list[dict[str, str]]:
        """The installed packages and what they say about their licences."""
        return await threads.run(licences)

    return routes


def add_memory(routes: APIRouter, maintenance: Maintenance, threads: Threads) -> None:
    @routes.get("/checkpoint")
    async def checkpoint() -> dict[str, str | None]:
        """The checkpoint in memory."""
        return {"loaded": await threads.run(maintenance.loaded)}

    @routes.post("/unload")
    async def unload() -> dict[str, str | None]:
        """Let go of all models in memory."""
        await threads.run(maintenance.unload)
        return {"loaded": await threads.run(maintenance.loaded)}

    @routes.post("/load")
    async def load() -> dict[str, str | None]:
        """Have the chosen checkpoint in memory."""
        await threads.run(maintenance.load)
        return {"loaded": await threads.run(maintenance.loaded)}


def add_caches(routes: APIRouter, maintenance: Maintenance, threads: Threads) -> None:
    def listed() -> list[dict[str, Any]]:
        return [{"title": cache.title, "bytes": cache.size()} for cache in maintenance.caches]

    @routes.get("/caches")
    async def caches() -> list[dict[str, Any]]:
        """The caches and their sizes in bytes, null where that cannot be told."""
        return await threads.run(listed)

    @routes.post("/caches/clear")
    async def clear(given: CachesGiven) -> list[dict[str, Any]]:
        """Empty some caches; all as they are then."""
        known = {cache.title: cache for cache in maintenance.caches}
        for title in given.titles:
            if title not in known:
                raise NotFound.among("cache", title, known)

        def cleared() -> list[dict[str, Any]]:
            for title in given.titles:
                known[title].clear()
            return listed()

        return await threads.run(cleared)
