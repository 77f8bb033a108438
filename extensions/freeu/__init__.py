"""FreeU: weigh a U-Net's backbone against its skip connections. Si et al. 2023, arXiv:2309.11497."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

import torch
from torch import nn

from extensions.freeu.stages import Joint, Stage, Version, joints, weighed_backbone, weighed_skip
from modules.contract.declare import declared
from modules.plugins import Argument, Choice, Extension, Options, Pass, Run, Script, Slider, Step, hook

OWN = "Own values"
Preset = Literal["Own values", "By the checkpoint", "SD 1.4", "SD 1.5", "SD 2.1", "SDXL"]
PRESETS: dict[str, tuple[Stage, ...]] = {  # what the authors recommend
    "SD 1.4": (Stage(1.3, 0.9), Stage(1.4, 0.2)),
    "SD 1.5": (Stage(1.5, 0.9), Stage(1.6, 0.2)),
    "SD 2.1": (Stage(1.4, 0.9), Stage(1.6, 0.2)),
    "SDXL": (Stage(1.3, 0.9), Stage(1.4, 0.2)),
}
BY_FAMILY = {"sd1": "SD 1.5", "sd2": "SD 2.1", "sdxl": "SDXL", "sdxl-refiner": "SDXL"}
# A part of a stage: its field in `Stage`, A1111's key for it in the infotext.
PARTS = {
    "backbone": "backbone_factor",
    "skip": "skip_factor",
    "offset": "backbone_offset",
    "width": "backbone_width",
    "cutoff": "skip_cutoff",
    "high": "skip_high_end_factor",
}
STAGES = (1, 2, 3)


def hidden(default: float, least: float, most: float, label: str) -> Any:
    """A number that the panel does not show: API and infotexts have it."""
    return declared(default, label, control="hidden", ge=least, le=most)


class FreeU(Extension):
    """See README.md."""

    class Options(Options):
        """The weights of three stages, the first of which is the widest."""

        preset: Preset = Choice("Own values", "Preset", help="Takes the place of the four scales below")
        version: Version = Choice("2", "FreeU version", help="1: one factor for all places; 2: more where the features are strong")
        start: float = Slider(0.0, 0, 1, "Start at", step=0.01, help="Share of the steps")
        stop: float = Slider(1.0, 0, 1, "Stop at", step=0.01)
        smoothness: float = Slider(0.0, 0, 1, "Transition smoothness", step=0.05, help="Fade in and out between start and stop")
        backbone_1: float = Slider(1.3, -1, 3, "Backbone 1 scale", step=0.05)
        skip_1: float = Slider(0.9, -1, 3, "Skip 1 scale", step=0.05)
        backbone_2: float = Slider(1.4, -1, 3, "Backbone 2 scale", step=0.05)
        skip_2: float = Slider(0.2, -1, 3, "Skip 2 scale", step=0.05)
        offset_1: float = Slider(0.0, 0, 1, "Backbone 1 offset", step=0.05, help="The first channel that is scaled, as a share of all")
        width_1: float = Slider(0.5, 0, 1, "Backbone 1 width", step=0.05, help="How many channels are scaled, as a share of all")
        cutoff_1: float = Slider(0.0, 0, 1, "Skip 1 cutoff", step=0.05, help="How far low frequencies reach; 0: the lowest alone")
        offset_2: float = Slider(0.0, 0, 1, "Backbone 2 offset", step=0.05)
        width_2: float = Slider(0.5, 0, 1, "Backbone 2 width", step=0.05)
        cutoff_2: float = Slider(0.0, 0, 1, "Skip 2 cutoff", step=0.05)
        high_1: float = hidden(1.0, -1, 3, "Skip 1 high end scale")
        high_2: float = hidden(1.0, -1, 3, "Skip 2 high end scale")
        backbone_3: float = hidden(1.0, -1, 3, "Backbone 3 scale")
        skip_3: float = hidden(1.0, -1, 3, "Skip 3 scale")
        offset_3: float = hidden(0.0, 0, 1, "Backbone 3 offset")
        width_3: float = hidden(0.5, 0, 1, "Backbone 3 width")
        cutoff_3: float = hidden(0.0, 0, 1, "Skip 3 cutoff")
        high_3: float = hidden(1.0, -1, 3, "Skip 3 high end scale")

    script = Script(
        "FreeU",
        (
            *map(Argument, ("start", "stop", "smoothness")),
            *(Argument(f"{part}_{number}") for number in STAGES for part in PARTS),
        ),
        always_on=True,
    )
    options: Options
    strength = 0.0

    @classmethod
    def notes(cls, options: Any, title: str) -> dict[str, object]:
        """The pairs that A1111's extension writes."""
        if options.preset != OWN:
            own = {"FreeU Preset": options.preset}
        else:
            own = {"FreeU Stages": json.dumps([given(stage) for stage in stages_of(options, "")])}
        schedule = f"{options.start}, {options.stop}, {options.smoothness}"
        return {**own, "FreeU Schedule": schedule, "FreeU Version": options.version}

    @classmethod
    def options_from(cls, notes: Mapping[str, str], title: str) -> dict[str, Any] | None:
        """From the pairs of A1111's extension. A start or stop counted in steps, as it may also write them, is left out."""
        if "FreeU Stages" not in notes and "FreeU Preset" not in notes:
            return None
        found: dict[str, Any] = {"preset": notes.get("FreeU Preset", OWN), "version": notes.get("FreeU Version", "1")}
        for number, stage in zip(STAGES, listed(notes.get("FreeU Stages", "[]")), strict=False):
            found |= {f"{part}_{number}": stage[key] for part, key in PARTS.items() if key in stage}
        schedule = notes.get("FreeU Schedule", "").split(", ")
        return found | {name: value for name, value in zip(("start", "stop", "smoothness"), schedule, strict=False) if share(value)}

    @hook.denoising
    @contextmanager
    def weigh(self, run: Run, passing: Pass) -> Iterator[None]:
        """For the time of a pass, look at what goes into each residual block of the way up."""
        components = passing.loaded.components
        stages = stages_of(self.options, components.variant.family)
        with ExitStack() as stack:
            for joint in joints(components.unet):
                if joint.level < len(stages) and stages[joint.level] != Stage():
                    handle = joint.block.register_forward_pre_hook(self.weighing(joint, stages[joint.level]), with_kwargs=True)
                    stack.callback(handle.remove)
            yield

    def weighing(self, joint: Joint, stage: Stage) -> Any:
        """What is done before a block is called."""

        def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
            if not self.strength:
                return None
            both, now = args[0], stage.faded(self.strength)
            x, h = both[:, : joint.backbone], both[:, joint.backbone :]
            changed = torch.cat([weighed_backbone(x, now, self.options.version), weighed_skip(h, now)], dim=1)
            return (changed, *args[1:]), kwargs

        return before

    @hook.step
    def follow(self, run: Run, step: Step) -> None:
        """How strongly it acts in a step."""
        self.strength = strength_at(step.share, self.options.start, self.options.stop, self.options.smoothness)


