"""Whether a training fits, measured before it begins: some steps on its largest pictures, as the loop itself takes them."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from modules.contract.training import TrainingRequest
from modules.datasets.scan import Scan
from modules.families.base import Components
from modules.training.data.album import Pages
from modules.training.parts import Batch, Trainable
from modules.training.planning.memory import Disk, disk_forecast
from modules.training.runs.run_folder import RunFolder
from modules.training.steps.loop import learn, says_nothing
from modules.training.steps.processes import Ranks
from modules.training.steps.session import Session
from modules.training.steps.speed import memory

STEPS = 2  # measured, after one that does not count: it finds the fastest kernels and makes the optimizer's tensors


@dataclass(frozen=True)
class Measured:
    """What a training will take. Bytes and seconds.

    `memory`: the most that was in use on the device; `memory_all`: what it has. `seconds`: until the last step, encoding of the
    pictures included, without the pictures made on the way. `disk`: what will be written; `disk_free`: what is free where it goes.
    """

    memory: int | None
    memory_all: int | None
    seconds_per_step: float
    seconds: float
    disk: Disk
    disk_free: int

    @property
    def tight(self) -> bool:
        """Whether it fits with less than a tenth of the device's memory to spare, or not on the disk."""
        full = self.memory is not None and self.memory_all is not None and self.memory > 0.9 * self.memory_all
        return full or self.disk.wanted > self.disk_free


class Largest:
    """An Album whose every batch is the largest that comes, and which has nothing to probe."""

    def __init__(self, pages: Pages, passes: int) -> None:
        self.pictures, self.epoch_steps, self.per_step = pages.pictures, pages.epoch_steps, pages.per_step
        self.fingerprint: Mapping[str, str] = {}
        self.step = [*pages.largest()] * passes

    def batches(self, step: int, rank: int, world: int) -> Sequence[Batch]:
        """The largest batch as often as a step has batches."""
        return self.step

    def probe(self, held_out: bool) -> Sequence[Batch]:
        """Nothing."""
        return []

    def with_and_without_captions(self, rank: int, world: int) -> Iterator[tuple[Batch, Batch]]:
        """None."""
        yield from ()

    def epoch_of(self, step: int) -> int:
        """The first."""
        return 0


class NoPictures:
    """A Sampler that makes none."""

    def sample(self, step: int, file: Path | None) -> None:
        """Nothing."""


def measure(
    request: TrainingRequest, folder: RunFolder, components: Components, trainable: Trainable, scanned: Scan, ranks: Ranks
) -> Measured:
    """Take three steps of a decided request and tell what it will take. The folder, the components and what is trained are spent then.

    Class pictures need not be there: those that will be made are reckoned as large as the others. Raises OutOfMemory where it does not fit,
    with what to try.
    """
    data, prior = request.data.model_copy(update={"cache_latents": "off"}), request.prior.model_copy(update={"on": False})
    trial = request.model_copy(update={"data": data, "prior": prior})
    pages = Pages(trial, components, folder, scanned, text_trained=trainable.text, shared=False)
    started = time.monotonic()
    pages.latents.get(0)
    encoding = time.monotonic() - started
    album = Largest(pages, request.steps.accumulation * (2 if request.prior.on else 1))
    if components.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(components.device)
    session = Session(request, folder, components, trainable, album, sampler=NoPictures(), ranks=ranks, metadata=says_nothing)
    seconds: list[float] = []
    most = 0
    with session.running():
        for step in range(STEPS + 1):
            began = time.monotonic()
            learn(session, step)
            wait_for(components.device)
            seconds.append(time.monotonic() - began)
            most = max(most, memory(components.device) or 0)
    each = min(seconds[1:])
    pictures = pages.pictures + len(pages.held_out) + (request.prior.count if request.prior.on else 0)
    parameters = sum(parameter.numel() for parameter in components.unet.parameters())
    return Measured(
        memory=most or None,
        memory_all=whole_memory(components.device),
        seconds_per_step=each,
        seconds=each * request.steps.steps + encoding * pictures,
        disk=disk_forecast(request, components.variant.family, pages.pictures, parameters=parameters),
        disk_free=psutil.disk_usage(str(existing(folder.path))).free,
    )


def wait_for(device: torch.device) -> None:
    """Until a graphics card has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def whole_memory(device: torch.device) -> int | None:
    """The bytes that a device has; None where that cannot be asked."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return psutil.virtual_memory().total if device.type == "cpu" else None


def existing(path: Path) -> Path:
    """The nearest folder that is there."""
    return path if path.exists() or path == path.parent else existing(path.parent)
