"""Stage: the sampler's loop, from noise to latents."""

from torch import Tensor

from modules.contract.progress import Interrupt, Skip
from modules.pipeline.guided import Guided
from modules.pipeline.levels import prediction_of
from modules.pipeline.modes import modes
from modules.pipeline.options import sampler_settings, schedule_options
from modules.pipeline.run import Pass, Run
from modules.sampling.noise import StepNoise
from modules.sampling.registry import sigmas_for, start_at, timesteps_for
from modules.sampling.schedules import img2img_steps


def denoise(run: Run, passing: Pass) -> Tensor:
    """Latents (B, C, h, w) without noise. Ended early by a person, it is what the network last saw in them."""
    encode = passing.encode
    passing.encode = lambda loaded: run.hooks.conditioning(run, passing, encode(loaded))
    passing.conditioning = run.hooks.conditioning(run, passing, passing.conditioning)
    guided = Guided(run, passing, prediction_of(run, passing))
    try:
        with modes(run, passing), guided.around:
            latents = sampled(run, passing, guided)
    except (Skip, Interrupt) as stop:
        run.interrupted = isinstance(stop, Interrupt)
        if guided.x0_seen is None:
            raise
        latents = guided.x0_seen
    if passing.blend:
        latents = run.hooks.blend(run, passing, latents, None)
    return run.hooks.latents(run, passing, latents)


def sampled(run: Run, passing: Pass, guided: Guided) -> Tensor:
    """The latents that the sampler ends with."""
    sampler, choice, prediction = passing.choice.sampler, passing.choice, guided.prediction
    settings = sampler_settings(run, sampler, from_picture=passing.init is not None)
    options = schedule_options(run, passing.loaded.components)
    total, encoded = passing.steps, 0
    if passing.strength is not None:
        total, encoded = img2img_steps(passing.steps, passing.strength, exact=passing.exact)
    points = (timesteps_for if sampler.timesteps else sigmas_for)(choice, total, prediction, options).to(run.device)
    noise = StepNoise(passing.noise, random=run.settings.compatibility.random_brownian)
    first = passing.noise.next()
    if passing.init is None:
        part, steps = points, passing.steps
        x = first if sampler.timesteps else first * first_level(run, points)
    else:
        start = start_at(choice, points, total, encoded, prediction)
        part, steps = start.levels, encoded + 1
        first = first * noise_multiplier(run, passing)
        x = passing.init * start.signal + first * start.noise
        x = x + first * run.settings.img2img.extra_noise * (start.signal if sampler.timesteps else 1.0)
    x = run.hooks.start(run, passing, x)
    guided.begin(steps)
    if sampler.timesteps:
        return sampler.function(guided.noise, x, part, prediction.alphas, noise, settings)
    noise.along(x, points, part=part)
    levels = sampler.levels_of(part, prediction, from_picture=passing.init is not None)
    return sampler.function(guided.x0, x, levels, noise, settings)


def first_level(run: Run, sigmas: Tensor) -> Tensor:
    """What the first noise is scaled by."""
    return (1.0 + sigmas[0] ** 2.0).sqrt() if run.settings.sampling.sgm_noise else sigmas[0]


def noise_multiplier(run: Run, passing: Pass) -> float:
    """The scale of a source picture's first noise. Hires. fix's second pass has none, as in A1111."""
    source = run.request.source
    if source is None or passing.second:
        return 1.0
    return run.settings.img2img.noise_multiplier if source.noise_multiplier is None else source.noise_multiplier
