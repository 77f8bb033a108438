"""Jobs and events as JSON."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from modules.contract.errors import NotFound
from modules.contract.progress import Event
from modules.jobs.job import Job
from modules.jobs.queue import JobQueue

GENERATED = frozenset(("txt2img", "img2img"))  # the kinds of jobs whose request is a GenerationRequest


def job_line(queue: JobQueue, job: Job) -> dict[str, Any]:
    """A job as a list shows it: all but its request, of which `brief` says the most; with its place in the queue and how far it is."""
    line = {name: value for name, value in vars(job).items() if name != "request"}
    try:
        progress = None if job.over else asdict(queue.progress(job.id))
    except NotFound:  # it ended and was removed since it was looked up
        progress = None
    return {**line, "position": queue.position(job.id), "progress": progress, "mode": mode(job), "brief": brief(job)}


def mode(job: Job) -> str:
    """What a person calls this kind of job: txt2img, img2img or inpaint, else its kind."""
    source = job.request.get("source") if job.kind in GENERATED else None
    if not source:
        return job.kind
    return "inpaint" if source.get("inpaint") else "img2img"


def brief(job: Job) -> dict[str, Any] | None:
    """The numbers of a request that a list shows; None for jobs that generate nothing.

    `work` is what its time goes with: pixels times steps, over all pictures. `more` says whether it asks for what an
    infotext has no words for.
    """
    if job.kind not in GENERATED:
        return None
    names = ("seed", "steps", "size", "batch_count", "batch_size", "guidance")
    values = {name: job.request.get(name) for name in names}
    return {**values, "work": work(job.request), "more": bool(job.request.get("extensions"))}


def work(request: Mapping[str, Any]) -> float:
    """Pixels times steps, over all pictures and both passes."""
    pixels, steps = area(request.get("size")), request.get("steps") or 1
    source, hires = request.get("source") or {}, request.get("hires")
    total = pixels * steps * source.get("strength", 1.0)
    if hires:
        larger = area(hires.get("size")) or pixels * (hires.get("scale") or 1) ** 2
        total += larger * (hires.get("steps") or steps) * hires.get("strength", 1.0)
    return total * (request.get("batch_count") or 1) * (request.get("batch_size") or 1)


def area(size: Any) -> int:
    """The pixels of a (width, height); 0 for none."""
    return int(size[0]) * int(size[1]) if size else 0


def event_line(job: str, owner: str, event: Event) -> dict[str, Any]:
    """An event: its type is its class in lower case, and its fields stand beside it."""
    return {"type": re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower(), "job": job, "owner": owner, **asdict(event)}
