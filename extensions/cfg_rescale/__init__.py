"""CFG rescale: guided predictions brought back to the spread of those without guidance. Lin et al. 2023, arXiv:2305.08891."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from modules.plugins import Argument, Extension, Guidance, Options, Run, Script, Slider, hook

KEY = "CFG Rescale"


class CFGRescale(Extension):
    """See README.md."""

    class Options(Options):
        """How far the spread is brought back."""

        phi: float = Slider(0.7, 0, 1, "Rescale φ", step=0.05, help="0: not at all; 0.7 is the paper's value")

    script = Script("CFG Rescale Extension", (Argument("phi"),), always_on=True)
    options: Options

    @classmethod
    def notes(cls, options: Any, title: str) -> dict[str, object]:
        """The pair that A1111's extension writes."""
        return {KEY: options.phi}

    @classmethod
    def options_from(cls, notes: Mapping[str, str], title: str) -> dict[str, Any] | None:
        """From that pair."""
        return {"phi": notes[KEY]} if KEY in notes else None

    @hook.guide
    def rescale(self, run: Run, guidance: Guidance) -> Tensor | None:
        """Bring the result's spread back, picture by picture."""
        if not self.options.phi:
            return None
        step = guidance.step
        alpha = (1 / (1 + step.sigma**2)) if not step.in_noise else float(step.alpha.flatten()[0])
        x = step.x if step.in_noise else step.x * alpha**0.5  # the scale in which the noise's share and the picture's are 1 together
        guided = velocity(x, step.to_x0(guidance.result), alpha)
        plain = velocity(x, step.to_x0(positive(guidance)), alpha)
        changed = rescaled(guided, plain, self.options.phi)
        return step.from_x0(alpha**0.5 * x - (1 - alpha) ** 0.5 * changed)


def velocity(x: Tensor, x0: Tensor, alpha: float) -> Tensor:
    """The network's output in the paper, v = sqrt(alpha) * noise - sqrt(1 - alpha) * x0, of latents x (B, C, h, w) of unit variance."""
    noise = (x - alpha**0.5 * x0) / max(1 - alpha, 1e-12) ** 0.5
    return alpha**0.5 * noise - (1 - alpha) ** 0.5 * x0


def rescaled(guided: Tensor, plain: Tensor, phi: float) -> Tensor:
    """Eq. 15 and 16: guided predictions (B, C, h, w) at the standard deviation of the positive ones, by a share of phi."""
    spread = guided.std(dim=(1, 2, 3), keepdim=True)
    factor = plain.std(dim=(1, 2, 3), keepdim=True) / torch.where(spread == 0, torch.ones_like(spread), spread)
    return phi * (guided * factor) + (1 - phi) * guided


def positive(guidance: Guidance) -> Tensor:
    """What the positive conditions of each picture predict together (B, C, h, w), by their weights."""
    conditions, found = guidance.conditions.positive, torch.zeros_like(guidance.result)
    total = found[:, :1].clone()
    for prediction, condition in zip(guidance.predictions.positive, conditions, strict=True):
        found[condition.picture] += prediction * condition.weight
        total[condition.picture] += condition.weight
    return found / torch.where(total == 0, torch.ones_like(total), total)
