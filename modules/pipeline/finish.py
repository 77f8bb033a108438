"""Stage: pictures to results: infotext, file."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import modules
from modules import infotext
from modules.contract.result import GeneratedImage
from modules.imaging import metadata, saving
from modules.imaging.naming import values_of
from modules.imaging.opening import open_image
from modules.pipeline.run import Run
from modules.settings.groups import Sampling


def finish(run: Run, pictures: Sequence[NDArray[np.uint8]], root: Path) -> list[GeneratedImage]:
    """The batch's results, saved below `root` if the request and the settings say so."""
    return [finish_one(run, index, Image.fromarray(picture), root) for index, picture in enumerate(pictures)]


def finish_one(run: Run, index: int, image: Image.Image, root: Path) -> GeneratedImage:
    """One picture's result, saved if it is to be."""
    text = infotext.write(run.request.prompt, run.request.negative_prompt, parameters(run, index))
    path = save(run, index, image, text, root) if run.request.save and run.settings.saving.enabled else None
    return result(run, index, image, text, path)


def result(run: Run, index: int, image: Image.Image, text: str, path: Path | None) -> GeneratedImage:
    """A picture of the batch with what belongs to it."""
    return GeneratedImage(
        image=image,
        seed=run.seeds[index],
        variation_seed=run.seeds[index],
        prompt=run.request.prompt,
        negative_prompt=run.request.negative_prompt,
        infotext=text,
        path=str(path) if path else None,
    )


def save(run: Run, index: int, image: Image.Image, text: str, root: Path) -> Path:
    """Write one picture as the settings say, and tell the job of it before it appears."""
    settings, now = run.settings.saving, datetime.now()
    values = values_of(prompt=run.request.prompt, seed=run.seeds[index], facts=facts(run), now=now)
    data = metadata.encode(
        image, format=settings.format, infotext=text if settings.infotext_in_file else None, quality=settings.jpeg_quality
    )
    place = saving.destination(root, settings, values, now)
    path = saving.save(data, place, announce=lambda filed: run.report.filing(run.first + index, filed))
    if settings.text_file:
        saving.save_text(path, text)
    return path


def facts(run: Run) -> dict[str, object]:
    """What file name patterns may say of a run."""
    width, height = run.request.size
    return {
        "steps": run.request.steps,
        "cfg": run.request.guidance,
        "width": width,
        "height": height,
        "sampler": run.choice.sampler.name,
        "scheduler": run.choice.label,
        "model_name": run.model.name,
        "model_hash": run.model.short_hash,
    }


def saved_before(run: Run) -> list[GeneratedImage] | None:
    """The batch's results if an earlier try of the job has written them all; None if not."""
    found: list[GeneratedImage] = []
    for index in range(len(run.seeds)):
        filed = run.report.filed(run.first + index)
        data = saving.written(filed)
        if filed is None or data is None:
            return None
        text = infotext.write(run.request.prompt, run.request.negative_prompt, parameters(run, index))
        found.append(result(run, index, open_image(data), text, Path(filed.path)))
    return found


def parameters(run: Run, index: int) -> dict[str, object]:
    """The pairs of a picture's infotext, in A1111's order; None stands for none."""
    request, settings, sampler = run.request, run.settings, run.choice.sampler
    skip, delta = settings.model.clip_skip, settings.sampling.noise_seed_delta
    eta = request.sampler_options.eta
    return {
        "Steps": request.steps,
        "Sampler": sampler.name,
        "Schedule type": run.choice.label,
        "CFG scale": request.guidance,
        "Seed": run.seeds[index],
        "Size": request.size,
        "Model hash": run.model.short_hash if settings.infotext.model_hash else None,
        "Model": run.model.name if settings.infotext.model_name else None,
        "Clip skip": skip if skip > 1 else None,
        "ENSD": delta if delta and "uses_ensd" in sampler.options and (eta is None or eta) else None,
        "RNG": settings.model.random_source if settings.model.random_source != "GPU" else None,
        **emphasis(run),
        **sampler_pairs(run),
        **run.notes,
        "Version": f"easel-{modules.__version__}" if settings.infotext.version else None,
    }


def emphasis(run: Run) -> dict[str, object]:
    """The emphasis mode, where it is not the usual one and the prompts have something to emphasise."""
    mode = run.settings.model.emphasis
    marked = any(bracket in run.request.prompt + run.request.negative_prompt for bracket in "([")
    return {"Emphasis": mode} if mode != "Original" and marked else {}


def sampler_pairs(run: Run) -> dict[str, object]:
    """The sampler's options that differ from their defaults. Of churn and noise only the settings, as in A1111."""
    settings, defaults, sampler = run.settings.sampling, Sampling(), run.choice.sampler
    pairs: dict[str, object] = {}
    if sampler.uses_eta:
        name, label = ("eta_ddim", "Eta DDIM") if sampler.timesteps else ("eta_ancestral", "Eta")
        asked = run.request.sampler_options.eta
        eta = getattr(settings, name) if asked is None else asked
        if eta != getattr(defaults, name):
            pairs[label] = eta
    if sampler.name == "Euler":
        for name, label in (("s_churn", "Sigma churn"), ("s_tmin", "Sigma tmin"), ("s_tmax", "Sigma tmax"), ("s_noise", "Sigma noise")):
            if getattr(settings, name) != getattr(defaults, name):
                pairs[label] = getattr(settings, name)
    if run.choice.effective == "karras" and not sampler.timesteps:
        for name, label in (("sigma_min", "Schedule min sigma"), ("sigma_max", "Schedule max sigma"), ("rho", "Schedule rho")):
            if getattr(settings, name):
                pairs[label] = getattr(settings, name)
    return pairs
