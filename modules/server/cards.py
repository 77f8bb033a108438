"""The routes of the model cards: lists, details, pictures, and what a person writes on a card.

A model is named by its key, which is looked up in the list of its kind; no name is ever made a path.
"""

import gzip
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from modules.contract.errors import NotFound
from modules.server.pictures import picture_type
from modules.server.routes import Threads
from modules.server.security import FILE_POLICY

Kind = Literal["lora", "embedding", "hypernetwork", "checkpoint"]
SIDE = 512  # pixels of a thumbnail's longer side: a card is 240 high, on dense screens twice that
Insertion = tuple[float, str]  # the weight of a network that has none of its own, and what stands before it in a prompt
YEAR = 365 * 86400
UNPACKED = 4096  # an answer shorter than this is sent as it is


class Listing(Protocol):
    """The cards of a kind. `cards` is the same object as long as nothing changed; `unread` of them lack what their file says."""

    @property
    def cards(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def unread(self) -> int: ...


class Cards(Protocol):
    """What the routes ask of the cards of a kind; each raises NotFound for a key that is not in the list."""

    def listing(self) -> Listing: ...
    def details(self, key: str, /) -> dict[str, Any]: ...
    def write_notes(self, key: str, values: dict[str, Any], /) -> None: ...
    def picture(self, key: str, /) -> Path: ...
    def set_picture(self, key: str, data: bytes, side: int | None = None, /) -> None: ...


class Thumbnails(Protocol):
    """Small copies of pictures."""

    def of(self, path: Path, side: int, /) -> Path: ...


class Notes(BaseModel):
    """What a person writes on a card, under A1111's keys; what is left out stays as it is."""

    model_config = ConfigDict(populate_by_name=True, extra="forbid")

    description: str = Field("", max_length=100_000)
    notes: str = Field("", max_length=100_000)
    vae: str = Field("", max_length=500)
    version: Literal["", "SD1", "SD2", "SDXL", "Unknown"] = Field("", alias="sd version")
    activation: str = Field("", alias="activation text", max_length=20_000)
    weight: float = Field(0.0, alias="preferred weight", ge=-10, le=10)
    negative: str = Field("", alias="negative text", max_length=20_000)


class Packed:
    """The newest list of each kind as it goes to browsers, packed once."""

    def __init__(self) -> None:
        self.made: dict[str, tuple[object, Insertion, bytes, bytes, str]] = {}

    def of(self, kind: str, listing: Listing, insertion: Insertion) -> tuple[bytes, bytes, str]:
        """The JSON of a list, the same packed by gzip, and its ETag."""
        known = self.made.get(kind)
        if known is None or known[0] is not listing.cards or known[1] != insertion:
            weight, separator = insertion
            value = {"kind": kind, "weight": weight, "separator": separator, "unread": listing.unread, "cards": listing.cards}
            body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf8", "replace")
            tag = f'W/"{hashlib.sha256(body).hexdigest()[:20]}"'
            self.made[kind] = known = (listing.cards, insertion, body, gzip.compress(body, 4), tag)
        return known[2:]


def router(cards: Mapping[str, Cards], thumbnails: Thumbnails, insertion: Callable[[], Insertion]) -> APIRouter:
    """The routes over the cards of each kind. `insertion` is as the settings have it now."""
    routes = APIRouter(prefix="/webui/cards")
    lists, pictures, notes = Threads("cards-route", 2), Threads("card-picture-route", 2), Threads("card-notes-route", 2)
    packed = Packed()

    @routes.get("/{kind}")
    async def listing(kind: Kind, request: Request) -> Response:
        """All cards of a kind; 304 while they are what the browser has."""
        plain, small, tag = await lists.run(lambda: packed.of(kind, cards[kind].listing(), insertion()))
        headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        packs = len(plain) > UNPACKED and "gzip" in request.headers.get("accept-encoding", "")
        return Response(small if packs else plain, 200, headers | ({"Content-Encoding": "gzip"} if packs else {}), "application/json")

    @routes.get("/{kind}/details")
    async def details(kind: Kind, name: str) -> dict[str, Any]:
        """Notes, training tags and metadata of one model."""
        return await notes.run(cards[kind].details, name)

    @routes.get("/{kind}/picture")
    async def picture(kind: Kind, name: str, whole: bool = Query(False)) -> FileResponse:
        """The picture of a model, small, or as it is. The address carries a version that changes with it."""

        def found() -> tuple[Path, str]:
            file = cards[kind].picture(name)
            if not whole:
                return thumbnails.of(file, SIDE), "image/webp"
            with file.open("rb") as opened:
                media = picture_type(opened.read(16))
            if media is None:
                raise NotFound(f"The picture of '{name[:200]}' is none that can be shown whole.")
            return file, media

        file, media = await pictures.run(found)
        headers = {"Cache-Control": f"private, max-age={YEAR}, immutable", "Content-Security-Policy": FILE_POLICY}
        return FileResponse(file, media_type=media, headers=headers)

    @routes.post("/{kind}/notes")
    async def write_notes(kind: Kind, name: str, values: Notes) -> dict[str, str]:
        """Write on a card; what is not named stays."""
        await notes.run(cards[kind].write_notes, name, values.model_dump(by_alias=True, exclude_unset=True))
        return {"name": name}

    @routes.post("/{kind}/preview")
    async def set_preview(
        kind: Kind, name: str, request: Request, side: Annotated[int | None, Query(ge=64, le=1024)] = None
    ) -> dict[str, str]:
        """Have a picture show the model; the body is the picture's file. A larger one than `side` pixels is kept at that size."""
        await notes.run(cards[kind].set_picture, name, await request.body(), side)
        return {"name": name}

    return routes
