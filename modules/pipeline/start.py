"""Stage: what the first pass begins with: noise, source pictures in latent space, masks."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from modules.contract.errors import BadRequest, NotSupported
from modules.contract.request import Inpaint, Size, SourceImage
from modules.families.base import Components
from modules.imaging.inpainting import Prepared
from modules.imaging.resize import resampled
from modules.pipeline.conditioning import Conditioning
from modules.pipeline.encode import Timeline, encode
from modules.pipeline.run import Blend, Loaded, Pass, Prompts, Run
from modules.sampling.noise import NoiseSource, Variation
from modules.sampling.registry import scheduled_steps


def first_pass(run: Run) -> Pass:
    """The first pass of a batch, with its model's networks in place and its texts encoded."""
    request = run.request
    run.tools.use_networks(run, run.loaded, run.prompts.tags)

    def encode_for(loaded: Loaded, prompts: Prompts = run.prompts) -> Conditioning:
        return encode(run, loaded, prompts, Timeline(scheduled_steps(run.choice, request.steps)), request.size)

    noise = noise_source(run, run.components, request.size)
    texts = encode_for(run.loaded)
    passing = Pass(run.loaded, run.choice, request.steps, request.size, noise, texts, encode_for, run.prompts.tags, encode_for)
    if request.source is None:
        passing.concat = inputs_without_picture(run.components, len(run.seeds), request.size)
    else:
        assert run.prepared is not None
        start_from_pictures(run, passing, request.source, run.prepared)
    return passing


def noise_source(run: Run, components: Components, size: Size) -> NoiseSource:
    """The noise of a batch at a size in pixels."""
    request, latents = run.request, components.latents
    variation = request.variation
    resized = request.resize_seed_from
    return NoiseSource(
        run.seeds,
        (latents.channels, size.height // latents.downscale, size.width // latents.downscale),  # other sides are cut down, as in A1111
        source=run.settings.model.random_source,
        device=components.device,
        seed_delta=run.settings.sampling.noise_seed_delta,
        variation=Variation(run.variation_seeds, variation.strength) if variation and variation.strength else None,
        resize_from=(resized.height // latents.downscale, resized.width // latents.downscale) if resized else None,
    )


def start_from_pictures(run: Run, passing: Pass, source: SourceImage, prepared: Prepared) -> None:
    """Give a pass its source: encoded pictures, the mask over them, and what the network sees of both."""
    components = run.components
    pictures = tensors(prepared.pictures, components.device)
    pictures = pictures.expand(len(run.seeds), -1, -1, -1) if len(pictures) == 1 else pictures[: len(run.seeds)]
    init = encode_pictures(components, pictures)
    if source.resize == "latent upscale":
        size = (run.request.size.height // components.latents.downscale, run.request.size.width // components.latents.downscale)
        init = torch.nn.functional.interpolate(init, size=size, mode="bilinear")
    passing.strength, passing.exact = source.strength, run.settings.img2img.exact_steps
    mask = latent_mask(prepared.mask, init, rounded=source.inpaint.rounded if source.inpaint else True)
    if mask is not None:
        init = masked_content(run, init, mask, source.inpaint)
        passing.blend = Blend(mask, init)
    passing.init = init
    passing.concat = inputs_with_picture(run, components, pictures, init, prepared.picture_mask, source.inpaint)


def tensors(pictures: Sequence[Image.Image], device: torch.device) -> Tensor:
    """Pictures as (B, 3, H, W) in 0..1. Raises BadRequest if they are not of one size: 'latent upscale' leaves them theirs."""
    if len({picture.size for picture in pictures}) > 1:
        sizes = ", ".join(f"{width}x{height}" for width, height in (picture.size for picture in pictures))
        raise BadRequest(f"The source pictures are of different sizes: {sizes}.", "Give pictures of one size, or another resize mode.")
    arrays = [np.asarray(picture.convert("RGB")).astype(np.float32) / 255.0 for picture in pictures]
    return torch.as_tensor(np.stack(arrays)).permute(0, 3, 1, 2).to(device)


def encode_pictures(components: Components, pictures: Tensor) -> Tensor:
    """Latents of pictures (B, 3, H, W) in 0..1. Equal pictures are encoded once."""
    if len(pictures) > 1 and bool((pictures == pictures[:1]).all()):
        return components.encode(pictures[:1] * 2 - 1, sample=False).expand(len(pictures), -1, -1, -1).clone()
    return components.encode(pictures * 2 - 1, sample=False)


def latent_mask(mask: Image.Image | None, init: Tensor, *, rounded: bool) -> Tensor | None:
    """The mask (1, 1, h, w) in latent space, 1 = paint anew; None without one."""
    if mask is None:
        return None
    small = resampled(mask.convert("RGB"), (init.shape[3], init.shape[2]))
    values = np.asarray(small).astype(np.float32)[:, :, 0] / 255
    if rounded:
        values = np.around(values)
    return torch.as_tensor(values)[None, None].to(init.device)


def masked_content(run: Run, init: Tensor, mask: Tensor, inpaint: Inpaint | None) -> Tensor:
    """The source latents with noise or nothing under the mask, where that was asked for.

    The noise is that of the request's first pictures, in every batch, as in A1111.
    """
    content = inpaint.content if inpaint else "original"
    if content == "latent noise":
        seeds = tuple(run.request.seed + index for index in range(len(run.seeds)))
        shape = (init.shape[1], init.shape[2], init.shape[3])
        noise = NoiseSource(seeds, shape, source=run.settings.model.random_source, device=init.device)
        return init * (1 - mask) + noise.next() * mask
    if content == "latent nothing":
        return init * (1 - mask)
    return init


def inputs_without_picture(components: Components, batch: int, size: Size) -> Tensor | None:
    """What an inpainting network sees when all is to be painted: a mask of ones, and grey."""
    kind = components.variant.inputs
    if kind == "plain":
        return None
    if kind == "edit":
        raise NotSupported("This is an instruct-pix2pix model: it changes a picture.", "Give it one, in img2img.")
    height, width = (side - side % components.latents.downscale for side in (size.height, size.width))
    grey = components.encode(torch.zeros(1, 3, height, width, device=components.device), sample=False)
    return torch.cat([torch.ones_like(grey[:, :1]), grey], dim=1).expand(batch, -1, -1, -1)


def inputs_with_picture(
    run: Run, components: Components, pictures: Tensor, latents: Tensor, mask: Image.Image | None, inpaint: Inpaint | None
) -> Tensor | None:
    """What a network sees beside the latents of pictures (B, 3, H, W) in 0..1: the mask and what is left outside it, or the picture."""
    kind = components.variant.inputs
    if kind == "plain":
        return None
    source = pictures * 2 - 1
    if kind == "edit":
        return components.encode(source, sample=False) / components.latents.scale
    if mask is None:
        hole = source.new_ones(1, 1, *source.shape[-2:])
    else:
        hole = torch.as_tensor(np.asarray(mask.convert("L")).astype(np.float32) / 255)[None, None].to(source.device)
        if inpaint is None or inpaint.rounded:
            hole = hole.round()
    left = torch.lerp(source, source * (1 - hole), run.settings.img2img.mask_weight)
    seen = components.encode(left, sample=False)
    hole = torch.nn.functional.interpolate(hole, size=latents.shape[-2:])
    return torch.cat([hole.expand(len(seen), -1, -1, -1), seen], dim=1)
