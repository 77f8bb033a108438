"""What a training consists of while it runs on one process, and all that its next step depends on."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import torch

from modules.contract.errors import BadRequest
from modules.contract.training import TrainingRequest
from modules.families.base import Components
from modules.training.data.captions import text_options
from modules.training.parts import Album, Batch, Sampler, Trainable
from modules.training.runs.run_folder import RunFolder
from modules.training.steps import checkpoint, schedule
from modules.training.steps.average import Average, write
from modules.training.steps.control import Control
from modules.training.steps.objective import Objective
from modules.training.steps.optimizers import Update, optimizer_for
from modules.training.steps.picture_losses import PictureLosses
from modules.training.steps.probe import Probe
from modules.training.steps.processes import Ranks
from modules.training.steps.recovery import Watch, memory_told
from modules.training.steps.report import Report
from modules.training.steps.speed import Meter, forward_flops, memory, peak

TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
STATE_EVERY = 300.0  # seconds
LIBRARIES = ("torch", "diffusers", "peft")
Metadata = Callable[[int], Mapping[str, str]]


class Session:
    """The parts of one training. Raises BadRequest for values that nobody decided, and what `Objective` and `optimizer_for` raise."""

    def __init__(
        self,
        request: TrainingRequest,
        folder: RunFolder,
        components: Components,
        trainable: Trainable,
        album: Album,
        *,
        sampler: Sampler,
        ranks: Ranks,
        metadata: Metadata,
    ) -> None:
        wanted = {"Steps": request.steps.steps, "Batch size": request.steps.batch, "Learning rate": request.optimizer.rate}
        for name, value in wanted.items():
            if value <= 0:
                raise BadRequest(f"{name} is {value}; for a training that starts it must be above 0.")
        self.request, self.folder, self.components, self.trainable, self.album = request, folder, components, trainable, album
        self.sampler, self.ranks, self.metadata, self.steps = sampler, ranks, metadata, request.steps.steps
        self.dtype = TYPES.get(request.steps.precision, components.dtype)
        texts = text_options(request)
        self.objective = Objective(components, request.noise, seed=request.steps.seed, dtype=self.dtype, texts=texts)
        self.tensors = trainable.tensors()
        half = self.dtype == torch.float16
        optimizer = optimizer_for(request.optimizer, trainable.groups)
        self.update = Update(optimizer, clip=request.optimizer.clip, half=half, device=components.device)
        self.average = Average(self.tensors, request.optimizer.average_decay) if request.optimizer.average else None
        self.probe = Probe(request, album, self.objective, ranks)
        self.watch = Watch(components.device)
        self.picture_losses = PictureLosses(request, album, ranks, folder)
        self.rate_factor, self.returns = 1.0, 0  # halved at every return to an earlier state
        self.resumed, self.exported = False, -1  # whether it goes on from a state; the step whose file was written last
        self.meter = Meter(self.steps)
        self.report = Report(folder, self.meter, steps=self.steps, epoch_steps=album.epoch_steps, silent=not ranks.first)
        self.control = Control(folder, 0.0 if request.saving.state_every else STATE_EVERY)
        self.flops: dict[tuple[int, ...], float] = {}
        self.peak = peak(components.device, self.dtype)
        compute_again(components, request.steps.checkpointing, text=trainable.text)

    @contextmanager
    def running(self) -> Iterator[None]:
        """While it lasts, networks are in training, SIGTERM is a wish to stop, and memory that runs out is told as a sentence."""
        unet = self.components.unet
        unet.train()
        self.trainable.switch(training=True)
        try:
            with self.control.listening(), memory_told(self.request, self.newest_step):
                yield
        finally:
            self.update.forget_gradients()
            self.trainable.switch(training=False)
            unet.eval()

    @contextmanager
    def unmoved(self) -> Iterator[None]:
        """While it lasts, networks are as people use them: no dropout."""
        networks = [self.components.unet, *(encoder.model for encoder in self.components.encoders)]
        training = [network.training for network in networks]
        for network in networks:
            network.eval()
        try:
            yield
        finally:
            for network, was in zip(networks, training, strict=True):
                network.train(was)

    def newest_step(self) -> int | None:
        """The step of the newest state on the disk."""
        return next(iter(checkpoint.steps(self.folder.checkpoints)), None)

    @property
    def best_step(self) -> int | None:
        """The step that was best on pictures that are held out; None if none are."""
        best = self.probe.history.best
        return None if best is None else best.step

    @property
    def enough(self) -> bool:
        """Whether it is to end early, for it only learns by heart."""
        return self.request.watch.stop_when_overfit and self.probe.history.overfit

    def prepare(self, step: int) -> None:
        """Before a step: the rates of its groups; what is trained only up to an earlier step takes no part any more."""
        rate = self.request.optimizer.rate * schedule.factor(self.request.optimizer, step, self.steps) * self.rate_factor
        groups = self.trainable.groups
        for group in groups:
            for parameter in group.parameters:
                parameter.requires_grad_(not group.until or step < group.until)
        self.update.set_rates([rate * group.factor for group in groups])

    def operations(self, batch: Batch) -> float:
        """The operations of a batch's part in a step on this device."""
        size = tuple(batch.latents.shape[2:])
        if size not in self.flops:
            self.flops[size] = forward_flops(self.components, size) * self.trainable.network_calls()
        return self.flops[size] * len(batch.slots)

    def read_losses(self, *, now: bool = False) -> None:
        """Read what the device has of the last steps when it is time, or `now`, and say it."""
        looked = self.watch.look(now)
        if looked:
            self.picture_losses.read([one.step - 1 for one in looked])
        if looked or now:
            self.picture_losses.write(now=now)
            rate = float(self.update.optimizer.param_groups[0]["lr"])
            operations = self.meter.operations_a_second
            share = None if operations is None else operations / self.peak
            mean, used = self.watch.known.mean, memory(self.components.device)
            self.report.steps(looked, mean=mean, rate=rate, now=now, share=share, memory=used)

    def state(self, step: int) -> dict[str, Any]:
        """All that the steps from here on depend on, and what it was made of."""
        return {
            "step": step,
            "trained": self.tensors,
            "average": self.average.values if self.average else None,
            "update": self.update.state(),
            "watch": self.watch.state(),
            "probes": self.probe.history.state(),
            "picture_losses": self.picture_losses.state(),
            "rate_factor": self.rate_factor,
            "returns": self.returns,
            "fingerprint": dict(self.album.fingerprint),
            "request": self.request.model_dump(mode="json"),
            "versions": {name: version(name) for name in LIBRARIES},
        }

    def restore(self, state: Mapping[str, Any]) -> int:
        """Put a state in the place of all values; its step. Raises BadRequest for one of another training."""
        shapes = {name: tuple(tensor.shape) for name, tensor in state["trained"].items()}
        if shapes != {name: tuple(tensor.shape) for name, tensor in self.tensors.items()}:
            raise BadRequest("The kept state is of other trained parts or another rank.", "Start a new training.")
        if (state["average"] is None) != (self.average is None):
            raise BadRequest("The kept state is of a training with the moving average switched the other way.", "Start a new training.")
        name = state["request"]["optimizer"]["name"]
        if name != self.request.optimizer.name:
            raise BadRequest(f"The kept state is {name}'s.", "Choose that optimizer, or start a new training.")
        self.update.forget_gradients()
        write(self.tensors, state["trained"])
        if self.average:
            self.average.restore(state["average"])
        self.update.restore(state["update"])
        self.watch.restore(state["watch"])
        self.probe.history.restore(state["probes"])
        self.picture_losses.restore(state.get("picture_losses"), state["fingerprint"])
        self.rate_factor, self.returns = state["rate_factor"], state["returns"]
        return int(state["step"])


def compute_again(components: Components, on: bool, *, text: bool) -> None:
    """Have networks keep few inner values and compute the others again on the way back. Chen et al. 2016, arXiv:1604.06174."""
    networks: list[Any] = [components.unet]
    if on:
        components.unet.enable_gradient_checkpointing()
    else:
        components.unet.disable_gradient_checkpointing()
    if text and on:
        networks = [encoder.model for encoder in components.encoders]
        for network in networks:
            network.gradient_checkpointing_enable()
            network.train()  # transformers computes again only in training; CLIP has no dropout that acts
