"""The smallest real checkpoints of each family: real networks with random weights, as files in the original layout."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel

from modules.contract.progress import Filed, Skip, Stop
from modules.families import sd
from modules.families.base import Components
from modules.families.load import load
from modules.families.sd_shape import UNetShape
from modules.families.unet import build_unet
from modules.runtime.device import Device
from modules.runtime.placement import Placing
from modules.weights.files import write_tensors
from modules.weights.header import Header, TensorInfo

CPU = Device(torch.device("cpu"), torch.float32, torch.float32, False, "tests")
PLACING = Placing(CPU)
LEVELS = ((1,), (0,))
SD2_SHAPE = UNetShape(4, 4, (32, 64), LEVELS, ((0, 0), (1, 1)), 1, 64, linear=True)
SDXL_SHAPE = UNetShape(4, 4, (32, 64), ((0,), (2,)), ((2, 2), (0, 0)), 2, 128, linear=True, vector=64 + 6 * 256)
REFINER_SHAPE = UNetShape(4, 4, (32, 64), ((1,), (0,)), ((0, 0), (1, 1)), 2, 64, linear=True, vector=64 + 5 * 256)


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
    return sd.single_file(unet.state_dict(), autoencoder().state_dict(), text_encoder().state_dict())


def autoencoder() -> AutoencoderKL:
    """A VAE of four narrow levels."""
    made: Any = AutoencoderKL  # its annotations allow one level only
    return made(
        block_out_channels=(32, 32, 32, 32),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
    )


def text_encoder() -> CLIPTextModel:
    """A CLIP text encoder of two layers, 64 wide."""
    text = CLIPTextModel(
        CLIPTextConfig(vocab_size=49408, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=1)
    )
    torch.nn.init.normal_(text.final_layer_norm.bias)  # a mean of 0 is what emphasis cannot restore, and no trained encoder has it
    return text


def open_clip_tower(prefix: str, *, width: int = 64, layers: int = 3) -> dict[str, Tensor]:
    """An OpenCLIP text tower under its own names."""
    shapes: dict[str, tuple[int, ...]] = {
        "token_embedding.weight": (49408, width),
        "positional_embedding": (77, width),
        "text_projection": (width, width),
        "logit_scale": (),
    }
    for block in (f"transformer.resblocks.{i}." for i in range(layers)):
        shapes |= {block + "attn.in_proj_weight": (3 * width, width), block + "attn.in_proj_bias": (3 * width,)}
        for module, (out, into) in {
            "attn.out_proj": (width, width),
            "mlp.c_fc": (2 * width, width),
            "mlp.c_proj": (width, 2 * width),
        }.items():
            shapes |= {f"{block}{module}.weight": (out, into), f"{block}{module}.bias": (out,)}
    made = {prefix + name: torch.randn(shape) * 0.1 for name, shape in shapes.items()}
    for norm in ("ln_final", *(f"transformer.resblocks.{i}.ln_{j}" for i in range(layers) for j in (1, 2))):
        made |= {f"{prefix}{norm}.weight": torch.ones(width), f"{prefix}{norm}.bias": torch.randn(width)}
    return made


@cache
def sd2_tensors(seed: int = 0) -> dict[str, Tensor]:
    """The tensors of a Stable Diffusion 2 file."""
    torch.manual_seed(seed)
    tower = open_clip_tower("cond_stage_model.model.")
    return sd.unet_file(build_unet(SD2_SHAPE.config()).state_dict()) | sd.vae_file(autoencoder().state_dict()) | tower


@cache
def sdxl_tensors(seed: int = 0) -> dict[str, Tensor]:
    """The tensors of an SDXL file."""
    torch.manual_seed(seed)
    small = {f"conditioner.embedders.0.transformer.text_model.{name}": value for name, value in text_encoder().state_dict().items()}
    large = open_clip_tower("conditioner.embedders.1.model.")
    return sd.unet_file(build_unet(SDXL_SHAPE.config()).state_dict()) | sd.vae_file(autoencoder().state_dict()) | small | large


@cache
def refiner_tensors(seed: int = 0) -> dict[str, Tensor]:
    """The tensors of an SDXL refiner's file."""
    torch.manual_seed(seed)
    tower = open_clip_tower("conditioner.embedders.0.model.")
    return sd.unet_file(build_unet(REFINER_SHAPE.config()).state_dict()) | sd.vae_file(autoencoder().state_dict()) | tower


def header_of(tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> Header:
    """The header that a file with these tensors would have."""
    kinds = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float8_e4m3fn: "F8_E4M3", torch.int64: "I64"}
    infos = {name: TensorInfo(kinds[value.dtype], tuple(value.shape)) for name, value in tensors.items()}
    return Header(Path("model.safetensors"), infos, metadata or {})


def loaded(tensors: dict[str, Tensor], *, config: dict[str, Any] | None = None, place: Placing = PLACING) -> Components:
    """A model from tensors, on the processor."""
    return load(tensors, header_of(tensors), config=config, place=place)


def checkpoint(path: Path, seed: int = 0) -> Path:
    """The file, written."""
    write_tensors(path, {name: value.half() if value.is_floating_point() else value for name, value in tensors(seed).items()})
    return path


TENSORS: dict[str, Callable[[], dict[str, Tensor]]] = {
    "sd1": tensors,
    "sd2": sd2_tensors,
    "sdxl": sdxl_tensors,
    "sdxl-refiner": refiner_tensors,
}


@cache
def model(family: str) -> Components:
    """A family's model, one for all tests: nothing in it may be changed, or it must be put back."""
    return loaded(TENSORS[family]())


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

    def extend(self, steps: int) -> None:
        self.total += steps

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

    def check_between(self) -> None:
        self.check()

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
