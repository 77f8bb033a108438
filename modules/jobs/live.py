"""A job that has not ended, with what belongs to it until then, and what those who wait for it are told."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from modules.contract.progress import Cancelled, Event, Failed, Finished
from modules.jobs.job import Job
from modules.jobs.reporter import JobReporter


@dataclass
class Live:
    """A job that has not ended, with what belongs to it until then."""

    job: Job
    reporter: JobReporter
    waiters: dict["asyncio.Future[Job]", asyncio.AbstractEventLoop] = field(default_factory=dict["asyncio.Future[Job]", Any])
    given_up: bool = False


def ending(job: Job) -> Event:
    """The event that says how a job ended."""
    if job.state == "failed":
        return Failed(job.error or "", job.hint or "")
    return Cancelled() if job.state == "cancelled" else Finished(job.state, job.summary or {})


def settle(future: "asyncio.Future[Job]", answer: Job | Exception) -> None:
    """Answer a waiter that still waits."""
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
