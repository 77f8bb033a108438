"""Network files (LoRA, LyCORIS and kin): which tensors belong to which module of a model, and what they do there."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from modules.weights.embeddings import Embedding, embedding_from
from modules.weights.files import read_tensors
from modules.weights.header import BadModel, read_header
from modules.weights.lora_layers import Full, Glora, Ia3, Layer, LoHa, LoKr, Lora, Norm, Parts
from modules.weights.lora_rotations import Oft

# A part's name behind the module's, as other programs write it, and as kohya's do.
RENAMED = {
    "lora_A.weight": "lora_down.weight",
    "lora_B.weight": "lora_up.weight",
    "lora_A.default.weight": "lora_down.weight",
    "lora_B.default.weight": "lora_up.weight",
    "lora.down.weight": "lora_down.weight",
    "lora.up.weight": "lora_up.weight",
    "lora_linear_layer.down.weight": "lora_down.weight",
    "lora_linear_layer.up.weight": "lora_up.weight",
    "lora_magnitude_vector": "dora_scale",
    "lora_magnitude_vector.weight": "dora_scale",
    "lora_magnitude_vector.default.weight": "dora_scale",
}
PARTS = {
    *RENAMED, *RENAMED.values(), "lora_mid.weight", "alpha", "dora_scale", "diff", "diff_b", "w_norm", "b_norm",
    *LoHa.NEEDS, "hada_t1", "hada_t2", *Glora.NEEDS, "bm.weight", "oft_blocks", "oft_diag", "rescale",
    *(f"lokr_{kind}{side}" for kind in ("w1", "w2") for side in ("", "_a", "_b")), "lokr_t1", "lokr_t2",
}  # fmt: skip
PART = re.compile(rf"\.({'|'.join(map(re.escape, sorted(PARTS, key=len, reverse=True)))})$")
ATTENTION_PROCESSOR = re.compile(r"(.+?)(?:\.processor)?\.(to_[qkv]|to_out)_lora\.(down|up)\.weight")
TEXT_PROJECTIONS = {"to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out": "out_proj"}
BUNDLED = "bundle_emb"
WIDTHS = {768: "SD1", 1024: "SD2", 2048: "SDXL"}  # of the text that cross-attention sees
OTHERS = ("double_blocks", "single_blocks", "joint_blocks", "single_transformer_blocks", "lora_transformer", "txt_in", "img_in")


@dataclass(frozen=True, eq=False)
class Network:
    """A network file, read. `layers` by the module's name in the file; `unknown`: modules with parts that make up no known kind.

    `modified` is the file's time in nanoseconds; `embeddings` came in the same file.
    """

    path: Path
    modified: int
    metadata: Mapping[str, str]
    layers: Mapping[str, Layer]
    unknown: tuple[str, ...] = ()
    embeddings: tuple[Embedding, ...] = ()
    made_for: str | None = None

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem


def read_network(path: Path) -> Network:
    """A network file of any kind, its tensors as stored. Raises BadModel."""
    modified = path.stat().st_mtime_ns
    metadata = read_header(path).metadata if path.suffix.lower() == ".safetensors" else {}
    modules: dict[str, dict[str, Tensor]] = defaultdict(dict)
    bundled: dict[str, dict[str, Any]] = defaultdict(dict)
    for key, tensor in read_tensors(path).items():
        if key.startswith(f"{BUNDLED}."):
            name, _, vector = key.removeprefix(f"{BUNDLED}.").partition(".")
            bundled[name][vector.partition(".")[0]] = {"*": tensor} if vector.startswith("string_to_param") else tensor
            continue
        module, part = split_key(key)
        modules[module][part] = usable(tensor)
    for module, alpha in alphas_from(metadata, modules).items():
        modules[module]["alpha"] = torch.tensor(alpha)
    try:
        found = {module: parse_layer(parts) for module, parts in modules.items()}
    except (IndexError, RuntimeError, ValueError) as error:
        raise BadModel(path, f"its tensors do not go together ({error})", "Download it again.") from None
    layers = {module: layer for module, layer in found.items() if layer is not None}
    if not layers and not bundled:
        raise BadModel(path, "it holds no LoRA or other network that is known", "A checkpoint belongs into models/Stable-diffusion.")
    embeddings = tuple(embedding_from(data, name, path, bundled_in=path.stem) for name, data in bundled.items())
    unknown = tuple(module for module, layer in found.items() if layer is None)
    return Network(path, modified, metadata, layers, unknown, embeddings, made_for(metadata, modules))


def usable(tensor: Tensor) -> Tensor:
    """The tensor in a type that can be computed with: 8-bit floats have no arithmetic."""
    return tensor.float() if tensor.is_floating_point() and tensor.element_size() == 1 else tensor


def split_key(key: str) -> tuple[str, str]:
    """A tensor's name as the module's and kohya's name for the part: kohya's, diffusers' and PEFT's are understood."""
    module, _, part = key.partition(".")
    if part in PARTS:  # kohya's module names have no dots
        return module, RENAMED.get(part, part)
    processor = ATTENTION_PROCESSOR.fullmatch(key)
    if processor:
        module, projection, side = processor.groups()
        inside_text = module.endswith("self_attn")
        projection = TEXT_PROJECTIONS[projection] if inside_text else "to_out.0" if projection == "to_out" else projection
        return f"{module}.{projection}", f"lora_{side}.weight"
    match = PART.search(key)
    if match:
        return key[: match.start()], RENAMED.get(match.group(1), match.group(1))
    return (key, "") if "." in part else (module, part)


def parse_layer(parts: Parts) -> Layer | None:
    """The layer that some parts make up, tried in A1111's order; None where they make up none that is known."""
    kinds = (kind for kind in (Lora, LoHa, Ia3, LoKr, Full, Norm, Glora, Oft) if kind.made_of(parts))
    kind = next(kinds, None)
    return kind(parts) if kind else None


