"""How hard each trained picture is to learn: its losses beside those that pictures have at the same noise level.

A step's loss is mostly the chance of its timestep: near the picture it is many times that near the noise. So each loss is divided by what
losses lately were at its timestep, and a picture's number is the mean of that over the last times it was shown (of the logarithms, so
that half and double weigh the same), divided by the median picture's. Nothing is drawn or computed for it: the losses are there.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from modules.contract.training import TrainingRequest
from modules.training.parts import Album, Batch
from modules.training.runs import hard_pictures
from modules.training.runs.hard_pictures import Measured
from modules.training.runs.run_folder import RunFolder
from modules.training.steps import noise
from modules.training.steps.processes import Ranks
from modules.training.steps.report import room_missing

LEVELS = 25  # parts of the range of timesteps, each with an expected loss
WINDOW = 32  # showings that a mean goes back over; what a picture cost at first says little about the end
EVERY = 10.0  # seconds between two writings of the file


@dataclass
class Mean:
    """The mean of the last numbers: of all at first, then each new one counts 1/WINDOW. `squares` are the weights' squares, summed."""

    count: float = 0.0
    mean: float = 0.0
    variance: float = 0.0
    squares: float = 0.0

    def take(self, value: float) -> None:
        """One more."""
        self.count += 1
        part = 1 / min(self.count, WINDOW)
        away = value - self.mean
        self.mean += part * away
        self.variance = (1 - part) * (self.variance + part * away * away)
        self.squares = (1 - part) ** 2 * self.squares + part * part

    @property
    def error(self) -> float:
        """The standard error of the mean; infinite below two numbers."""
        free = 1 - self.squares  # what the mean itself takes of the variance
        return math.sqrt(self.variance / free * self.squares) if self.count >= 2 and free > 0 else math.inf

    def values(self) -> tuple[float, float, float, float]:
        """For a checkpoint."""
        return self.count, self.mean, self.variance, self.squares


def means(count: int) -> list[Mean]:
    """So many, of nothing yet."""
    return [Mean() for _ in range(count)]


