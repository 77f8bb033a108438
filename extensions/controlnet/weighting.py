"""How strongly a unit acts: on which layers, in which rows of a call, where in the picture, and when."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from modules.contract.errors import BadRequest
from modules.plugins import Step
from modules.sampling.guidance import Call, Residuals

from .units import Unit

SOFT = 0.825  # A1111's factor from one layer to the next in the soft modes: the deepest layer keeps its weight
SOFT_LEVELS = (0.25, 0.62, 0.825, 1.0)  # the same for the four levels of a T2I-Adapter


def on_now(unit: Unit, step: Step) -> bool:
    """Whether a unit acts in a step: between its start and its end, as shares of the pass's steps."""
    share = step.number / max(step.total, 1)
    return unit.guidance_start <= share <= unit.guidance_end


def layer_weights(unit: Unit, count: int, *, soft: bool, levels: bool = False, title: str = "") -> list[float]:
    """The weight of each of `count` layers, the shallowest first. Raises BadRequest for an advanced weighting of another length."""
    if unit.advanced_weighting is not None:
        if len(unit.advanced_weighting) != count:
            raise BadRequest(f"{title}: the advanced weighting has {len(unit.advanced_weighting)} numbers; this model has {count} layers.")
        return [unit.weight * one for one in unit.advanced_weighting]
    if not soft:
        return [unit.weight] * count
    if levels:
        return [unit.weight * SOFT_LEVELS[min(place, 3)] for place in range(count)]
    return [unit.weight * SOFT ** (count - 1 - place) for place in range(count)]


def is_soft(unit: Unit, *, second: bool) -> bool:
    """Whether shallow layers count less: in both unbalanced modes, and in Hires. fix's second pass, as in A1111."""
    return unit.control_mode != "Balanced" or second


def row_weights(unit: Unit, call: Call, *, positive_only: bool = False) -> list[float]:
    """The weight of each row of a call: "ControlNet is more important" leaves out the rows of the negative prompt."""
    one_sided = positive_only or unit.control_mode == "ControlNet is more important"
    return [float(not one_sided or condition.role == "positive") for condition in call.conditions]


def scaled(residuals: Residuals, weights: Sequence[float], rows: Tensor, region: Tensor | None, *, pooled: bool = False) -> Residuals:
    """Residuals times the weights of their layers and rows (N,), inside a region (1, 1, H, W).

    `pooled`: each is its mean over the picture, for networks that say what and not where ("shuffle").
    """

    def one(value: Tensor, weight: float) -> Tensor:
        if pooled:
            value = value.mean((2, 3), keepdim=True).expand_as(value)
        value = value * (rows.to(value) * weight).view(-1, 1, 1, 1)
        return value if region is None else value * at_size(region, value)

    count = len(residuals.down)
    down = [one(value, weight) for value, weight in zip(residuals.down, weights, strict=False)]
    levels = [one(value, weight) for value, weight in zip(residuals.levels, weights, strict=False)]
    mid = None if residuals.mid is None else one(residuals.mid, weights[count])
    return Residuals(down, mid, levels)


def at_size(region: Tensor, like: Tensor) -> Tensor:
    """A mask (1, 1, H, W) at the size of a tensor (N, C, h, w)."""
    return functional.interpolate(region, size=like.shape[2:], mode="area").to(like)


def rows_of(call: Call, prepared: Tensor) -> Tensor:
    """What was prepared for each picture (or one for all), for each row of a call."""
    return prepared[[picture % len(prepared) for picture in call.pictures]]


def shared(found: Sequence[Residuals]) -> Residuals:
    """The residuals of several pictures as one's: their mean, so that the pictures share the unit's weight."""
    whole = found[0]
    for one in found[1:]:
        whole = whole.plus(one)
    count = len(found)
    if count == 1:
        return whole
    middle = None if whole.mid is None else whole.mid / count
    return Residuals([one / count for one in whole.down], middle, [one / count for one in whole.levels])


def added(call: Call, mine: Residuals) -> Call:
    """A call with further residuals."""
    return replace(call, residuals=mine.plus(call.residuals))


def network_view(step: Step, call: Call) -> tuple[Tensor, Tensor]:
    """A call's latents and timesteps as the U-Net gets them."""
    if step.in_noise:
        return call.x, call.level
    return step.prediction.network_input(call.x, call.level), step.prediction.sigma_to_t(call.level)


def row_tensor(weights: Sequence[float], device: torch.device) -> Tensor:
    """Row weights (N,) as a tensor."""
    return torch.tensor(list(weights), device=device)
