"""One call of the network by the sampler, as extensions see it: where in the pass it stands, and what guidance is made from."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from modules.pipeline.run import Pass
from modules.sampling.guidance import Call, Condition, Conditions, Network, Predictions
from modules.sampling.prediction import Prediction


@dataclass(frozen=True)
class Step:
    """A call of the network by the sampler.

    `call` counts from 0, `number` counts the steps that they belong to: samplers of second order call twice a step. `share` is how
    much of the pass is over, 0 to under 1. x (B, C, h, w) are the latents with their noise; `level` (B,) is a noise level, or a
    timestep for samplers that count in those; `sigma` is that noise level in both cases.
    """

    passing: Pass
    prediction: Prediction
    call: int
    number: int
    total: int
    share: float
    x: Tensor
    level: Tensor
    sigma: float

    @property
    def in_noise(self) -> bool:
        """Whether predictions are the noise in x, as samplers that count in timesteps want them; else they are clean latents."""
        return self.passing.choice.sampler.timesteps

    @property
    def alpha(self) -> Tensor:
        """The share of signal (B, 1, 1, 1) at a timestep."""
        return self.prediction.alphas[self.level.long()].view(-1, 1, 1, 1)

    def to_x0(self, prediction: Tensor) -> Tensor:
        """The clean latents that a prediction (B, C, h, w) means."""
        if not self.in_noise:
            return prediction
        return (self.x - (1 - self.alpha).sqrt() * prediction) / self.alpha.sqrt()

    def from_x0(self, x0: Tensor) -> Tensor:
        """The prediction that means clean latents x0 (B, C, h, w)."""
        if not self.in_noise:
            return x0
        return (self.x - self.alpha.sqrt() * x0) / (1 - self.alpha).sqrt()


@dataclass
class Guidance:
    """What one prediction is made from, and `result` (B, C, h, w), what it is so far: classifier-free guidance, if nobody changed it.

    `network` answers a further call with predictions of the same kind; see `Step.in_noise`.
    """

    step: Step
    conditions: Conditions
    predictions: Predictions
    scale: float
    network: Network
    result: Tensor

    def again(self, conditions: Sequence[Condition], x: Tensor | None = None) -> Tensor:
        """Predictions (N, C, h, w) for further conditions of one length, of these latents or of others, x (B, C, h, w)."""
        pictures = torch.tensor([condition.picture for condition in conditions], device=self.step.x.device)
        vectors = [condition.vector for condition in conditions if condition.vector is not None]
        context = torch.stack([condition.context for condition in conditions])
        latents = (self.step.x if x is None else x)[pictures]
        return self.network(Call(latents, self.step.level[pictures], conditions, context, torch.stack(vectors) if vectors else None))
