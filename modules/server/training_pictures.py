"""The routes of the pictures that a training learns from: how hard each is to learn, and its small copy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse

from modules.contract.errors import WebuiError
from modules.server.threads import Threads
from modules.training.runs import hard_pictures
from modules.training.runs.queue import Runs

May = Callable[[Request], bool]
Thumbnail = Callable[[Path, int], Path]
SIDES = (64, 512)  # pixels


class NotShown(WebuiError):
    """Only people at this machine, or who have logged in, may see what a training learns from."""

    status = 403


def add_pictures(routes: APIRouter, runs: Runs, threads: Threads, may: May, thumbnail: Thumbnail) -> None:
    """The routes. They need the leave that data sets need: the pictures are files of this machine."""

    def leave(request: Request) -> None:
        if not may(request):
            raise NotShown(
                "Data sets are only shown on the machine that the program runs on, or after a login.",
                "A setting on the page Training allows it to others.",
            )

    @routes.get("/runs/{id}/pictures", dependencies=[Depends(leave)])
    async def pictures(id: str) -> dict[str, Any]:
        """Its pictures, the hardest to learn first."""

        def found() -> dict[str, Any]:
            run = runs.get(id)
            return hard_pictures.told(run, run.request())

        return await threads.run(found)

    @routes.get("/runs/{id}/picture", dependencies=[Depends(leave)])
    async def picture(id: str, name: str = Query(max_length=4000), side: int = 256) -> FileResponse:
        """The small copy of one."""

        def found() -> Path:
            run = runs.get(id)
            return thumbnail(hard_pictures.picture(run, run.request(), name), max(SIDES[0], min(side, SIDES[1])))

        return FileResponse(await threads.run(found), media_type="image/webp", headers={"Cache-Control": "no-cache"})
