"""Conditions to one prediction: classifier-free guidance, batched as A1111 batches it.

Ho and Salimans 2022, arXiv:2207.12598; several weighted conditions for one picture: Liu et al. 2022, arXiv:2206.01714.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Network = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Condition:
    """What one evaluation is conditioned on: encoded text (tokens, width), for a picture of the batch, with a weight."""

    context: Tensor
    picture: int
    weight: float = 1.0


@dataclass(frozen=True)
class Conditions:
    """The conditions of one evaluation of a whole batch: any number of positive ones a picture, one negative one each."""

    positive: Sequence[Condition]
    negative: Sequence[Condition]


def evaluate(network: Network, x: Tensor, level: Tensor, conditions: Conditions, *, together: bool) -> tuple[Tensor, Tensor]:
    """The network's outputs for all positive and all negative conditions: (P, C, h, w) and (B, C, h, w).

    `network(x, level, context)` takes (N, C, h, w), (N,) and (N, tokens, width). Positives go first: the order shows in half
    precision. All go in one call if they are of one length and `together` is set; else in calls of at most a batch each.
    """
    batch = x.shape[0]
    both = [*conditions.positive, *conditions.negative]
    pictures = torch.tensor([condition.picture for condition in both], device=x.device)

    def call(part: slice) -> Tensor:
        rows = pictures[part]
        return network(x[rows], level[rows], torch.stack([condition.context for condition in both[part]]))

    if together and len({condition.context.shape for condition in both}) == 1:
        outputs = call(slice(None))
        return outputs[:-batch], outputs[-batch:]
    positives = len(conditions.positive)
    at_once = 2 * batch if together else batch
    parts = [call(slice(start, min(start + at_once, positives))) for start in range(0, positives, at_once)]
    return torch.cat(parts), call(slice(positives, None))


def combine(positive: Tensor, negative: Tensor, conditions: Sequence[Condition], scale: float) -> Tensor:
    """Negative + sum of weight * scale * (positive - negative), for each picture: (B, C, h, w)."""
    result = negative.clone()
    for prediction, condition in zip(positive, conditions, strict=True):
        picture = condition.picture
        result[picture] += (prediction - negative[picture]) * (condition.weight * scale)
    return result
