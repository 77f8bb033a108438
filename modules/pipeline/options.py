"""What samplers and schedules are told: the request's options over the settings."""

from modules.families.base import Components
from modules.pipeline.run import Run
from modules.sampling.registry import Sampler
from modules.sampling.samplers import SamplerSettings
from modules.sampling.schedules import ScheduleOptions
from modules.settings.groups import Sampling


def sampler_settings(run: Run, sampler: Sampler, *, from_picture: bool) -> SamplerSettings:
    """What the sampler is told. Of eta the request's value counts first; of the others the setting's, unless it is at its default."""
    asked, settings, defaults = run.request.sampler_options, run.settings.sampling, Sampling()

    def value(name: str) -> float:
        own, wanted = getattr(settings, name), getattr(asked, name)
        return wanted if wanted is not None and own == getattr(defaults, name) else own

    eta = settings.eta_ddim if sampler.timesteps else settings.eta_ancestral
    return SamplerSettings(
        eta=asked.eta if asked.eta is not None else eta,
        s_churn=value("s_churn"),
        s_tmin=value("s_tmin"),
        s_tmax=value("s_tmax") or float("inf"),
        s_noise=value("s_noise"),
        from_picture=from_picture,
        unipc_variant=settings.unipc_variant,
        unipc_skip=settings.unipc_skip,
        unipc_order=settings.unipc_order,
        unipc_lower_order_final=settings.unipc_lower_order_final,
    )


def schedule_options(run: Run, components: Components) -> ScheduleOptions:
    """What the noise schedule is told."""
    sampling = run.settings.sampling
    return ScheduleOptions(
        sigma_min=sampling.sigma_min,
        sigma_max=sampling.sigma_max,
        rho=sampling.rho,
        beta_alpha=sampling.beta_alpha,
        beta_beta=sampling.beta_beta,
        old_karras=run.settings.compatibility.old_karras,
        discard_penultimate=sampling.discard_penultimate,
        sdxl=components.variant.family in ("sdxl", "sdxl-refiner"),
    )
