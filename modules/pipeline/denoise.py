"""Stage: the sampler's loop, from noise to latents."""

from collections.abc import Callable

from torch import Tensor

from modules.contract.progress import Interrupt, Skip
from modules.pipeline.preview import thumbnail
from modules.pipeline.run import Run
from modules.sampling.guidance import combine, evaluate
from modules.sampling.registry import SCHEDULE_FUNCTIONS, Choice
from modules.sampling.samplers import SamplerSettings
from modules.sampling.schedules import Bounds, ddim_timesteps
from modules.settings.groups import Sampling


def evaluations(choice: Choice, steps: int) -> int:
    """How often the network will be asked in one batch: the count that progress is measured in."""
    return len(ddim_timesteps(steps)) - 1 if choice.sampler.timesteps else steps


def denoise(run: Run) -> Tensor:
    """Latents (B, C, h, w) without noise. Ended early by a person, it is what the network last saw in them."""
    watched = Watched(run)
    try:
        return by_timesteps(run, watched) if run.choice.sampler.timesteps else by_levels(run, watched)
    except (Skip, Interrupt) as stop:
        run.interrupted = isinstance(stop, Interrupt)
        if watched.x0 is None:
            raise
        return watched.x0


class Watched:
    """Tells of each evaluation: counts it, shows a preview, and stops where a person wants to. `x0` is the last one."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.x0: Tensor | None = None

    def __call__(self, x0: Tensor) -> None:
        self.x0 = x0
        if self.run.report.wants_preview():
            self.run.report.preview(thumbnail(self.run, x0))
        self.run.report.step()


def by_levels(run: Run, watched: Callable[[Tensor], None]) -> Tensor:
    """Sampling along noise levels."""
    prediction = run.components.prediction
    sampling = run.settings.sampling
    bounds = Bounds(sampling.sigma_min or prediction.sigmas[0].item(), sampling.sigma_max or prediction.sigmas[-1].item(), sampling.rho)
    sigmas = SCHEDULE_FUNCTIONS[run.choice.effective](run.request.steps, prediction, bounds)

    def network(x: Tensor, sigma: Tensor, context: Tensor) -> Tensor:
        output = run.components.predict(prediction.network_input(x, sigma), prediction.sigma_to_t(sigma), context)
        return prediction.x0(x, output, sigma)

    def step(x: Tensor, sigma: Tensor) -> Tensor:
        x0 = guided(run, network, x, sigma)
        watched(x0)
        return x0

    assert run.latents is not None
    settings = sampler_settings(run, sampling.eta_ancestral)
    return run.choice.sampler.function(step, run.latents * sigmas[0], sigmas, run.noise.next, settings)


def by_timesteps(run: Run, watched: Callable[[Tensor], None]) -> Tensor:
    """Sampling along timesteps."""
    prediction = run.components.prediction
    alphas = prediction.alphas
    timesteps = ddim_timesteps(run.request.steps, len(alphas)).to(run.device)

    def network(x: Tensor, t: Tensor, context: Tensor) -> Tensor:
        return prediction.noise(x, run.components.predict(x, t, context), t)

    def step(x: Tensor, t: Tensor) -> Tensor:
        eps = guided(run, network, x, t)
        alpha = alphas[t.long()].view(-1, 1, 1, 1)
        watched((x - (1 - alpha).sqrt() * eps) / alpha.sqrt())
        return eps

    assert run.latents is not None
    settings = sampler_settings(run, run.settings.sampling.eta_ddim)
    return run.choice.sampler.function(step, run.latents, timesteps, alphas, run.noise.next, settings)


def guided(run: Run, network: Callable[[Tensor, Tensor, Tensor], Tensor], x: Tensor, level: Tensor) -> Tensor:
    """One prediction from all conditions of the batch: (B, C, h, w)."""
    conditions = run.conditions
    assert conditions is not None
    positive, negative = evaluate(network, x, level, conditions, together=run.settings.optimizations.batch_conditions)
    return combine(positive, negative, conditions.positive, run.request.guidance)


def sampler_settings(run: Run, eta: float) -> SamplerSettings:
    """What the sampler is told. Of eta the request's value counts first; of the others the setting's, unless it is at its default."""
    asked, settings, defaults = run.request.sampler_options, run.settings.sampling, Sampling()

    def value(name: str) -> float:
        own, wanted = getattr(settings, name), getattr(asked, name)
        return wanted if wanted is not None and own == getattr(defaults, name) else own

    return SamplerSettings(
        eta=asked.eta if asked.eta is not None else eta,
        s_churn=value("s_churn"),
        s_tmin=value("s_tmin"),
        s_tmax=value("s_tmax") or float("inf"),
        s_noise=value("s_noise"),
    )
