"""What work in progress says: its events, and the Reporter it says them to."""

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Queued:
    """The job waits; `position` jobs run before it."""

    position: int


@dataclass(frozen=True)
class Started:
    """The job runs; it will take `total` steps over all its batches."""

    total: int


@dataclass(frozen=True)
class Stepped:
    """`done` of `total` steps are over. `seconds_left` is None until it can be told."""

    done: int
    total: int
    seconds_left: float | None
    text: str = ""


@dataclass(frozen=True)
class Previewed:
    """A preview can be fetched; `number` grows with each."""

    number: int


@dataclass(frozen=True)
class Warned:
    """Something a person should know, though the work goes on."""

    text: str


@dataclass(frozen=True)
class Finished:
    """The job is over. `state` is 'done' or 'interrupted' (stopped early, what was ready is kept)."""

    state: str
    summary: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """The job ended without a result."""

    message: str
    hint: str = ""


@dataclass(frozen=True)
class Cancelled:
    """The job was taken out of the queue, or stopped with nothing kept."""


@dataclass(frozen=True)
class Finishing:
    """The running job was asked to end after the picture that it is at."""


@dataclass(frozen=True)
class Edited:
    """A waiting job was changed. `held`: it is not begun before it is let go."""

    held: bool


@dataclass(frozen=True)
class Removed:
    """The job is off the list."""


@dataclass(frozen=True)
class Moved:
    """The jobs that have not ended stand in this new order, by their ids."""

    order: tuple[str, ...]


@dataclass(frozen=True)
class Paused:
    """No further job is begun, or jobs are begun again; of the whole queue."""

    paused: bool


@dataclass(frozen=True)
class Cleared:
    """All jobs that had ended are off the list."""


@dataclass(frozen=True)
class ModelsChanged:
    """A file has come among the models, or has gone. Of no job."""


@dataclass(frozen=True)
class TrainingChanged:
    """A training's state has changed, or there is another one. Of no job."""

    training: str


Event = (
    Queued | Started | Stepped | Previewed | Warned | Finished | Failed | Cancelled
    | Finishing | Edited | Removed | Moved | Paused | Cleared | ModelsChanged | TrainingChanged
)  # fmt: skip


class Stop(Exception):
    """Raised by `Reporter.step` to stop the work; one of the three below. Not an error."""


class Skip(Stop):
    """End this batch, keep what it has, go on with the next."""


class Interrupt(Stop):
    """End here and keep what there is."""


class Cancel(Stop):
    """End here and keep nothing."""


@dataclass(frozen=True)
class Filed:
    """A picture that a job has written: where, and the SHA-256 of the file's bytes."""

    path: str
    sha256: str


class Reporter(Protocol):
    """What work inside a job may say. `step` is also where a skip, an interrupt or a cancel is raised."""

    def start(self, total: int) -> None:
        """The work will take `total` steps."""
        ...

    def extend(self, steps: int) -> None:
        """The work will take so many steps more than was said."""
        ...

    def step(self, text: str = "") -> None:
        """One more step is done. Raises Skip, Interrupt or Cancel when a person asked for it."""
        ...

    def check(self) -> None:
        """Raise as `step` does, without counting a step; for stages between the steps."""
        ...

    def check_between(self) -> None:
        """Raise as `check` does, and an interrupt that waits for a whole picture; for the places between two pictures."""
        ...

    def wants_preview(self) -> bool:
        """Whether a preview made now would be shown; false when nobody watches or the last one is too young."""
        ...

    def preview(self, picture: bytes) -> None:
        """Show an encoded picture (JPEG, PNG or WEBP bytes)."""
        ...

    def warn(self, text: str) -> None:
        """Tell the person something; the work goes on."""
        ...

    def filed(self, number: int) -> Filed | None:
        """The file that an earlier try of this job announced for its picture `number`, counted from 0."""
        ...

    def filing(self, number: int, filed: Filed) -> None:
        """Announce, durably and before it appears, the file of picture `number`; a later try then knows it."""
        ...


class Silence:
    """A Reporter that listens to nothing and stops nothing. Every word of the work passes through `check`, for who wants to end it."""

    def start(self, total: int) -> None: ...

    def extend(self, steps: int) -> None: ...

    def step(self, text: str = "") -> None:
        self.check()

    def check(self) -> None: ...

    def check_between(self) -> None:
        self.check()

    def wants_preview(self) -> bool:
        return False

    def preview(self, picture: bytes) -> None: ...

    def warn(self, text: str) -> None: ...

    def filed(self, number: int) -> Filed | None:
        return None

    def filing(self, number: int, filed: Filed) -> None: ...


class Unseen:
    """A Reporter that shows no previews; everything else goes on to the one that it stands before."""

    def __init__(self, whole: Reporter) -> None:
        self.whole = whole
        self.start = whole.start
        self.extend = whole.extend
        self.step = whole.step
        self.check = whole.check
        self.check_between = whole.check_between
        self.warn = whole.warn
        self.filed = whole.filed
        self.filing = whole.filing

    def wants_preview(self) -> bool:
        """No."""
        return False

    def preview(self, picture: bytes) -> None:
        """Nothing: it has not been looked at."""


class Nested:
    """The Reporter of work that is a part of other work: its steps are the whole's, its pictures are no files of the job."""

    def __init__(self, whole: Reporter) -> None:
        self.whole = whole
        self.extend = whole.extend
        self.step = whole.step
        self.check = whole.check
        self.check_between = whole.check
        self.wants_preview = whole.wants_preview
        self.preview = whole.preview
        self.warn = whole.warn

    def start(self, total: int) -> None:
        """The whole knows its steps already."""

    def filed(self, number: int) -> Filed | None:
        """None: no file is announced."""

    def filing(self, number: int, filed: Filed) -> None:
        """Nothing: nothing is written."""
