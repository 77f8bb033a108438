"""The loss on the same noise again and again: on some pictures that are trained on, and on those that are not.

The loss of the steps themselves is mostly the chance of their timesteps; here everything but the weights stays the same.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from modules.contract.training import TrainingRequest
from modules.training.parts import Album, Batch, Trainable
from modules.training.steps import noise
from modules.training.steps.objective import Objective
from modules.training.steps.processes import Ranks

LEVELS = 4  # timesteps of each picture
SHARE = 0.05  # of the training's arithmetic, at most
TIMES = 10
RISES = 2  # probes in a row


@dataclass(frozen=True)
class Probed:
    """The losses of one probe; None where there are no such pictures."""

    step: int
    train: float | None
    held_out: float | None


@dataclass
class History:
    """The probes so far, and what they say; part of a checkpoint."""

    probes: list[Probed] = field(default_factory=list[Probed])

    @property
    def best(self) -> Probed | None:
        """The probe with the lowest loss on held-out pictures; of equal ones the first."""
        judged = [probe for probe in self.probes if probe.held_out is not None]
        return min(judged, key=lambda probe: probe.held_out or 0.0) if judged else None

    @property
    def overfit(self) -> bool:
        """Whether the held-out loss has risen in each of the last probes while that on trained pictures fell in all."""
        last = self.probes[-RISES - 1 :]
        if len(last) <= RISES:
            return False
        return all(
            None not in (one.train, two.train, one.held_out, two.held_out)
            and (two.held_out or 0.0) > (one.held_out or 0.0)
            and (two.train or 0.0) < (one.train or 0.0)
            for one, two in pairwise(last)
        )

    def state(self) -> list[dict[str, Any]]:
        """For a checkpoint."""
        return [asdict(probe) for probe in self.probes]

    def restore(self, state: Sequence[dict[str, Any]]) -> None:
        """Go on from there."""
        self.probes = [Probed(**values) for values in state]


class Probe:
    """Looks at the album's pictures for it, each process at its share."""

    def __init__(self, request: TrainingRequest, album: Album, objective: Objective, ranks: Ranks) -> None:
        self.objective, self.ranks, self.seed = objective, ranks, request.steps.seed
        self.sets = (album.probe(held_out=False), album.probe(held_out=True))
        least, most = request.noise.timestep_least, request.noise.timestep_most
        self.levels = [round(least + (most - least) * (i + 0.5) / LEVELS) for i in range(LEVELS)]
        self.history = History()

    @property
    def pictures(self) -> int:
        """How many are looked at."""
        return sum(len(batch.slots) for batches in self.sets for batch in batches)

    @torch.no_grad()
    def look(self, step: int) -> Probed:
        """The losses now, entered into the history."""
        networks = [self.objective.components.unet, *(encoder.model for encoder in self.objective.components.encoders)]
        training = [network.training for network in networks]
        for network in networks:
            network.eval()
        try:
            train, held_out = (self.mean(batches) for batches in self.sets)
        finally:
            for network, was in zip(networks, training, strict=True):
                network.train(was)
        self.history.probes.append(Probed(step, train, held_out))
        return self.history.probes[-1]

    def mean(self, batches: Sequence[Batch]) -> float | None:
        """The mean loss of all pictures at all levels; None without pictures."""
        if not batches:
            return None
        total = torch.zeros(2, dtype=torch.float64)  # the losses' sum, their number
        for batch in batches[self.ranks.rank :: self.ranks.world]:
            for level in self.levels:
                wanted = torch.stack([self.noise(file, level, batch.latents.shape[1:]) for file in batch.files])
                errors = self.objective.errors(batch, torch.full((len(wanted),), level), wanted, wanted)
                total += torch.tensor([errors.double().sum().item(), float(len(wanted))], dtype=torch.float64)
        self.ranks.total(total)
        return (total[0] / total[1]).item()

    def noise(self, file: int, level: int, shape: Sequence[int]) -> Tensor:
        """A picture's noise at a level: the same at every probe."""
        return torch.randn(*shape, generator=noise.generator(self.seed, file, level, name="probe"))


def probe_every(request: TrainingRequest, trainable: Trainable, pictures: int) -> int:
    """How many steps lie between two probes: as asked, or ten in all, fewer where they would cost more than a twentieth of the training."""
    if request.watch.probe_every:
        return request.watch.probe_every
    steps = request.steps
    whole = steps.steps * steps.batch * steps.accumulation * trainable.network_calls()
    times = min(TIMES, int(SHARE * whole / max(pictures * LEVELS, 1)))
    return max(steps.steps // max(times, RISES + 1), 1)