def strength_at(share: float, start: float, stop: float, smoothness: float) -> float:
    """0 outside `start` and `stop`, 1 between them; with smoothness 1 it rises until half way and falls from there on."""
    if not start <= share < max(stop, start) and not (share == start == stop):
        return 0.0
    ramp = smoothness * (stop - start) / 2
    return min((share - start) / ramp, (stop - share) / ramp, 1.0) if ramp else 1.0


def stages_of(options: Any, family: str) -> tuple[Stage, ...]:
    """The stages that some options mean for a family of checkpoints. A preset has the say over scales alone."""
    own = [Stage(**{part: float(getattr(options, f"{part}_{number}")) for part in PARTS}) for number in STAGES]
    name = BY_FAMILY.get(family, "SD 1.5") if options.preset == "By the checkpoint" else options.preset
    for place, preset in enumerate(PRESETS.get(name, ())):
        one = own[place]
        own[place] = Stage(preset.backbone, preset.skip, one.offset, one.width, one.cutoff, one.high)
    while own and own[-1] == Stage():
        own.pop()
    return tuple(own)


def given(stage: Stage) -> dict[str, float]:
    """A stage under A1111's keys: the two scales, and what is not as always."""
    plain = Stage()
    values = {part: getattr(stage, part) for part in PARTS}
    return {PARTS[part]: value for part, value in values.items() if part in ("backbone", "skip") or value != getattr(plain, part)}


def listed(text: str) -> list[dict[str, Any]]:
    """The stages of an infotext; none if it cannot be read."""
    try:
        found = json.loads(text)
    except ValueError:
        return []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def share(text: str) -> bool:
    """Whether a text is a number from 0 to 1 with a point: a whole number counts steps."""
    try:
        return "." in text and 0 <= float(text) <= 1
    except ValueError:
        return False
