"""Stage: pictures to results: faces, colours, what lies outside the mask, infotext, file."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from modules import infotext
from modules.contract.result import GeneratedImage
from modules.imaging import metadata, saving
from modules.imaging.color import match_colors
from modules.imaging.inpainting import Prepared, composite, mask_composite, mask_picture
from modules.imaging.naming import asks_for, image_hash, values_of
from modules.imaging.opening import open_image
from modules.pipeline.parameters import parameters
from modules.pipeline.plan import strength_of
from modules.pipeline.run import Run
from modules.pipeline.signing import signed


def finish(run: Run, pictures: Sequence[NDArray[np.uint8]]) -> list[GeneratedImage]:
    """The batch's results, saved below the root if the request and the settings say so."""
    return [image for index, picture in enumerate(pictures) for image in finish_one(run, index, Image.fromarray(picture))]


def finish_one(run: Run, index: int, image: Image.Image) -> list[GeneratedImage]:
    """One picture's result, saved if it is to be, and behind it the masks that are to be returned."""
    settings, prepared = run.settings, run.prepared
    if run.face_restorer:
        if settings.saving.before_faces:
            save_extra(run, index, image, "-before-face-restoration")
        image = run.tools.restore_faces(run, image)
    image = run.hooks.picture(run, index, image)
    if prepared is not None and settings.img2img.color_correction:
        if settings.saving.before_colors:
            save_extra(run, index, composite(image, prepared, index)[0], "-before-color-correction")
        image = match_colors(image, prepared.pictures[index % len(prepared.pictures)])
    painted = image
    if prepared is not None and settings.img2img.overlay:
        prepared = run.hooks.overlay(run, index, prepared)
        image, painted = composite(image, prepared, 0 if len(prepared.overlays) == 1 else index)
    screened = run.tools.screen.passed(run.hooks.finished(run, index, image), run.settings)
    image = screened.image
    if screened.verdict:
        run.picture_notes[index] = {**run.picture_notes.get(index, {}), "Content filter": screened.note}
        run.warn(f"{screened.verdict}: the picture was {screened.note.rpartition('/')[2]}.")
        painted = image
    text = text_of(run, index)
    path = save(run, index, image, text) if saves(run) else None
    if path:
        run.hooks.saved(run, path, image)
    finished = result(run, index, image, text, path)
    masks = [mask for mask in masks_of(run, prepared, painted) if mask is not None]
    return [finished, *(replace(finished, image=mask, path=None, kind="mask") for mask in masks)]


def masks_of(run: Run, prepared: Prepared | None, painted: Image.Image) -> list[Image.Image | None]:
    """The mask, and what was painted under it alone, where the settings want them returned."""
    if prepared is None:
        return []
    wanted = run.settings.img2img
    return [
        mask_picture(prepared) if wanted.return_mask else None,
        mask_composite(painted, prepared) if wanted.return_mask_composite else None,
    ]


def saves(run: Run) -> bool:
    """Whether the batch's pictures are written."""
    return run.request.save and run.settings.saving.enabled


def text_of(run: Run, index: int) -> str:
    """A picture's infotext."""
    return infotext.write(run.texts.positive[index], run.texts.negative[index], parameters(run, index))


def result(run: Run, index: int, image: Image.Image, text: str, path: Path | None) -> GeneratedImage:
    """A picture of the batch with what belongs to it."""
    return GeneratedImage(
        image=image,
        seed=run.seeds[index],
        variation_seed=run.variation_seeds[index],
        prompt=run.texts.positive[index],
        negative_prompt=run.texts.negative[index],
        infotext=text,
        path=str(path) if path else None,
    )


def save(run: Run, index: int, image: Image.Image, text: str) -> Path:
    """Write one picture as the settings say, and tell the job of it before it appears."""
    return write(run, index, image, text, announce=lambda filed: run.report.filing(run.first + index, filed))


def save_extra(run: Run, index: int, image: Image.Image, suffix: str) -> None:
    """Write a picture that is on its way, under a name that says so."""
    if saves(run):
        write(run, index, run.tools.screen.passed(image, run.settings).image, text_of(run, index), suffix=suffix)


def write(run: Run, index: int, image: Image.Image, text: str, *, suffix: str = "", announce: saving.Announce = saving.silent) -> Path:
    """Write a picture, and its infotext beside it where the settings say so."""
    settings, now = run.settings.saving, datetime.now()
    known = facts(run, index)
    if asks_for(settings.pattern, "image_hash"):
        known["image_hash"] = image_hash(image)
    values = values_of(prompt=run.texts.positive[index], seed=run.seeds[index], facts=known, now=now)
    data = metadata.encode(
        image,
        format=settings.format,
        infotext=text if settings.infotext_in_file else None,
        quality=settings.jpeg_quality,
        lossless=settings.lossless_webp,
    )
    data = signed(data, settings.format, root=run.tools.root, settings=run.settings, warn=run.warn)
    folder = settings.img2img_folder if run.request.source else settings.folder
    place = saving.destination(run.tools.root, settings, values, now, folder=folder, suffix=suffix)
    path = saving.save(data, place, announce=announce)
    if settings.text_file:
        saving.save_text(path, text)
    return path


def facts(run: Run, index: int) -> dict[str, object]:
    """What file name patterns may say of a run."""
    request, entry = run.request, run.loaded.entry
    width, height = request.size
    strength = strength_of(request)
    return {
        "steps": request.steps,
        "cfg": request.guidance,
        "width": width,
        "height": height,
        "sampler": run.choice.sampler.name,
        "scheduler": run.choice.label,
        "model_name": entry.name,
        "model_hash": entry.short_hash,
        "negative_prompt": run.texts.negative[index],
        "styles": request.styles,
        "batch_index": index,
        "batch_size": len(run.seeds),
        "batch_count": request.batch_count,
        "iteration": run.first // len(run.seeds),
        "seeds": run.seeds,
        "clip_skip": run.settings.model.clip_skip,
        "denoising": strength,
        "max_words": run.settings.saving.prompt_words,
        "vae_filename": run.loaded.vae.name if run.loaded.vae else "None",
    }


def saved_before(run: Run) -> list[GeneratedImage] | None:
    """The batch's results if an earlier try of the job has written them all; None if not. Their infotext is that of their files."""
    found: list[GeneratedImage] = []
    for index in range(len(run.seeds)):
        filed = run.report.filed(run.first + index)
        data = saving.written(filed)
        if filed is None or data is None:
            return None
        text = metadata.read_infotext(data) or text_of(run, index)
        found.append(result(run, index, open_image(data), text, Path(filed.path)))
    return found
