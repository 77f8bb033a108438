"""Training adapters: LoRA and its kin, on a U-Net and, if wanted, its text encoders."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from modules.contract.errors import BadRequest
from modules.contract.training import NetworkOptions, TrainingRequest
from modules.families.base import Components
from modules.families.network_keys import KeyTable, Target
from modules.training.files import lora_file
from modules.training.files.hashed import with_hashes
from modules.training.files.verify import compare_changes, compare_tensors, rounded
from modules.training.methods import adapters
from modules.training.methods.adapters import Size
from modules.training.methods.groups import DTYPES, Group, holding, text_group
from modules.weights.lora_layers import Layer
from modules.weights.writing import write_tensors

BACKWARD = 1.15  # of a forward pass: inputs' gradients through all of it, and the adapters' own; counted for SD 1 at 512 (0.933 of 0.814)


class LoraTraining:
    """Adapters in a model's networks. A Trainable; see `parts`.

    A LoRA that the training begins with may hold parts that are not trained now: those stay as they are, act while the others are
    trained, and are written with them.
    """

    def __init__(self, request: TrainingRequest, components: Components, network: Path | None) -> None:
        adapters.check(request.network)
        self.request = request
        self.components = components
        encoders = [encoder.model for encoder in components.encoders]
        self.networks: list[tuple[int | None, nn.Module]] = [(None, components.unet), *enumerate(encoders)]
        self.names = lora_file.module_names(components.unet, encoders, original=components.variant.family == "sdxl")
        self.table = KeyTable(components.unet, encoders)
        before = lora_file.found_in(network, self.table) if network else {}
        if network:
            check_kind(network, before, request.network)
        self.layers: dict[Target, Any] = {}
        self.trained: set[Target] = set()
        for number, module in self.networks:
            self.layers |= self.adapted(number, module, before)
        for target, source in before.items():
            assert network is not None
            lora_file.fill(self.layers[target], source, network, target.path)
        for target, layer in self.layers.items():
            if target not in self.trained:
                for parameter in adapters.parameters_of(layer).values():
                    parameter.requires_grad_(False)
        self.text = any(target.encoder is not None for target in self.trained)
        self.groups: Sequence[Group] = self.grouped()
        still = [target for target in self.layers if target.encoder is not None]
        if still and not self.text:
            components.text_state = digest(self.values_of(still))

    def adapted(self, number: int | None, module: nn.Module, before: Mapping[Target, Layer]) -> dict[Target, Any]:
        """One network's adapters, put on: those that are wanted, and those that the file has."""
        network, parts = self.request.network, self.request.parts
        chosen = parts.unet if number is None else parts.text_encoder
        sizes: dict[str, Size] = {}
        if chosen and number is None:
            sizes = adapters.unet_targets(module, network)
        elif chosen and number is not None:
            encoder = self.components.encoders[number]
            # Single files of SD 2 have a last layer that is never read, and that other programs do not load.
            unread = encoder.reading.layer - 1 if encoder.key == "clip_h" else 0
            sizes = adapters.text_targets(module, network, unread=unread)
        self.trained |= {Target(number, path) for path in sizes}
        for target, layer in before.items():
            if target.encoder == number:
                sizes[target.path] = lora_file.size_in(layer, sizes.get(target.path, Size(network.rank, network.alpha or network.rank)))
        seed = self.request.steps.seed + (0 if number is None else number + 1)
        return {Target(number, path): layer for path, layer in adapters.adapt(module, sizes, network, seed).items()}

    def grouped(self) -> list[Group]:
        """The U-Net's parameters, and those of the text encoders."""
        unet = [one for target in self.trained_in_order(text=False) for one in adapters.parameters_of(self.layers[target]).values()]
        text = [one for target in self.trained_in_order(text=True) for one in adapters.parameters_of(self.layers[target]).values()]
        return [*([Group(unet)] if unet else []), *([text_group(text, self.request)] if text else [])]

    def trained_in_order(self, *, text: bool) -> list[Target]:
        """The modules that are trained, always in the same order."""
        return [target for target in self.layers if target in self.trained and (target.encoder is not None) == text]

    @property
    def count(self) -> int:
        """How many numbers are trained."""
        return sum(one.numel() for group in self.groups for one in group.parameters)

    def tensors(self) -> dict[str, Tensor]:
        """The trained values, by names that stay."""
        return self.values_of(target for target in self.layers if target in self.trained)

    def values_of(self, targets: Iterator[Target] | Sequence[Target]) -> dict[str, Tensor]:
        """The values of some modules' adapters."""
        return {
            f"{place_of(target)}.{name}": value for target in targets for name, value in adapters.parameters_of(self.layers[target]).items()
        }

    def network_calls(self) -> float:
        """A step's arithmetic for one picture, in forward passes."""
        return 1.0 + BACKWARD + (1.0 if self.request.steps.checkpointing else 0.0)

    def after_step(self) -> None:
        """Nothing has to hold."""

    def switch(self, training: bool) -> None:
        """Have dropout act or not."""
        for target in self.trained:
            adapters.switch(self.layers[target], training)

    @contextmanager
    def without(self) -> Iterator[None]:
        """While it lasts, the model is as it was without the adapters."""
        with adapters.silent(list(self.layers.values())):
            yield

    def export(self, path: Path, values: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
        """Write the LoRA of these values, read it back and compare it. Raises WebuiError where it is not the same."""
        dtype = DTYPES[self.request.saving.numbers]
        mine = self.tensors()
        with holding(mine, values):
            tensors = self.file_tensors(dtype)
            write_tensors(path, tensors, with_hashes(tensors, metadata))
            compare_tensors(path, tensors)
            here = self.values_of(list(self.layers))
            with holding(here, {name: value if name.endswith(".magnitude") else value.to(dtype).float() for name, value in here.items()}):
                compare_changes(path, self.table, self.layers, dtype)

    @torch.no_grad()
    def file_tensors(self, dtype: torch.dtype) -> dict[str, Tensor]:
        """What the file holds: each factor in the type that was asked for; alpha and DoRA's lengths in float32.

        Alpha may be any fraction, and the rounding of a length would change all of a weight more than most trainings do.
        """
        tensors: dict[str, Tensor] = {}
        for target, layer in self.layers.items():
            for part, value in lora_file.parts_of(layer, adapters.parameters_of(layer)).items():
                name = f"{self.names[target]}.{part}"
                tensors[name] = rounded(name, value, torch.float32 if part in ("alpha", "dora_scale") else dtype)
        return tensors


def place_of(target: Target) -> str:
    """A module's name among the trained tensors."""
    return f"unet.{target.path}" if target.encoder is None else f"text.{target.encoder}.{target.path.removeprefix('text_model.')}"


def check_kind(path: Path, layers: Mapping[Target, Layer], network: NetworkOptions) -> None:
    """Raise BadRequest unless a file's network is of the kind and of the size that was asked for."""
    kind = lora_file.kind_of(layers)
    if kind != network.type and {kind, network.type} != {"LoRA", "LoCon"}:
        known = f"is a {kind}" if kind else "is of a kind that cannot be trained on"
        raise BadRequest(f"{path.name} {known}, and the type is {network.type}.", "Begin with a file of the same type, or with none.")
    size = lora_file.usual_size(layers)
    if size is not None and size.rank != network.rank:
        raise BadRequest(f"{path.name} has the rank {size.rank}, and the rank is {network.rank}.", f"Set the rank to {size.rank} or to 0.")
    if size is not None and abs(size.alpha - (network.alpha or network.rank)) > 1e-3 * size.alpha:
        alpha = network.alpha or network.rank
        raise BadRequest(f"{path.name} has the alpha {size.alpha:g}, and the alpha is {alpha:g}.", f"Set alpha to {size.alpha:g}.")


def digest(tensors: Mapping[str, Tensor]) -> str:
    """A short text that differs where tensors do."""
    found = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        found.update(name.encode() + value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()[:16]
