"""Numbers for networks that tests look through: the same for a name on every machine, so that none need to be kept."""

import zlib

import numpy as np
import torch
from torch import Tensor, nn

PERIOD = 65_521  # numbers before they repeat; a prime, so that no two filters of a tensor are alike


def numbers_for(name: str, shape: tuple[int, ...], gain: float = 1.0) -> Tensor:
    """The numbers of a parameter: kernels of deviation gain / sqrt(fan-in), variances 0.5..2.3, scales about 1, others about 0."""
    count = int(np.prod(shape)) if shape else 1
    state = np.arange(PERIOD, dtype=np.uint64) + np.uint64(zlib.crc32(name.encode())) * np.uint64(PERIOD)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)  # splitmix64's mixing, Steele et al. 2014
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    even = (state ^ (state >> np.uint64(31))).astype(np.float64) / 2**63 - 1  # -1..1
    drawn = torch.from_numpy(np.resize(even * 3**0.5, count).astype(np.float32)).reshape(shape)
    if len(shape) > 1:
        return drawn * (gain / (drawn[0].numel() ** 0.5))
    if name.endswith("running_var"):
        return drawn.abs() + 0.5
    return drawn * 0.3 + (1.0 if name.endswith("weight") else 0.0)


def filled(network: nn.Module, gain: float = 1.0, **gains: float) -> dict[str, Tensor]:
    """Numbers for all of a network's tensors by name, zeros for those that count. `gains`: others by a part of the name."""
    found = {}
    for name, old in network.state_dict().items():
        own = next((one for word, one in gains.items() if word in name.replace(".", "_")), gain)
        found[name] = numbers_for(name, tuple(old.shape), own) if old.is_floating_point() else torch.zeros(old.shape)
    return found
