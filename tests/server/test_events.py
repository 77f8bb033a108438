"""The stream of events: first what is there, then what happens, and a sign of life now and then."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from modules.contract.progress import Cancelled, Failed, Finished, Previewed, Queued, Started, Stepped, Warned
from modules.contract.request import request_from
from modules.server.events import stream
from modules.server.wire import event_line
from tests.server.site import Site


def submit(site: Site, owner: str = "page") -> str:
    return site.submit(request_from({"prompt": "a star", "steps": 2, "seed": 5}), owner=owner)


async def following(lines: AsyncIterator[str]) -> dict[str, Any]:
    """The next event, signs of life left out."""
    while True:
        line = await asyncio.wait_for(anext(lines), 10)
        if not line.startswith(":"):
            return json.loads(line.partition("data: ")[2])


def test_the_stream_begins_with_what_waits_and_runs(site: Site) -> None:
    site.gate.clear()
    ids = [submit(site, owner) for owner in "ab"]

    async def run() -> dict[str, Any]:
        lines = stream(site.queue, 15)
        first = await following(lines)
        await lines.aclose()  # type: ignore[attr-defined]
        return first

    first = asyncio.run(run())
    assert first["type"] == "snapshot"
    assert [(job["id"], job["owner"], job["title"], job["position"]) for job in first["jobs"]] == [
        (ids[0], "a", "a star", 0), (ids[1], "b", "a star", 1)]  # fmt: skip
    assert set(first["jobs"][0]["progress"]) == {"done", "total", "seconds_left", "text", "preview_number", "started", "finishing"}


def test_the_stream_tells_a_job_from_beginning_to_end(site: Site) -> None:
    async def run() -> list[dict[str, Any]]:
        lines = stream(site.queue, 15)
        heard = [await following(lines)]
        id = await asyncio.to_thread(submit, site)
        while heard[-1]["type"] != "finished":
            heard.append(await following(lines))
            await asyncio.sleep(0.01)
        assert {event["job"] for event in heard[1:]} == {id}
        return heard

    heard = asyncio.run(run())
    types = list(dict.fromkeys(event["type"] for event in heard))
    assert types[:3] == ["snapshot", "queued", "started"] and types[-1] == "finished"
    assert heard[-1] == {"type": "finished", "job": heard[1]["job"], "owner": "page", "state": "done",
                         "summary": {"paths": ["a.png"], "seeds": [5]}}  # fmt: skip
    assert next(event for event in heard if event["type"] == "stepped")["total"] == 2


def test_a_quiet_stream_shows_that_it_lives(site: Site) -> None:
    async def run() -> list[str]:
        lines = stream(site.queue, 0.01)
        return [await anext(lines) for _ in range(3)]

    first, *rest = asyncio.run(run())
    assert first.startswith("retry: 2000\ndata: ") and first.endswith("\n\n")
    assert rest == [": alive\n\n"] * 2


def test_a_listener_that_leaves_is_forgotten(site: Site) -> None:
    async def run() -> None:
        lines = stream(site.queue, 15)
        await anext(lines)
        reading = asyncio.create_task(anext(lines))  # type: ignore[arg-type]
        await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert len([watch for watch in site.queue.watches if not watch.closed]) == 0

    asyncio.run(run())


def test_the_stream_ends_when_the_program_stops(site: Site) -> None:
    async def run() -> None:
        lines = stream(site.queue, 15)
        await anext(lines)
        await asyncio.to_thread(site.queue.stop, 5)
        async for _ in lines:
            pass

    asyncio.run(asyncio.wait_for(run(), 10))


def test_every_event_has_its_type_and_fields() -> None:
    events = [
        Queued(1),
        Started(2),
        Stepped(1, 2, 3.0, "x"),
        Previewed(4),
        Warned("w"),
        Finished("done", {}),
        Failed("m", "h"),
        Cancelled(),
    ]
    lines = [event_line("j", "o", event) for event in events]
    assert [line["type"] for line in lines] == ["queued", "started", "stepped", "previewed", "warned", "finished", "failed", "cancelled"]
    assert lines[2] == {"type": "stepped", "job": "j", "owner": "o", "done": 1, "total": 2, "seconds_left": 3.0, "text": "x"}
