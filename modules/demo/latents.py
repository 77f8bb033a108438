"""Scales the trained autoencoder to SD1's convention and keeps the latents of many drawings for the denoiser."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportOptionalCall=false, reportOptionalSubscript=false
# (what diffusers annotates is narrower than what it takes and gives)

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file
from torch import Tensor

from . import networks
from .autoencoder_training import to_tensor
from .checkpoints import read_state, write_state, write_tensors
from .pictures import picture_of
from .progress import Progress

SEED = 3
PICTURES = 12_000
SIZE = 128
BATCH = 32
MEASURED = 512
SPREAD = 0.02  # what the encoder's drawn latents differ from its means, where latents spread by one


@torch.no_grad()
def scale(work: Path, device: torch.device) -> None:
    """Writes `vae.safetensors`: the autoencoder whose latents times 0.18215 have mean zero and a spread of one."""
    state = read_state(work / "autoencoder.pt")
    assert state is not None, f"Train the autoencoder first: {work / 'autoencoder.pt'} is not there."
    model = networks.autoencoder()
    model.load_state_dict(state["model"])
    model.to(device, memory_format=torch.channels_last).eval()
    means = torch.cat([_encoded(model, range(at, at + BATCH), device) for at in range(0, MEASURED, BATCH)])
    centre, spread = means.mean((0, 2, 3)), means.std((0, 2, 3))
    model.to("cpu")
    quantized, unquantized = model.quant_conv, model.post_quant_conv
    assert quantized is not None and unquantized is not None
    factor = 1 / (spread * networks.LATENT_SCALE)
    weight, bias = quantized.weight, quantized.bias
    assert bias is not None and unquantized.bias is not None
    bias[:4] = (bias[:4] - centre) * factor
    weight[:4] *= factor[:, None, None, None]
    weight[4:] = 0
    bias[4:] = 2 * torch.log(torch.tensor(SPREAD / networks.LATENT_SCALE))
    unquantized.bias += unquantized.weight[..., 0, 0] @ centre
    unquantized.weight /= factor[None, :, None, None]
    write_tensors(work / "vae.safetensors", model.state_dict())


def scaled(work: Path) -> AutoencoderKL:
    """The autoencoder that `scale` wrote."""
    model = networks.autoencoder()
    model.load_state_dict(load_file(work / "vae.safetensors"))
    return model.to(memory_format=torch.channels_last)  # pyright: ignore


@torch.no_grad()
def keep(work: Path, device: torch.device, pictures: int = PICTURES) -> None:
    """Writes `latents.pt`: (pictures, 4, 16, 16) in half precision, with a spread of one; goes on where it stopped."""
    path = work / "latents.pt"
    model = scaled(work).to(device).eval()
    state = read_state(path)
    kept = [] if state is None else [state["latents"]]
    first = sum(map(len, kept))
    progress = Progress("latents", first=first, total=pictures)
    for at in range(first, pictures, BATCH):
        latents = _encoded(model, range(at, min(at + BATCH, pictures)), device) * networks.LATENT_SCALE
        kept.append(latents.half())
        progress.tell(min(at + BATCH, pictures), spread=latents.std().item())
        if at // BATCH % 50 == 49 or at + BATCH >= pictures:
            kept = [torch.cat(kept)]
            write_state(path, {"latents": kept[0]})


def _encoded(model: AutoencoderKL, indices: range, device: torch.device) -> Tensor:
    """The latents of pictures of the album, as the encoder means them, (B, 4, 16, 16) on the processor."""
    with ThreadPoolExecutor(1) as pool:
        drawn = list(pool.map(lambda index: picture_of(SEED, index, SIZE), indices))
    with torch.autocast(device.type, torch.bfloat16):
        return model.encode(to_tensor(drawn).to(device)).latent_dist.mean.float().cpu()
