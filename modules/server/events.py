"""What happens to all jobs, as a stream of server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from modules.jobs.job import UNFINISHED
from modules.jobs.queue import JobQueue
from modules.server.wire import event_line, job_line

ALIVE_SECONDS = 15.0
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def router(queue: JobQueue, *, alive_seconds: float = ALIVE_SECONDS) -> APIRouter:
    """GET /webui/events."""
    routes = APIRouter()

    @routes.get("/webui/events")
    async def events() -> StreamingResponse:
        """First the jobs that wait or run, then every event. Who lost the stream connects again and gets the jobs again."""
        return StreamingResponse(stream(queue, alive_seconds), media_type="text/event-stream", headers=HEADERS)

    return routes


async def stream(queue: JobQueue, alive_seconds: float) -> AsyncIterator[str]:
    """The lines of the stream; a comment now and then shows a proxy and a closed tab's socket that it is alive."""
    watch = queue.watch()  # before the snapshot: an event may then be told twice, but none is missed
    try:
        jobs = [job_line(queue, job) for job in queue.jobs(states=UNFINISHED)]
        yield "retry: 2000\n" + message({"type": "snapshot", "jobs": jobs, "paused": queue.paused})
        while True:
            try:
                job, owner, event = await asyncio.wait_for(watch.__anext__(), alive_seconds)
            except asyncio.TimeoutError:  # in Python 3.10 it is not the builtin one
                yield ": alive\n\n"
            except StopAsyncIteration:
                return
            else:
                yield message(event_line(job, owner, event))
    finally:
        watch.close()


def message(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"
