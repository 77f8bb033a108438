"""Cutoff: a phrase of the prompt is encoded without the target words of the others, so that colours stay where they were named."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor

from extensions.cutoff.phrases import masked_texts, phrase_numbers, targets_of
from modules.contract.errors import BadRequest
from modules.families import clip_tokens
from modules.families.clip_text import TextOptions
from modules.plugins import Choice, Conditioning, Encoding, Extension, Options, Pass, Prompts, Run, Slider, Text, Weighted, hook

COLOURS = "red, blue, green, yellow, orange, purple, pink, brown, black, white, gray, grey, cyan, blonde, silver, gold"
KEYS = {"targets": "Cutoff targets", "weight": "Cutoff weight", "padding": "Cutoff padding", "interpolation": "Cutoff interpolation"}


class Cutoff(Extension):
    """See README.md."""

    class Options(Options):
        """Which words are kept apart, and how far."""

        targets: str = Text(COLOURS, "Target words", help="With commas between them")
        weight: float = Slider(0.5, 0, 2, "Weight", step=0.05, help="1: a phrase knows nothing of the others' target words")
        padding: str = Text("_", "Padding word", help="What stands in a word's place; one token")
        interpolation: Literal["Lerp", "SLerp"] = Choice("Lerp", "Interpolation")

    options: Options

    @classmethod
    def notes(cls, options: Any, title: str) -> dict[str, object]:
        """The pairs that A1111's extension writes."""
        return {"Cutoff enabled": True, **{key: getattr(options, name) for name, key in KEYS.items()}}

    @classmethod
    def options_from(cls, notes: Mapping[str, str], title: str) -> dict[str, Any] | None:
        """From those pairs; the original writes its targets as a list in brackets."""
        if notes.get("Cutoff enabled") != "True":
            return None
        found = {name: notes[key] for name, key in KEYS.items() if key in notes}
        if "targets" in found:
            found["targets"] = ", ".join(word.strip(" []'\"") for word in found["targets"].split(","))
        return found

    @hook.conditioning
    def keep_apart(self, run: Run, passing: Pass, conditioning: Conditioning) -> Conditioning | None:
        """Encode the positive texts as each phrase is to see them, and mix that into its tokens."""
        if not self.options.weight or not targets_of(self.options.targets):
            return None
        noted = list(run.embedding_hashes)  # encoding a text again notes its embeddings again
        known: dict[int, Encoding] = {}
        for parts in conditioning.positive:
            for part in parts:
                if id(part.encoding) not in known:
                    known[id(part.encoding)] = self.mixed(run, passing, part.encoding)
        run.embedding_hashes[:] = noted
        return replace(
            conditioning,
            positive=[[Weighted(known[id(part.encoding)], part.weight) for part in parts] for parts in conditioning.positive],
        )

    def mixed(self, run: Run, passing: Pass, encoding: Encoding) -> Encoding:
        """An encoding with each phrase of each of its variants kept apart."""
        variants = zip(encoding.schedule, encoding.context, strict=True)
        contexts = [self.variant(run, passing, until.text, context) for until, context in variants]
        return replace(encoding, context=torch.stack(contexts))

    def variant(self, run: Run, passing: Pass, text: str, context: Tensor) -> Tensor:
        """The context (tokens, width) of one text, its phrases kept apart."""
        o = self.options
        targets = targets_of(o.targets)
        counts = {word: len(clip_tokens.encode(word)) for word in targets}
        if len(clip_tokens.encode(o.padding)) != 1:
            raise BadRequest(f"Cutoff's padding word is '{o.padding}'; it must be one token.", "The underscore is one.")
        found = masked_texts(text, targets, o.padding, counts)
        if not found:
            return context
        components = passing.loaded.components
        numbers = phrase_numbers(components.tokens(text, text_options(run)))
        encoded = passing.encode_texts(passing.loaded, Prompts(tuple(one.text for one in found), (), ())).positive
        result = context.clone()
        for one, (other,) in zip(found, encoded, strict=True):
            seen = other.encoding.context[0]
            places = [place for place, number in enumerate(numbers) if number in one.phrases]
            if len(seen) > len(context) or not places:
                run.warn("Cutoff left a prompt as it is: without the target words its tokens are others.")
                return context
            result[places] = between(context[places], seen[places], o.weight, spherical=o.interpolation == "SLerp")
        return result


def text_options(run: Run) -> TextOptions:
    """How the run's settings have texts cut into tokens."""
    settings = run.settings
    return TextOptions(
        emphasis=settings.model.emphasis,
        comma_backtrack=settings.model.comma_backtrack,
        old_emphasis=settings.compatibility.old_emphasis,
    )


def between(one: Tensor, other: Tensor, share: float, *, spherical: bool) -> Tensor:
    """Vectors (..., width) on the way from one to the other: straight, or with their angle divided and their lengths mixed.

    Shoemake 1985, "Animating rotation with quaternion curves". A share over 1 goes on beyond.
    """
    if not spherical:
        return one.lerp(other, share)
    lengths = one.norm(dim=-1, keepdim=True), other.norm(dim=-1, keepdim=True)
    units = [part / length.clamp(min=1e-12) for part, length in zip((one, other), lengths, strict=True)]
    angle = (units[0] * units[1]).sum(dim=-1, keepdim=True).clamp(-1, 1).acos()
    small = angle < 1e-4
    sine = torch.where(small, torch.ones_like(angle), angle.sin())
    round_ = (units[0] * ((1 - share) * angle).sin() + units[1] * (share * angle).sin()) / sine
    direction = torch.where(small, units[0].lerp(units[1], share), round_)
    return direction * lengths[0].lerp(lengths[1], share)
