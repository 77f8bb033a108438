"""Training a whole model: all of the U-Net's numbers and, if wanted, the text encoders'."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from modules.contract.errors import NotSupported
from modules.contract.training import TrainingRequest
from modules.families.base import Components
from modules.families.load import variant_of
from modules.training.files.checkpoint_file import markers, slots_from_file, slots_from_folder, write_slots
from modules.training.files.verify import NotTheSame
from modules.training.methods.groups import DTYPES, Group, holding, text_group
from modules.weights.config import config_beside
from modules.weights.files import open_tensors


class CheckpointTraining:
    """A model's own weights, in float32. A Trainable; see `parts`. The VAE is not trained."""

    def __init__(self, request: TrainingRequest, components: Components, base: Path) -> None:
        self.request = request
        self.components = components
        self.base = base
        self.parameters: dict[str, nn.Parameter] = {}
        groups: list[Group] = []
        if request.parts.unet:
            groups.append(Group(self.opened("unet.", components.unet)))
            components.dtype = torch.float32
        self.text = request.parts.text_encoder
        if self.text:
            encoders = [one for i, encoder in enumerate(components.encoders) for one in self.opened(f"text.{i}.", encoder.model)]
            groups.append(text_group(encoders, request))
        self.groups: Sequence[Group] = groups

    def opened(self, prefix: str, module: nn.Module) -> list[nn.Parameter]:
        """A network's parameters, in float32 and with gradients; noted under their names."""
        module.float().requires_grad_(True)
        own = {prefix + name.removeprefix("text_model."): parameter for name, parameter in module.named_parameters()}
        self.parameters |= own
        return list(own.values())

    @property
    def count(self) -> int:
        """How many numbers are trained."""
        return sum(one.numel() for one in self.parameters.values())

    def tensors(self) -> dict[str, Tensor]:
        """The trained values, by names that stay."""
        return dict(self.parameters)

    def network_calls(self) -> float:
        """A step's arithmetic for one picture, in forward passes: one there, the gradients of inputs and of weights back."""
        return 3.0 + (1.0 if self.request.steps.checkpointing else 0.0)

    def after_step(self) -> None:
        """Nothing has to hold."""

    def switch(self, training: bool) -> None:
        """These networks have no dropout."""

    @contextmanager
    def without(self) -> Iterator[None]:
        """Raises NotSupported: the model as it was is only in its file."""
        raise NotSupported("The checkpoint itself is trained; as it was, it is only in its file.")
        yield

    def export(self, path: Path, values: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
        """Write the model as one file in the base's layout, read it back and compare. Raises WebuiError where it is not the same."""
        dtype = DTYPES[self.request.saving.numbers]
        prediction = self.components.variant
        forced = self.request.noise.prediction
        velocity = prediction.prediction == "v" if forced == "the model's own" else forced == "v"
        with holding(self.tensors(), values), ExitStack() as opened, torch.no_grad():
            if self.base.is_dir():
                slots = slots_from_folder(self.components, self.parameters, dtype)
            else:
                slots = slots_from_file(opened.enter_context(open_tensors(self.base)), self.parameters, dtype)
            zero_snr = prediction.zero_snr or self.request.noise.zero_snr
            slots |= markers(slots, velocity=velocity, zero_snr=zero_snr)
            write_slots(path, slots, {**metadata, "modelspec.prediction_type": "v" if velocity else "epsilon"})
        read = variant_of(path, config_beside(self.base) if not self.base.is_dir() else None)
        if (read.family, read.inputs) != (prediction.family, prediction.inputs):
            raise NotTheSame(path, f"it is read as {read.family}")
