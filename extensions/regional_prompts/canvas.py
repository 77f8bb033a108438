"""Latent mode's early steps: each region is painted on a canvas of its own, where it does not see what is painted beside it.

A network that sees half of another picture beside its region takes the two for one scene. Until the shapes stand, the surroundings of a
region are therefore those of its own earlier prediction; Bar-Tal et al. 2023, arXiv:2302.08113, section 4.2, put plain colours there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from modules.plugins import Guidance, Step
from modules.sampling.guidance import Call, Condition

Place = tuple[int, int]  # the number of a region, the picture


@dataclass
class Canvases:
    """The clean latents that each region (C, h, w) and all together (B, C, h, w) were predicted to have in the step before."""

    own: dict[Place, Tensor] = field(default_factory=dict[Place, Tensor])
    whole: Tensor | None = None

    def seen(self, step: Step, place: Place, share: Tensor) -> Tensor:
        """The noisy latents (C, h, w) as a region sees them: its own around its part, with the same noise. `share` (h, w): its map."""
        picture = place[1]
        x = step.x[picture]
        if self.whole is None or place not in self.own:
            return x
        signal = step.alpha[picture].sqrt() if step.in_noise else 1.0
        inside = share / share.max().clamp(min=1e-6)
        return x + (1 - inside) * signal * (self.own[place] - self.whole[picture])


def clean(step: Step, x: Tensor, prediction: Tensor, picture: int) -> Tensor:
    """The clean latents (C, h, w) that a prediction for latents x means."""
    if not step.in_noise:
        return prediction
    alpha = step.alpha[picture]
    return (x - (1 - alpha).sqrt() * prediction) / alpha.sqrt()


def painted_alone(
    canvases: Canvases,
    guidance: Guidance,
    maps: Sequence[Sequence[Tensor]],
    negatives: Mapping[Place, Condition],
    parts: Sequence[tuple[Place, float]],
) -> Tensor:
    """The result (B, C, h, w) of regions that are each guided on their own canvas, laid together by their maps.

    `parts`: region, picture and weight of each positive condition; region 0 is the base, on the common canvas. `negatives` are the
    regions' negative conditions, which need a further call of the network.
    """
    step, scale, positive = guidance.step, guidance.scale, guidance.predictions.positive
    places = [place for place in dict.fromkeys(place for place, _ in parts) if place[0]]
    seen = {place: canvases.seen(step, place, maps[place[1]][place[0]]) for place in places}
    base = guidance.predictions.negative
    if base is None:
        scale, against = 1.0, dict.fromkeys(places, torch.zeros_like(step.x[0]))
    else:
        rows = predicted(guidance, [negatives[place] for place in places], torch.stack([seen[place] for place in places])) if places else []
        against = {place: clean(step, seen[place], row, place[1]) for place, row in zip(places, rows, strict=True)}
        against |= {(0, picture): clean(step, step.x[picture], one, picture) for picture, one in enumerate(base)}
    zero = torch.zeros_like(step.x[0])
    found = {place: against.get(place, zero) for place in dict.fromkeys(place for place, _ in parts)}
    for (place, weight), row in zip(parts, positive, strict=True):
        mean = clean(step, seen.get(place, step.x[place[1]]), row, place[1])
        found[place] = found[place] + scale * weight * (mean - against.get(place, zero))
    whole = torch.zeros_like(step.x)
    for (number, picture), one in found.items():
        whole[picture] += maps[picture][number] * one
    canvases.own, canvases.whole = {place: found[place] for place in places}, whole
    return step.from_x0(whole)


def predicted(guidance: Guidance, conditions: Sequence[Condition], x: Tensor) -> Tensor:
    """The network's predictions for some conditions of one length, each with latents of its own."""
    pictures = torch.tensor([condition.picture for condition in conditions], device=x.device)
    vectors = [condition.vector for condition in conditions if condition.vector is not None]
    context = torch.stack([condition.context for condition in conditions])
    return guidance.network(Call(x, guidance.step.level[pictures], conditions, context, torch.stack(vectors) if vectors else None))
