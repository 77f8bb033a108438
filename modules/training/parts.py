"""What the parts of the trainer give each other: a step's pictures, and what is trained."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import Tensor, nn


@dataclass(frozen=True)
class Batch:
    """The pictures of one step on one process; all of one size.

    `latents` (B, C, h, w), scaled to unit variance, float32. `captions` as they are shown this time (shuffled, dropped ...). `context`
    (B, tokens, width) and, for SDXL, `pooled` (B, P) are those captions encoded; None where text encoders are trained or texts are
    not kept: then the loop encodes them, with gradient. `sizes`, `crops`, `targets`: SDXL's numbers for each picture, (height, width)
    and (top, left) in pixels. `mask` (B, 1, h, w): weights of the loss at each place; None: all 1. `weight` (B,): that of each picture
    (class pictures have the prior's). `slots`: each picture's number within the step over all processes and accumulated batches, from
    which its noise is drawn. `files`: their indices in the data.
    """

    latents: Tensor
    captions: tuple[str, ...]
    context: Tensor | None
    pooled: Tensor | None
    sizes: Sequence[tuple[int, int]]
    crops: Sequence[tuple[int, int]]
    targets: Sequence[tuple[int, int]]
    mask: Tensor | None
    weight: Tensor
    slots: Sequence[int]
    files: Sequence[int]


class Album(Protocol):
    """The data, ready to be trained on. What comes at a step is a function of (seed, step, slot) alone."""

    @property
    def pictures(self) -> int:
        """How many are trained on, repeats not counted."""
        ...

    @property
    def epoch_steps(self) -> int:
        """How many steps show everything once (each as often as its repeats say)."""
        ...

    @property
    def per_step(self) -> int:
        """How many pictures a step shows over all processes, class pictures not counted: what its sum of losses is divided by."""
        ...

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """A short hash for each file (size, time of change, caption): kept in checkpoints, so that changed data are noticed."""
        ...

    def batches(self, step: int, rank: int, world: int) -> Sequence[Batch]:
        """The batches of a step (0-based) for one of `world` processes: as many as are accumulated."""
        ...

    def probe(self, held_out: bool) -> Sequence[Batch]:
        """The pictures of the probe: some that are trained on, or those that are not, captions as they are. Empty if there are none."""
        ...

    def with_and_without_captions(self, rank: int, world: int) -> Iterator[tuple[Batch, Batch]]:
        """One process's share of all pictures that are trained on, upright: each batch with its captions as they are, and with none."""
        ...


class ParameterGroup(Protocol):
    """Parameters with a rate in common. `factor` times the rate of the step is theirs; `until`: the last step (0: none)."""

    @property
    def parameters(self) -> Sequence[nn.Parameter]: ...

    @property
    def factor(self) -> float: ...

    @property
    def until(self) -> int: ...


class Trainable(Protocol):
    """What a method trains, and how it is written.

    `tensors` are the trained values by stable names, float32, the very tensors that the optimiser changes: checkpoints keep them, EMA
    follows them. `text` says whether text encoders are trained (so that texts are encoded with gradient).
    """

    @property
    def groups(self) -> Sequence[ParameterGroup]: ...

    @property
    def text(self) -> bool: ...

    def tensors(self) -> dict[str, Tensor]: ...

    def network_calls(self) -> float:
        """Arithmetic of one training step for one picture, as a multiple of the forward pass (for the share of the peak)."""
        ...

    def switch(self, training: bool) -> None:
        """Have dropout act or not."""
        ...

    def after_step(self) -> None:
        """What must hold after each step (Textual Inversion: the vectors' lengths); most do nothing."""
        ...

    def export(self, path: Path, values: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
        """Write the file that people use, of these values (as `tensors`, or their average), and compare it with what is in memory.

        Raises WebuiError where what was written does not give back the same.
        """
        ...


class Sampler(Protocol):
    """Makes pictures on the way, by what makes pictures everywhere here. Asked on the first process, between two steps."""

    def sample(self, step: int, file: Path | None) -> None:
        """Make the pictures of a step with the file written at it (None: the checkpoint alone), keep them and tell the event."""
        ...
