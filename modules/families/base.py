"""The parts of a loaded model, and what they do for every family alike."""

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL
from diffusers.models.embeddings import get_timestep_embedding
from torch import Tensor, nn

from modules.contract.errors import NotSupported
from modules.families.clip_text import CHUNK, Inserted, Lookup, TextOptions, Tokens, tokenize, tokenize_as_before_1_0
from modules.families.text_encoder import Encoded, TextEncoder, used_names
from modules.families.unet import UNet
from modules.families.variant import Variant
from modules.runtime.placement import Placement, Where
from modules.sampling.guidance import Residuals
from modules.sampling.prediction import Prediction
from modules.weights.embeddings import Embedding


@dataclass(frozen=True)
class LatentFormat:
    """How a picture becomes latents: channels, pixels a side for each, and the factor that brings them to unit variance.

    `colours` (channels, 3) and `grey` (3,) give an approximate picture in -1..1: latents @ colours + grey.
    """

    channels: int
    downscale: int
    scale: float
    colours: Tensor
    grey: Tensor


@torch.inference_mode()
def plain_colours(vae: Any, scale: float) -> tuple[Tensor, Tensor]:
    """The linear map from a VAE's latents to colours, by least squares over 27 plain pictures: (channels, 3) and (3,)."""
    levels = torch.tensor([-1.0, 0.0, 1.0], device=vae.device)
    colours = torch.cartesian_prod(levels, levels, levels)  # (27, 3)
    pictures = colours[:, :, None, None].expand(-1, -1, 32, 32).to(vae.dtype)
    latents = vae.encode(pictures).latent_dist.mode().float().mean(dim=(2, 3)) * scale  # (27, channels)
    with_one = torch.cat([latents, torch.ones_like(latents[:, :1])], dim=1).cpu()
    solution = torch.linalg.lstsq(with_one, colours.float().cpu()).solution.to(vae.device)
    return solution[:-1], solution[-1]


