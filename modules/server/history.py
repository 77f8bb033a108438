"""The History tab's routes: searching, pictures and their small copies, favourites, the trash, comparing."""

import json
import secrets
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, Field

from modules.contract.errors import NotFound, NotSupported
from modules.history.history import History, Moved
from modules.history.rows import Row, shown
from modules.imaging.thumbnails import Thumbnails
from modules.infotext import read
from modules.server.archive import archived
from modules.server.here import from_this_machine
from modules.server.pictures import picture_file
from modules.server.security import FILE_POLICY
from modules.server.threads import Threads

FIRST_ROWS = 80
MOST_ROWS = 500
MOST_PICTURES = 200_000
MOST_DOWNLOADS = 20
YEAR = 365 * 86_400
Identifier = Annotated[int, Field(ge=1, lt=2**63)]


class Chosen(BaseModel):
    """Pictures by their ids."""

    ids: list[Identifier] = Field(max_length=MOST_PICTURES)


class RowsAsked(BaseModel):
    """Pictures whose rows are wanted."""

    ids: list[Identifier] = Field(max_length=MOST_ROWS)


class Favoured(Chosen):
    """Pictures that become favourites, or are so no longer."""

    favourite: bool


class Emptied(BaseModel):
    """Pictures of the trash to be deleted for good; None for all."""

    ids: list[Identifier] | None = Field(None, max_length=MOST_PICTURES)


class FoldersAsked(BaseModel):
    """The further folders to list, by their whole paths."""

    folders: list[Annotated[str, Field(max_length=4096)]] = Field(max_length=100)


class Downloads:
    """The pictures of an archive that a browser is about to fetch, by a token; the last few."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.kept: OrderedDict[str, list[int]] = OrderedDict()

    def add(self, ids: list[int]) -> str:
        token = secrets.token_urlsafe(16)
        with self.lock:
            self.kept[token] = ids
            while len(self.kept) > MOST_DOWNLOADS:
                self.kept.popitem(last=False)
        return token

    def get(self, token: str) -> list[int]:
        """Raises NotFound."""
        with self.lock:
            if token not in self.kept:
                raise NotFound("This download is not kept any more.", "Choose the pictures again.")
            return self.kept[token]


def router(history: History, thumbnails: Thumbnails, show_folder: Callable[[Path], bool]) -> APIRouter:
    """All routes. `show_folder` opens a folder in the file manager of this computer; False where there is none."""
    routes = APIRouter(prefix="/webui/history")
    add_searching(routes, history)
    add_pictures(routes, history, thumbnails)
    add_changes(routes, history)
    add_downloads(routes, history)
    add_folders(routes, history, show_folder)
    return routes


def line(row: Row) -> dict[str, Any]:
    """A picture as the grid shows it."""
    return {"id": row.id, "name": shown(row.name), "width": row.width, "height": row.height, "kind": row.kind, "made": row.made,
            "favourite": row.favourite, "title": row.title, "problem": row.problem, "trashed": row.trashed}  # fmt: skip


def answer(values: Any) -> Response:
    """JSON made at once: a list of 50,000 numbers takes FastAPI's own way ten times as long."""
    return Response(json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode(), media_type="application/json",
                    headers={"Cache-Control": "no-store"})  # fmt: skip


def add_searching(routes: APIRouter, history: History) -> None:
    threads = Threads("history-route", 3)

    @routes.get("")
    async def search(
        q: Annotated[str, Query(max_length=1000)] = "", sort: Annotated[str, Query(max_length=20)] = "newest", trash: bool = False
    ) -> Response:
        """The ids of all pictures that a query asks for, in order, and the rows of the first ones."""

        def found() -> Response:
            revision = history.revision
            result = history.search(q, sort=sort, trash=trash)
            rows = [line(row) for row in history.rows(result.ids[:FIRST_ROWS])]
            return answer({"revision": revision, "ids": result.ids, "days": result.days, "rows": rows, "problems": result.problems})

        return await threads.run(found)

    @routes.post("/rows")
    async def rows(asked: RowsAsked) -> Response:
        """The rows of some pictures; those that are not in the list any more are left out."""
        return await threads.run(lambda: answer([line(row) for row in history.rows(asked.ids)]))

    @routes.get("/state")
    async def state() -> Response:
        """Where the list stands, and how far the look at the folders is."""
        return await threads.run(lambda: answer(asdict(history.state())))

    @routes.get("/facets")
    async def facets() -> Response:
        """What the pictures can be narrowed by."""
        return await threads.run(lambda: answer(history.facets()))

    @routes.get("/suggestions")
    async def suggestions(part: Annotated[str, Query(max_length=200)] = "") -> Response:
        """What the part of a query that is being typed could become."""
        return await threads.run(lambda: answer([asdict(one) for one in history.suggestions(part)]))

    @routes.get("/difference")
    async def difference(left: Identifier, right: Identifier) -> Response:
        """Why two pictures differ."""
        return await threads.run(lambda: answer(asdict(history.difference(left, right))))


