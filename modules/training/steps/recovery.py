"""What is done when numbers or memory fail: broken gradients, a loss that runs away, memory that is not there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

import torch
from torch import Tensor

from modules.contract.errors import OutOfMemory
from modules.contract.training import TrainingRequest
from modules.training.steps.ladder import rungs

LOOK_EVERY = 10  # steps on a card: every look waits for it
MOST_BROKEN, WITHIN = 3, 50
SMOOTHING = 0.98
RAN_AWAY = 4.0  # times the least smoothed loss
SETTLED = 50  # steps before the smoothed loss means something
MOST_RETURNS = 4  # in one training


@dataclass
class Watched:
    """What is known of the losses; part of a checkpoint. `smooth` is not corrected for its beginning; `mean` is."""

    smooth: float = 0.0
    seen: int = 0
    least: float | None = None
    broken: list[int] = field(default_factory=list[int])

    @property
    def mean(self) -> float | None:
        """The smoothed loss."""
        return self.smooth / (1 - SMOOTHING**self.seen) if self.seen else None

    @property
    def ran_away(self) -> bool:
        """Whether the loss is far above what it was."""
        return self.least is not None and self.mean is not None and self.mean > RAN_AWAY * self.least

    @property
    def failing(self) -> str:
        """Why the training cannot go on from here, as a sentence; empty if it can."""
        if len(self.broken) >= MOST_BROKEN:
            return f"{len(self.broken)} of the last {WITHIN} gradients were not numbers."
        return f"The loss is {self.mean:.3g}, more than {RAN_AWAY:g} times as high as it was." if self.ran_away else ""

    def take(self, step: int, loss: float, broken: bool) -> None:
        """Take in a step's loss (steps counted from 1)."""
        self.broken = [one for one in self.broken if one > step - WITHIN] + [step] * broken
        if not isfinite(loss):
            return
        self.smooth = SMOOTHING * self.smooth + (1 - SMOOTHING) * loss
        self.seen += 1
        if self.seen >= SETTLED and self.mean is not None:
            self.least = min(self.mean, self.least or self.mean)


@dataclass(frozen=True)
class Looked:
    """A step as it was read from the device. `loss` is None where it was no number."""

    step: int
    loss: float | None
    broken: bool


class Watch:
    """Reads losses from the device, several steps at once where that costs, and judges them."""

    def __init__(self, device: torch.device) -> None:
        self.every = 1 if device.type == "cpu" else LOOK_EVERY
        self.waiting: list[tuple[int, Tensor, Tensor]] = []
        self.known = Watched()

    def add(self, step: int, loss: Tensor, broken: Tensor) -> None:
        """A step's loss and whether its gradient was broken, both on the device."""
        self.waiting.append((step, loss.detach(), broken))

    def look(self, now: bool = False) -> list[Looked]:
        """The steps since the last look, if it is time or `now`; else none."""
        if not self.waiting or not (now or len(self.waiting) >= self.every):
            return []
        rows = torch.stack([torch.stack([loss.float(), broken.float()]) for _, loss, broken in self.waiting]).tolist()
        looked: list[Looked] = []
        for (step, _, _), (loss, broken) in zip(self.waiting, rows, strict=True):
            self.known.take(step, loss, bool(broken))
            looked.append(Looked(step, loss if isfinite(loss) else None, bool(broken)))
        self.waiting = []
        return looked

    def state(self) -> dict[str, Any]:
        """For a checkpoint; everything must have been looked at."""
        return asdict(self.known)

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.waiting, self.known = [], Watched(**state)


def is_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out: a card's, or the processor's."""
    texts = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(text in str(error).lower() for text in texts)
    )


def retried(work: Callable[[], Tensor], clear: Callable[[], None]) -> Tensor:
    """The work's result; where memory ran out, once more after `clear` and after giving back what torch holds in reserve."""
    try:
        return work()
    except (RuntimeError, MemoryError) as error:
        if not is_memory(error):
            raise
    clear()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return work()


@contextmanager
def memory_told(request: TrainingRequest, kept: Callable[[], int | None]) -> Iterator[None]:
    """While it lasts, memory that runs out is told as a sentence with what to try; `kept`: the step of the newest state."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_memory(error):
            raise
        step = kept()
        state = "No state was written yet." if step is None else f"The state of step {step} is whole."
        tries = "; or ".join(rung.text for rung in rungs(request, step=step or 0)[:3])
        raise OutOfMemory(f"There was not enough memory for a step. {state}", f"Try this: {tries}.") from error
