"""All chance of a training: what is drawn is a function of the seed, the step and the picture's place in it, never of what came before.

So a training that goes on after a stop draws what it would have drawn, on however many processes.
"""

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from modules.contract.training import NoiseOptions

GOLDEN = (5**0.5 - 1) / 2  # the section whose multiples fill 0..1 most evenly, however many there are


def stream_seed(seed: int, *numbers: int, name: str = "") -> int:
    """The seed, 0..2^63-1, of the stream of that name at these numbers (a step, a slot)."""
    text = ":".join([name, str(seed), *map(str, numbers)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def generator(seed: int, *numbers: int, name: str = "") -> torch.Generator:
    """That stream, on the processor, so that it is the same on every device."""
    return torch.Generator().manual_seed(stream_seed(seed, *numbers, name=name))


def timesteps(seed: int, step: int, slots: Sequence[int], least: int, most: int) -> Tensor:
    """The timesteps (B,) of a step's pictures, whole numbers in least..most; each alone is uniform, together they are spread evenly.

    The first is drawn, each further slot lies a golden section on. Spreading makes the loss less noisy: Kingma et al. 2021,
    arXiv:2107.00630, appendix I.1; there the distance depends on the number of pictures, which here may differ between processes.
    """
    start = torch.rand((), dtype=torch.float64, generator=generator(seed, step, name="timestep"))
    shares = (start + GOLDEN * torch.tensor(list(slots), dtype=torch.float64)) % 1.0
    return (least + (shares * (most - least + 1)).long()).clamp(max=most)


def noise(options: NoiseOptions, seed: int, step: int, slots: Sequence[int], shape: Sequence[int]) -> tuple[Tensor, Tensor]:
    """What the network is to find and what is mixed into the latents, both (B, C, h, w), float32; `shape` is (C, h, w).

    They differ by the input perturbation: Ning et al. 2023, arXiv:2301.11706, algorithm 1. Each kind of noise has its own stream, so
    that switching one on leaves the others as they were.
    """
    wanted = torch.stack([one_noise(options, seed, step, slot, shape) for slot in slots])
    if not options.perturbation:
        return wanted, wanted
    more = [torch.randn(*shape, generator=generator(seed, step, slot, name="perturbation")) for slot in slots]
    return wanted, wanted + options.perturbation * torch.stack(more)


def one_noise(options: NoiseOptions, seed: int, step: int, slot: int, shape: Sequence[int]) -> Tensor:
    """The noise (C, h, w) of one picture: white, with coarser and coarser noise and a constant for each channel if they are wished."""
    white = torch.randn(*shape, generator=generator(seed, step, slot, name="noise"))
    if options.pyramid:
        white = pyramid(white, options.pyramid, generator(seed, step, slot, name="pyramid"))
    if options.offset:
        white = white + options.offset * torch.randn(shape[0], 1, 1, generator=generator(seed, step, slot, name="offset"))
    return white


def pyramid(white: Tensor, discount: float, chance: torch.Generator) -> Tensor:
    """White noise (C, h, w) and noise of half, a quarter ... its size, each `discount` times as strong as the one before; variance 1."""
    channels, height, width = white.shape
    total, strength = white, 1.0
    while max(height, width) > 1:
        height, width, strength = max(height // 2, 1), max(width // 2, 1), strength * discount
        coarse = torch.randn(1, channels, height, width, generator=chance)
        total = total + strength * functional.interpolate(coarse, size=white.shape[1:], mode="bilinear", align_corners=False)[0]
    return total / total.std()
