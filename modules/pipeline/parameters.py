"""The pairs of a picture's infotext, in A1111's order: what the request and the settings say, and what happened on the way."""

import modules
from modules.contract.request import HiresPass
from modules.pipeline.plan import strength_of
from modules.pipeline.run import Run
from modules.sampling.registry import SCHEDULES, Choice
from modules.settings.groups import Sampling

CHURN = (("s_churn", "Sigma churn"), ("s_tmin", "Sigma tmin"), ("s_tmax", "Sigma tmax"), ("s_noise", "Sigma noise"))
Pairs = dict[str, object]


def parameters(run: Run, index: int) -> Pairs:
    """The pairs for a picture of the batch; None stands for none."""
    settings = run.settings
    return {
        **main_pairs(run, index),
        **model_pairs(run),
        **seed_pairs(run, index),
        **strength_pairs(run),
        "Tiling": True if run.tiling else None,
        **extra_pairs(run, index),
        **run.picture_notes.get(index, {}),
        "Version": f"easel-{modules.__version__}" if settings.infotext.version else None,
    }


def extra_pairs(run: Run, index: int) -> Pairs:
    """What A1111 calls extra generation parameters: all that only some pictures have."""
    request = run.request
    return {
        **run.script_notes,
        **(hires_pairs(run, request.hires, index) if request.hires else {}),
        **(run.prepared.notes if run.prepared else {}),
        **({"Lora hashes": ", ".join(f"{name}: {digest}" for name, digest in run.network_hashes.items())} if run.network_hashes else {}),
        **({"TI hashes": ", ".join(run.embedding_hashes)} if run.embedding_hashes else {}),
        **prompt_pairs(run),
        **sampling_pairs(run),
        **run.notes,
    }


def main_pairs(run: Run, index: int) -> Pairs:
    """Steps to size."""
    request = run.request
    edit = request.source is not None and run.components.variant.inputs == "edit"
    return {
        "Steps": request.steps,
        "Sampler": run.choice.sampler.name,
        "Schedule type": run.choice.label,
        "CFG scale": request.guidance,
        "Image CFG scale": request.source.image_guidance if request.source and edit else None,
        "Seed": run.seeds[index],
        "Face restoration": run.face_restorer,
        "Size": request.size,
    }


def model_pairs(run: Run) -> Pairs:
    """The checkpoint and the VAE."""
    shown, entry, vae = run.settings.infotext, run.loaded.entry, run.loaded.vae
    return {
        "Model hash": entry.short_hash if shown.model_hash else None,
        "Model": entry.name if shown.model_name else None,
        "FP8 weight": run.settings.optimizations.fp8 if run.loaded.fp8 else None,
        "VAE hash": vae.short_hash if vae and shown.vae_hash else None,
        "VAE": vae.name if vae and shown.vae_name else None,
    }


def seed_pairs(run: Run, index: int) -> Pairs:
    """The second seed, and the size that the noise is of."""
    variation = run.request.variation
    varied = variation is not None and variation.strength != 0
    return {
        "Variation seed": run.variation_seeds[index] if varied else None,
        "Variation seed strength": variation.strength if variation and varied else None,
        "Seed resize from": run.request.resize_seed_from,
    }


def strength_pairs(run: Run) -> Pairs:
    """Denoising strength to random source."""
    request, settings, sampler = run.request, run.settings, run.choice.sampler
    strength = strength_of(request)
    skip, delta = settings.model.clip_skip, settings.sampling.noise_seed_delta
    eta = settings.sampling.eta_ancestral if request.sampler_options.eta is None else request.sampler_options.eta
    return {
        "Denoising strength": strength,
        "Conditional mask weight": settings.img2img.mask_weight if run.components.variant.inputs == "inpaint" else None,
        "Clip skip": skip if skip > 1 else None,
        "ENSD": delta if delta and sampler.uses_ensd and eta else None,
        "Token merging ratio": merging_ratio(run, second=False) or None,
        "Token merging ratio hr": merging_ratio(run, second=True) or None if request.hires else None,
        "RNG": settings.model.random_source if settings.model.random_source != "GPU" else None,
    }


def merging_ratio(run: Run, *, second: bool) -> float:
    """The share of tokens that are merged in a pass."""
    optimizations = run.settings.optimizations
    if second:
        return optimizations.token_merging_hires or optimizations.token_merging
    if run.request.source:
        return optimizations.token_merging_img2img or optimizations.token_merging
    return optimizations.token_merging


