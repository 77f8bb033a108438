"""The samplers, in A1111's order: what each is called, what it needs and what it heeds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from modules.contract.services import SamplerEntry
from modules.sampling import consistency, dpm_range, dpm_solvers, restart, samplers, timestep_samplers, unipc
from modules.sampling.prediction import Consistency, Prediction

Churn = Literal["s_churn", "s_tmin", "s_tmax", "s_noise"]
CHURN: tuple[Churn, ...] = ("s_churn", "s_tmin", "s_tmax", "s_noise")
NOISE: tuple[Churn, ...] = ("s_noise",)


def one_a_step(points: Tensor) -> int:
    """Calls of the network along levels or timesteps."""
    return max(len(points) - 1, 0)


def two_a_step(points: Tensor) -> int:
    """Two calls a step; one where it leads to 0."""
    return sum(1 if after == 0 else 2 for after in points[1:])


def one_more(points: Tensor) -> int:
    """One call a step, and two in the first."""
    return len(points) if len(points) > 1 else 0


def one_a_point(points: Tensor) -> int:
    """A call for each timestep."""
    return len(points)


def restart_calls(points: Tensor) -> int:
    """Heun's calls, along the steps that restarts make of the levels."""
    return sum(1 if after == 0 else 2 for _, after in restart.restart_steps(points))


def adaptive_calls(points: Tensor) -> int:
    """What a picture took at most while A1111 was recorded: it depends on the picture, not on the steps."""
    return 87


@dataclass(frozen=True)
class Sampler:
    """A sampler: its function, and what it needs.

    `schedule` is what Automatic means for it; None: Uniform, named Automatic. `timesteps`: it counts in timesteps
    (`timestep_samplers`), else in noise levels (`samplers`). `levels`: what it wants for `sigmas`, see `levels_of`.
    `discard_penultimate`: its schedule is computed for one step more, and the level before the last left out.
    `second_order`: prompts are scheduled for two calls a step; `calls`: those that it makes. `brownian`: it asks for
    `noise.between`. `churn`: the churn settings it heeds. `needs_unguided`: its `predict` gives (guided, unguided).
    `guidance_factor` is multiplied to the CFG scale. `prediction`: what it makes of a model's prediction.
    """

    name: str
    function: Callable[..., Tensor]
    aliases: tuple[str, ...]
    schedule: str | None = None
    timesteps: bool = False
    levels: Literal["sigmas", "range"] = "sigmas"
    discard_penultimate: bool = False
    second_order: bool = False
    calls: Callable[[Tensor], int] = one_a_step
    brownian: bool = False
    uses_ensd: bool = False
    uses_eta: bool = False
    churn: tuple[Churn, ...] = ()
    needs_unguided: bool = False
    guidance_factor: float = 1.0
    solver: str = ""
    prediction: Callable[[Prediction], Prediction] | None = None

    @property
    def options(self) -> dict[str, str]:
        """What A1111's API tells of it."""
        flags = {
            "discard_next_to_last_sigma": self.discard_penultimate,
            "uses_ensd": self.uses_ensd,
            "second_order": self.second_order,
            "brownian_noise": self.brownian,
        }
        return {
            **({"scheduler": self.schedule} if self.schedule else {}),
            **{name: "True" for name, is_set in flags.items() if is_set},
            **({"solver_type": self.solver} if self.solver else {}),
        }

    @property
    def entry(self) -> SamplerEntry:
        return SamplerEntry(self.name, self.aliases, self.options)

    def seen(self, prediction: Prediction) -> Prediction:
        """A model's prediction as this sampler uses it, for its schedule and for the network's input and output."""
        return self.prediction(prediction) if self.prediction else prediction

    def levels_of(self, sigmas: Tensor, prediction: Prediction, *, from_picture: bool = False) -> Tensor:
        """What the function wants for `sigmas`: these; for a sampler that finds its own, the ends and as many between.

        The ends are the model's, or with a picture the first and the last but one of `sigmas`.
        """
        if self.levels == "sigmas":
            return sigmas
        table = prediction.sigmas
        high, low = (sigmas[0], sigmas[-2]) if from_picture and len(sigmas) > 1 else (table[-1], table[0])
        return torch.linspace(high.item(), low.item(), len(sigmas))


