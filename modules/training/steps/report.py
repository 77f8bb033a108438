"""What a training says of itself: events, and the state that the page shows, at most twice a second."""

import errno
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from modules.training.runs.run_folder import Phase, RunFolder
from modules.training.steps.recovery import Looked
from modules.training.steps.speed import SPILL, Meter

EVERY = 0.5  # seconds
SLOW = "another program uses the device, or its memory is full and runs over into the machine's. A smaller batch would help."


class Report:
    """Writes into the training's folder; on all processes but the first it is silent.

    What a full disk does not take is kept and said later: a training does not end for its diary.
    """

    def __init__(self, folder: RunFolder, meter: Meter, *, steps: int, epoch_steps: int, silent: bool) -> None:
        self.folder, self.meter, self.epoch_steps, self.silent = folder, meter, epoch_steps, silent
        self.status = folder.status().model_copy(update={"state": "running", "steps": steps, "error": "", "hint": ""})
        self.unsaid: list[tuple[str, dict[str, Any]]] = []
        self.losses: list[float | None] = []  # of the steps up to `read` that were not told yet
        self.read = 0
        self.written = 0.0
        self.slow_told = False

    def tell(self, kind: str, step: int, **values: Any) -> None:
        """An event of a step."""
        if self.silent:
            return
        self.unsaid.append((kind, {"step": step, **values}))
        with room_missing():
            while self.unsaid:
                self.folder.tell(self.unsaid[0][0], **self.unsaid[0][1])
                self.unsaid.pop(0)

    def update(self, **values: Any) -> None:
        """Change the status, and write it."""
        self.status = self.status.model_copy(update=values)
        if self.silent:
            return
        self.written = time.monotonic()
        with room_missing():
            self.folder.write_status(self.status)

    def steps(self, looked: Sequence[Looked], *, mean: float | None, rate: float, now: bool = False, **values: Any) -> None:
        """What was read of some steps. It is said when it is time, or `now`: every loss, and the newest of all else."""
        self.losses += [one.loss for one in looked]
        for one in looked:
            self.read = one.step
            if one.broken:
                self.tell("skipped", one.step, text="The gradient was not a number; this step was left out.")
        if not self.losses or not (now or time.monotonic() - self.written > EVERY):
            return
        step = self.read
        speed = self.meter.pictures_a_second
        self.tell("step", step, losses=self.losses, loss=mean, rate=rate, images_per_second=speed, share=values.get("share"))
        self.losses = []
        if self.meter.spilling and not self.slow_told:
            self.slow_told = True
            self.tell("warning", step, text=f"Steps take {SPILL:g} times as long as at first: {SLOW}")
        self.update(
            step=step,
            epoch=step // max(self.epoch_steps, 1),
            done=step,
            total=self.status.steps,
            loss=mean,
            rate=rate,
            images_per_second=speed,
            seconds_left=self.meter.seconds_left(step),
            **values,
        )

    @contextmanager
    def phase(self, phase: Phase, text: str = "") -> Iterator[None]:
        """While it lasts, something else than a step is done."""
        before = self.status.phase
        self.update(phase=phase, text=text)
        try:
            with self.meter.paused():
                yield
        finally:
            self.update(phase=before, text="")


@contextmanager
def room_missing() -> Iterator[None]:
    """While it lasts, a disk without room is no error."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