def hires_pairs(run: Run, hires: HiresPass, index: int) -> Pairs:
    """The second pass, where it differs from the first."""
    choice = run.hires_choice
    prompt, negative = run.hires_texts.positive[index], run.hires_texts.negative[index]
    sized = hires.size != (0, 0)
    checkpoint = run.tools.short_title(hires.checkpoint) if hires.checkpoint else None
    return {
        "Hires checkpoint": checkpoint,
        "Hires sampler": choice.sampler.name if choice.sampler.name != run.choice.sampler.name else None,
        "Hires prompt": prompt if prompt != run.texts.positive[index] else None,
        "Hires negative prompt": negative if negative != run.texts.negative[index] else None,
        "Hires schedule type": choice.label if choice.label != run.choice.label else None,
        "Hires upscale": None if sized else hires.scale,
        "Hires resize": hires.size if sized else None,
        "Hires steps": hires.steps or None,
        "Hires upscaler": hires.upscaler,
    }


def prompt_pairs(run: Run) -> Pairs:
    """How the prompts' syntax was taken, where that is not the usual way and they have any."""
    mode = run.settings.model.emphasis
    texts = "".join((*run.texts.positive, *run.texts.negative))
    pairs: Pairs = {}
    if mode != "Original" and any(bracket in texts for bracket in "(["):
        pairs["Emphasis"] = mode
    if run.settings.compatibility.old_scheduling and "[" in texts:
        pairs["Old prompt editing timelines"] = True
    return pairs


def sampling_pairs(run: Run) -> Pairs:
    """The noise schedule's and the sampler's options that differ from their defaults."""
    settings, compatibility, source = run.settings.sampling, run.settings.compatibility, run.request.source
    pairs: Pairs = {}
    if compatibility.downcast_alphas:
        pairs["Downcast alphas_cumprod"] = True
    if settings.noise_schedule != "Default":
        pairs["Noise Schedule"] = settings.noise_schedule
    multiplier = source.noise_multiplier if source and source.noise_multiplier is not None else run.settings.img2img.noise_multiplier
    if source and multiplier != 1.0:
        pairs["Noise multiplier"] = multiplier
    pairs |= schedule_pairs(run, run.choice)
    if run.settings.img2img.extra_noise > 0 and (source or run.request.hires):
        pairs["Extra noise"] = run.settings.img2img.extra_noise
    return pairs | sampler_pairs(run)


def schedule_pairs(run: Run, choice: Choice) -> Pairs:
    """What bends the noise schedule, where that is another than the model's and the schedule's own."""
    settings, pairs = run.settings.sampling, Pairs()
    if settings.discard_penultimate and not choice.sampler.discard_penultimate:
        pairs["Discard penultimate sigma"] = True
    if choice.sampler.timesteps:
        return pairs
    if choice.schedule.name != "automatic" or choice.sampler.schedule:
        sigmas = run.components.prediction.sigmas
        least, most, rho = sigmas[0].item(), sigmas[-1].item(), SCHEDULES[choice.effective].default_rho
        bounds = {
            "Schedule min sigma": settings.sigma_min if settings.sigma_min != least else 0,
            "Schedule max sigma": settings.sigma_max if settings.sigma_max != most else 0,
            "Schedule rho": settings.rho if rho != -1 and settings.rho != rho else 0,
        }
        pairs |= {label: value for label, value in bounds.items() if value}
    if choice.effective == "beta":
        pairs |= {"Beta schedule alpha": settings.beta_alpha, "Beta schedule beta": settings.beta_beta}
    if settings.sgm_noise and run.request.source is None:
        pairs["SGM noise multiplier"] = True
    return pairs


def sampler_pairs(run: Run) -> Pairs:
    """Eta, and churn and noise: of the latter only the settings, as in A1111."""
    settings, defaults, sampler = run.settings.sampling, Sampling(), run.choice.sampler
    pairs: Pairs = {}
    if sampler.uses_eta:
        name, label = ("eta_ddim", "Eta DDIM") if sampler.timesteps else ("eta_ancestral", "Eta")
        asked = run.request.sampler_options.eta
        eta = getattr(settings, name) if asked is None else asked
        if eta != getattr(defaults, name):
            pairs[label] = eta
    for name, label in CHURN:
        if name in sampler.churn and getattr(settings, name) != getattr(defaults, name):
            pairs[label] = getattr(settings, name)
    return pairs
