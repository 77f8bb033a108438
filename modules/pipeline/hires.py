"""Stage: the second pass of Hires. fix: the first one's latents or picture enlarged, noised again, denoised again."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from modules.contract.request import HiresPass, Size
from modules.families.base import Components
from modules.imaging.opening import open_image
from modules.imaging.resize import Target, hires_target, resize_image
from modules.pipeline.conditioning import Conditioning
from modules.pipeline.decode import decode
from modules.pipeline.encode import Timeline, encode
from modules.pipeline.finish import save_extra
from modules.pipeline.run import Loaded, Pass, Prompts, Run
from modules.pipeline.start import encode_pictures, inputs_with_picture, inputs_without_picture, noise_source, tensors
from modules.pipeline.upscale import LATENT_MODES, latent_upscale
from modules.sampling.registry import Choice, scheduled_steps

LATENT = "Latent"


def first_from_picture(run: Run, hires: HiresPass) -> Tensor:
    """Latents that take the place of the first pass, of the picture that was given for it."""
    assert hires.first is not None
    picture = tensors([open_image(hires.first, name="The first pass's picture")], run.device)
    return encode_pictures(run.components, picture.expand(len(run.seeds), -1, -1, -1))


def second_pass(run: Run, latents: Tensor, first: Loaded) -> Pass:
    """The second pass over latents (B, C, h, w) that the model `first` made."""
    hires = run.request.hires
    assert hires is not None
    target = hires_target(run.request.size, hires.scale, hires.size)
    upscaler = hires.upscaler or LATENT
    images = None if upscaler in LATENT_MODES else enlarged(run, decode(run, latents, first), target, upscaler)
    if run.settings.saving.before_hires:
        for index, picture in enumerate(decode(run, latents, first)):
            save_extra(run, index, Image.fromarray(picture), "-before-highres-fix")
    loaded = run.tools.load(hires.checkpoint, run.settings) if hires.checkpoint else run.loaded
    components = loaded.components
    steps = hires.steps or run.request.steps
    size = target.size
    if images is None:
        downscale = components.latents.downscale
        latents = latent_upscale(latents, (size.height // downscale, size.width // downscale), upscaler)
        concat = inputs_for_latents(run, components, latents, size)
    else:
        pictures = tensors(images, components.device)
        latents = encode_pictures(components, pictures)
        concat = inputs_with_picture(run, components, pictures, latents, None, None)
    latents, concat = truncated(latents, target), None if concat is None else truncated(concat, target)
    return tied(run, loaded, run.hires_choice, steps=steps, latents=latents, concat=concat, size=size)


def tied(run: Run, loaded: Loaded, choice: Choice, *, steps: int, latents: Tensor, concat: Tensor | None, size: Size) -> Pass:
    """The second pass with its networks in place, its texts encoded, and noise of the same seeds at the new size."""
    hires = run.request.hires
    assert hires is not None
    tags = run.prompts.tags if run.settings.compatibility.hires_first_networks else run.hires_prompts.tags
    run.tools.use_networks(run, loaded, tags)
    timeline = Timeline(scheduled_steps(run.choice, run.request.steps), scheduled_steps(choice, steps))

    def encode_for(loaded: Loaded, prompts: Prompts = run.hires_prompts) -> Conditioning:
        return encode(run, loaded, prompts, timeline, size)

    downscale = loaded.components.latents.downscale
    drawn = Size(latents.shape[3] * downscale, latents.shape[2] * downscale)
    return Pass(
        loaded,
        choice,
        steps,
        size,
        noise_source(run, loaded.components, drawn),
        encode_for(loaded),
        encode_for,
        tags,
        encode_for,
        strength=hires.strength,
        exact=True,
        init=latents,
        concat=concat,
        second=True,
    )


def enlarged(run: Run, pictures: Sequence[NDArray[np.uint8]], target: Target, upscaler: str) -> list[Image.Image]:
    """Pictures at the second pass's size, made by an upscaler."""
    upscale = None if upscaler == "None" else partial(run.tools.upscale, run, upscaler)
    return [resize_image("just resize", Image.fromarray(picture), target.size, upscale=upscale) for picture in pictures]


def inputs_for_latents(run: Run, components: Components, latents: Tensor, size: Size) -> Tensor | None:
    """What an inpainting network sees in a second pass over enlarged latents."""
    if components.variant.inputs == "plain":
        return None
    if components.variant.inputs == "inpaint" and run.settings.img2img.mask_weight >= 1:
        return inputs_without_picture(components, len(latents), size)
    pictures = torch.cat([components.decode(latent[None]) for latent in latents]).add(1).div(2).clamp(0, 1)
    return inputs_with_picture(run, components, pictures, latents, None, None)


def truncated(latents: Tensor, target: Target) -> Tensor:
    """Latents without what reaches over the target size on either side."""
    x, y = target.truncate
    height, width = latents.shape[2:]
    return latents[:, :, y // 2 : height - (y + 1) // 2, x // 2 : width - (x + 1) // 2]
