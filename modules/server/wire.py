"""Jobs and events as JSON."""

import re
from dataclasses import asdict
from typing import Any

from modules.contract.errors import NotFound
from modules.contract.progress import Event
from modules.jobs.job import Job
from modules.jobs.queue import JobQueue


def job_line(queue: JobQueue, job: Job) -> dict[str, Any]:
    """A job as a list shows it: all but its request, with its place in the queue and how far it is."""
    line = {name: value for name, value in vars(job).items() if name != "request"}
    try:
        progress = None if job.over else asdict(queue.progress(job.id))
    except NotFound:  # it ended and was removed since it was looked up
        progress = None
    return {**line, "position": queue.position(job.id), "progress": progress}


def event_line(job: str, owner: str, event: Event) -> dict[str, Any]:
    """An event: its type is its class in lower case, and its fields stand beside it."""
    return {"type": re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower(), "job": job, "owner": owner, **asdict(event)}
