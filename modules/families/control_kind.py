"""What a control network's file is, by its table of contents alone: which method, for which family of checkpoints."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from modules.contract.errors import NotSupported
from modules.families.control_keys import CONTROL, HINT
from modules.families.variant import Kind
from modules.weights.files import describe
from modules.weights.header import BadModel

Method = Literal["controlnet", "union", "t2i", "ip-adapter"]
METHODS: Mapping[Method, str] = {"controlnet": "ControlNet", "union": "ControlNet Union", "t2i": "T2I-Adapter", "ip-adapter": "IP-Adapter"}
FAMILIES: Mapping[Kind, str] = {"sd1": "Stable Diffusion 1", "sd2": "Stable Diffusion 2", "sdxl": "SDXL", "sdxl-refiner": "SDXL's refiner"}
Shapes = Mapping[str, tuple[int, ...]]
# Files that lie in the same folder and need what is not here, by names that only they have.
OTHERS: tuple[tuple[str, str], ...] = (
    ("lora_controlnet", "a Control-LoRA, which needs the weights that it was taken from"),
    ("difference", "the difference of a ControlNet to the checkpoint it was trained on"),
    ("lllite_unet", "a ControlNet-LLLite"),
    ("lllite", "a ControlNet-LLLite"),
    ("controlnet_x_embedder.weight", "a ControlNet for Flux or Stable Diffusion 3"),
    ("controlnet_blocks.0.weight", "a ControlNet for Flux or Stable Diffusion 3"),
    ("pulid_encoder", "a PuLID model"),
    ("id_encoder", "a PuLID or PhotoMaker model"),
    ("down_blocks.0.resnets.0.time_emb_proj.xs", "a ControlNet-XS"),
    ("control_model.task_embedding", "a union in a layout of its own; diffusers' is the one that is read"),
)
FACE_ID = ("image_proj.proj.0.weight", "image_proj.perceiver_resampler.proj_in.weight")


@dataclass(frozen=True)
class ControlKind:
    """A file's method, the family of checkpoints that it is for, and the width of text that it reads (0: it reads none)."""

    method: Method
    family: Kind
    width: int = 0

    @property
    def title(self) -> str:
        """As `a ControlNet for SDXL`."""
        article = "an" if self.method == "ip-adapter" else "a"
        return f"{article} {METHODS[self.method]} for {FAMILIES[self.family]}"


def control_kind(path: Path) -> ControlKind:
    """What a file is; only its table of contents is read. Raises BadModel and NotSupported with what it is instead."""
    return kind_of({name: info.shape for name, info in describe(path).tensors.items()}, path)


def kind_of(shapes: Shapes, path: Path) -> ControlKind:
    """What a file with tensors of these shapes is. Raises BadModel, NotSupported."""
    for name, what in OTHERS:
        if any(one == name or one.startswith((name + ".", name + "_")) for one in shapes):
            raise NotSupported(f"{path.name} is {what}; that is not supported.", "ControlNets and adapters that are whole files are.")
    own = {name.removeprefix(CONTROL): shape for name, shape in shapes.items()}
    if f"{HINT}.conv_in.weight" in own or "input_hint_block.0.weight" in own:
        family, width = family_of(own)
        return ControlKind("union" if "task_embedding" in own else "controlnet", family, width)
    if any(name.startswith("ip_adapter.") for name in shapes):
        if any(name in shapes for name in FACE_ID):
            raise NotSupported(f"{path.name} is an IP-Adapter for FaceID; it needs InsightFace's networks, which are not used here.")
        width = next(shape[1] for name, shape in shapes.items() if name.endswith("to_k_ip.weight"))
        return ControlKind("ip-adapter", adapter_family(width), width)
    bare = {name.removeprefix("adapter."): shape for name, shape in shapes.items()}
    if "conv_in.weight" in bare and any(name.startswith("body.") for name in bare):
        return ControlKind("t2i", "sdxl" if bare["conv_in.weight"][1] in (256, 768) else "sd1")
    if any(name.startswith("body.") and name.endswith(".out_conv.weight") for name in bare):
        return ControlKind("t2i", "sd1")
    raise BadModel(path, "it is neither a ControlNet nor a T2I-Adapter or an IP-Adapter")


def family_of(own: Shapes) -> tuple[Kind, int]:
    """The family of a ControlNet's tensors, and the width of the text that it reads."""
    width = next((shape[1] for name, shape in own.items() if name.endswith("attn2.to_k.weight")), 0)
    if "label_emb.0.0.weight" in own or "add_embedding.linear_1.weight" in own:
        return "sdxl", width
    linear = any(name.endswith("proj_in.weight") and len(shape) == 2 for name, shape in own.items())
    return ("sd2" if linear else "sd1"), width


def adapter_family(width: int) -> Kind:
    """The family whose text has this width."""
    return "sdxl" if width == 2048 else "sd2" if width == 1024 else "sd1"
