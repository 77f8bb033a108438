"""Sampler and schedule names, aliases and defaults, as one table."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from torch import Tensor

from modules.contract.errors import NotFound
from modules.contract.services import SamplerEntry, ScheduleEntry
from modules.sampling import samplers, schedules, timestep_samplers


@dataclass(frozen=True)
class Sampler:
    """A sampler: its function, and what it needs. `schedule` is what Automatic means for it; None: Uniform."""

    name: str
    function: Callable[..., Tensor]
    aliases: tuple[str, ...]
    schedule: str | None = None
    timesteps: bool = False
    uses_eta: bool = False
    options: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def entry(self) -> SamplerEntry:
        return SamplerEntry(self.name, self.aliases, self.options)


SAMPLERS = {
    sampler.name: sampler
    for sampler in (
        Sampler("DPM++ 2M", samplers.dpmpp_2m, ("k_dpmpp_2m",), "karras", options={"scheduler": "karras"}),
        Sampler("Euler a", samplers.euler_ancestral, ("k_euler_a", "k_euler_ancestral"), uses_eta=True, options={"uses_ensd": "True"}),
        Sampler("Euler", samplers.euler, ("k_euler",)),
        Sampler("DDIM", timestep_samplers.ddim, ("ddim",), timesteps=True, uses_eta=True),
    )
}

SCHEDULES = {
    entry.name: entry
    for entry in (
        ScheduleEntry("automatic", "Automatic"),
        ScheduleEntry("uniform", "Uniform", needs_model=True),
        ScheduleEntry("karras", "Karras", default_rho=7.0),
    )
}
SCHEDULE_FUNCTIONS = {"uniform": schedules.uniform, "karras": schedules.karras}


class Choice(NamedTuple):
    """A sampler with a schedule, as asked for: `schedule` may be 'automatic'."""

    sampler: Sampler
    schedule: ScheduleEntry

    @property
    def effective(self) -> str:
        """The name of the schedule that is computed."""
        return self.sampler.schedule or "uniform" if self.schedule.name == "automatic" else self.schedule.name

    @property
    def label(self) -> str:
        """What the infotext calls the schedule: the computed one's label where A1111 names it, else Automatic."""
        if self.sampler.timesteps or (self.schedule.name == "automatic" and self.sampler.schedule is None):
            return self.schedule.label
        return SCHEDULES[self.effective].label


def find_schedule(name: str) -> ScheduleEntry | None:
    """A schedule by name, label or alias, in any case."""
    wanted = name.lower()
    for entry in SCHEDULES.values():
        if wanted in {entry.name, entry.label.lower(), *(alias.lower() for alias in entry.aliases)}:
            return entry
    return None


def find_sampler(name: str) -> Sampler | None:
    """A sampler by name or alias, in any case."""
    wanted = name.lower()
    for sampler in SAMPLERS.values():
        if wanted in {sampler.name.lower(), *sampler.aliases}:
            return sampler
    return None


def resolve(sampler: str, schedule: str = "Automatic") -> Choice:
    """The sampler and schedule of two names. Old combined names such as 'DPM++ 2M Karras' carry their schedule with them.

    Raises NotFound with near names.
    """
    found = find_sampler(sampler)
    if found is None:
        for entry in SCHEDULES.values():
            for label in (entry.label, entry.name, *entry.aliases):
                if sampler.lower().endswith(" " + label.lower()):
                    found = find_sampler(sampler[: -len(label) - 1])
                    if found is not None:
                        return Choice(found, entry)
        raise NotFound.among("sampler", sampler, SAMPLERS)
    chosen = find_schedule(schedule)
    if chosen is None:
        raise NotFound.among("schedule", schedule, [entry.label for entry in SCHEDULES.values()])
    return Choice(found, chosen)