def alphas_from(metadata: Mapping[str, str], modules: Mapping[str, Parts]) -> dict[str, float]:
    """What diffusers keeps beside the tensors, as the alpha of each LoRA that has none of its own.

    PEFT's scale is lora_alpha / r, or / sqrt(r) for rank-stabilized ones (arXiv:2312.03732).
    """
    try:
        config = json.loads(metadata.get("lora_adapter_metadata", "{}"))
    except ValueError:
        return {}
    alphas: dict[str, float] = {}
    for module, parts in modules.items():
        component, _, place = module.removeprefix("base_model.model.").partition(".")
        alpha = config.get(f"{component}.lora_alpha") if isinstance(config, dict) else None
        if "lora_down.weight" not in parts or "alpha" in parts or not isinstance(alpha, int | float):
            continue
        patterns: Any = config.get(f"{component}.alpha_pattern")
        for pattern, value in patterns.items() if isinstance(patterns, dict) else ():
            if (place == pattern or place.endswith(f".{pattern}")) and isinstance(value, int | float):
                alpha = value
        rank = parts["lora_down.weight"].shape[0]
        alphas[module] = float(alpha) * (sqrt(rank) if config.get(f"{component}.use_rslora") else 1.0)
    return alphas


def made_for(metadata: Mapping[str, str], modules: Mapping[str, Parts]) -> str | None:
    """The kind of model that a file seems to be made for: what it says, or else what its names and shapes give away."""
    base = metadata.get("ss_base_model_version", "") or metadata.get("modelspec.architecture", "")
    for start, version in (
        ("sdxl", "SDXL"), ("stable-diffusion-xl", "SDXL"), ("sd_v2", "SD2"), ("stable-diffusion-v2", "SD2"),
        ("sd_v1", "SD1"), ("stable-diffusion-v1", "SD1"),
    ):  # fmt: skip
        if base.startswith(start):
            return version
    return base or from_names(modules)


def from_names(modules: Mapping[str, Parts]) -> str | None:
    """The kind of model, from the names of a file's modules and the width of the text they see."""
    names: Iterable[str] = list(modules)
    if any(f"{other}_" in name.replace(".", "_") + "_" for name in names for other in OTHERS):
        return "a model of another architecture (Flux, Stable Diffusion 3 or the like)"
    for name in names:
        if re.search(r"attn2[._]to_[kv]$", name):
            widths = [modules[name][part].shape[-1] for part in ("lora_down.weight", "hada_w1_b", "diff") if part in modules[name]]
            if widths and widths[0] in WIDTHS:
                return WIDTHS[widths[0]]
    return "SDXL" if any(name.startswith(("lora_te2_", "text_encoder_2.")) for name in names) else None
