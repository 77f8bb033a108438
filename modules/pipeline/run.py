"""All there is to know of one batch on its way."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from modules.contract.progress import Reporter
from modules.contract.request import GenerationRequest
from modules.contract.services import ModelEntry
from modules.families.base import Components
from modules.sampling.guidance import Conditions
from modules.sampling.noise import NoiseSource
from modules.sampling.registry import Choice
from modules.settings.groups import Settings


@dataclass
class Run:
    """One batch. Lives from `generate` to `finish`; no part of the program keeps it longer."""

    request: GenerationRequest  # seed resolved
    settings: Settings  # frozen copy, with the request's own on top
    model: ModelEntry
    components: Components
    choice: Choice  # sampler and schedule
    report: Reporter
    seeds: tuple[int, ...]  # one for each picture of the batch
    first: int  # the number of the batch's first picture in the whole request, from 0
    noise: NoiseSource  # one stream for each picture
    conditions: Conditions | None = None  # None until `encode`
    latents: Tensor | None = None  # (B, C, h, w), scaled for the network; None until `start`
    interrupted: bool = False  # a person ended it early: what there is, is kept, and no batch follows
    notes: dict[str, object] = field(default_factory=dict[str, object])  # further pairs for the infotext

    @property
    def device(self) -> torch.device:
        return self.components.device
