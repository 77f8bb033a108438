"""Sampling of consistency models: each step goes to the picture at once, and then back to the next level."""

from itertools import pairwise

from torch import Tensor

from modules.sampling.samplers import Denoise, Noise, SamplerSettings, everywhere


def lcm(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, settings: SamplerSettings) -> Tensor:
    """Multistep consistency sampling. Song et al. 2023, arXiv:2303.01469, algorithm 1; `denoise` as `prediction.Consistency` has it."""
    for sigma, sigma_next in pairwise(sigmas):
        x = denoise(x, everywhere(x, sigma))
        if sigma_next > 0:
            x = x + sigma_next * noise.next()
    return x
