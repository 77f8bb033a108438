"""A1111's HTTP API, /sdapi/v1 and /internal: its paths, fields and defaults over our queue and pipeline."""

import time
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from fastapi.routing import APIRoute

from modules.a1111.cards import add_cards, add_files
from modules.a1111.extras import add_extras
from modules.a1111.generation import add_generation
from modules.a1111.lists import add_lists
from modules.a1111.options import ApiOptions
from modules.a1111.parts import Parts
from modules.a1111.program import add_program
from modules.a1111.progress import add_progress
from modules.a1111.training import add_training

__all__ = ["Parts", "router"]


class Timed(APIRoute):
    """A route whose answers say, as A1111's, how long they took."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def timed(request: Request) -> Response:
            started = time.perf_counter()
            response = await handle(request)
            response.headers["X-Process-Time"] = f"{time.perf_counter() - started:.4f}"
            return response

        return timed


def router(parts: Parts) -> APIRouter:
    """All routes of the wing."""
    api = APIRouter(route_class=Timed)
    options = ApiOptions(parts.settings, parts.models)
    add_generation(api, parts, options)
    add_extras(api, parts, options)
    add_progress(api, parts.queue)
    add_options(api, options)
    add_lists(api, parts)
    add_program(api, parts, options)
    add_cards(api, parts)
    add_training(api, parts)
    if parts.folders:
        add_files(api, parts.folders)
    return api


def add_options(api: APIRouter, options: ApiOptions) -> None:
    @api.get("/sdapi/v1/options")
    def all_options() -> dict[str, Any]:
        return options.all()

    @api.post("/sdapi/v1/options")
    def set_options(values: Annotated[dict[str, Any], Body()]) -> None:
        options.change(values)
