"""Noise as A1111 draws it: one stream for each picture, so that a picture is the same alone and in a batch."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from modules.sampling.philox import PhiloxGenerator

Source = Literal["GPU", "CPU", "NV"]


class TorchGenerator:
    """Torch's own generator of a device, behind the same door as PhiloxGenerator."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self.device = torch.device("cpu") if device.type == "mps" else device  # MPS has no per-generator streams
        self.generator = torch.Generator(self.device).manual_seed(seed)

    def randn(self, shape: tuple[int, ...]) -> Tensor:
        """Normal numbers of a shape, float32, on the generator's device."""
        return torch.randn(shape, generator=self.generator, device=self.device)


def generator_of(source: Source, seed: int, device: torch.device) -> PhiloxGenerator | TorchGenerator:
    """The stream of a seed: `GPU` is `device`'s own, `CPU` the processor's, `NV` an NVIDIA card's on any device."""
    if source == "NV":
        return PhiloxGenerator(seed)
    return TorchGenerator(seed, torch.device("cpu") if source == "CPU" else device)


class NoiseSource:
    """The noise of a batch. The first draw is the initial noise; each later one is a step's.

    `shape` is (C, h, w) of one picture's latents. With a `seed_delta` other than 0 (A1111's ENSD) all draws after the first
    come from streams of seed + delta.
    """

    def __init__(
        self, seeds: Sequence[int], shape: tuple[int, int, int], *, source: Source, device: torch.device, seed_delta: int = 0
    ) -> None:
        self.seeds = tuple(seeds)
        self.shape = shape
        self.source: Source = source
        self.device = device
        self.seed_delta = seed_delta
        self.streams = self.streams_of(0)
        self.first = True

    def streams_of(self, delta: int) -> list[PhiloxGenerator | TorchGenerator]:
        return [generator_of(self.source, seed + delta, self.device) for seed in self.seeds]

    def next(self) -> Tensor:
        """The next noise of all pictures: (B, C, h, w), float32, on the device."""
        drawn = torch.stack([stream.randn(self.shape).to(self.device) for stream in self.streams])
        if self.first:
            self.first = False
            if self.seed_delta:
                self.streams = self.streams_of(self.seed_delta)
        return drawn
