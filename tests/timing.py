"""How long work takes the processor."""

import time
from collections.abc import Callable


def seconds(work: Callable[[], object]) -> float:
    """The processor's time for some work, the shorter of two: the rubbish of all tests before may be collected in one of them."""
    times: list[float] = []
    for _ in range(2):
        started = time.thread_time()
        work()
        times.append(time.thread_time() - started)
    return min(times)
