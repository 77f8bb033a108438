"""Tiled diffusion: the network works on overlapping tiles whose outputs are averaged. Bar-Tal et al. 2023, arXiv:2302.08113.

Weights that fall off towards the borders: Mixture of Diffusers, Jiménez 2023, arXiv:2302.02412.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from torch import Tensor

from extensions.tiled_diffusion.tiles import Tiles, crop, part_of
from modules.contract.errors import BadRequest
from modules.contract.request import GenerationRequest
from modules.plugins import Choice, Extension, Options, Pass, Run, Slider, Step, hook
from modules.sampling.guidance import Call, Network

KEYS = {  # A1111's, within its one pair
    "method": "Method",
    "width": "Tile tile width",
    "height": "Tile tile height",
    "overlap": "Tile Overlap",
    "together": "Tile batch size",
    "vae_tile": "VAE tile size",
}
PAIR = "Tiled Diffusion"


class TiledDiffusion(Extension):
    """See README.md."""

    class Options(Options):
        """How latents and pictures are cut."""

        method: Literal["MultiDiffusion", "Mixture of Diffusers"] = Choice(
            "Mixture of Diffusers", "Method", help="How tiles are averaged: all alike, or the more the nearer to a tile's middle"
        )
        width: int = Slider(96, 16, 256, "Latent tile width", step=8, help="One latent pixel is eight of the picture's")
        height: int = Slider(96, 16, 256, "Latent tile height", step=8)
        overlap: int = Slider(48, 0, 248, "Latent tile overlap", step=4)
        together: int = Slider(4, 1, 16, "Tiles at a time", help="More is faster and takes more memory")
        vae_tile: int = Slider(512, 0, 4096, "VAE tile size", step=64, help="Larger pictures are decoded in tiles; 0: as the settings say")

    options: Options
    cut: Tiles | None = None

    @classmethod
    def notes(cls, options: Any, title: str) -> dict[str, object]:
        """The one pair that A1111's extension writes."""
        return {PAIR: json.dumps({key: getattr(options, name) for name, key in KEYS.items()})}

    @classmethod
    def options_from(cls, notes: Mapping[str, str], title: str) -> dict[str, Any] | None:
        """From that pair, which the original writes with single quotes."""
        try:
            found = json.loads(notes.get(PAIR, "").replace("'", '"'))
        except ValueError:
            return None
        return {name: found[key] for name, key in KEYS.items() if key in found} if isinstance(found, dict) else None

    @hook.request
    def refuse(self, request: GenerationRequest) -> None:
        """Tiles must be larger than what they share."""
        least = min(self.options.width, self.options.height)
        if self.options.overlap >= least:
            raise BadRequest(f"The latent tiles' overlap is {self.options.overlap}; it must be less than the tile's side, {least}.")

    @hook.batch
    def prepare(self, run: Run) -> None:
        """Have the VAE work in tiles, from the source picture on."""
        self.tile_vae(run, run.loaded)

    def tile_vae(self, run: Run, loaded: Any) -> None:
        """The same for a model that joins later; the batch's end brings its own size back."""
        components = loaded.components
        if not self.options.vae_tile or components.vae_tile == self.options.vae_tile:
            return
        run.undo.callback(restore, components, components.vae_tile)
        components.vae_tile = self.options.vae_tile

    @hook.denoising
    @contextmanager
    def begin(self, run: Run, passing: Pass) -> Iterator[None]:
        """Know how the pass's latents are cut."""
        self.tile_vae(run, passing.loaded)
        _, height, width = passing.noise.shape
        self.cut = Tiles.of(height, width, self.options, device=passing.noise.device)
        if self.cut is None:
            run.warn(f"Tiled diffusion: the latents, {width}x{height}, fit into one tile; they are not cut.")
        try:
            yield
        finally:
            self.cut = None

    @hook.network
    def tile(self, run: Run, step: Step, call: Call, network: Network) -> Tensor | None:
        """The average of the network's outputs for all tiles."""
        tiles = self.cut
        if tiles is None or (call.x.shape[2], call.x.shape[3]) != tiles.size:
            return None
        total = call.x.new_zeros(call.x.shape)
        count = 1 if step.passing.concat is not None else self.options.together
        for start in range(0, len(tiles.places), count):
            places = tiles.places[start : start + count]
            run.report.check()
            with seen(step.passing, tiles, places[0]):
                outputs = network(part_of(call, tiles, places)).chunk(len(places))
            for place, output in zip(places, outputs, strict=True):
                crop(total, tiles, place).add_(output * tiles.weight)
        return total / tiles.total


def restore(components: Any, size: int) -> None:
    """Put back the size of a VAE's tiles."""
    components.vae_tile = size


@contextmanager
def seen(passing: Pass, tiles: Tiles, place: tuple[int, int]) -> Iterator[None]:
    """For a while, an inpainting model sees a tile's part of what it sees beside the latents."""
    whole = passing.concat
    if whole is None:
        yield
        return
    passing.concat = crop(whole, tiles, place)
    try:
        yield
    finally:
        passing.concat = whole
