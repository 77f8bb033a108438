"""Which model a file holds: its family, what its network sees beside the latents, and what it predicts."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["sd1", "sd2", "sdxl", "sdxl-refiner"]
Inputs = Literal["plain", "inpaint", "edit"]


@dataclass(frozen=True)
class Variant:
    """`inputs`: 'inpaint' sees a mask and the masked picture (9 channels), 'edit' the source picture (8, instruct-pix2pix).

    `prediction` is 'unknown' only before loading, for a Stable Diffusion 2 file that does not say it. `zero_snr`: trained to a
    last timestep that is noise alone; Lin et al. 2023, arXiv:2305.08891.
    """

    family: Kind
    inputs: Inputs = "plain"
    prediction: Literal["eps", "v", "unknown"] = "eps"
    zero_snr: bool = False
