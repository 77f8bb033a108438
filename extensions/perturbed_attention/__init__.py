"""Guidance away from a spoilt prediction: perturbed-attention (PAG) and self-attention guidance (SAG).

Ahn et al. 2024, arXiv:2403.17377; Hong et al. 2023, arXiv:2210.00939.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from extensions.perturbed_attention.selfattention import degraded, heard
from modules.contract.errors import BadRequest
from modules.families.attention_changes import Attended, attention_layers, changed_attention
from modules.plugins import Choice, Extension, Guidance, Options, Pass, Run, Slider, Step, Text, hook
from modules.sampling.guidance import Call

Method = Literal["PAG", "SAG"]
SIDES = {"down": "d", "mid": "m", "up": "u"}


class PerturbedAttention(Extension):
    """See README.md."""

    class Options(Options):
        """Which guidance, how strong, when, and in which layers."""

        method: Method = Choice("PAG", "Method")
        scale: float = Slider(3.0, 0, 30, "Scale", step=0.25, help="PAG: about 3; SAG: about 0.75")
        layers: str = Text("m0", "Layers", help="PAG: d, m and u with numbers, as in d2.m0.u0; all: every layer")
        threshold: float = Slider(1.0, 0, 5, "Mask threshold", step=0.05, help="SAG: attention from which a place is blurred")
        blur: float = Slider(1.0, 0.1, 10, "Blur sigma", step=0.1, help="SAG: in latent pixels")
        start: float = Slider(0.0, 0, 1, "Start at", step=0.01, help="Share of the steps")
        stop: float = Slider(1.0, 0, 1, "Stop at", step=0.01)

    options: Options
    perturbing = False  # while a call is made whose attention is the identity
    chosen: frozenset[str] = frozenset()
    rows: tuple[int, ...] = ()  # of the present call, those whose attention is to be heard: one for each picture
    attention: Tensor | None = None  # (B, T): how much each place of the middle block is looked at
    height = width = 0

    @hook.denoising
    @contextmanager
    def listen(self, run: Run, passing: Pass) -> Iterator[None]:
        """For the time of a pass, stand in the way of the self-attention layers."""
        unet = passing.loaded.components.unet
        self.chosen = frozenset(layers_of(unet, self.options.layers)) if self.options.method == "PAG" else frozenset()
        with changed_attention(unet, self.change):
            yield

    def change(self, attended: Attended) -> Tensor | None:
        """PAG: each place sees itself alone (eq. 10). SAG: the layer answers itself and is heard."""
        layer = attended.layer
        if layer.cross:
            return None
        if self.perturbing and layer.name in self.chosen:
            module = layer.module
            return module.to_out[1](module.to_out[0](module.to_v(attended.hidden)))
        if self.rows and layer.side == "mid":
            self.attention = heard(layer.module, attended.hidden[list(self.rows)])
            self.height, self.width = attended.height, attended.width
        return None

    @hook.evaluate
    def note(self, run: Run, step: Step, call: Call) -> None:
        """Know which rows of a call are those that SAG looks at: the negative ones, or, without any, the first positive ones."""
        self.rows = ()
        if self.options.method != "SAG" or self.perturbing or not self.acts(step):
            return
        for role in ("negative", "positive"):
            firsts: dict[int, int] = {}
            for row, condition in enumerate(call.conditions):
                if condition.role == role:
                    firsts.setdefault(condition.picture, row)
            if len(firsts) == len(step.x):
                self.rows = tuple(firsts[picture] for picture in sorted(firsts))
                return

    @hook.guide
    def guide(self, run: Run, guidance: Guidance) -> Tensor | None:
        """Away from what the network predicts with its attention perturbed, or with what it looked at blurred."""
        self.rows = ()
        if not self.acts(guidance.step):
            return None
        self.perturbing = True
        try:
            return self.pag(guidance) if self.options.method == "PAG" else self.sag(run, guidance)
        finally:
            self.perturbing = False
            self.attention = None

    def acts(self, step: Step) -> bool:
        """Whether a step is within its time."""
        return bool(self.options.scale) and self.options.start <= step.share < self.options.stop

    def pag(self, guidance: Guidance) -> Tensor:
        """result + scale * (prediction - perturbed prediction), eq. 12, over all positive conditions by their weights."""
        conditions = guidance.conditions.positive
        perturbed = guidance.again(conditions)
        result = guidance.result.clone()
        for condition, plain, spoilt in zip(conditions, guidance.predictions.positive, perturbed, strict=True):
            result[condition.picture] += (plain - spoilt) * (condition.weight * self.options.scale)
        return result

    def sag(self, run: Run, guidance: Guidance) -> Tensor | None:
        """The noise's result + scale * (noise seen - noise seen where it looked is blurred), algorithm 1, under the negative prompt."""
        step, attention = guidance.step, self.attention
        if attention is None or len(attention) != len(step.x):
            run.warn("Self-attention guidance was left out: the attention of whole pictures cannot be seen here.")
            return None
        negative = guidance.predictions.negative
        if negative is None:
            negative = torch.stack([guidance.predictions.positive[row] for row in first_rows(guidance)])
        conditions = guidance.conditions.negative or [guidance.conditions.positive[row] for row in first_rows(guidance)]
        signal, sigma = (step.alpha.sqrt(), (1 - step.alpha).sqrt()) if step.in_noise else (1.0, step.sigma)
        x0 = step.to_x0(negative)
        noise = (step.x - signal * x0) / sigma
        mask = attention.view(-1, 1, self.height, self.width) > self.options.threshold
        spoilt_x = signal * degraded(x0, mask, self.options.blur) + sigma * noise
        spoilt = guidance.again([replace(condition, role="negative") for condition in conditions], x=spoilt_x)
        spoilt_noise = spoilt if step.in_noise else (spoilt_x - spoilt) / sigma
        difference = self.options.scale * (noise - spoilt_noise)
        return guidance.result + (difference if step.in_noise else -sigma * difference)


def first_rows(guidance: Guidance) -> list[int]:
    """The first positive row of each picture."""
    firsts: dict[int, int] = {}
    for row, condition in enumerate(guidance.conditions.positive):
        firsts.setdefault(condition.picture, row)
    return [firsts[picture] for picture in sorted(firsts)]


def layers_of(unet: torch.nn.Module, text: str) -> list[str]:
    """The self-attention layers that a text such as "d2.m0.u0" means; a letter alone is all of a side. Raises BadRequest."""
    found: dict[str, list[str]] = {letter: [] for letter in SIDES.values()}
    for layer in attention_layers(unet):
        if not layer.cross:
            found[SIDES[layer.side]].append(layer.name)
    if text.strip().lower() == "all":
        return [name for names in found.values() for name in names]
    chosen: list[str] = []
    for word in text.lower().replace(",", ".").replace(" ", ".").split("."):
        letter, number = word[:1], word[1:]
        if not word:
            continue
        known = found.get(letter, [])
        if letter not in found or (number and not number.isdecimal()) or (number and int(number) >= len(known)):
            there = ", ".join(f"{side}0 to {side}{len(names) - 1}" for side, names in found.items() if names)
            raise BadRequest(f"PAG's layer '{word}' is not one of this checkpoint; there are {there}.", "Write them as in d2.m0.u0.")
        chosen += [known[int(number)]] if number else known
    return chosen
