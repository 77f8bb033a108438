"""Noise as A1111 draws it: one stream for each picture, so that a picture is the same alone and in a batch."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, cast

import torch
from torch import Tensor

from modules.sampling.brownian import BrownianTree
from modules.sampling.philox import PhiloxGenerator

Source = Literal["GPU", "CPU", "NV"]
SEEDS = 2**64  # seeds count modulo this, as on the card


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
    return TorchGenerator(seed % SEEDS, torch.device("cpu") if source == "CPU" else device)


class Variation(NamedTuple):
    """Second seeds, one for each picture, and how far (0..1) their noise is mixed in."""

    seeds: tuple[int, ...]
    strength: float


def slerp(share: float, low: Tensor, high: Tensor) -> Tensor:
    """Between `low` (share 0) and `high` (1) along the sphere: Shoemake 1985. Angles are taken along dimension 1.

    For noise (C, h, w) that is an angle for each column, not one for the picture: so it is in A1111. Where the two hardly
    differ it mixes them linearly, with the shares exchanged: that too is A1111's.
    """
    dot = (unit(low) * unit(high)).sum(1)
    if dot.mean() > 0.9995:
        return low * share + high * (1 - share)
    angle = dot.acos()
    sine = angle.sin()
    return (((1.0 - share) * angle).sin() / sine).unsqueeze(1) * low + ((share * angle).sin() / sine).unsqueeze(1) * high


def unit(x: Tensor) -> Tensor:
    """x at length 1 along dimension 1."""
    return x / cast(Tensor, x.norm(dim=1, keepdim=True))  # pyright: ignore[reportUnknownMemberType]


def pasted(small: Tensor, large: Tensor) -> Tensor:
    """The middle of `large` (C, h, w) replaced by `small`, whose own middle is taken where it is larger."""
    result = large.clone()
    rows, columns = (overlap(inner, outer) for inner, outer in zip(small.shape[1:], large.shape[1:], strict=True))
    result[:, rows[1], columns[1]] = small[:, rows[0], columns[0]]
    return result


def overlap(inner: int, outer: int) -> tuple[slice, slice]:
    """Where two centred lengths overlap, seen from each. Halves are rounded down, also below 0: so A1111 does it."""
    offset = (outer - inner) // 2
    common = inner if offset >= 0 else inner + 2 * offset
    start, into = max(-offset, 0), max(offset, 0)
    return slice(start, start + common), slice(into, into + common)


class NoiseSource:
    """The noise of a batch. The first draw is the initial noise; each later one is a step's.

    `shape` is (C, h, w) of one picture's latents. With a `seed_delta` other than 0 (A1111's ENSD) all draws after the first
    come from streams of seed + delta. `variation` changes the first draw; so does `resize_from`, (h, w) in latents: the first
    noise is then that of a picture of that size, in the middle of this size's own.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        shape: tuple[int, int, int],
        *,
        source: Source,
        device: torch.device,
        seed_delta: int = 0,
        variation: Variation | None = None,
        resize_from: tuple[int, int] | None = None,
    ) -> None:
        self.seeds = tuple(seeds)
        self.shape = shape
        self.source: Source = source
        self.device = device
        self.seed_delta = seed_delta
        self.variation = variation
        self.first_shape = shape if resize_from is None else (shape[0], *resize_from)
        self.streams = self.streams_of(0)
        self.kept: Tensor | None = None

    def streams_of(self, delta: int) -> list[PhiloxGenerator | TorchGenerator]:
        return [generator_of(self.source, seed + delta, self.device) for seed in self.seeds]

    def drawn(self, seed: int, shape: tuple[int, ...]) -> Tensor:
        """The first normal numbers of a seed: float32, on the device."""
        return generator_of(self.source, seed, self.device).randn(shape).to(self.device)

    def next(self) -> Tensor:
        """The next noise of all pictures: (B, C, h, w), float32, on the device."""
        drawn = [stream.randn(self.shape).to(self.device) for stream in self.streams]
        if self.kept is not None:
            return torch.stack(drawn)
        self.kept = torch.stack([self.changed(noise, i) for i, noise in enumerate(drawn)])
        if self.seed_delta:
            self.streams = self.streams_of(self.seed_delta)
        return self.kept

    @property
    def initial(self) -> Tensor:
        """The first draw, which is made now if it has not been: (B, C, h, w)."""
        return self.next() if self.kept is None else self.kept

    def changed(self, noise: Tensor, i: int) -> Tensor:
        """Picture i's first noise with the variation and the size that it is to come from."""
        resized = self.first_shape != self.shape
        result = self.drawn(self.seeds[i], self.first_shape) if resized else noise
        if self.variation and self.variation.strength:
            other = self.variation.seeds[i] if i < len(self.variation.seeds) else 0
            result = slerp(self.variation.strength, result, self.drawn(other, self.first_shape))
        return pasted(result, noise) if resized else result


class StepNoise:
    """What samplers get: `next` for those that take noise as it comes, `between` for those that take it from a Brownian path.

    `random`: one path for the whole batch, which then decides a picture's noise too (A1111's no_dpmpp_sde_batch_determinism).
    """

    def __init__(self, source: NoiseSource, *, random: bool = False) -> None:
        self.source = source
        self.random = random
        self.trees: list[BrownianTree] = []
        self.range = (0.0, 0.0)
        self.shape: tuple[int, ...] = ()
        self.dtype = torch.float32

    def along(self, x: Tensor, sigmas: Tensor, *, part: Tensor | None = None) -> None:
        """Says what the path is for: latents like `x` (B, C, h, w), the levels of the whole schedule, and the part that is sampled.

        Needed before `between` alone. The path reaches from the smallest level above 0 to the largest, of the part if `random`.
        """
        levels = part if self.random and part is not None else sigmas
        noisy = levels[levels > 0]
        if len(noisy):
            self.range = (noisy.min().item(), noisy.max().item())
        self.shape, self.dtype = tuple(x.shape), x.dtype
        self.trees = []

    def next(self) -> Tensor:
        """The next noise of all pictures: (B, C, h, w), float32."""
        return self.source.next()

    def between(self, sigma: Tensor, sigma_next: Tensor) -> Tensor:
        """The path's noise from one level to another, scaled to variance 1: (B, C, h, w). The order decides its sign."""
        low, high = sorted((sigma.item(), sigma_next.item()))
        self.trees = self.trees or self.planted()
        increments = [tree.increment(low, high) for tree in self.trees]
        path = increments[0] if self.random else torch.stack(increments)
        sign = 1 if sigma < sigma_next else -1
        return path * sign / (sigma_next - sigma).abs().sqrt()

    def planted(self) -> list[BrownianTree]:
        if self.random:
            # A1111 asks torch's own generator for the seed of the path; it has last been given the last picture's seed.
            state = torch.Generator().manual_seed(self.source.seeds[-1] % SEEDS)
            entropy = int(torch.randint(0, 2**63 - 1, [], generator=state).item())
            return [self.tree(entropy, self.shape)]
        return [self.tree(seed, self.shape[1:]) for seed in self.source.seeds]

    def tree(self, entropy: int, shape: tuple[int, ...]) -> BrownianTree:
        return BrownianTree(*self.range, entropy, lambda seed: self.source.drawn(seed, shape).to(self.dtype))
