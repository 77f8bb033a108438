"""Conditions to one prediction: classifier-free guidance, batched as A1111 batches it.

Ho and Salimans 2022, arXiv:2207.12598; several weighted conditions for one picture: Liu et al. 2022, arXiv:2206.01714;
guidance by text and picture: Brooks et al. 2022, arXiv:2211.09800, eq. 3.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

Role = Literal["positive", "negative", "imageless"]


@dataclass(frozen=True)
class Condition:
    """What one evaluation is conditioned on: encoded text (tokens, width), for a picture of the batch, with a weight.

    A weight may be a map (h, w): a region's. `vector` (V,) is SDXL's.
    'imageless' is the third condition of instruct-pix2pix: negative text and no source picture.
    """

    context: Tensor
    picture: int
    weight: float | Tensor = 1.0
    vector: Tensor | None = None
    role: Role = "positive"


@dataclass(frozen=True)
class Conditions:
    """The conditions of one evaluation of a whole batch: any number of positive ones a picture, one negative one each."""

    positive: Sequence[Condition]
    negative: Sequence[Condition]


@dataclass(frozen=True)
class Residuals:
    """What control networks add inside the U-Net, each (N, C, h, w) of its place.

    `down` are for the skip connections, in the network's order, `mid` for the middle block (ControlNet); `levels` for what each level
    of the way down ends with (T2I-Adapter).
    """

    down: Sequence[Tensor] = ()
    mid: Tensor | None = None
    levels: Sequence[Tensor] = ()

    def plus(self, other: "Residuals | None") -> "Residuals":
        """Both together."""
        if other is None:
            return self
        middles = [mid for mid in (self.mid, other.mid) if mid is not None]
        return Residuals(both(self.down, other.down), sum(middles[1:], middles[0]) if middles else None, both(self.levels, other.levels))


def both(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> Sequence[Tensor]:
    """The sums of two lists of equal length, either of which may be empty."""
    if not ours or not theirs:
        return ours or theirs
    return [one + other for one, other in zip(ours, theirs, strict=True)]


@dataclass
class Call:
    """One evaluation of the network: N rows, each a picture of the batch under a condition.

    x (N, C, h, w); level (N,) is a noise level or a timestep; context (N, tokens, width); vector (N, V) where the model has one.
    """

    x: Tensor
    level: Tensor
    conditions: Sequence[Condition]
    context: Tensor
    vector: Tensor | None
    residuals: Residuals | None = None

    @property
    def pictures(self) -> list[int]:
        """The picture of each row."""
        return [condition.picture for condition in self.conditions]


Network = Callable[[Call], Tensor]


@dataclass(frozen=True)
class Predictions:
    """The network's outputs, one for each condition. `negative` and `imageless` are None where they were left out."""

    positive: Tensor
    negative: Tensor | None
    imageless: Tensor | None = None


def evaluate(network: Network, x: Tensor, level: Tensor, conditions: Conditions, *, together: bool, imageless: bool = False) -> Predictions:
    """The network's outputs for all conditions; without negative ones only those of the positive.

    Positives go first: the order shows in half precision. All go in one call if they are of one length and `together` is
    set; else the positives in calls of at most a batch (two with `together`), then the negatives.
    """
    batch = x.shape[0]
    negative = list(conditions.negative)
    third = [replace(condition, role="imageless") for condition in negative] if imageless else []
    rows = [*conditions.positive, *negative, *third]
    pictures = torch.tensor([condition.picture for condition in rows], device=x.device)

    def call(part: slice) -> Tensor:
        some = rows[part]
        vectors = [condition.vector for condition in some if condition.vector is not None]
        context = torch.stack([condition.context for condition in some])
        return network(Call(x[pictures[part]], level[pictures[part]], some, context, torch.stack(vectors) if vectors else None))

    count = len(conditions.positive)
    if not negative or len({condition.context.shape for condition in rows}) == 1:
        size = len(rows) if together else batch
        output = torch.cat([call(slice(start, start + size)) for start in range(0, len(rows), size)])
    else:
        size = 2 * batch if together else batch
        parts = [call(slice(start, min(start + size, count))) for start in range(0, count, size)]
        output = torch.cat([*parts, call(slice(count, None))])
    left = output[count : count + len(negative)] if negative else None
    return Predictions(output[:count], left, output[count + len(negative) :] if third else None)


def combine(predictions: Predictions, conditions: Sequence[Condition], scale: float) -> Tensor:
    """Negative + sum of weight * scale * (positive - negative), for each picture: (B, C, h, w).

    Where the negative was left out, each picture's first positive takes its place and the scale is 1.
    """
    positive, negative = predictions.positive, predictions.negative
    if negative is None:
        firsts: dict[int, int] = {}
        for row, condition in enumerate(conditions):
            firsts.setdefault(condition.picture, row)
        negative, scale = positive[[firsts[picture] for picture in sorted(firsts)]], 1.0
    result = negative.clone()
    for prediction, condition in zip(positive, conditions, strict=True):
        picture = condition.picture
        result[picture] += (prediction - negative[picture]) * (condition.weight * scale)
    return result


def combine_edit(predictions: Predictions, scale: float, image_scale: float) -> Tensor:
    """Instruct-pix2pix: imageless + scale * (positive - negative) + image_scale * (negative - imageless), (B, C, h, w)."""
    assert predictions.negative is not None and predictions.imageless is not None
    text = scale * (predictions.positive - predictions.negative)
    return predictions.imageless + text + image_scale * (predictions.negative - predictions.imageless)


def level_with(conditions: Sequence[Condition]) -> list[Condition]:
    """The conditions at one length: shorter ones have their last token's vector repeated, as A1111 fills up the parts of AND."""
    longest = max(condition.context.shape[0] for condition in conditions)
    return [replace(condition, context=repeated(condition.context, longest)) for condition in conditions]


def repeated(context: Tensor, length: int) -> Tensor:
    """(tokens, width) with the last vector repeated up to a length."""
    missing = length - context.shape[0]
    return torch.cat([context, context[-1:].expand(missing, -1)]) if missing > 0 else context


def padded(conditions: Conditions, empty: Tensor) -> Conditions:
    """Both sides at one length, the shorter with `empty` (77, width), an empty prompt's encoding, behind it."""

    def longer(side: Sequence[Condition], length: int) -> list[Condition]:
        return [
            replace(one, context=torch.cat([one.context, empty.repeat((length - one.context.shape[0]) // empty.shape[0], 1)]))
            for one in side
        ]

    length = max(condition.context.shape[0] for condition in (*conditions.positive, *conditions.negative))
    return Conditions(longer(conditions.positive, length), longer(conditions.negative, length))


def padded_v0(conditions: Conditions) -> Conditions:
    """The negatives brought to the positives' length: cut, or with their last vector repeated; A1111 before 1.6."""
    length = conditions.positive[0].context.shape[0]
    return Conditions(
        conditions.positive, [replace(one, context=repeated(one.context[:length], length)) for one in conditions.negative]
    )