SAMPLERS = {
    sampler.name: sampler
    for sampler in (
        Sampler("DPM++ 2M", dpm_solvers.dpmpp_2m, ("k_dpmpp_2m",), "karras"),
        Sampler(
            "DPM++ SDE",
            dpm_solvers.dpmpp_sde,
            ("k_dpmpp_sde",),
            "karras",
            second_order=True,
            calls=two_a_step,
            brownian=True,
            uses_eta=True,
            churn=NOISE,
        ),
        Sampler("DPM++ 2M SDE", dpm_solvers.dpmpp_2m_sde, ("k_dpmpp_2m_sde",), "exponential", brownian=True, uses_eta=True, churn=NOISE),
        Sampler(
            "DPM++ 2M SDE Heun",
            dpm_solvers.dpmpp_2m_sde_heun,
            ("k_dpmpp_2m_sde_heun",),
            "exponential",
            brownian=True,
            uses_eta=True,
            churn=NOISE,
            solver="heun",
        ),
        Sampler(
            "DPM++ 2S a",
            dpm_solvers.dpmpp_2s_ancestral,
            ("k_dpmpp_2s_a",),
            "karras",
            second_order=True,
            calls=two_a_step,
            uses_ensd=True,
            uses_eta=True,
            churn=NOISE,
        ),
        Sampler(
            "DPM++ 3M SDE",
            dpm_solvers.dpmpp_3m_sde,
            ("k_dpmpp_3m_sde",),
            "exponential",
            discard_penultimate=True,
            brownian=True,
            uses_eta=True,
            churn=NOISE,
        ),
        Sampler("Euler a", samplers.euler_ancestral, ("k_euler_a", "k_euler_ancestral"), uses_ensd=True, uses_eta=True),
        Sampler("Euler", samplers.euler, ("k_euler",), churn=CHURN),
        Sampler("LMS", samplers.lms, ("k_lms",)),
        Sampler("Heun", samplers.heun, ("k_heun",), second_order=True, calls=two_a_step, churn=CHURN),
        Sampler("DPM2", samplers.dpm2, ("k_dpm_2",), "karras", discard_penultimate=True, second_order=True, calls=two_a_step, churn=CHURN),
        Sampler(
            "DPM2 a",
            samplers.dpm2_ancestral,
            ("k_dpm_2_a",),
            "karras",
            discard_penultimate=True,
            second_order=True,
            calls=two_a_step,
            uses_ensd=True,
            uses_eta=True,
            churn=NOISE,
        ),
        Sampler("DPM fast", dpm_range.dpm_fast, ("k_dpm_fast",), levels="range", uses_ensd=True, uses_eta=True, churn=NOISE),
        Sampler("DPM adaptive", dpm_range.dpm_adaptive, ("k_dpm_ad",), levels="range", calls=adaptive_calls, uses_ensd=True, uses_eta=True),
        Sampler("Restart", restart.restart, ("restart",), "karras", second_order=True, calls=restart_calls),
        Sampler("DDIM", timestep_samplers.ddim, ("ddim",), timesteps=True, uses_eta=True),
        Sampler(
            "DDIM CFG++",
            timestep_samplers.ddim_cfgpp,
            ("ddim_cfgpp",),
            timesteps=True,
            uses_eta=True,
            needs_unguided=True,
            guidance_factor=1 / 12.5,
        ),
        Sampler("PLMS", timestep_samplers.plms, ("plms",), timesteps=True, calls=one_more),
        Sampler("UniPC", unipc.unipc, ("unipc",), timesteps=True, calls=one_a_point),
        Sampler("LCM", consistency.lcm, ("k_lcm",), prediction=Consistency),
    )
}
