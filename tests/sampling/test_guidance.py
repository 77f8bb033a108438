"""Conditions to one prediction."""

import pytest
import torch
from torch import Tensor

from modules.sampling.guidance import Call, Condition, Conditions, combine, evaluate


def conditions(positive: list[tuple[int, float, float]], *, tokens: int = 3) -> Conditions:
    return Conditions(
        [Condition(torch.full((tokens, 2), value), picture, weight) for picture, value, weight in positive],
        [Condition(torch.full((3, 2), 0.0), picture) for picture in range(2)],
    )


@pytest.mark.parametrize("tokens", [3, 6])
@pytest.mark.parametrize("together", [True, False])
def test_guidance_sums_the_weighted_differences_however_it_is_batched(tokens: int, together: bool) -> None:
    asked = conditions([(0, 1.0, 1.0), (0, 2.0, 0.5), (1, 4.0, 1.0)], tokens=tokens)
    calls: list[int] = []

    def network(call: Call) -> Tensor:
        calls.append(len(call.x))
        return call.x + call.context.mean(dim=(1, 2)).view(-1, 1, 1, 1)

    predictions = evaluate(network, torch.zeros(2, 1, 2, 2), torch.ones(2), asked, together=together)
    result = combine(predictions, asked.positive, 2.0)
    assert result[:, 0, 0, 0].tolist() == [2 * (1.0 + 0.5 * 2.0), 2 * 4.0]
    assert (len(calls) == 1) == (together and tokens == 3)
