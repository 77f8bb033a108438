"""Dynamic thresholding: a high CFG scale held in the range of values of a lower one.

Saharia et al. 2022 (Imagen), arXiv:2205.11487, section 2.3, for pixels; for latents the range is that of a guidance to mimic, after
McMonkey's "Dynamic Thresholding (CFG Scale Fix)".
"""

import math
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from modules.plugins import Argument, Choice, Extension, Guidance, Options, Run, Script, Slider, Toggle, hook

Mode = Literal[
    "Constant", "Linear Down", "Cosine Down", "Half Cosine Down", "Linear Up", "Cosine Up", "Half Cosine Up",
    "Power Up", "Power Down", "Linear Repeating", "Cosine Repeating", "Sawtooth",
]  # fmt: skip
KEYS = {  # A1111's pairs
    "mimic_scale": "Mimic scale",
    "percentile": "Threshold percentile",
    "mimic_mode": "Mimic mode",
    "mimic_least": "Mimic scale minimum",
    "cfg_mode": "CFG mode",
    "cfg_least": "CFG scale minimum",
    "value": "Scheduler value",
    "separate": "Separate Feature Channels",
    "centre": "Scaling Startpoint",
    "measure": "Variability Measure",
    "phi": "Interpolate Phi",
}


class DynamicThresholding(Extension):
    """See README.md."""

    class Options(Options):
        """The scale whose range is kept, and how both scales run over the steps."""

        mimic_scale: float = Slider(7.0, 0, 30, "Mimic CFG scale", step=0.5, help="The picture keeps the contrast of this scale")
        percentile: float = Slider(100.0, 90, 100, "Top percentile of latents to clamp", step=0.05)
        mimic_mode: Mode = Choice("Constant", "Mimic scale scheduler")
        mimic_least: float = Slider(0.0, 0, 30, "Minimum of the mimic scale", step=0.5)
        cfg_mode: Mode = Choice("Constant", "CFG scale scheduler")
        cfg_least: float = Slider(0.0, 0, 30, "Minimum of the CFG scale", step=0.5)
        value: float = Slider(4.0, 0, 40, "Scheduler value", step=0.1, help="The exponent of Power, the number of waves of Repeating")
        separate: bool = Toggle(True, "Separate feature channels", help="Each latent channel has a range of its own")
        centre: Literal["MEAN", "ZERO"] = Choice("MEAN", "Scaling startpoint")
        measure: Literal["AD", "STD"] = Choice("AD", "Variability measure", help="AD: absolute distance; STD: standard deviation")
        phi: float = Slider(1.0, 0, 1, "Interpolate φ", step=0.01, help="0: the plain result")

    script = Script("Dynamic Thresholding (CFG Scale Fix)", tuple(map(Argument, KEYS)), always_on=True)
    options: Options

    @classmethod
    def notes(cls, options: Any, title: str) -> dict[str, object]:
        """The pairs that A1111's extension writes."""
        plain = cls.Options()
        always = ("mimic_scale", "percentile", "separate", "centre", "measure", "phi")
        values = {name: getattr(options, name) for name in KEYS}
        shown = {KEYS[name]: value for name, value in values.items() if name in always or value != getattr(plain, name)}
        return {"Dynamic thresholding enabled": True, **shown}

    @classmethod
    def options_from(cls, notes: Mapping[str, str], title: str) -> dict[str, Any] | None:
        """From those pairs."""
        if notes.get("Dynamic thresholding enabled") != "True":
            return None
        return {name: notes[key] for name, key in KEYS.items() if key in notes}

    @hook.guide
    def threshold(self, run: Run, guidance: Guidance) -> Tensor | None:
        """The result at its own scale, in the range of values that the mimicked scale has: of clean latents, for all samplers."""
        if guidance.predictions.negative is None or not guidance.scale:
            return None
        step, o = guidance.step, self.options
        negative = step.to_x0(guidance.predictions.negative)
        direction = (step.to_x0(guidance.result) - negative) / guidance.scale
        mimicked = negative + direction * scheduled(o.mimic_scale, o.mimic_least, o.mimic_mode, step.share, o.value)
        guided = negative + direction * scheduled(guidance.scale, o.cfg_least, o.cfg_mode, step.share, o.value)
        held = held_in(guided, mimicked, o.percentile / 100, separate=o.separate, centred=o.centre == "MEAN", deviation=o.measure == "STD")
        return step.from_x0(guided + o.phi * (held - guided))


def held_in(guided: Tensor, mimicked: Tensor, percentile: float, *, separate: bool, centred: bool, deviation: bool) -> Tensor:
    """Latents (B, C, h, w) in the range of others, around their own means.

    Without `deviation`: what lies beyond the percentile of their own distances from the centre is cut off, and the rest brought to the
    others' largest distance; a range that is smaller already stays. With it: brought to the others' standard deviation.
    """
    rows = 2 if separate else 1
    own, others = guided.flatten(rows).float(), mimicked.flatten(rows).float()
    centre = own.mean(dim=-1, keepdim=True) if centred else torch.zeros_like(own[..., :1])
    theirs = others.mean(dim=-1, keepdim=True) if centred else torch.zeros_like(centre)
    own, others = own - centre, others - theirs
    if deviation:
        spread = own.std(dim=-1, keepdim=True)
        changed = own * (others.std(dim=-1, keepdim=True) / torch.where(spread == 0, torch.ones_like(spread), spread))
    else:
        reach = others.abs().amax(dim=-1, keepdim=True)
        limit = torch.maximum(quantile(own.abs(), percentile), reach)
        changed = own.clamp(-limit, limit) / torch.where(limit == 0, torch.ones_like(limit), limit) * reach
    return (changed + centre).view(guided.shape).to(guided.dtype)


def quantile(values: Tensor, share: float) -> Tensor:
    """The quantile along the last dimension, kept; by sorting, for torch.quantile refuses more than 16 million values."""
    ordered, place = values.sort(dim=-1).values, share * (values.shape[-1] - 1)
    low = int(place)
    high = min(low + 1, values.shape[-1] - 1)
    return ordered[..., low : low + 1].lerp(ordered[..., high : high + 1], place - low)


def scheduled(scale: float, least: float, mode: Mode, share: float, value: float) -> float:
    """A scale at a share of the steps: what is above `least` runs as the mode says."""
    curves = {
        "Constant": 1.0,
        "Linear Down": 1 - share,
        "Cosine Down": math.cos(share * math.pi / 2),
        "Half Cosine Down": math.cos(share),
        "Linear Up": share,
        "Cosine Up": 1 - math.cos(share * math.pi / 2),
        "Half Cosine Up": 1 - math.cos(share),
        "Power Up": share**value if share or value else 1.0,
        "Power Down": 1 - share**value if share or value else 0.0,
        "Linear Repeating": abs(1 - 2 * ((share * value) % 1)),
        "Cosine Repeating": math.cos(share * 2 * math.pi * value) / 2 + 0.5,
        "Sawtooth": (share * value) % 1,
    }
    return (scale - least) * curves[mode] + least
