"""Units that look at a picture in the U-Net's attention layers: IP-Adapters, and references that need no model."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from modules.contract.errors import NotSupported
from modules.contract.services import ModelEntry
from modules.families.attention_changes import Attended, changed_attention
from modules.families.image_encoder import as_seen, seen_by
from modules.families.ip_adapter import IPAdapter, layer_weight, looked_at
from modules.families.reference import Bank, changed_moments, chosen_layers, referred
from modules.plugins import Pass, Run, Step
from modules.sampling.guidance import Call

from .hints import Hints, opened, picture_tensor, region_tensor
from .preprocessors import fit
from .units import Unit
from .weighting import on_now, row_weights

FIDELITY = 0.5


class AdapterUnit:
    """A unit with an IP-Adapter: its pictures are further words. Several pictures are all looked at, one set of words each."""

    def __init__(self, unit: Unit, number: int, hints: Hints, entry: ModelEntry, network: IPAdapter) -> None:
        self.unit, self.hints, self.entry, self.network = unit, hints, entry, network
        self.title = f"ControlNet unit {number}"
        self.part = f"control {number}"
        self.words: tuple[Tensor, Tensor] | None = None  # of the pictures (P, T, width), and of no picture (1, T, width)
        self.now: Tensor | None = None  # those of the call at work, (N, T, width)
        self.strengths: list[float] = []
        self.region: Tensor | None = None

    @contextmanager
    def during(self, run: Run, passing: Pass) -> Iterator[None]:
        """The attention layers with keys and values for the picture. Raises NotSupported if they do not fit."""
        components = passing.loaded.components
        try:
            parts = self.network.by_layer(components.unet)
        except ValueError as error:
            raise NotSupported(f"{self.title}: {self.entry.name} does not fit {passing.loaded.entry.name}: {error}.") from None
        placement = components.placement
        placement.add(self.part, self.network)

        def change(attended: Attended) -> Tensor | None:
            if self.now is None or not attended.layer.cross or attended.hidden.shape[0] != len(self.now):
                return None
            weight = self.unit.weight * layer_weight(attended.layer, self.unit.weight_type)
            if self.unit.weight_type in ("composition", "style and composition") and attended.layer.side == "down":
                weight *= self.unit.composition_weight
            if weight == 0:
                return None
            mine = looked_at(attended, parts[attended.layer.name], self.now) * weight
            mine = mine * torch.tensor(self.strengths, device=mine.device, dtype=mine.dtype).view(-1, 1, 1)
            return attended.plain(attended.hidden, attended.context) + self.inside(mine, attended)

        try:
            with placement.on_device(self.part), changed_attention(components.unet, change):
                self.words = self.words or self.read(run)
                self.region = self.effective_region(components, passing)
                yield
        finally:
            self.now = None
            placement.remove(self.part)

    def evaluate(self, run: Run, step: Step, call: Call) -> Call:
        """Remember which rows see the pictures and which see none."""
        if not on_now(self.unit, step) or self.words is None:
            self.now = None
            return call
        seen, none = self.words
        self.strengths = row_weights(self.unit, call)
        self.now = torch.stack([
            seen[condition.picture % len(seen)] if condition.role == "positive" else none[0] for condition in call.conditions
        ])  # fmt: skip
        return call

    def read(self, run: Run) -> tuple[Tensor, Tensor]:
        """The words of the unit's pictures, and those of no picture. With more than one given, all stand in one row."""
        encoder = run.tools.controls.encoder_for(self.network)
        side, patches = encoder.config.image_size, self.network.wants_patches
        images = [*self.hints.pictures(run), *(opened(one, self.title) for one in self.unit.images)]

        def seen(pictures: Tensor) -> Tensor:
            return seen_by(encoder, pictures.to(encoder.device, encoder.dtype), patches=patches)

        pictures = seen(torch.cat([as_seen(image, side) for image in images]))
        empty = seen(torch.zeros(1, 3, side, side)) if patches else torch.zeros_like(pictures[:1])
        words, none = self.network.tokens(pictures), self.network.tokens(empty)
        if self.unit.images:  # a batch of sources cannot come together with these: a unit with more images has one of its own
            words, none = words.flatten(0, 1)[None], none.repeat(1, len(images), 1)
        return words, none

    def effective_region(self, components: Any, passing: Pass) -> Tensor | None:
        """Where the unit acts, (1, 1, H, W); None without a mask."""
        if self.unit.effective_region_mask is None:
            return None
        size = passing.size.width, passing.size.height
        return region_tensor(self.unit.effective_region_mask, size, self.unit.resize_mode, self.title).to(components.device)

    def inside(self, mine: Tensor, attended: Attended) -> Tensor:
        """What is added (N, h * w, channels), in the effective region only."""
        if self.region is None:
            return mine
        small = torch.nn.functional.interpolate(self.region, size=(attended.height, attended.width), mode="area")
        return mine * small.flatten(1)[:, :, None].to(mine)


