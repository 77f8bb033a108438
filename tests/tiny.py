"""The smallest real Stable Diffusion 1 checkpoint: real networks with random weights, as a file in the original layout."""

from functools import cache
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel

from modules.contract.progress import Filed, Skip, Stop
from modules.families import sd
from modules.runtime.device import Device
from modules.weights.files import write_tensors

CPU = Device(torch.device("cpu"), torch.float32, torch.float32, False, "tests")


@cache
def tensors(seed: int = 0) -> dict[str, Tensor]:
    """Its tensors by their names in the original layout."""
    torch.manual_seed(seed)
    unet = UNet2DConditionModel(
        block_out_channels=(32, 64),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=64,
        attention_head_dim=8,
    )
    autoencoder: Any = AutoencoderKL  # its annotations allow one level only
    vae = autoencoder(
        block_out_channels=(32, 32, 32, 32),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
    )
    text = CLIPTextModel(
        CLIPTextConfig(vocab_size=49408, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=1)
    )
    torch.nn.init.normal_(text.final_layer_norm.bias)  # a mean of 0 is what emphasis cannot restore, and no trained encoder has it
    return sd.single_file(unet.state_dict(), vae.state_dict(), text.state_dict())


def checkpoint(path: Path, seed: int = 0) -> Path:
    """The file, written."""
    write_tensors(path, {name: value.half() if value.is_floating_point() else value for name, value in tensors(seed).items()})
    return path


class Listener:
    """A Reporter that remembers what it was told. `stops`: after how many steps which stop is raised."""

    def __init__(self, stops: dict[int, type[Stop]] | None = None, *, previews: bool = False) -> None:
        self.stops = stops or {}
        self.previews_wanted = previews
        self.total = 0
        self.steps = 0
        self.previews: list[bytes] = []
        self.warnings: list[str] = []
        self.files: dict[int, Filed] = {}
        self.asked: type[Stop] | None = None  # an interrupt or a cancel holds to the job's end

    def start(self, total: int) -> None:
        self.total = total

    def step(self, text: str = "") -> None:
        self.steps += 1
        stop = self.stops.pop(self.steps, None)
        if stop is Skip:
            raise stop
        self.asked = stop or self.asked
        self.check()

    def check(self) -> None:
        if self.asked:
            raise self.asked

    def wants_preview(self) -> bool:
        return self.previews_wanted

    def preview(self, picture: bytes) -> None:
        self.previews.append(picture)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def filed(self, number: int) -> Filed | None:
        return self.files.get(number)

    def filing(self, number: int, filed: Filed) -> None:
        self.files[number] = filed
