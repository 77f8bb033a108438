"""What a batch is conditioned on at each call of the network: encoded texts over the steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from modules.prompts.schedule import Until, at
from modules.sampling.guidance import Condition, Conditions, level_with


@dataclass(frozen=True)
class Encoding:
    """One text's variants: `schedule` says which holds until which call; context (variants, tokens, width), vector (variants, V)."""

    schedule: tuple[Until, ...]
    context: Tensor
    vector: Tensor | None

    def at(self, call: int) -> tuple[Tensor, Tensor | None]:
        """Context (tokens, width) and vector (V,) that hold at a call."""
        variant = at(self.schedule, call)
        return self.context[variant], None if self.vector is None else self.vector[variant]


@dataclass(frozen=True)
class Weighted:
    """One part of a prompt: what stands between two ANDs. A weight may be a map (h, w) over the latents: a region's."""

    encoding: Encoding
    weight: float | Tensor


@dataclass(frozen=True)
class Conditioning:
    """All texts of a batch: some weighted parts and one negative text for each picture. `empty` (77, width): an empty prompt."""

    positive: Sequence[Sequence[Weighted]]
    negative: Sequence[Encoding]
    empty: Callable[[], Tensor]

    def at(self, call: int) -> Conditions:
        """The conditions of a call, counted from 0."""
        positive: list[Condition] = []
        for picture, parts in enumerate(self.positive):
            for part in parts:
                context, vector = part.encoding.at(call)
                positive.append(Condition(context, picture, part.weight, vector))
        negative: list[Condition] = []
        for picture, encoding in enumerate(self.negative):
            context, vector = encoding.at(call)
            negative.append(Condition(context, picture, 1.0, vector, "negative"))
        return Conditions(level_with(positive), level_with(negative))