@dataclass
class Sums:
    """What is known so far; part of a checkpoint. Logarithms of losses by level; of losses over the expected by picture."""

    pictures: list[Mean]
    levels: list[Mean] = field(default_factory=lambda: means(LEVELS))
    seen: list[int] = field(default_factory=list[int])

    def __post_init__(self) -> None:
        self.seen = self.seen or [0] * len(self.pictures)

    def take(self, picture: int, share: float, loss: float) -> None:
        """A loss at a timestep that is at `share`, 0 to below 1, of their range. One that is no number, or nothing, is passed over."""
        self.seen[picture] += 1
        if not (loss > 0 and math.isfinite(loss)):
            return
        level, value = self.levels[int(share * LEVELS)], math.log(loss)
        if level.count:
            self.pictures[picture].take(value - level.mean)
        level.take(value)

    def measured(self, names: Sequence[str], fits: Sequence[float | None]) -> list[Measured]:
        """The pictures' numbers, beside the median one's; `fits`: how much their captions help."""
        known = sorted(one.mean for one in self.pictures if one.count)
        middle = (known[(len(known) - 1) // 2] + known[len(known) // 2]) / 2 if known else 0.0
        return [
            Measured(
                name,
                seen,
                math.exp(one.mean - middle) if one.count else None,
                one.error if math.isfinite(one.error) else None,
                fit,
            )
            for name, seen, one, fit in zip(names, self.seen, self.pictures, fits, strict=True)
        ]

    def state(self) -> dict[str, Tensor]:
        """For a checkpoint: (levels, 4), (pictures, 4) and (pictures,), float64."""
        rows = {"levels": self.levels, "pictures": self.pictures}
        found = {name: torch.tensor([one.values() for one in each], dtype=torch.float64).reshape(-1, 4) for name, each in rows.items()}
        return {**found, "seen": torch.tensor(self.seen, dtype=torch.float64)}


class PictureLosses:
    """Takes the losses of a training's pictures from all processes, and writes what they say into its folder."""

    def __init__(self, request: TrainingRequest, album: Album, ranks: Ranks, folder: RunFolder) -> None:
        self.seed, self.ranks, self.folder = request.steps.seed, ranks, folder
        self.least, self.most = request.noise.timestep_least, request.noise.timestep_most
        self.fingerprint, self.per_step = dict(album.fingerprint), album.per_step
        self.names = list(self.fingerprint)[: album.pictures]  # those held out stand behind them
        self.sums = Sums(means(len(self.names)))
        self.waiting: dict[int, list[tuple[Batch, Tensor]]] = {}
        self.fits: list[float | None] = [None] * len(self.names)  # of `caption_fit`; no part of the state, for it is measured at the end
        self.step, self.written = 0, 0.0

    def begin(self, step: int) -> None:
        """A step's gradients begin, perhaps again after memory ran out."""
        self.waiting[step] = []

    def add(self, step: int, batch: Batch, losses: Tensor) -> None:
        """The losses (B,) of a batch, left where they are until `read`."""
        self.waiting[step].append((batch, losses.detach()))

    def read(self, steps: Sequence[int]) -> None:
        """Take in what waits of these steps, which must be the same on all processes. It is one message, however many steps."""
        rows = torch.zeros(len(steps), self.per_step, 2, dtype=torch.float64)  # the picture's number from 1 on, its loss
        mine = [(place, *one) for place, step in enumerate(steps) for one in self.waiting.pop(step, [])]
        values = torch.cat([losses.reshape(-1).float() for _, _, losses in mine]).tolist() if mine else []
        at = iter(values)
        for place, batch, _ in mine:
            for slot, file, loss in zip(batch.slots, batch.files, at, strict=False):
                if slot < self.per_step:  # behind them are the class pictures'
                    rows[place, slot, 0], rows[place, slot, 1] = file + 1, loss
        for step, row in zip(steps, self.ranks.total(rows).tolist(), strict=True):
            self.take(step, row)
            self.step = step + 1

    def take(self, step: int, row: Sequence[Sequence[float]]) -> None:
        """A step's pictures and losses by slot."""
        times = noise.timesteps(self.seed, step, range(self.per_step), self.least, self.most).tolist()
        for time_step, (number, loss) in zip(times, row, strict=True):
            if 0 < number <= len(self.names):
                self.sums.take(int(number) - 1, (time_step - self.least) / (self.most - self.least + 1), loss)

    def at(self, step: int) -> None:
        """So many steps are done: the file says what was known then."""
        self.step = step
        self.write(now=True)

    def write(self, *, now: bool = False) -> None:
        """Write the file if it is time, or `now`; a disk without room is passed over."""
        if not self.ranks.first or not (now or time.monotonic() - self.written > EVERY):
            return
        self.written = time.monotonic()
        with room_missing():
            hard_pictures.write(self.folder, self.step, self.sums.measured(self.names, self.fits))

    def state(self) -> dict[str, Tensor]:
        """For a checkpoint; everything must have been read."""
        return self.sums.state()

    def restore(self, state: Mapping[str, Any] | None, fingerprint: Mapping[str, str]) -> None:
        """Go on from there. A picture that is new or changed begins anew; so do all where an older program kept no such numbers."""
        self.waiting, self.fits = {}, [None] * len(self.names)
        if state is None:
            self.sums = Sums(means(len(self.names)))
            return
        kept = [Mean(*row) for row in state["pictures"].tolist()]
        was = {name: place for place, name in enumerate(fingerprint) if place < len(kept)}
        same = [was.get(name) if fingerprint.get(name) == self.fingerprint[name] else None for name in self.names]
        seen = state["seen"].tolist()
        self.sums = Sums(
            [Mean() if place is None else kept[place] for place in same],
            [Mean(*row) for row in state["levels"].tolist()],
            [0 if place is None else int(seen[place]) for place in same],
        )
