"""Files of the work folder that are never half written."""

import os
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Everything needed to go on training, as torch saves it."""
    beside = path.with_suffix(".part")
    with beside.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def read_state(path: Path) -> dict[str, Any] | None:
    """What `write_state` wrote, None if nothing was written yet."""
    return torch.load(path, map_location="cpu", weights_only=True) if path.exists() else None


def write_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    """A safetensors file, put in place in one move."""
    beside = path.with_suffix(".part")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, beside)
    beside.chmod(0o644)  # safetensors makes files only their owner can read
    with beside.open("rb") as file:
        os.fsync(file.fileno())
    beside.replace(path)
