"""Events on their way from the worker's thread to a listener in an event loop."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

from modules.contract.progress import Event, Moved, Previewed, Queued, Stepped

Notice = tuple[str, str, Event]  # job id, owner, event

LATEST_ONLY = (Queued, Stepped, Previewed, Moved)


def tell(loop: asyncio.AbstractEventLoop, call: Callable[..., object], *values: Any) -> None:
    """Call something in the loop's thread; nothing if the loop is closed, since then nobody listens."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(call, *values)


class Watch:
    """What happens to all jobs from now on, for one listener: `async for job, owner, event in watch`.

    Offering never waits. Of the events that only say how far a job is, a slow listener gets the newest of each kind and job;
    one that is `bound` other events behind is let go: its loop ends, and it should begin anew with what is there then.
    """

    def __init__(self, bound: int = 1000) -> None:
        self.loop = asyncio.get_running_loop()
        self.ready = asyncio.Event()
        self.bound = bound
        self.lock = threading.Lock()
        self.waiting: dict[object, Notice] = {}
        self.closed = False

    def offer(self, notice: Notice) -> None:
        """Add an event; from any thread."""
        job, _, event = notice
        key = (job, type(event)) if isinstance(event, LATEST_ONLY) else object()
        with self.lock:
            if self.closed:
                return
            if len(self.waiting) >= self.bound and key not in self.waiting:
                self.closed = True
            else:
                self.waiting.pop(key, None)  # taken out first, so that the newest stands in its own place in the order
                self.waiting[key] = notice
        tell(self.loop, self.ready.set)

    def close(self) -> None:
        """End the listener's loop, after what was offered until now; from any thread."""
        with self.lock:
            self.closed = True
        tell(self.loop, self.ready.set)

    def __aiter__(self) -> "Watch":
        return self

    async def __anext__(self) -> Notice:
        while True:
            with self.lock:
                if self.waiting:
                    return self.waiting.pop(next(iter(self.waiting)))
                if self.closed:
                    raise StopAsyncIteration
                self.ready.clear()
            await self.ready.wait()
