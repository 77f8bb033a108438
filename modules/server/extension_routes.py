"""The routes that extensions add: they come and go with them, and none can hold up, bring down or take over the program's."""

import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.routing import BaseRoute, Match
from starlette.types import Message, Receive, Scope, Send

from modules.contract.errors import BadRequest, ExtensionFailed, Unavailable
from modules.server import errors
from modules.server.own_loop import OwnLoop
from modules.server.replies import refuse

log = logging.getLogger(__name__)
PREFIX = "/webui/extensions/"
FIRST_PART = re.compile(r"/([A-Za-z0-9_.-]+)(/|$)")
OURS = frozenset("webui sdapi internal gradio_api login logout assets static file config queue theme.css".split())
PATIENCE = 5.0  # seconds until a loop that does not answer counts as blocked
Note = Callable[[str, str, float, BaseException | None], None]


@dataclass(frozen=True)
class Routed:
    """An extension that may have routes. `add` adds its own and A1111's to two routers. `version` is another when it was loaded anew."""

    name: str
    title: str
    version: object
    add: Callable[[APIRouter, APIRouter], None]


class Site:
    """The routes of one extension, answered in an event loop and threads of its own."""

    def __init__(self, routed: Routed, note: Note) -> None:
        """Raises what `add` raises, and BadRequest for a path of the program's own."""
        self.name, self.title, self.version, self.note = routed.name, routed.title, routed.version, note
        own, old = APIRouter(), APIRouter()
        routed.add(own, old)
        for route in old.routes:
            refuse_taken_path(str(getattr(route, "path", "")))
        self.old: Sequence[BaseRoute] = tuple(old.routes)
        self.any = bool(own.routes or old.routes)
        self.app = FastAPI(title=routed.title, docs_url=None, redoc_url=None, openapi_url=None)
        errors.install(self.app)
        self.app.add_exception_handler(Exception, self.say)
        if own.routes:
            self.app.include_router(own, prefix=f"{PREFIX}{routed.name}")
        if old.routes:
            self.app.include_router(old)
        self.turning: OwnLoop | None = None

    async def say(self, request: Request, error: Exception) -> JSONResponse:
        """The answer for what a route raised that was not meant for a person."""
        return errors.answer(self.failure(request.method, request.url.path, error))

    def failure(self, method: str, path: str, error: BaseException) -> ExtensionFailed:
        """What a failed route is called."""
        return ExtensionFailed(f"{self.title} failed in {method} {path}: {type(error).__name__}: {error}", "Its traceback is in the log.")

    def knows(self, scope: Scope) -> bool:
        """Whether a path is one of its old ones, for whatever method."""
        try:
            return any(route.matches(scope)[0] is not Match.NONE for route in self.old)
        except (Exception, SystemExit):  # a route of its own making
            log.exception("%s failed while a route was looked for.", self.title)
            return False

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; with 500 and the extension's name if it fails, with 503 if one of its routes blocks its loop."""
        self.turning = loop = self.turning or OwnLoop(f"routes of {self.name}")
        if not await loop.answers(PATIENCE):
            busy = Unavailable(f"{self.title} does not answer: one of its routes holds up all the others.", "Load it anew to go on.")
            return await errors.answer(busy)(scope, receive, send)
        begun, status = time.perf_counter(), 0

        async def watched(message: Message) -> None:
            nonlocal status
            status = int(message.get("status", status or 1))
            await send(message)

        error = await loop.serve(self.app, scope, receive, watched)
        self.note(self.name, "route", time.perf_counter() - begun, error)
        if error is None:
            return None
        log.error("%s failed in the route %s.", self.title, scope["path"], exc_info=error)
        if status == 0 and scope["type"] == "http":
            await errors.answer(self.failure(scope["method"], scope["path"], error))(scope, receive, send)
        elif status == 0:
            await refuse(scope, send, 500, str(self.failure("WebSocket", scope["path"], error)))
        return None

    def close(self) -> None:
        """Let go of its loop."""
        if self.turning:
            self.turning.stop()


def refuse_taken_path(path: str) -> None:
    """Raise BadRequest for a path that could be one of the program's, or anybody's."""
    found = FIRST_PART.match(path)
    if not found or found[1] in OURS:
        raise BadRequest(f"The route '{path}' cannot be an extension's: it must begin with a name that the program does not use itself.")


class ExtensionRoutes(BaseRoute):
    """One route of the program that stands for all of all extensions, as they are at the moment."""

    def __init__(self, note: Note) -> None:
        self.note = note
        self.sites: Mapping[str, Site] = {}

    def replace(self, found: Sequence[Routed]) -> None:
        """Have the routes of these extensions from now on. One whose routes cannot be made has none; its failure is noted."""
        before, sites = self.sites, dict[str, Site]()
        for routed in found:
            known = before.get(routed.name)
            if known and known.version == routed.version:
                sites[routed.name] = known
                continue
            begun = time.perf_counter()
            try:
                sites[routed.name] = Site(routed, self.note)
            except BaseException as error:
                log.exception("The routes of %s cannot be used.", routed.title)
                self.note(routed.name, "route", time.perf_counter() - begun, error)
        self.sites = sites
        for name, site in before.items():
            if sites.get(name) is not site:
                site.close()

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a request is for an extension's route."""
        site = self.site_for(scope) if scope["type"] in ("http", "websocket") else None
        return (Match.FULL, {"extension_site": site}) if site else (Match.NONE, {})

    def site_for(self, scope: Scope) -> Site | None:
        path: str = scope["path"]
        if path.startswith(PREFIX):
            site = self.sites.get(path.removeprefix(PREFIX).partition("/")[0])
            return site if site and site.any else None
        return next((site for site in self.sites.values() if site.old and site.knows(scope)), None)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the extension answer."""
        site: Any = scope.pop("extension_site")
        await site.answer(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        """No route of an extension is found by its name."""
        from starlette.routing import NoMatchFound

        raise NoMatchFound(name, path_params)

    def is_old(self, path: str) -> bool:
        """Whether a path is one that A1111's clients know an extension by."""
        scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": []}
        return any(site.old and site.knows(scope) for site in self.sites.values())
