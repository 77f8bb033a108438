"""LoRA by block and by step: what `lbw`, `step`, `start` and `stop` in a network tag say. See README.md."""

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from extensions.lora_block_weight.blocks import SD_PRESETS, XL_PRESETS, blocks_of, presets_of
from modules.contract.declare import declared
from modules.contract.errors import BadRequest
from modules.families.networks import Strength
from modules.plugins import Extension, Options, Pass, Run, Step, hook
from modules.prompts.tags import Tag

LORA = ("lora", "lyco")


@dataclass(frozen=True)
class Time:
    """The steps, counted from 1, in which a network acts; `stop` is the last one, None: to the end."""

    start: int = 1
    stop: int | None = None

    def holds(self, number: int) -> bool:
        """Whether a step, counted from 0, is within."""
        return self.start <= number + 1 and (self.stop is None or number + 1 <= self.stop)


class LoraBlockWeight(Extension):
    """See README.md."""

    class Settings(Options):
        """Names for lists of weights."""

        presets: str = declared(
            SD_PRESETS, "Presets of SD 1 and 2", control="lines", help="NAME:numbers, one in each line; 17 or 26 numbers"
        )
        xl_presets: str = declared(XL_PRESETS, "Presets of SDXL", control="lines", help="12, 20 or 26 numbers")

    number = -1  # of the step, from 0; -1: texts are encoded
    xl = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.acting: dict[str, bool] = {}  # whether the U-Net has a tag's network in it now

    @hook.batch
    def listen(self, run: Run) -> None:
        """Have a say in the strength of each tag, from the text encoders on. Raises BadRequest for what no tag can mean."""
        self.xl = run.loaded.components.variant.family.startswith("sdxl")
        tags = [*run.prompts.tags, *run.hires_prompts.tags]
        for tag in tags:
            self.weigh(tag, Strength())
        if not any(tag.kind in LORA and set(tag.named) & {"lbw", "step", "start", "stop"} for tag in tags):
            run.warn("LoRA block weight is on, and no LoRA tag says lbw=, step=, start= or stop=.")
        run.weigh = self.weigh

    def weigh(self, tag: Tag, strength: Strength) -> Strength:
        """A tag's strength in the present step, with the factors of its blocks."""
        if tag.kind not in LORA:
            return strength
        self.acting[str(tag)] = acts = self.number < 0 or time_of(tag).holds(self.number)
        if not acts:
            strength = replace(strength, unet=0.0)
        if "lbw" not in tag.named:
            return strength
        presets = presets_of(self.settings.xl_presets if self.xl else self.settings.presets)
        return replace(strength, blocks=blocks_of(tag.named["lbw"], presets, xl=self.xl))

    @hook.step
    def follow(self, run: Run, step: Step) -> None:
        """Bring the networks to what a step wants, where that is another set than the one that is in."""
        self.number = step.number
        tags = [tag for tag in step.passing.tags if tag.kind in LORA]
        if any(time_of(tag).holds(step.number) != self.acting.get(str(tag)) for tag in tags):
            run.tools.use_networks(run, step.passing.loaded, step.passing.tags)

    @hook.latents
    def end(self, run: Run, passing: Pass, latents: Tensor) -> None:
        """The next pass begins with all networks, as this one did."""
        self.number = -1


def time_of(tag: Tag) -> Time:
    """When a tag's network acts: `step=5-10`, or `start=5` and `stop=10`. Raises BadRequest."""
    first, last = tag.named.get("start", ""), tag.named.get("stop", "")
    if "step" in tag.named:
        first, _, last = tag.named["step"].partition("-")
    numbers: list[int | None] = []
    for text in (first, last):
        if text.strip() and not text.strip().isdecimal():
            raise BadRequest(f"In <{tag.kind}:{tag.positional[0]}> '{text}' is not a step.", "Write step=5-10, or start=5:stop=10.")
        numbers.append(int(text) if text.strip() else None)
    return Time(numbers[0] or 1, numbers[1])
