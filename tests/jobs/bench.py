"""Queues on one file, with work that a test steers."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from modules.contract.progress import Interrupt, Reporter, Skip
from modules.jobs.job import Job, Outcome
from modules.jobs.queue import JobQueue, Work
from modules.jobs.store import JobStore


class Bench:
    """Queues on one file, with work that a test steers: `gate` closed holds it at its first step."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.gate = threading.Event()
        self.gate.set()
        self.ran: list[str] = []
        self.queues: list[JobQueue] = []
        self.limit = 64

    def draw(self, job: Job, report: Reporter) -> Outcome:
        """Steps of a millisecond; an interrupt keeps what is ready."""
        self.ran.append(job.id)
        steps = int(job.request.get("steps", 3))
        report.start(steps)
        state = "done"
        try:
            for number in range(steps):
                while not self.gate.wait(0.005):
                    report.check()
                time.sleep(0.001)
                report.step(f"step {number + 1}")
        except Interrupt:
            state = "interrupted"
        except Skip:
            pass
        return Outcome("done" if state == "done" else "interrupted", {"id": job.id}, value=f"picture of {job.id}")

    def open(self, work: Work | None = None) -> JobQueue:
        queue = JobQueue(JobStore(self.path), {"draw": work or self.draw}, lambda: self.limit, preview_seconds=lambda: 0.0)
        self.queues.append(queue)
        return queue

    def started(self, work: Work | None = None) -> JobQueue:
        queue = self.open(work)
        queue.start()
        return queue


def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


def over(queue: JobQueue, id: str) -> Job:
    until(lambda: queue.get(id).over and id not in queue.live)
    return queue.get(id)
