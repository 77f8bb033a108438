"""What work inside a job may say, and how it is told to stop."""

import time
from collections.abc import Callable
from dataclasses import replace

from modules.contract.progress import Cancel, Event, Filed, Finishing, Interrupt, Previewed, Skip, Started, Stepped, Stop, Warned
from modules.jobs.job import Progress
from modules.jobs.store import JobStore

SMOOTHING = 0.2  # weight of the newest step in the time per step: follows a change within about five steps
LONG_AGO = -1e9  # on the monotonic clock; finite, so that an infinite time between previews means none at all
POLLED_SECONDS = 10.0  # a client that fetched a preview within this time is taken to want the next


class JobReporter:
    """The Reporter of one job. The work calls it from its thread; `ask`, `progress` and `fetch_preview` may be used from any.

    What other threads read is replaced in one assignment, never changed in place.
    """

    def __init__(
        self,
        job: str,
        store: JobStore,
        publish: Callable[[Event], None],
        *,
        watched: Callable[[], bool] = lambda: True,
        preview_seconds: Callable[[], float] = lambda: 0.5,
    ) -> None:
        """`watched` says whether anybody listens; `preview_seconds` is the least time between two previews, infinite for none."""
        self.job = job
        self.store = store
        self.publish = publish
        self.watched = watched
        self.preview_seconds = preview_seconds
        self.progress = Progress()
        self.last_preview: tuple[int, bytes] | None = None
        self.polled = LONG_AGO
        self.previewed = LONG_AGO
        self.last_step: float | None = None
        self.seconds_per_step: float | None = None
        self.skipping = False
        self.stopping: type[Stop] | None = None
        self.finishing = False

    def start(self, total: int) -> None:
        """The work will take `total` steps. Called again it corrects the total and keeps what was counted."""
        self.progress = replace(self.progress, total=total, done=min(self.progress.done, total))
        self.publish(Started(total))

    def extend(self, steps: int) -> None:
        """The work will take so many steps more than was said."""
        self.start(self.progress.total + steps)

    def step(self, text: str = "") -> None:
        """One more step is done. Raises Skip, Interrupt or Cancel when a person asked for it."""
        now = time.monotonic()
        if self.last_step is not None:  # the time before the first step went into loading, so it says nothing of the others
            seconds = now - self.last_step
            mean = self.seconds_per_step
            self.seconds_per_step = seconds if mean is None else mean + SMOOTHING * (seconds - mean)
        self.last_step = now
        total = self.progress.total
        done = min(self.progress.done + 1, total)
        left = None if self.seconds_per_step is None else self.seconds_per_step * (total - done)
        self.progress = replace(self.progress, done=done, seconds_left=left, text=text)
        self.publish(Stepped(done, total, left, text))
        self.check()

    def check(self) -> None:
        """Raise as `step` does, without counting a step. A skip is raised once, an interrupt or a cancel each time."""
        if self.stopping is not None:
            raise self.stopping()
        if self.skipping:
            self.skipping = False
            raise Skip()

    def check_between(self) -> None:
        """Raise as `check` does, and Interrupt if the job is to end after the picture it was at."""
        self.check()
        if self.finishing:
            raise Interrupt()

    def wants_preview(self) -> bool:
        """Whether a preview made now would be shown."""
        now = time.monotonic()
        if now - self.previewed < self.preview_seconds():
            return False
        return self.watched() or now - self.polled < POLLED_SECONDS

    def preview(self, picture: bytes) -> None:
        """Show an encoded picture. Only the newest is kept."""
        number = self.progress.preview_number + 1
        self.last_preview = (number, picture)
        self.previewed = time.monotonic()
        self.progress = replace(self.progress, preview_number=number)
        self.publish(Previewed(number))

    def warn(self, text: str) -> None:
        """Tell the person something; the work goes on."""
        self.publish(Warned(text))

    def filed(self, number: int) -> Filed | None:
        """The file that an earlier try of this job announced for its picture `number`."""
        return self.store.filed(self.job, number)

    def filing(self, number: int, filed: Filed) -> None:
        """Announce, durably, the file of picture `number`."""
        self.store.filing(self.job, number, filed)

    def ask(self, stop: type[Stop]) -> None:
        """Have `stop` raised at the next step or check. Cancel outweighs Interrupt, and both outweigh Skip."""
        if stop is Skip:
            self.skipping = True
        elif stop is Cancel or self.stopping is None:
            self.stopping = stop

    def finish(self) -> None:
        """Have Interrupt raised between two pictures."""
        self.finishing = True
        self.publish(Finishing())

    def fetch_preview(self) -> tuple[int, bytes] | None:
        """The newest preview with its number; that it was fetched makes the work go on making them."""
        self.polled = time.monotonic()
        return self.last_preview