@dataclass(eq=False)
class Components:
    """The loaded parts of one checkpoint.

    `text_state` changes with whatever changes the text encoders' answers: networks patched into them, embeddings. `vae_tile`:
    pictures with a longer side, in pixels, go through the VAE in tiles of that size; 0: never.
    """

    variant: Variant
    unet: UNet
    vae: AutoencoderKL
    encoders: list[TextEncoder]
    prediction: Prediction
    latents: LatentFormat
    dtype: torch.dtype
    vae_dtype: torch.dtype
    device: torch.device
    placement: Placement
    text_state: Hashable = 0
    vae_tile: int = 0
    embeddings_skipped: list[str] = field(default_factory=list[str])
    lookup: Lookup = field(default_factory=Lookup)

    def __post_init__(self) -> None:
        self.own_vae = (self.vae, self.vae_dtype, self.latents)
        self.given: tuple[Embedding, ...] = ()

    @property
    def takes_vector(self) -> bool:
        """Whether the network wants SDXL's added conditioning."""
        return self.unet.config["addition_embed_type"] is not None

    @property
    def takes_aesthetic(self) -> bool:
        """Whether that conditioning holds an aesthetic score in place of a target size."""
        return self.variant.family == "sdxl-refiner"

    # The network

    def predict(
        self,
        x: Tensor,
        t: Tensor,
        context: Tensor,
        vector: Tensor | None = None,
        concat: Tensor | None = None,
        residuals: Residuals | None = None,
    ) -> Tensor:
        """The network's output (N, C, h, w), float32.

        x (N, C, h, w) as the network wants it; t (N,), fractions too; context (N, tokens, width); vector (N, V) from `vector`;
        concat (N, 5 or 4, h, w): what inpainting and instruct-pix2pix networks see beside x. `residuals` are those of control networks.
        """
        seen = x if concat is None else torch.cat([x, concat.to(x)], dim=1)
        added = residuals or Residuals()
        with self.placement.on_device("unet"):
            output = self.unet(
                seen.to(self.dtype),
                t,
                encoder_hidden_states=context.to(self.dtype),
                added_cond_kwargs=None if vector is None else {"vector": vector.to(self.dtype)},
                down_block_additional_residuals=tuple(one.to(self.dtype) for one in added.down) or None,
                mid_block_additional_residual=None if added.mid is None else added.mid.to(self.dtype),
                down_intrablock_additional_residuals=[one.to(self.dtype) for one in added.levels] or None,
                return_dict=False,
            )[0]
        return output.float()

    # Text

    @property
    def embeddings(self) -> tuple[Embedding, ...]:
        """The textual inversion embeddings that prompts may name; those that do not fit the encoders are in `embeddings_skipped`."""
        return self.given

    @embeddings.setter
    def embeddings(self, embeddings: Sequence[Embedding]) -> None:
        self.given = tuple(embeddings)
        widths: dict[str, int] = {encoder.key: encoder.width for encoder in self.encoders}
        fitting = {embedding.name: embedding.vectors_for(widths) for embedding in embeddings}
        self.embeddings_skipped = [name for name, vectors in fitting.items() if vectors is None]
        self.lookup = Lookup(Inserted(name, vectors) for name, vectors in fitting.items() if vectors is not None)

    def tokens(self, prompt: str, options: TextOptions) -> Tokens:
        """A prompt in chunks, embeddings in their places. Raises NotSupported where the old emphasis cannot be had."""
        if not options.old_emphasis:
            backtrack = options.comma_backtrack
            return tokenize(prompt, comma_backtrack=backtrack, emphasis=options.emphasis, embeddings=self.lookup)
        if self.variant.family != "sd1":
            raise NotSupported("The old emphasis is for Stable Diffusion 1 checkpoints only.", "Switch it off in the settings.")
        return tokenize_as_before_1_0(prompt, emphasis=options.emphasis, embeddings=self.lookup)

    def encode_prompts(self, prompts: Sequence[str], options: TextOptions) -> Encoded:
        """The encodings of prompts that belong together: all variants of one scheduled prompt. One row for each.

        With several encoders their widths stand side by side; each keeps its own mean under emphasis.
        """
        tokens = [self.tokens(prompt, options) for prompt in prompts]
        with self.placement.on_device("text"):
            parts = [encoder.encode(tokens, options) for encoder in self.encoders]
        context = torch.cat([part.context for part in parts], dim=-1)
        pooled = parts[-1].pooled
        if options.zero_if_empty and pooled is not None and not any(prompts):
            context, pooled = torch.zeros_like(context), torch.zeros_like(pooled)
        return Encoded(context, pooled, used_names(tokens), max(token.cut for token in tokens))

    def vector(
        self, pooled: Tensor, *, size: tuple[int, int], crop: tuple[int, int], target: tuple[int, int], aesthetic: float | None = None
    ) -> Tensor:
        """SDXL's added conditioning (N, V) for pooled texts (N, P): the text's vector, and 256 numbers for each of some numbers.

        `size` and `target` are height and width in pixels, `crop` top and left. The refiner takes a score in place of `target`.
        """
        last = [6.0 if aesthetic is None else aesthetic] if self.takes_aesthetic else target
        numbers = torch.tensor([*size, *crop, *last], dtype=torch.float32, device=pooled.device)
        waves = get_timestep_embedding(numbers, 256, flip_sin_to_cos=True, downscale_freq_shift=0)  # (numbers, 256)
        return torch.cat([pooled.float(), waves.flatten().expand(len(pooled), -1)], dim=1)

    def token_count(self, prompt: str, options: TextOptions) -> tuple[int, int]:
        """How many tokens a prompt has, and how many its chunks hold."""
        count = self.tokens(prompt, replace(options, old_emphasis=False)).count
        return count, CHUNK * ceil(max(count, 1) / CHUNK)

    # Pictures

    def encode(self, pictures: Tensor, *, sample: bool, generator: torch.Generator | None = None) -> Tensor:
        """Latents (B, C, h, w) of pictures (B, 3, H, W) in -1..1, scaled for the network, float32; one by one.

        `sample` draws them from the distribution that the encoder gives, with the generator's noise or, without one, that of
        torch's own generator on the processor; else they are its mean.
        """
        found: list[Tensor] = []
        vae: Any = self.vae
        with self.placement.on_device("vae"):
            for picture in pictures:
                self.prepare_tiles(max(picture.shape[1:]))
                spread = vae.encode(picture[None].to(self.device, self.vae_dtype)).latent_dist
                noise = torch.randn(spread.mean.shape, generator=generator).to(spread.mean) if sample else 0.0
                found.append((spread.mean + spread.std * noise).float())
        return torch.cat(found) * self.latents.scale

    def decode(self, latents: Tensor) -> Tensor:
        """Pictures in -1..1, (B, 3, H, W), float32, of latents (B, C, h, w) scaled for the network; one by one."""
        found: list[Tensor] = []
        vae: Any = self.vae
        with self.placement.on_device("vae"):
            for latent in latents * (1 / self.latents.scale):
                self.prepare_tiles(max(latent.shape[1:]) * self.latents.downscale)
                found.append(vae.decode(latent[None].to(self.device, self.vae_dtype), return_dict=False)[0].float())
        return torch.cat(found)

    def prepare_tiles(self, side: int) -> None:
        """Have the VAE work in tiles for a picture with a longer side of that many pixels, or not; edges that meet need it whole."""
        vae: Any = self.vae
        vae.use_tiling = 0 < self.vae_tile < side and vae.decoder.conv_in.padding_mode == "zeros"
        vae.tile_sample_min_size = self.vae_tile
        vae.tile_latent_min_size = self.vae_tile // self.latents.downscale

    @contextmanager
    def tiled(self, on: bool = True) -> Iterator[None]:
        """While it lasts, the picture's edges fit together: all convolutions of U-Net and VAE see the opposite edge beyond an edge."""
        layers = [layer for module in (self.unet, self.vae) for layer in module.modules() if on and isinstance(layer, nn.Conv2d)]
        plain = [layer for layer in layers if layer.padding_mode == "zeros"]
        try:
            for layer in plain:
                layer.padding_mode = "circular"
            yield
        finally:
            for layer in plain:
                layer.padding_mode = "zeros"

    def use_vae(self, vae: AutoencoderKL | None) -> None:
        """Put another VAE in the place of the checkpoint's; None brings that back."""
        own, own_dtype, own_latents = self.own_vae
        if self.vae is (own if vae is None else vae):
            return
        self.vae = own if vae is None else vae
        self.placement.add("vae", self.vae)
        if vae is None:
            self.vae_dtype, self.latents = own_dtype, own_latents
            return
        self.vae_dtype = vae.dtype
        with self.placement.on_device("vae"):
            colours, grey = plain_colours(vae, self.latents.scale)
        self.latents = replace(self.latents, colours=colours, grey=grey)

    def vae_in_float32(self) -> None:
        """Have the VAE compute in float32 from now on: where half precision overflowed."""
        self.vae.float()
        self.vae_dtype = torch.float32
        if self.vae is self.own_vae[0]:
            self.own_vae = (self.vae, torch.float32, self.latents)


@dataclass(frozen=True)
class ModelKey:
    """What decides whether a loaded model can be used again."""

    path: Path
    modified: float
    size: int
    dtype: torch.dtype
    vae_dtype: torch.dtype
    device: torch.device
    where: Where = "Automatic"
    fp8: bool = False
