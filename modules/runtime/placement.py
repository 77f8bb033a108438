"""Where the parts of a model wait and where they compute: all on the device, one part at a time, or the U-Net layer by layer.

The rule for whoever changes weights while a model is loaded (LoRA and its kin): write into `parameter.data` in place, between
two uses and not within `on_device`; never put another Parameter or module in its place. The tensor lies wherever it waits, and
with 8-bit storage it is float8: compute in float32 and `copy_` the result.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from modules.runtime.device import Device

Where = Literal["Automatic", "Resident", "One part at a time", "In groups"]
HEADROOM = 2 * 2**30  # what a picture of about a megapixel needs beside the weights, in bytes
STORAGE = torch.float8_e4m3fn


@dataclass(frozen=True)
class Placing:
    """What a model is loaded for: a device with its number types, where its parts shall wait, and whether in 8 bits."""

    device: Device
    where: Where = "Automatic"
    fp8: bool = False


class Placement:
    """The parts of one model by name, and which of them are on the device. `reason` says in a sentence why they wait where they do."""

    def __init__(self, device: torch.device, where: Where = "Resident", because: str = "as asked") -> None:
        self.device = device
        self.where: Where = where
        self.reason = f"Networks wait: {where.lower()}, {because}."
        self.parts: dict[str, list[nn.Module]] = {}
        self.streamed: set[str] = set()
        self.present: set[str] = set()
        self.depth: dict[str, int] = {}

    @property
    def waiting(self) -> torch.device:
        """Where parts are that have nothing to do."""
        return self.device if self.where == "Resident" else torch.device("cpu")

    def add(self, name: str, *modules: nn.Module, layers: bool = False) -> None:
        """A part, under a name of its own; one of that name is replaced. `layers`: large enough to come in groups, if that is the way.

        A part that comes in groups is never on the device as a whole: its layers come and go while it computes.
        """
        if name in self.parts and name not in self.streamed:
            self.move(name, self.waiting)
        self.parts[name] = list(modules)
        self.present.discard(name)
        if layers and self.where == "In groups":
            self.streamed.add(name)
            for module in modules:
                stream(module, self.device)
            return
        self.move(name, self.waiting)
        if self.where == "Resident":
            self.present.add(name)

    def remove(self, name: str) -> None:
        """Forget a part; it waits where it is. One that is not there is no mistake."""
        if name in self.parts and self.where != "Resident":
            self.move(name, self.waiting)
        self.parts.pop(name, None)
        self.streamed.discard(name)
        self.present.discard(name)
        self.depth.pop(name, None)

    @contextmanager
    def on_device(self, name: str) -> Iterator[None]:
        """While it lasts, a part is on the device; what others were there and are not in use make room first.

        It stays there afterwards until another part is asked for: the network is called many times in a row.
        """
        self.fetch(name)
        self.depth[name] = self.depth.get(name, 0) + 1
        try:
            yield
        finally:
            self.depth[name] -= 1

    def fetch(self, name: str) -> None:
        """Bring a part onto the device."""
        if self.where == "Resident" or name in self.present:
            return
        for other in [other for other in self.present if not self.depth.get(other)]:
            self.move(other, self.waiting)
            self.present.discard(other)
        if name not in self.streamed:
            self.move(name, self.device)
            self.present.add(name)

    def move(self, name: str, device: torch.device) -> None:
        """Bring a part somewhere."""
        for module in self.parts[name]:
            module.to(device)


def placement_for(placing: Placing, sizes: dict[str, int], free: int | None = None) -> Placement:
    """The placement for parts of some sizes in bytes. `free`: bytes on the device; asked of it if left out.

    Automatic takes the first way that leaves room for a picture of a megapixel.
    """
    device = placing.device.place
    if device.type == "cpu":
        return Placement(device, "Resident", "for the processor has no memory of its own")
    if placing.where != "Automatic":
        return Placement(device, placing.where)
    free = free_memory(device) if free is None else free
    whole, largest = sum(sizes.values()), max(sizes.values())
    where: Where = "In groups"
    if free is None or whole + HEADROOM <= free:
        where = "Resident"
    elif largest + HEADROOM <= free:
        where = "One part at a time"
    known = "memory enough for all one knows" if free is None else f"{gigabytes(free)} free"
    because = f"for the model has {gigabytes(whole)}, its largest part {gigabytes(largest)}, and {device} has {known}"
    return Placement(device, where, because)


def free_memory(device: torch.device) -> int | None:
    """The bytes that are free on a device, those that torch holds for later use among them; None where that cannot be asked."""
    if device.type != "cuda":
        return None
    held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + held


def gigabytes(count: int) -> str:
    """A number of bytes as people read it."""
    return f"{count / 2**30:.1f} GB"


def size_of(*modules: nn.Module) -> int:
    """The bytes of modules' weights."""
    return sum(tensor.numel() * tensor.element_size() for module in modules for tensor in module.parameters())


def stream(module: nn.Module, device: torch.device) -> None:
    """Let a network's blocks come to the device one after another while it computes, and go back to where they wait.

    On NVIDIA cards the next block is fetched while one computes.
    """
    from diffusers.hooks import apply_group_offloading

    apply_group_offloading(
        module,
        onload_device=device,
        offload_device=torch.device("cpu"),
        offload_type="block_level",
        num_blocks_per_group=1,
        use_stream=device.type == "cuda",
    )


def store_in_8_bits(module: nn.Module, compute: torch.dtype) -> None:
    """Keep a network's matrices and convolutions in float8 and bring each to its number type only while it computes.

    As A1111's FP8 weights: the rounding is the stored weights' alone. It cannot be undone but by loading again.
    """
    from diffusers.hooks.layerwise_casting import apply_layerwise_casting_hook

    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            apply_layerwise_casting_hook(layer, STORAGE, compute, non_blocking=False)