class ReferenceUnit:
    """A unit that needs no model: the network sees the reference's features beside the picture's own."""

    def __init__(self, unit: Unit, number: int, hints: Hints) -> None:
        self.unit, self.hints = unit, hints
        self.title = f"ControlNet unit {number}"
        fidelity = unit.threshold_a if 0 <= unit.threshold_a <= 1 else FIDELITY
        fidelity = {"Balanced": fidelity, "My prompt is more important": 0.0, "ControlNet is more important": 1.0}[unit.control_mode]
        self.bank = Bank(
            attention=hints.module != "reference_adain",
            adain=hints.module != "reference_only",
            fidelity=fidelity,
            share=min(unit.weight, 1.0),
        )
        self.latents: dict[tuple[int, int], Tensor] = {}
        self.noise: dict[tuple[int, ...], Tensor] = {}

    @contextmanager
    def during(self, run: Run, passing: Pass) -> Iterator[None]:
        """The network with the reference in its attention and in its moments, as the preprocessor says."""
        unet = passing.loaded.components.unet
        layers = chosen_layers(unet, self.bank.share)
        with ExitStack() as stack:
            if self.bank.attention:
                stack.enter_context(changed_attention(unet, lambda attended: referred(self.bank, layers, attended)))
            if self.bank.adain:
                stack.enter_context(changed_moments(unet, self.bank))
            try:
                yield
            finally:
                self.bank.on = False

    def evaluate(self, run: Run, step: Step, call: Call) -> Call:
        """Show the network the reference, noised as far as the picture is; what it makes of it is used in the call itself."""
        self.bank.on = False
        if not on_now(self.unit, step):
            return call
        components = step.passing.loaded.components
        reference = self.noised(run, step, call)
        view = reference if step.in_noise else step.prediction.network_input(reference, call.level)
        t = call.level if step.in_noise else step.prediction.sigma_to_t(call.level)
        concat = None if step.passing.concat is None else step.passing.concat[call.pictures]
        self.bank.unheeded = [condition.role != "positive" for condition in call.conditions]
        with self.bank.noting():
            components.predict(view, t, call.context, call.vector, concat)
        return call

    def noised(self, run: Run, step: Step, call: Call) -> Tensor:
        """The reference's latents at a call's noise levels, one for each row. Each picture has its own noise, the same always."""
        size = call.x.shape[3], call.x.shape[2]
        if size not in self.latents:
            self.latents[size] = self.encoded(run, step, size)
        latents = self.latents[size]
        rows = torch.stack([latents[picture % len(latents)] for picture in call.pictures])
        noise = torch.stack([self.noise_of(run.seeds[picture], rows[0]) for picture in call.pictures])
        if step.in_noise:
            alpha = step.prediction.alphas[call.level.long()].view(-1, 1, 1, 1)
            return rows * alpha.sqrt() + noise * (1 - alpha).sqrt()
        return rows + noise * call.level.view(-1, 1, 1, 1)

    def noise_of(self, seed: int, like: Tensor) -> Tensor:
        """The noise (C, h, w) for a picture's seed."""
        key = seed, *like.shape
        if key not in self.noise:
            made = torch.randn(like.shape, generator=torch.Generator("cpu").manual_seed(seed))
            self.noise[key] = made.to(like)
        return self.noise[key]

    def encoded(self, run: Run, step: Step, size: tuple[int, int]) -> Tensor:
        """The reference pictures in latent space."""
        components = step.passing.loaded.components
        side = components.latents.downscale
        images = fitted(self.hints, run, (size[0] * side, size[1] * side))
        return components.encode(picture_tensor(images).to(components.device), sample=False)


def fitted(hints: Hints, run: Run, size: tuple[int, int]) -> Sequence[Image.Image]:
    """A unit's pictures at a size, without a preprocessor."""
    return [fit(one.convert("RGB"), size, hints.mode(run)) for one in hints.pictures(run)]
