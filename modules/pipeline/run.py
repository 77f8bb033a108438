"""All there is to know of one batch on its way."""

from collections.abc import Callable, Hashable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch
from PIL import Image
from torch import Tensor

from modules.contract.progress import Reporter
from modules.contract.request import GenerationRequest, Size
from modules.contract.services import ModelEntry
from modules.families.base import Components
from modules.families.hypernetworks import Detours
from modules.families.networks import Patches, Strength, Wanted
from modules.imaging.inpainting import Prepared
from modules.pipeline.conditioning import Conditioning
from modules.pipeline.relay import Relay
from modules.prompts.tags import Tag, without_tags
from modules.sampling.noise import NoiseSource
from modules.sampling.registry import Choice
from modules.screening import Screen
from modules.settings.groups import Settings

if TYPE_CHECKING:
    from modules.pipeline.controls import Controls
    from modules.pipeline.encode import EncodingCache
    from modules.pipeline.tiny_decoder import TinyDecoders


@dataclass(eq=False)
class Loaded:
    """A checkpoint in memory, and what is done to it for now: networks on its weights, another VAE in place of its own (None)."""

    entry: ModelEntry
    components: Components
    patches: Patches
    detours: Detours
    vae: ModelEntry | None = None
    fp8: bool = False  # its weights are kept in 8 bits

    @property
    def text_state(self) -> Hashable:
        """Changes when the text encoders give other encodings."""
        return self.patches.text_state, tuple(id(embedding) for embedding in self.components.embeddings)


@dataclass(frozen=True)
class Prompts:
    """The texts of a batch, one for each picture, and the networks that their tags named. Styles are in, comments and tags out."""

    positive: tuple[str, ...]
    negative: tuple[str, ...]
    tags: tuple[Tag, ...]


class Tools(Protocol):
    """What the stages may ask of the rest of the pipeline while a batch runs."""

    root: Path
    encodings: "EncodingCache"
    tiny_decoders: "TinyDecoders"
    screen: Screen
    controls: "Controls"

    def load(self, name: str, settings: Settings) -> Loaded:
        """Another checkpoint, for the refiner or the second pass. Raises NotFound, BadModel."""
        ...

    def use_networks(self, run: "Run", loaded: Loaded, tags: tuple[Tag, ...]) -> None:
        """Have a model work with just the networks that some tags name."""
        ...

    def wanted_networks(self, run: "Run", tags: Sequence[Tag]) -> tuple[Wanted, ...]:
        """What `use_networks` would put into a model's weights, for whoever changes between sets: `loaded.patches.applied(them)`."""
        ...

    def short_title(self, name: str) -> str:
        """A checkpoint as the infotext calls it: `name [hash]`. Raises NotFound."""
        ...

    def upscale(self, run: "Run", upscaler: str, image: Image.Image, scale: float) -> Image.Image:
        """A picture enlarged by an upscaler of that name."""
        ...

    def restore_faces(self, run: "Run", image: Image.Image) -> Image.Image:
        """A picture with its faces restored by `run.face_restorer`."""
        ...

    def redo(self, run: "Run", request: GenerationRequest) -> list[Image.Image]:
        """The pictures of another request, made while a batch is finished. Raises as generation does."""
        ...

    def embedding_hash(self, loaded: Loaded, name: str, settings: Settings) -> str | None:
        """What the infotext shows as an embedding's hash; None if it shows none."""
        ...


@dataclass
class Blend:
    """Where a pass paints: mask (B or 1, C or 1, h, w), 1 = anew; `init` (B, C, h, w) is what stays elsewhere."""

    mask: Tensor
    init: Tensor

    def __call__(self, latents: Tensor) -> Tensor:
        return latents * self.mask + self.init * (1 - self.mask)


@dataclass
class Pass:
    """One way of the sampler from noise to latents: the first one, or the second of Hires. fix.

    `loaded` becomes the refiner's when that takes over. `strength` None starts from noise alone, without `init`.
    """

    loaded: Loaded
    choice: Choice
    steps: int
    size: Size
    noise: NoiseSource
    conditioning: Conditioning
    encode: Callable[[Loaded], Conditioning]  # the same texts under another model
    tags: tuple[Tag, ...]
    encode_texts: Callable[[Loaded, Prompts], Conditioning]  # other texts in their place
    strength: float | None = None
    exact: bool = False  # take the number of steps as it is, however low the strength
    init: Tensor | None = None  # (B, C, h, w)
    blend: Blend | None = None
    concat: Tensor | None = None  # (B, 5 or 4, h, w): what inpainting and instruct-pix2pix networks see beside the latents
    second: bool = False


