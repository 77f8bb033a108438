"""The queue: jobs run one after another in a thread of their own, whoever asked and whoever still listens."""

import asyncio
import logging
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any
from weakref import WeakSet

from modules.contract.errors import BadRequest, NotFound, TooBusy, Unavailable, WebuiError
from modules.contract.progress import Cancel, Event, Interrupt, Queued, Removed, Reporter, Skip, Started, Stop
from modules.jobs.job import UNFINISHED, Job, JobState, Outcome, Progress, over, taken_up
from modules.jobs.live import Live, ending, settle
from modules.jobs.reporter import JobReporter
from modules.jobs.store import JobStore
from modules.jobs.watch import Watch, tell

log = logging.getLogger(__name__)

Work = Callable[[Job, Reporter], Outcome]

RESULTS_KEPT = 16
IDENTIFIER = re.compile(r"[A-Za-z0-9_.()+:=-]{1,128}")


class JobQueue:
    """First in, first out, for one device; `order.Order` is how a person changes that. Every method may be called from any thread.

    Nothing here waits for work. `submit` and `remove` wait for the disk (some milliseconds); stopping a job, and looking up
    one that has ended, at most for a write that is under way; the other methods for nothing.
    """

    def __init__(
        self,
        store: JobStore,
        work: Mapping[str, Work],
        limit: Callable[[], int],
        *,
        preview_seconds: Callable[[], float] = lambda: 0.5,
    ) -> None:
        """Takes up what the store has. `work` does the jobs of a kind, `limit` is how many may wait."""
        self.store = store
        self.work = work
        self.limit = limit
        self.preview_seconds = preview_seconds
        self.changed = threading.Condition()  # guards all that follows; never held during a write to the disk
        self.door = threading.Lock()  # held by what adds or orders jobs, so that the order is the same here and in the store
        self.pen = threading.Lock()  # held while states are written
        self.live: dict[str, Live] = {}
        self.unkept: dict[str, Job] = {}  # what the disk did not take; tried again with the next write
        self.results: OrderedDict[str, object] = OrderedDict()
        self.watches: WeakSet[Watch] = WeakSet()
        self.stopped = False
        self.paused = store.marked("paused")  # no further job is begun
        self.thread: threading.Thread | None = None
        for job, stop in store.unfinished():
            taken = taken_up(job, stop)
            if taken != job:
                store.update(taken)
            if not taken.over:
                self.live[job.id] = Live(taken, self.reporter(taken))

    def start(self) -> None:
        """Begin to work."""
        self.thread = threading.Thread(target=self.run_all, name="jobs", daemon=True)
        self.thread.start()

    def stop(self, seconds: float) -> None:
        """End the worker and let go of the store. The running job gets some seconds to finish; then it waits for the next start.

        Who waits for a job that has not ended gets Unavailable; watches end.
        """
        with self.door, self.changed:
            self.stopped = True
            self.changed.notify_all()
        if self.thread is not None:
            self.thread.join(seconds)
            if self.thread.is_alive():
                self.give_up()
                self.thread.join(1.0)
        with self.changed:
            for live in self.live.values():
                for future, loop in live.waiters.items():
                    tell(loop, settle, future, Unavailable("The program is stopping."))
            for watch in self.watches:
                watch.close()
        self.store.close()

    def submit(
        self,
        kind: str,
        request: dict[str, Any],
        *,
        owner: str,
        title: str = "",
        durable: bool = True,
        identifier: str | None = None,
    ) -> Job:
        """Put a job at the end. It is on the disk when this returns.

        Raises TooBusy when too many wait, BadRequest for an `identifier` that is in use or not made of letters, digits and
        `_.()+:=-`, Unavailable while the program stops.
        """
        if kind not in self.work:
            raise NotFound.among("kind of job", kind, self.work)
        if identifier is not None and not IDENTIFIER.fullmatch(identifier):
            raise BadRequest(f"The job's id is {identifier[:140]!r}; it must be 1 to 128 letters, digits or signs of _.()+:=-")
        job = Job(identifier or secrets.token_hex(8), kind, owner, title, "queued", request, created=time.time(), durable=durable)
        with self.door:
            with self.changed:
                waiting = len(self.waiting())
            if self.stopped:
                raise Unavailable("The program is stopping.")
            if waiting >= self.limit():
                raise TooBusy(f"{waiting} jobs are waiting already, which is the limit.", "Try again when some are done.")
            self.store.add(job)
            with self.changed:
                self.live[job.id] = Live(job, self.reporter(job))
                self.publish(job, Queued(self.position(job.id)))
                self.changed.notify_all()
        return job

    def get(self, id: str) -> Job:
        """Raises NotFound."""
        with self.changed:
            live = self.live.get(id)
            job = live.job if live else self.unkept.get(id)
        job = job or self.store.get(id)
        if job is None:
            raise NotFound(f"There is no job '{id}'.", "It may have been removed from the list.")
        return job

    def jobs(self, owner: str | None = None, states: Collection[JobState] | None = None, limit: int = 100) -> list[Job]:
        """The last `limit` jobs in the order in which they came. Asked only for jobs that have not ended, it does not read the disk."""
        with self.changed:
            known = {**self.unkept, **{id: live.job for id, live in self.live.items()}}
        if states is not None and UNFINISHED.issuperset(states):
            return [job for job in known.values() if job.state in states and owner in (None, job.owner)][-limit:]
        return [known.get(job.id, job) for job in self.store.jobs(owner=owner, states=states, limit=limit)]

    def position(self, id: str) -> int:
        """How many jobs run before this one; 0 for one that runs or has ended."""
        with self.changed:
            return self.positions().get(id, 0)

    def positions(self) -> dict[str, int]:
        """How many jobs run before each that waits, in order. Those that are held run before none."""
        with self.changed:
            before = int(self.current() is not None)
            positions: dict[str, int] = {}
            for live in self.waiting():
                positions[live.job.id] = before
                before += not live.job.held
            return positions

    def progress(self, id: str) -> Progress:
        """How far a job is; of one that has ended only when it started is known. Raises NotFound."""
        with self.changed:
            live = self.live.get(id)
        if live is None:
            return Progress(started=self.get(id).started)
        return replace(live.reporter.progress, started=live.job.started, finishing=live.reporter.finishing)

    def preview(self, id: str) -> tuple[int, bytes] | None:
        """The newest preview of a running job with its number; None if there is none. Raises NotFound."""
        with self.changed:
            live = self.live.get(id)
        if live is None:
            self.get(id)
            return None
        return live.reporter.fetch_preview()

    def result(self, id: str) -> object:
        """The value that a job gave back; None for one whose value is no longer in memory."""
        with self.changed:
            return self.results.get(id)

    def current(self) -> Job | None:
        """The job that runs."""
        with self.changed:
            return next((live.job for live in self.live.values() if live.job.state == "running"), None)

    def skip(self, id: str) -> Job:
        """End the running batch of a job, if it runs. Raises NotFound."""
        return self.ask(id, Skip)

    def finish(self, id: str) -> Job:
        """End a job after the picture it is at; one that waits is cancelled. An ended one stays as it is. Raises NotFound."""
        return self.ask(id, Interrupt, after_picture=True)

    def interrupt(self, id: str) -> Job:
        """End a job early and keep what is ready; one that waits is cancelled. An ended one stays as it is. Raises NotFound."""
        return self.ask(id, Interrupt)

    def cancel(self, id: str) -> Job:
        """End a job and keep nothing. An ended one stays as it is. Raises NotFound."""
        return self.ask(id, Cancel)

    def remove(self, id: str) -> None:
        """Take a job off the list, a waiting one out of the queue. Raises NotFound, or BadRequest if it runs."""
        job = self.get(id)
        if not job.over and not self.cancel_waiting(id):
            raise BadRequest("The job is running.", "Cancel it first.")
        self.store.remove(id)
        with self.changed:
            job = self.unkept.pop(id, job)
            self.results.pop(id, None)
            self.publish(job, Removed())

    async def wait(self, id: str) -> Job:
        """The job once it has ended. Whoever stops waiting changes nothing for it. Raises NotFound, or Unavailable if the program stops."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Job] = loop.create_future()
        with self.changed:
            live = self.live.get(id)
            if live is not None:
                if self.stopped:
                    raise Unavailable("The program is stopping.")
                live.waiters[future] = loop
        if live is None:
            return self.get(id)
        try:
            return await future
        finally:
            with self.changed:
                live.waiters.pop(future, None)

    def watch(self) -> Watch:
        """What happens to all jobs from now on: `async for job, owner, event in queue.watch()`. Call it in an event loop."""
        watch = Watch()
        with self.changed:
            self.watches.add(watch)
            if self.stopped:
                watch.close()
        return watch

    # The worker's side.

    def run_all(self) -> None:
        while (live := self.next()) is not None:
            self.run(live)

    def next(self) -> Live | None:
        """The first job that waits and may begin, now running; None when the queue was stopped."""
        with self.changed:
            while not self.stopped:
                if ready := [live for live in self.waiting() if not live.job.held and not self.paused]:
                    live = ready[0]
                    live.job = replace(live.job, state="running", started=time.time(), attempts=live.job.attempts + 1)
                    self.publish(live.job, Started(0))
                    return live
                self.changed.wait()
        return None

    def run(self, live: Live) -> None:
        self.keep(live.job)
        job, value = self.worked(live.job, live.reporter)
        with self.changed:
            if live.given_up:
                return
            live.job = job
        self.conclude(live, value)

    def worked(self, job: Job, report: Reporter) -> tuple[Job, object]:
        """Do the work; the job as it ended, and the value. Nothing of an error is kept: its frames hold the work's memory."""
        try:
            if job.kind not in self.work:
                raise NotFound.among("kind of job", job.kind, self.work)
            outcome = self.work[job.kind](job, report)
            return over(job, outcome.state, summary=outcome.summary), outcome.value
        except Cancel:
            return over(job, "cancelled"), None
        except Stop:
            return over(job, "interrupted", summary={}), None
        except WebuiError as error:
            log.warning("Job %s failed: %s", job.id, error)
            return over(job, "failed", error=error.message, hint=error.hint), None
        except (Exception, SystemExit):  # an extension that calls sys.exit() ends its job, not the queue
            short = secrets.token_hex(2)
            log.exception("Job %s failed (id %s)", job.id, short)
            text = f"Something went wrong while working on this job (id {short}); the log has the details."
            return over(job, "failed", error=text), None

    def conclude(self, live: Live, value: object) -> None:
        """Write down a job that has ended, then let it be known."""
        job = live.job
        self.keep(job)
        with self.changed:
            del self.live[job.id]
            if value is not None:
                self.results[job.id] = value
                while len(self.results) > RESULTS_KEPT:
                    self.results.popitem(last=False)
            for future, loop in live.waiters.items():
                tell(loop, settle, future, job)
            self.publish(job, ending(job))
            self.announce()

    def announce(self) -> None:
        """Tell each job that waits its place."""
        with self.changed:
            for id, position in self.positions().items():
                self.publish(self.live[id].job, Queued(position))

    def keep(self, job: Job) -> None:
        """Write a job, and what could not be written before. A full disk must not end the queue: then the list stays in memory."""
        with self.changed:
            self.unkept[job.id] = job
        with self.pen:  # one thread at a time, or an older state could be written over a newer one
            with self.changed:
                unkept = list(self.unkept.values())
            try:
                for one in unkept:
                    self.store.update(one)
                    with self.changed:
                        if self.unkept.get(one.id) is one:
                            del self.unkept[one.id]
            except WebuiError as error:
                log.error("Job %s is now '%s', but: %s", job.id, job.state, error)

    def ask(self, id: str, stop: type[Stop], *, after_picture: bool = False) -> Job:
        """Tell a job to stop, in its way; the job as it is then."""
        if stop is not Skip and self.cancel_waiting(id):
            return self.get(id)
        with self.changed:
            live = self.live.get(id)
            if live is not None and live.job.state == "running":
                if after_picture:
                    live.reporter.finish()
                else:
                    live.reporter.ask(stop)
        if live is None:
            return self.get(id)
        if stop is not Skip:
            try:
                self.store.note_stop(id, stop.__name__.lower())
            except WebuiError as error:  # the job stops all the same; only a crash before it does would forget it
                log.error("Job %s was asked to stop, but: %s", id, error)
        return live.job

    def cancel_waiting(self, id: str) -> bool:
        """Cancel a job if it waits."""
        with self.changed:
            live = self.live.get(id)
            if live is None or live.job.state != "queued":
                return False
            live.job = over(live.job, "cancelled")
        self.conclude(live, None)
        return True

    def give_up(self) -> None:
        """Put the running job back for the next start; a clean stop does not count as an attempt."""
        with self.changed:
            live = next((live for live in self.live.values() if live.job.state == "running"), None)
            if live is None:
                return
            live.given_up = True
            asked = live.reporter.stopping
            job = replace(live.job, attempts=live.job.attempts - 1)
            live.job = taken_up(job, asked.__name__.lower() if asked else None)
            live.reporter.ask(Cancel)
        self.keep(live.job)

    def waiting(self) -> list[Live]:
        return [live for live in self.live.values() if live.job.state == "queued"]

    def publish(self, job: Job, event: Event) -> None:
        with self.changed:
            for watch in self.watches:
                watch.offer((job.id, job.owner, event))

    def reporter(self, job: Job) -> JobReporter:
        return JobReporter(
            job.id,
            self.store,
            lambda event: self.publish(job, event),
            watched=lambda: len(self.watches) > 0,
            preview_seconds=self.preview_seconds,
        )