def add_pictures(routes: APIRouter, history: History, thumbnails: Thumbnails) -> None:
    small, threads = Threads("history-thumbnails", 2), Threads("history-pictures", 2)
    headers = {"Content-Security-Policy": FILE_POLICY}

    @routes.get("/pictures/{id}")
    async def picture(id: int) -> Response:
        """All that is known of a picture: its row, its path, its infotext and the values in it."""

        def known() -> Response:
            row = history.row(id)
            text = history.infotext(id)
            values = read(text) if text else {}
            return answer({**line(row), "path": shown(row.path), "bytes": row.bytes, "infotext": text, "values": values})

        return await threads.run(known)

    @routes.get("/pictures/{id}/file")
    async def file(id: int, download: bool = False) -> FileResponse:
        """The picture itself."""
        path, kind = await threads.run(lambda: picture_file(*history.place(id)))
        name = shown(path.name) if download else None
        return FileResponse(path, media_type=kind, filename=name, headers={**headers, "Cache-Control": "private, max-age=600"})

    @routes.get("/thumbnails/{id}")
    async def thumbnail(id: int, side: Literal["256", "512"] = "256") -> FileResponse:
        """A small copy; its address changes with the picture, so that a browser keeps it."""
        path = await small.run(lambda: thumbnails.of(picture_file(*history.place(id))[0], int(side)))
        return FileResponse(path, media_type="image/webp", headers={**headers, "Cache-Control": f"private, max-age={YEAR}, immutable"})


def add_changes(routes: APIRouter, history: History) -> None:
    threads = Threads("history-changes", 1)  # one at a time, in the order in which they are asked for

    @routes.post("/favourites")
    async def favourites(asked: Favoured) -> dict[str, bool]:
        """Make pictures favourites, or not any more."""
        await threads.run(lambda: history.favour(asked.ids, favourite=asked.favourite))
        return {"favourite": asked.favourite}

    @routes.post("/trash")
    async def trash(asked: Chosen) -> Moved:
        """Move pictures to the trash."""
        return await threads.run(history.throw_away, asked.ids)

    @routes.post("/restore")
    async def restore(asked: Chosen) -> Moved:
        """Move pictures out of the trash."""
        return await threads.run(history.bring_back, asked.ids)

    @routes.post("/empty")
    async def empty(asked: Emptied) -> Moved:
        """Delete pictures of the trash for good."""
        return await threads.run(history.destroy, asked.ids)

    @routes.post("/scan")
    async def scan() -> dict[str, bool]:
        """Look at the folders now."""
        history.scan_soon()
        return {"scanning": True}

    @routes.post("/scan/stop")
    async def stop() -> dict[str, bool]:
        """End the look at the folders that is going on."""
        history.cancel_scan()
        return {"scanning": False}


def add_downloads(routes: APIRouter, history: History) -> None:
    threads, downloads = Threads("history-downloads", 2), Downloads()

    @routes.post("/downloads")
    async def begin(asked: Chosen) -> dict[str, str]:
        """Prepare an archive of pictures; the answer says where it can be fetched."""
        return {"address": f"webui/history/downloads/{downloads.add(asked.ids)}"}

    @routes.get("/downloads/{token}")
    async def archive(token: str) -> StreamingResponse:
        """The archive, made while it is sent. Pictures that are gone by now are left out."""
        parts = archived(pictures_of(history, downloads.get(token)))

        async def sent() -> AsyncIterator[bytes]:
            while (part := await threads.run(lambda: next(parts, None))) is not None:
                yield part

        name = {"Content-Disposition": 'attachment; filename="pictures.zip"'}
        return StreamingResponse(sent(), media_type="application/zip", headers=name)


def pictures_of(history: History, ids: list[int]) -> Iterator[tuple[Path, str]]:
    """Files with their names in an archive, one after the other."""
    for id in ids:
        try:
            place = history.place(id)
            yield picture_file(*place)[0], shown(place[1])
        except NotFound:
            continue


def add_folders(routes: APIRouter, history: History, show_folder: Callable[[Path], bool]) -> None:
    threads = Threads("history-folders", 1)

    @routes.get("/folders")
    async def folders(request: Request) -> dict[str, Any]:
        """The further folders that are listed, and whether this page may change them and see a file manager."""
        return {"folders": [shown(str(folder)) for folder in history.added.folders], "here": from_this_machine(request)}

    @routes.post("/folders")
    async def change(asked: FoldersAsked, request: Request) -> dict[str, Any]:
        """List these further folders. Only from this machine: what is listed is served."""
        if not from_this_machine(request):
            raise NotSupported("Folders can be added on the machine that the program runs on only.")
        await threads.run(history.change_folders, asked.folders)
        return {"folders": [shown(str(folder)) for folder in history.added.folders]}

    @routes.post("/pictures/{id}/show")
    async def show(id: int, request: Request) -> dict[str, Any]:
        """Open the folder of a picture in the file manager, where page and program share a screen."""
        place = await threads.run(history.place, id)
        folder = (place[0] / place[1]).parent
        opened = from_this_machine(request) and await threads.run(show_folder, folder)
        return {"opened": opened, "folder": shown(str(folder))}
