"""Sampler and schedule names resolved, and the levels that a choice of them means."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from modules.contract.errors import NotFound
from modules.contract.services import ScheduleEntry
from modules.sampling import schedules
from modules.sampling.prediction import Epsilon, Prediction, scaled_linear_alphas
from modules.sampling.sampler_table import SAMPLERS, Sampler
from modules.sampling.schedules import Bounds, ScheduleOptions, ddim_timesteps

SCHEDULES = {
    entry.name: entry
    for entry in (
        ScheduleEntry("automatic", "Automatic"),
        ScheduleEntry("uniform", "Uniform", needs_model=True),
        ScheduleEntry("karras", "Karras", default_rho=7.0),
        ScheduleEntry("exponential", "Exponential"),
        ScheduleEntry("polyexponential", "Polyexponential", default_rho=1.0),
        ScheduleEntry("sgm_uniform", "SGM Uniform", ("SGMUniform",), needs_model=True),
        ScheduleEntry("kl_optimal", "KL Optimal"),
        ScheduleEntry("align_your_steps", "Align Your Steps"),
        ScheduleEntry("simple", "Simple", needs_model=True),
        ScheduleEntry("normal", "Normal", needs_model=True),
        ScheduleEntry("ddim", "DDIM", needs_model=True),
        ScheduleEntry("beta", "Beta", needs_model=True),
    )
}
SCHEDULE_FUNCTIONS: dict[str, Callable[[int, Prediction, Bounds], Tensor]] = {
    "uniform": schedules.uniform,
    "karras": schedules.karras,
    "exponential": schedules.exponential,
    "polyexponential": schedules.polyexponential,
    "sgm_uniform": schedules.sgm_uniform,
    "kl_optimal": schedules.kl_optimal,
    "align_your_steps": schedules.align_your_steps,
    "simple": schedules.simple,
    "normal": schedules.normal,
    "ddim": schedules.ddim,
    "beta": schedules.beta,
}


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


def bounds_of(schedule: ScheduleEntry, prediction: Prediction, options: ScheduleOptions) -> Bounds:
    """The ends of a schedule for a model. A set end that is the model's own does not count, nor `rho` where there is none."""
    own = prediction.sigmas[0].item(), prediction.sigmas[-1].item()
    low, high = (0.1, 10.0) if options.old_karras else own
    return Bounds(
        low if options.sigma_min in {0, own[0]} else options.sigma_min,
        high if options.sigma_max in {0, own[1]} else options.sigma_max,
        options.rho if schedule.default_rho != -1 else 0.0,
        options.beta_alpha,
        options.beta_beta,
        options.sdxl,
    )


def sigmas_for(choice: Choice, steps: int, prediction: Prediction, options: ScheduleOptions) -> Tensor:
    """The noise levels of a number of steps, falling, on the CPU in float32: steps + 1 of them, mostly.

    `prediction` as the sampler sees it (`Sampler.seen`). No steps: the level 0 alone.
    """
    if steps <= 0:
        return torch.zeros(1)
    discards = choice.sampler.discard_penultimate or options.discard_penultimate
    bounds = bounds_of(SCHEDULES[choice.effective], prediction, options)
    sigmas = SCHEDULE_FUNCTIONS[choice.effective](steps + int(discards), prediction, bounds)
    return torch.cat([sigmas[:-2], sigmas[-1:]]) if discards else sigmas


def timesteps_for(choice: Choice, steps: int, prediction: Prediction, options: ScheduleOptions) -> Tensor:
    """The timesteps of a number of steps, rising, on the CPU. The schedule has no say; discarding only asks for one step more."""
    discards = choice.sampler.discard_penultimate or options.discard_penultimate
    return ddim_timesteps(steps + int(discards), len(prediction.alphas))


class Start(NamedTuple):
    """How a picture becomes a start: x = signal * picture + noise * noise's, and the levels or timesteps that lie before it."""

    levels: Tensor
    signal: float
    noise: float


def start_at(choice: Choice, points: Tensor, total: int, encoded: int, prediction: Prediction) -> Start:
    """Where img2img starts, of `sigmas_for` or `timesteps_for` as `points`; `total` and `encoded` from `img2img_steps`.

    With noise levels encoded + 1 steps are left, with timesteps `encoded` timesteps. If `total` is 0 there is nothing to do.
    """
    if choice.sampler.timesteps:
        at = int(points[min(encoded, len(points) - 1)])
        alpha = prediction.alphas[at]
        return Start(points[:encoded], alpha.sqrt().item(), (1 - alpha).sqrt().item())
    levels = points[max(total - encoded - 1, 0) :]
    return Start(levels, 1.0, levels[0].item())


def evaluations(sampler: Sampler, points: Tensor) -> int:
    """How often the network will be asked along these levels (or timesteps): the count that progress is measured in."""
    return sampler.calls(points)


def total_evaluations(choice: Choice, steps: int) -> int:
    """How often the network will be asked for one batch of txt2img."""
    prediction = choice.sampler.seen(Epsilon(scaled_linear_alphas()))
    points_for: Any = timesteps_for if choice.sampler.timesteps else sigmas_for
    return evaluations(choice.sampler, points_for(choice, steps, prediction, ScheduleOptions()))


def scheduled_steps(choice: Choice, steps: int) -> int:
    """The number of calls that the prompts' schedules are computed for."""
    return 2 * steps if choice.sampler.second_order else steps
