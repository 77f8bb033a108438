"""TAESD: a decoder so small that every step of a generation can be shown. Ollin Boer Bohan 2023, github.com/madebyollin/taesd.

The files are its author's (`taesd_decoder`, `taesdxl_decoder`), in A1111's folder models/VAE-taesd; none comes along.
"""

import logging
import re
import threading
from pathlib import Path

import torch
from diffusers.models.autoencoders.vae import DecoderTiny
from torch import Tensor

from modules.contract.errors import WebuiError
from modules.weights.files import read_tensors
from modules.weights.header import BadModel

log = logging.getLogger(__name__)
FOLDER = "VAE-taesd"
FILES = {"sd1": "taesd_decoder", "sd2": "taesd_decoder", "sdxl": "taesdxl_decoder", "sdxl-refiner": "taesdxl_decoder"}
SUFFIXES = (".safetensors", ".pth", ".pt")
LAYER = re.compile(r"(?:decoder\.)?(?:layers\.)?(\d+)\.(.+)")


class TinyDecoders:
    """The decoders that there are below a models folder, each read once. A file that cannot be read is named in the log, once."""

    def __init__(self, models: Path) -> None:
        self.folder = models / FOLDER
        self.lock = threading.Lock()
        self.loaded: dict[Path, DecoderTiny | None] = {}

    def find(self, family: str) -> DecoderTiny | None:
        """The decoder of a family's latents, scaled as the U-Net sees them; None where there is no usable file."""
        paths = [self.folder / f"{FILES[family]}{suffix}" for suffix in SUFFIXES] if family in FILES else []
        path = next((path for path in paths if path.is_file()), None)
        if path is None:
            return None
        with self.lock:
            if path not in self.loaded:
                self.loaded[path] = read_decoder(path)
            return self.loaded[path]

    @torch.inference_mode()
    def decode(self, family: str, latents: Tensor) -> Tensor | None:
        """Pictures (B, 3, 8h, 8w) in -1..1 of latents (B, 4, h, w); None without a decoder."""
        decoder = self.find(family)
        return None if decoder is None else decoder.to(latents.device)(latents.float())


def read_decoder(path: Path) -> DecoderTiny | None:
    """The network in a file; None for a file that cannot be read as one, which the log tells."""
    try:
        return decoder_of(read_tensors(path), path)
    except WebuiError as error:
        log.warning("Live previews do without %s: %s", path.name, error)
        return None


def decoder_of(tensors: dict[str, Tensor], path: Path) -> DecoderTiny:
    """The network with these weights. The author's files count a first layer without weights, diffusers' do not. Raises BadModel."""
    decoder = DecoderTiny(
        in_channels=4, out_channels=3, num_blocks=(3, 3, 3, 1), block_out_channels=(64, 64, 64, 64), upsampling_scaling_factor=2,
        act_fn="relu", upsample_fn="nearest",
    )  # fmt: skip
    found = {match: tensor.float() for name, tensor in tensors.items() if (match := LAYER.fullmatch(name))}
    first = min((int(match.group(1)) for match in found), default=0)
    state = {f"layers.{int(match.group(1)) - first}.{match.group(2)}": tensor for match, tensor in found.items()}
    try:
        decoder.load_state_dict(state)
    except RuntimeError:
        raise BadModel(path, "it is not a TAESD decoder", "Put taesd_decoder or taesdxl_decoder of its author there.") from None
    return decoder.eval().requires_grad_(False)
