"""A bench for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "jobs.sqlite")
    yield bench
    bench.gate.set()
    for queue in bench.queues:
        if not queue.stopped:
            queue.stop(5)
