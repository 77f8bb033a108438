"""Pictures as latents, encoded once and kept: the VAE is 39 % of a step's arithmetic for SD 1, and a quarter for SDXL.

What is kept is the mean of what the encoder gives: its spread is some hundredths of the latents', and a mean can be encoded again to
the same numbers.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from modules.contract.errors import BadRequest, WebuiError
from modules.contract.request import Size
from modules.contract.training import DataOptions
from modules.datasets.pictures import cover, opaque, upright
from modules.datasets.scan import Item
from modules.families.base import Components
from modules.training.data.masks import latent_mask, mask_of
from modules.training.data.tensor_store import TensorStore, digest_of, key_of

VERSION = 1  # of the files: another number makes all of them anew
ON_DEVICE = 512 * 2**20  # bytes of latents that stay on a graphics card: two thousand pictures of SDXL
IN_MEMORY = 2 * 2**30  # bytes of latents from files that stay in the processor's memory


@dataclass(frozen=True)
class Fit:
    """A picture and the size that it is trained at."""

    item: Item
    size: Size


@dataclass(frozen=True)
class Latents:
    """One picture, ready: latents (C, h, w), scaled, float32; where its cut began in pixels, (top, left); the mask (1, h, w) or None."""

    values: Tensor
    crop: tuple[int, int]
    mask: Tensor | None


class LatentCache:
    """The latents of some pictures. `folder` None: kept in memory. `keep` False: encoded each time they are asked for."""

    def __init__(self, components: Components, data: DataOptions, fits: Sequence[Fit], folder: Path | None, *, keep: bool = True) -> None:
        self.components, self.data, self.fits, self.keep = components, data, fits, keep
        self.store = TensorStore(folder, *self.room(folder))
        self.network = digest_of(components.vae) if keep else ""
        self.keys: dict[tuple[int, bool], str] = {}

    def room(self, folder: Path | None) -> tuple[int | None, torch.device]:
        """How many bytes are held in memory, None for all, and where: on the device if they are few."""
        device, form = self.components.device, self.components.latents
        cells = sum(fit.size.width * fit.size.height // form.downscale**2 for fit in self.fits)
        wanted = cells * (form.channels + 1) * 4 * (2 if self.data.flip else 1)
        if device.type != "cpu" and wanted <= ON_DEVICE:
            return None, device
        return None if folder is None else IN_MEMORY, torch.device("cpu")

    def key(self, index: int, mirrored: bool) -> str:
        """What decides a picture's latents: its content, its size, what lies behind it, its mask, the VAE."""
        if (index, mirrored) not in self.keys:
            fit, data = self.fits[index], self.data
            filed = fit.item.mask_facts if data.masked == "mask files" else None
            masked = "file" if filed else "transparency" if data.masked == "transparency" else ""
            mask = filed.digest if filed else ""
            self.keys[index, mirrored] = key_of(
                VERSION,
                fit.item.digest,
                list(fit.size),
                data.background,
                masked,
                mask,
                mirrored,
                self.network,
                self.components.latents.scale,
            )
        return self.keys[index, mirrored]

    def missing(self) -> list[tuple[int, bool]]:
        """The pictures, upright and, if they are shown so, mirrored, whose latents are not kept yet."""
        if not self.keep:
            return []
        sides = (False, True) if self.data.flip else (False,)
        wanted = [(index, mirrored) for index in range(len(self.fits)) for mirrored in sides]
        return [entry for entry in wanted if not self.store.has(self.key(*entry))]

    def get(self, index: int, mirrored: bool = False) -> Latents:
        """A picture's latents; encoded now if they are not kept. Raises BadRequest for a picture that cannot be used any more."""
        found = self.store.get(self.key(index, mirrored)) if self.keep else None
        if found is None:
            found = self.encoded(index, mirrored)
            if self.keep:
                found = self.store.put(self.key(index, mirrored), found)
        top, left = (int(side) for side in found["crop"])
        return Latents(found["latents"], (top, left), found.get("mask"))

    def encoded(self, index: int, mirrored: bool) -> dict[str, Tensor]:
        """A picture's entry, made from its file."""
        fit = self.fits[index]
        picture = upright(fit.item.path)
        original = Size(*picture.size)
        if fit.item.size != original:
            raise BadRequest(
                f"{fit.item.path.name} is {original} now; it was {fit.item.size} when the training was begun.",
                "Bring the picture back, or begin a new training.",
            )
        mask = mask_of(picture, fit.item.mask, self.data)
        whole = opaque(picture, self.data.background)
        fitted = cover(whole, fit.size)
        top, left = fitted.crop
        if mirrored:
            left = fitted.scaled.width - fit.size.width - left
        values = self.through_vae(ImageOps.mirror(fitted.image) if mirrored else fitted.image, fit.item.path)
        entry = {"latents": values, "crop": torch.tensor([top, left])}
        if mask is not None:
            small = latent_mask(mask, original, fit.size, self.components.latents.downscale)
            entry["mask"] = small.flip(-1) if mirrored else small
        return entry

    def through_vae(self, picture: Image.Image, path: Path) -> Tensor:
        """An RGB picture's latents (C, h, w). Raises WebuiError where the VAE gives no numbers."""
        pixels = torch.from_numpy(np.array(picture, np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
        with torch.no_grad(), exact_vae(self.components):
            values = self.components.encode(pixels, sample=False)[0]
        if not bool(torch.isfinite(values).all()):
            raise WebuiError(f"The VAE gives no finite numbers for {path.name}.", "Its weights are damaged, or the wrong VAE is set.")
        return values


@contextmanager
def exact_vae(components: Components) -> Iterator[None]:
    """While it lasts, the VAE computes in float32: SDXL's overflows in fp16, and this is done once a picture."""
    before = components.vae_dtype
    vae: Any = components.vae
    if before == torch.float32:
        yield
        return
    vae.float()
    components.vae_dtype = torch.float32
    try:
        yield
    finally:
        vae.to(before)
        components.vae_dtype = before