@dataclass
class Run:
    """One batch. Lives from `generate` to `finish`; no part of the program keeps it longer."""

    request: GenerationRequest  # names resolved, seeds drawn
    settings: Settings  # frozen copy, with the request's own on top
    loaded: Loaded
    choice: Choice  # sampler and schedule
    hires_choice: Choice  # those of the second pass
    report: Reporter
    hooks: Relay
    tools: Tools
    seeds: tuple[int, ...]  # one for each picture of the batch
    variation_seeds: tuple[int, ...]
    first: int  # the number of the batch's first picture in the whole request, from 0
    texts: Prompts  # as the infotext shows them, tags in
    prompts: Prompts
    hires_texts: Prompts
    hires_prompts: Prompts
    tiling: bool = False
    face_restorer: str | None = None
    prepared: Prepared | None = None  # source pictures and masks; None: txt2img
    weigh: Callable[[Tag, Strength], Strength] | None = None  # what an extension makes of a network tag's strength
    interrupted: bool = False  # a person ended it early: what there is, is kept, and no batch follows
    script_notes: dict[str, object] = field(default_factory=dict[str, object])  # an extension's pairs for the infotext, before the others
    notes: dict[str, object] = field(default_factory=dict[str, object])  # further pairs, behind the others: what happened on the way
    picture_notes: dict[int, dict[str, object]] = field(default_factory=dict[int, dict[str, object]])  # those of a single picture
    warnings: list[str] = field(default_factory=list[str])  # of all batches of the request: each is said once
    matched_networks: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])  # keys in a file, and used ones
    network_hashes: dict[str, str] = field(default_factory=dict[str, str])
    embedding_hashes: list[str] = field(default_factory=list[str])

    undo: ExitStack = field(default_factory=ExitStack)  # what is to be undone when the batch is over
    entered: list[Loaded] = field(default_factory=list[Loaded])

    def enter(self, loaded: Loaded) -> None:
        """Have a model work in this batch's way until its end."""
        if loaded not in self.entered:
            self.entered.append(loaded)
            if self.tiling:
                self.undo.enter_context(loaded.components.tiled(True))

    @property
    def components(self) -> Components:
        return self.loaded.components

    @property
    def device(self) -> torch.device:
        return self.components.device

    def warn(self, text: str) -> None:
        """Tell the person something once; the work goes on."""
        if text not in self.warnings:
            self.warnings.append(text)
            self.report.warn(text)

    def reprompt(self, positive: Sequence[str], negative: Sequence[str], *, networks: Sequence[Tag] | None = None) -> None:
        """Give the batch's pictures texts of their own; styles are in them. The networks are those that the first one names, as in A1111.

        The second pass has the same texts, unless the request has others for it. `networks` takes the place of what the tags name.
        """
        none: list[Tag] = []
        plain = [without_tags(text) if self.request.networks else (text, none) for text in positive]
        tags = tuple(plain[0][1] if networks is None else networks)
        self.texts = Prompts(tuple(positive), tuple(negative), ())
        self.prompts = Prompts(tuple(text for text, _ in plain), tuple(negative), tags)
        hires = self.request.hires
        if hires and not hires.prompt:
            self.hires_texts, self.hires_prompts = (
                replace(self.hires_texts, positive=self.texts.positive),
                replace(self.hires_prompts, positive=self.prompts.positive, tags=tags),
            )
        if hires and not hires.negative_prompt:
            self.hires_texts = replace(self.hires_texts, negative=tuple(negative))
            self.hires_prompts = replace(self.hires_prompts, negative=tuple(negative))

    def redo(self, request: GenerationRequest) -> list[Image.Image]:
        """The pictures of another request, for hooks of finished pictures: what a detailer paints anew. Nothing of it is saved.

        Its steps count among this job's, and it can be interrupted as that can. Raises as a generation does.
        """
        return self.tools.redo(self, request)

    def use_embeddings(self, loaded: Loaded, names: Sequence[str]) -> None:
        """Note for the infotext that embeddings took part in a text: before those of earlier texts, once for each encoder, as A1111."""
        digests = {name: self.tools.embedding_hash(loaded, name, self.settings) for name in names}
        noted = [f"{name.replace(':', '').replace(',', '')}: {digest}" for name, digest in digests.items() if digest is not None]
        self.embedding_hashes[:0] = noted * len(loaded.components.encoders)
