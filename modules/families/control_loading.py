"""Control networks from their files, in whichever layout these are."""

# pyright: reportArgumentType=false, reportCallIssue=false
# (what diffusers annotates is narrower than what it takes and gives)

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from accelerate import init_empty_weights
from diffusers import T2IAdapter
from torch import Tensor

from modules.families.control_keys import CONTROL, adapter_names, control_config, control_names, control_shape
from modules.families.control_kind import ControlKind, kind_of
from modules.families.controlnet import ControlNet, UnionControlNet
from modules.families.ip_adapter import IPAdapter, load_ip_adapter
from modules.families.loading import cast, lay_out, load_weights
from modules.runtime.device import Device
from modules.weights.files import read_tensors
from modules.weights.header import BadModel

Control = ControlNet | UnionControlNet | T2IAdapter | IPAdapter


def load_control(path: Path, device: Device) -> tuple[ControlKind, Control]:
    """A control network on the processor, in the device's numbers. Raises BadModel and NotSupported with what is wrong with the file."""
    tensors = read_tensors(path)
    return load_control_from(tensors, path, device)


def load_control_from(tensors: Mapping[str, Tensor], path: Path, device: Device) -> tuple[ControlKind, Control]:
    """The same, from tensors that were read. `path` names the file in messages."""
    kind = kind_of({name: tuple(value.shape) for name, value in tensors.items()}, path)
    if kind.method == "ip-adapter":
        return kind, load_ip_adapter(tensors, path, device.dtype)
    if kind.method == "t2i":
        return kind, adapter(tensors, path, device)
    return kind, controlnet(tensors, path, device, union=kind.method == "union")


def controlnet(tensors: Mapping[str, Tensor], path: Path, device: Device, *, union: bool) -> ControlNet | UnionControlNet:
    """A ControlNet from tensors in its own layout or diffusers'. Raises BadModel."""
    own = {name.removeprefix(CONTROL): value for name, value in tensors.items()}
    if "input_hint_block.0.weight" in own:
        own = {new: own[old] for old, new in control_names(own).items()}
    shapes = {name: tuple(value.shape) for name, value in own.items()}
    try:
        config = control_config(control_shape({n: s for n, s in shapes.items() if not n.startswith(UNION_PARTS)}), shapes)
    except KeyError as error:
        raise BadModel(path, f"it lacks {error.args[0]}") from None
    except ValueError as error:
        raise BadModel(path, f"only ControlNets with {error} can be used") from None
    with init_empty_weights(include_buffers=False):
        network: Any = UnionControlNet(**config | union_config(shapes)) if union else ControlNet(**config)
    strict(network, cast(own, device.dtype), path, "ControlNet")
    return lay_out(network, torch.channels_last if device.channels_last else torch.contiguous_format)


UNION_PARTS = ("task_embedding", "transformer_layes", "spatial_ch_projs", "control_add_embedding")


def union_config(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """The arguments that diffusers' ControlNetUnionModel has beside a ControlNet's. Its transformer has heads of 40 channels."""
    count, width = shapes["task_embedding"]
    layers = {name.split(".")[1] for name in shapes if name.startswith("transformer_layes.")}
    return {
        "num_control_type": count,
        "num_trans_channel": width,
        "num_trans_head": max(width // 40, 1),
        "num_trans_layer": len(layers),
        "num_proj_channel": shapes["spatial_ch_projs.weight"][0],
        "addition_time_embed_dim": shapes["control_add_embedding.linear_1.weight"][1] // count,
    }


def adapter(tensors: Mapping[str, Tensor], path: Path, device: Device) -> T2IAdapter:
    """A T2I-Adapter from tensors in its own layout or diffusers'; Mou et al. 2023, arXiv:2302.08453. Raises BadModel."""
    own = {new: tensors[old] for old, new in adapter_names(tensors).items()}
    shapes = {name: tuple(value.shape) for name, value in own.items()}
    try:
        config = adapter_config(shapes)
    except (KeyError, IndexError):
        raise BadModel(path, "its T2I-Adapter lacks levels") from None
    with init_empty_weights(include_buffers=False):
        network = T2IAdapter(**config)
    strict(network, cast(own, device.dtype), path, "T2I-Adapter")
    return lay_out(network)


def adapter_config(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """The arguments of diffusers' T2IAdapter."""
    numbers = sorted({int(name.split(".")[2]) for name in shapes if name.startswith("adapter.body.")})
    residuals = 1 + max(int(name.split(".resnets.")[1].split(".")[0]) for name in shapes if ".resnets." in name)
    if any(".out_conv." in name for name in shapes):
        channels = [shapes[f"adapter.body.{number}.out_conv.weight"][0] for number in numbers[:-1]]  # the last is as wide as the one before
        seen, kind, factor = shapes["adapter.body.0.in_conv.weight"][1], "light_adapter", 8
    else:
        channels = [shapes[f"adapter.body.{number}.resnets.0.block1.weight"][0] for number in numbers]
        seen = shapes["adapter.conv_in.weight"][1]
        xl = seen in (256, 768)
        kind, factor = ("full_adapter_xl", 16) if xl else ("full_adapter", 8)
    return {
        "in_channels": seen // factor**2,
        "channels": channels,
        "num_res_blocks": residuals,
        "downscale_factor": factor,
        "adapter_type": kind,
    }


def strict(network: torch.nn.Module, tensors: Mapping[str, Tensor], path: Path, part: str) -> None:
    """Put tensors into a network, every one of them. Raises BadModel for one too many as for one too few."""
    unknown = load_weights(network, tensors, path, part)
    if unknown:
        raise BadModel(path, f"its {part} has {len(unknown)} tensors that belong nowhere, first '{unknown[0]}'")
