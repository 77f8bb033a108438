"""The Models tab's routes for finding models elsewhere and fetching them."""

from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from modules.contract.errors import WebuiError
from modules.downloads.desk import Desk
from modules.downloads.ledger import OPEN, Download
from modules.downloads.offers import Found, Offer
from modules.downloads.sources import SITES, Sources
from modules.server.models import Leave, May
from modules.server.routes import Threads

Where = Callable[[str | None], str | None]


class SearchAsked(BaseModel):
    """A link, or words for one of the sites. `more` is what the last answer gave to go on with."""

    text: str = Field("", max_length=2000)
    site: Literal["huggingface", "civitai"] = "civitai"
    kind: str = Field("", max_length=40)
    more: str = Field("", max_length=400)


class FileAsked(BaseModel):
    """A file of a search, by its key, and the kind whose folder it goes to."""

    key: str = Field(max_length=40)
    kind: str = Field(max_length=40)


class TokenAsked(BaseModel):
    """A token for a site; an empty one is forgotten."""

    site: Literal["huggingface", "civitai"]
    token: str = Field("", max_length=400)


def router(sources: Sources, desk: Desk, may: May, *, where: Where, shown: Callable[[Download], str]) -> APIRouter:
    """The routes below /webui/models. `where(sha256)` names the file on disk that has a hash; `shown` a download's folder."""
    routes = APIRouter(prefix="/webui/models")
    leave = Leave(may)
    add_search(routes, sources, leave, where)
    add_downloads(routes, sources, desk, leave, shown)

    @routes.get("/tokens")
    async def tokens() -> dict[str, bool]:
        """For which sites there is a token; never the token itself."""
        return {site: bool(sources.tokens.get(site)) for site in SITES}

    @routes.post("/tokens")
    async def set_token(asked: TokenAsked, request: Request) -> dict[str, bool]:
        """Keep a token, or forget it."""
        leave(request)
        await Threads("tokens-route", 1).run(sources.tokens.set, asked.site, asked.token)
        return await tokens()

    return routes


def add_search(routes: APIRouter, sources: Sources, leave: Leave, where: Where) -> None:
    threads, pictures = Threads("search-route", 3), Threads("search-pictures", 4)

    @routes.post("/find")
    async def find(asked: SearchAsked, request: Request) -> dict[str, Any]:
        """What a link leads to, or a search finds; or, for an answer too, the `problem` why nothing could be looked up."""
        leave(request)
        try:
            listing = await threads.run(lambda: sources.find(asked.text, site=asked.site, kind=asked.kind, more=asked.more))
        except WebuiError as error:
            return {"found": [], "more": "", "hidden": 0, "problem": error.message, "hint": error.hint}
        found = await threads.run(lambda: [found_line(one, where) for one in listing.found])
        return {"found": found, "more": listing.more, "hidden": listing.hidden}

    @routes.get("/found/{key}/picture")
    async def picture(key: str) -> Response:
        """The preview picture of something that was found; fetched by the program, since the page loads nothing from elsewhere."""
        data = await pictures.run(sources.thumbnail, key)
        return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


def add_downloads(routes: APIRouter, sources: Sources, desk: Desk, leave: Leave, shown: Callable[[Download], str]) -> None:
    threads = Threads("downloads-route", 2)
    turns = {"pause": desk.hold, "resume": desk.resume, "cancel": desk.cancel}

    def line(download: Download) -> dict[str, Any]:
        return download_line(desk, download, shown)

    @routes.get("/downloads")
    async def downloads() -> list[dict[str, Any]]:
        """All downloads, newest first."""
        return await threads.run(lambda: [line(one) for one in reversed(desk.all())])

    @routes.post("/downloads")
    async def add(asked: FileAsked, request: Request) -> dict[str, Any]:
        """Fetch a file that a search has found."""
        leave(request)
        return await threads.run(lambda: line(desk.add(*sources.offered.file(asked.key), asked.kind)))

    @routes.post("/downloads/{id}/{turn}")
    async def turn(id: str, turn: Literal["pause", "resume", "cancel"], request: Request) -> dict[str, Any]:
        """Pause, go on, or give up."""
        leave(request)
        return await threads.run(lambda: line(turns[turn](id)))

    @routes.delete("/downloads/{id}")
    async def remove(id: str, request: Request) -> dict[str, str]:
        """Take one that is over off the list."""
        leave(request)
        await threads.run(desk.remove, id)
        return {"id": id}


def found_line(found: Found, where: Where) -> dict[str, Any]:
    """A model that was found, as JSON; pictures and files are named by keys, not addresses."""
    hidden = ("picture", "offers")
    line = {name: value for name, value in vars(found).items() if name not in hidden}
    offers = None if found.offers is None else [offer_line(offer, where) for offer in found.offers]
    return {**line, "has_picture": bool(found.picture), "offers": offers}


def offer_line(offer: Offer, where: Where) -> dict[str, Any]:
    """A file that can be fetched. `here`: the file on disk that is the same."""
    line = {name: getattr(offer, name) for name in ("key", "name", "size", "sha256", "note", "kind", "pickled")}
    return {**line, "here": where(offer.sha256)}


def download_line(desk: Desk, download: Download, shown: Callable[[Download], str]) -> dict[str, Any]:
    """A download with how far it is."""
    received, total = desk.received(download), download.exact or download.size
    speed = desk.speed(download.id) if download.state == "running" else 0.0
    left = (total - received) / speed if speed and total else None
    names = ("id", "kind", "site", "title", "page", "state", "error", "hint", "notes", "added", "ended")
    return {
        **{name: getattr(download, name) for name in names},
        "name": download.path.name,
        "folder": shown(download),
        "open": download.state in OPEN,
        "size": total,
        "received": received,
        "speed": speed,
        "seconds_left": left,
        "next_try": desk.next_try(download.id) if download.state == "waiting" else None,
        "checked": download.announced is not None,
    }
