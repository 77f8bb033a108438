"""What every model family offers, and the parts of a loaded model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from modules.families.clip_text import ClipText
from modules.sampling.prediction import Prediction
from modules.weights.header import BadModel


@dataclass(frozen=True)
class LatentFormat:
    """How a picture becomes latents: channels, pixels a side for each, and the factor that brings them to unit variance.

    `colours` (channels, 3) and `grey` (3,) give an approximate picture in -1..1: latents @ colours + grey.
    """

    channels: int
    downscale: int
    scale: float
    colours: Tensor
    grey: Tensor


@torch.inference_mode()
def plain_colours(vae: Any, scale: float) -> tuple[Tensor, Tensor]:
    """The linear map from a VAE's latents to colours, by least squares over 27 plain pictures: (channels, 3) and (3,)."""
    levels = torch.tensor([-1.0, 0.0, 1.0], device=vae.device)
    colours = torch.cartesian_prod(levels, levels, levels)  # (27, 3)
    pictures = colours[:, :, None, None].expand(-1, -1, 32, 32).to(vae.dtype)
    latents = vae.encode(pictures).latent_dist.mode().float().mean(dim=(2, 3)) * scale  # (27, channels)
    with_one = torch.cat([latents, torch.ones_like(latents[:, :1])], dim=1).cpu()
    solution = torch.linalg.lstsq(with_one, colours.float().cpu()).solution.to(vae.device)
    return solution[:-1], solution[-1]


@dataclass
class Components:
    """The loaded parts of one checkpoint."""

    unet: nn.Module
    vae: nn.Module
    text: ClipText
    prediction: Prediction
    latents: LatentFormat
    dtype: torch.dtype
    vae_dtype: torch.dtype
    device: torch.device

    def predict(self, x: Tensor, t: Tensor, context: Tensor) -> Tensor:
        """The network's output, float32: x (N, C, h, w) as the network wants it, t (N,), context (N, tokens, width)."""
        output = self.unet(x.to(self.dtype), t, encoder_hidden_states=context.to(self.dtype), return_dict=False)[0]
        return output.float()

    def decode(self, latents: Tensor) -> Tensor:
        """Pictures in -1..1, (B, 3, H, W), float32, of latents (B, C, h, w) scaled for the network."""
        return self.vae.decode((latents / self.latents.scale).to(self.vae_dtype), return_dict=False)[0].float()  # type: ignore[operator]


@dataclass(frozen=True)
class ModelKey:
    """What decides whether a loaded model can be used again."""

    path: Path
    modified: float
    size: int
    dtype: torch.dtype
    vae_dtype: torch.dtype
    device: torch.device


def load_weights(module: nn.Module, tensors: dict[str, Tensor], path: Path, part: str) -> list[str]:
    """Put tensors into a module built without memory, as they are. Returns unknown names. Raises BadModel for missing or misshapen ones."""
    try:
        result: Any = module.load_state_dict(tensors, strict=False, assign=True)
    except RuntimeError as error:
        raise BadModel(path, f"its {part} does not fit together ({str(error).splitlines()[-1].strip()[:160]})") from None
    if result.missing_keys:
        raise BadModel(path, f"its {part} lacks {len(result.missing_keys)} tensors, first '{result.missing_keys[0]}'")
    return list(result.unexpected_keys)
