"""What a training's advice is drawn from: what the checkpoint is, and what the machine has."""

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.contract.services import ModelEntry
from modules.datasets.scan import Scan

if TYPE_CHECKING:
    from modules.runtime.device import Device
    from modules.training.planning.advice import Facts
    from modules.training.runs.climbing import Machine


def facts_of(entry: ModelEntry, device: "Device", found: Scan, network: Path | None) -> "Facts":
    """The facts of a training on a checkpoint, with some pictures. `network`: the LoRA that it begins with."""
    from modules.families.load import variant_of
    from modules.training.files.from_file import network_facts
    from modules.training.planning.advice import Facts, picture_facts

    variant = variant_of(entry.path, entry.config)
    begun = network_facts(network) if network else None
    return Facts(
        family=variant.family if variant.family != "sdxl-refiner" else "sdxl",
        parameters=parameters_of(entry.path),
        resolution=native_side(entry),
        prediction="v" if variant.prediction == "v" else "eps",
        device="cuda" if device.place.type == "cuda" else "mps" if device.place.type == "mps" else "cpu",
        memory=memory_of(device),
        bf16=handles_bf16(device),
        network_rank=begun.rank if begun else None,
        **picture_facts(found),
    )


def machine_of(entry: ModelEntry | None, device: "Device") -> "Machine":
    """What a training on a checkpoint can do to need less memory here. `entry` None: the checkpoint is not there any more."""
    from importlib.util import find_spec

    from modules.families.load import variant_of
    from modules.training.planning.memory import NUMBERS
    from modules.training.runs.climbing import Machine

    family = variant_of(entry.path, entry.config).family if entry else ""
    usual = NUMBERS.get(family, 0)
    if not usual or entry is None or not 0.8 < parameters_of(entry.path) / usual < 1.25:
        family = ""
    on_card = device.place.type == "cuda"
    return Machine(family, "fp16" if on_card and not handles_bf16(device) else "bf16", on_card and find_spec("bitsandbytes") is not None)


def native_side(entry: ModelEntry) -> int:
    """The side in pixels of the squares that a checkpoint was trained on, as its file says it, or as its family's are."""
    from modules.families.load import variant_of
    from modules.training.data.album import OWN_RESOLUTION
    from modules.weights.header import native_size

    said = native_size(entry.path)
    return max(said) if said else OWN_RESOLUTION[variant_of(entry.path, entry.config).family]


def parameters_of(path: Path) -> int:
    """How many numbers a checkpoint's network has; of a folder, as many as its largest file has bytes for at two each."""
    from modules.families import ldm_keys
    from modules.weights.files import describe

    if path.is_dir():
        return max((file.stat().st_size for file in path.rglob("*.safetensors")), default=0) // 2
    return sum(prod(info.shape) for name, info in describe(path).tensors.items() if name.startswith(ldm_keys.UNET))


def memory_of(device: "Device") -> int | None:
    """The bytes of a device's memory."""
    import psutil
    import torch

    if device.place.type == "cuda":
        return int(torch.cuda.mem_get_info(device.place)[1])
    return int(psutil.virtual_memory().total)


def handles_bf16(device: "Device") -> bool:
    """Whether a device computes in bfloat16."""
    import torch

    return device.place.type == "cuda" and torch.cuda.is_bf16_supported()


def cards() -> list[dict[str, Any]]:
    """The graphics cards."""
    import torch

    found = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    return [{"number": number, "name": card.name, "memory": card.total_memory} for number, card in enumerate(found)]
