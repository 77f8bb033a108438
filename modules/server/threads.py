"""Threads for what blocks, apart from those that FastAPI shares out to routes that block."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class Threads:
    """A few threads for one kind of call."""

    def __init__(self, name: str, count: int) -> None:
        self.pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(self, call: Callable[..., T], *values: Any) -> T:
        """The call's answer, without holding up the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, call, *values)
