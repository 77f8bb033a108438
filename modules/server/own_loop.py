"""An event loop in a thread of its own, for routes that are not trusted to let go of it."""

import asyncio
import logging
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

T = TypeVar("T")
log = logging.getLogger(__name__)


class OwnLoop:
    """What blocks in it or ends it blocks and ends nothing else. Routes that are no coroutines get threads of this loop, too."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.stopping = False
        self.thread = threading.Thread(target=self.turn, name=name, daemon=True)
        self.thread.start()

    def turn(self) -> None:
        """Run until it is stopped, whatever tasks raise: sys.exit() in one ends `run_forever`."""
        asyncio.set_event_loop(self.loop)
        while not self.stopping:
            try:
                self.loop.run_forever()
            except BaseException:
                log.exception("Something ended the event loop %s; it goes on.", threading.current_thread().name)

    def stop(self) -> None:
        """End the thread, as soon as what runs in it lets go."""
        self.stopping = True
        self.loop.call_soon_threadsafe(self.loop.stop)

    async def do(self, work: Coroutine[Any, Any, T]) -> T:
        """What a coroutine gives that runs in this loop; awaited in another."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.loop))

    async def answers(self, seconds: float) -> bool:
        """Whether it still turns: a route that blocks it lets nothing through."""
        asked = asyncio.run_coroutine_threadsafe(nothing(), self.loop)
        try:
            await asyncio.wait_for(asyncio.wrap_future(asked), seconds)
        except (asyncio.TimeoutError, TimeoutError):
            return False
        return True

    async def serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> BaseException | None:
        """Have an app answer in this loop, with the messages of another; what it raised instead, if it did."""
        home = asyncio.get_running_loop()

        async def received() -> Message:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(taken(receive()), home))

        async def sent(message: Message) -> None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(taken(send(message)), home))

        async def answered() -> BaseException | None:
            try:
                await app(scope, received, sent)
            except BaseException as error:  # what leaves a task as SystemExit ends the loop
                return error
            return None

        return await self.do(answered())


async def nothing() -> None:
    """Done as soon as a loop comes to it."""


async def taken(awaitable: Any) -> Any:
    """An awaitable as a coroutine."""
    return await awaitable
