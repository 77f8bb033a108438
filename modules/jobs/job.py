"""What is queued, how far it is and how it ended, as values."""

import time
from dataclasses import dataclass, replace
from typing import Any, Literal

JobState = Literal["queued", "running", "done", "interrupted", "cancelled", "failed"]

UNFINISHED: frozenset[JobState] = frozenset({"queued", "running"})
ATTEMPTS = 2


@dataclass(frozen=True)
class Job:
    """One piece of long work. Times are seconds since 1970.

    `request` is what the work of this `kind` needs and may hold JSON values only. `owner` is the page or client that asked.
    A job that is not `durable` is wanted only while its client is connected, so it does not outlive a restart.
    `attempts` counts how often it was begun. `summary` is what the work gave back, None until it is over;
    `error` and `hint` say why there is none, or why it ended early. One that is `held` waits until it is let go.
    """

    id: str
    kind: str
    owner: str
    title: str
    state: JobState
    request: dict[str, Any]
    created: float
    started: float | None = None
    ended: float | None = None
    attempts: int = 0
    durable: bool = True
    summary: dict[str, Any] | None = None
    error: str | None = None
    hint: str | None = None
    held: bool = False

    @property
    def over(self) -> bool:
        """Whether it neither waits nor runs."""
        return self.state not in UNFINISHED


@dataclass(frozen=True)
class Progress:
    """How far a running job is. `total` is 0 and `seconds_left` None until they are known; `preview_number` is 0 without a preview.

    One that is `finishing` ends after the picture it is at.
    """

    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    text: str = ""
    preview_number: int = 0
    started: float | None = None
    finishing: bool = False


@dataclass(frozen=True)
class Outcome:
    """What work gives back: a `summary` of JSON values that is kept on disk, and a `value` that stays in memory for a while."""

    state: Literal["done", "interrupted"]
    summary: dict[str, Any]
    value: object = None


def over(job: Job, state: JobState, *, summary: dict[str, Any] | None = None, error: str | None = None, hint: str | None = None) -> Job:
    """The job, ended now."""
    return replace(job, state=state, ended=time.time(), summary=summary, error=error, hint=hint)


def taken_up(job: Job, stop: str | None) -> Job:
    """What becomes of a job that had not ended when the program did; `stop` is what it had been asked for."""
    if job.state == "queued":
        return job if job.durable else over(job, "cancelled", error="The program stopped before this job began.")
    if stop == "cancel":
        return over(job, "cancelled")
    if stop == "interrupt" or not job.durable:
        return over(job, "interrupted", error="The program stopped while it worked on this job.")
    if job.attempts >= ATTEMPTS:
        text = "The program stopped twice while it worked on this job, so it was put aside."
        return over(job, "failed", error=text, hint="It can be repeated by hand.")
    return replace(job, state="queued", started=None)
