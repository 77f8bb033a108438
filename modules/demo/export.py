"""Writes the trained networks: in diffusers' layout, and as the one file of an ordinary Stable Diffusion 1 checkpoint."""

import json
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from ..families.sd import single_file
from ..weights.files import write_tensors
from . import networks
from .checkpoints import read_state
from .denoiser_training import finished_reader

METADATA = {
    "modelspec.architecture": "stable-diffusion-v1",
    "modelspec.resolution": "128x128",
    "modelspec.title": "Easel demo",
}


def write_parts(work: Path, folder: Path) -> None:
    """The averaged denoiser, the autoencoder and the text encoder as three safetensors with their configurations."""
    folder.mkdir(parents=True, exist_ok=True)
    configs = {
        "unet": dict(networks.denoiser().config),
        "vae": dict(networks.autoencoder().config),
        "text_encoder": networks.text_encoder().config.to_dict(),
    }
    for name, tensors in parts(work).items():
        write_tensors(folder / f"{name}.safetensors", tensors)
        (folder / f"{name}.json").write_text(json.dumps(configs[name], indent=2, default=str))


def write_checkpoint(work: Path, path: Path) -> None:
    """The single file, in half precision."""
    trained = parts(work)
    tensors = single_file(trained["unet"], trained["vae"], trained["text_encoder"])
    write_tensors(path, {name: tensor.clone() for name, tensor in tensors.items()}, METADATA)


def parts(work: Path) -> dict[str, dict[str, Tensor]]:
    """Each network's tensors in half precision under diffusers' and transformers' names."""
    denoiser = read_state(work / "denoiser.pt")
    assert denoiser is not None, f"Train the denoiser first: {work / 'denoiser.pt'} is not there."
    trained = {
        "unet": denoiser["average"],
        "vae": load_file(work / "vae.safetensors"),
        "text_encoder": finished_reader(work).state_dict(),
    }
    return {
        part: {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
        for part, tensors in trained.items()
    }
