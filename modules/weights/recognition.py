"""What a model file is, by its table of contents alone: a checkpoint, a LoRA, a VAE; for which family; in which numbers."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.weights.header import Header, TensorInfo, read_header

DEEPEST, MOST_LEAVES = 6, 60_000
PRECISIONS = {
    "F16": "fp16",
    "BF16": "bf16",
    "F32": "fp32",
    "F64": "fp64",
    "F8_E4M3": "fp8",
    "F8_E5M2": "fp8 (e5m2)",
    "I8": "int8",
    "U8": "int8",
}
WRAPPERS = ("state_dict", "params_ema", "params", "params-ema", "model_state_dict", "model", "g_ema")
# Parts by which a network file is known, and what each kind is called; the first that fits counts.
NETWORKS = (
    (r"\.hada_w1_", "LoHa"), (r"\.lokr_w", "LoKr"), (r"\.oft_(blocks|diag)$", "OFT"), (r"\.on_input$", "IA3"),
    (r"\.(a1|b1)\.weight$", "GLoRA"), (r"dora_scale|lora_magnitude_vector", "DoRA"), (r"lora_mid\.", "LoCon"),
    (r"lora[._](down|up|A|B|linear_layer)", "LoRA"), (r"_lora\.(down|up)\.", "LoRA"), (r"\.(diff|diff_b)$", "full difference"),
)  # fmt: skip
RANKED = re.compile(r"(lora_down|lora_A(\.default)?|lora\.down|lora_linear_layer\.down)\.weight$|hada_w1_b$|_lora\.down\.weight$")
CROSS = re.compile(r"attn2[._]to_[kv](_lora)?\.(lora_down|lora_A(\.default)?|lora\.down|down)\.weight$|attn2_to_[kv]\.(hada_w1_b|diff)$")
WIDTHS = {768: "sd1", 1024: "sd2", 2048: "sdxl"}
FOREIGN = (
    ("double_blocks", "flux"),
    ("single_transformer_blocks", "flux"),
    ("joint_blocks", "sd3"),
    ("transformer_blocks_0_attn_add", "sd3"),
)
SAID = (  # how the names of families begin in files' own words
    ("sdxl", "sdxl"), ("stable-diffusion-xl", "sdxl"), ("sd_v2", "sd2"), ("stable-diffusion-v2", "sd2"), ("sd_v1", "sd1"),
    ("stable-diffusion-v1", "sd1"), ("flux", "flux"), ("sd3", "sd3"), ("stable-diffusion-3", "sd3"), ("stable-diffusion-v3", "sd3"),
)  # fmt: skip
# Names that only one kind of network has, all of which must be there.
MARKS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("control_model.input_blocks.0.0.weight",), "controlnet", "ControlNet"),
    (("controlnet_cond_embedding.conv_in.weight",), "controlnet", "ControlNet"),
    (("input_hint_block.0.weight",), "controlnet", "ControlNet"),
    (("adapter.body.0.block1.weight",), "controlnet", "T2I adapter"),
    (("body.0.block1.weight", "conv_in.weight"), "controlnet", "T2I adapter"),
    (("stylegan_decoder.style_conv1.modulated_conv.weight",), "face", "GFPGAN"),
    (("position_emb", "quantize.embedding.weight"), "face", "CodeFormer"),
    (("ClassHead.0.conv1x1.weight",), "face", "face detector"),
    (("encoder.0.weight", "out_mask_conv.conv2d.weight"), "face", "face parser"),
    (("RRDB_trunk.0.RDB1.conv1.weight",), "upscaler", "ESRGAN"),
    (("body.0.rdb1.conv1.weight",), "upscaler", "ESRGAN"),
    (("model.0.weight", "model.1.sub.0.RDB1.conv1.0.weight"), "upscaler", "ESRGAN"),
    (("m_head.0.weight", "m_tail.0.weight"), "upscaler", "SCUNet"),
    (("layers.0.residual_group.blocks.0.norm1.weight", "conv_first.weight"), "upscaler", "SwinIR or HAT"),
    (("layers.0.blocks.0.norm1.weight", "conv_first.weight"), "upscaler", "DAT"),
    (("body.0.weight", "body.1.weight", "body.2.weight"), "upscaler", "compact"),
)


@dataclass(frozen=True)
class Nature:
    """What a file is. `kind`: checkpoint, unet, vae, lora, embedding, hypernetwork, controlnet, upscaler, face, preview or text
    encoder; None where nothing gives it away. `family`: sd1, sd2, sdxl, flux, sd3, or None. `details`: short words for a list."""

    kind: str | None
    family: str | None = None
    details: tuple[str, ...] = ()


def contents(path: Path) -> Header:
    """The tensors of any weights file, those deep inside a pickle under dotted names. Raises BadModel; nothing in it is run."""
    if path.suffix.lower() == ".safetensors":
        return read_header(path)
    from modules.weights.containers import read_pickled
    from modules.weights.pickles import StoredTensor
    from modules.weights.writing import NAMES

    found: dict[str, TensorInfo] = {}

    def walk(value: Any, name: str, depth: int) -> None:
        if isinstance(value, StoredTensor):
            found[name] = TensorInfo(NAMES[value.dtype], value.shape)
        elif depth < DEEPEST and len(found) < MOST_LEAVES:
            parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
            for key, one in parts:
                walk(one, f"{name}.{key}" if name else str(key), depth + 1)

    walk(read_pickled(path).value, "", 0)
    return Header(path, unwrapped(found))


def unwrapped(tensors: Mapping[str, TensorInfo]) -> dict[str, TensorInfo]:
    """The tensors without the name of the table that a training program put them into."""
    for wrapper in WRAPPERS:
        inner = {name.removeprefix(f"{wrapper}."): info for name, info in tensors.items() if name.startswith(f"{wrapper}.")}
        if inner and (
            wrapper != "model" or not any(name.startswith("model.diffusion_model.") or name == "model.0.weight" for name in tensors)
        ):
            return unwrapped(inner)
    return dict(tensors)


def recognize(header: Header) -> Nature:
    """What a file is, by the names, shapes and texts in its header."""
    tensors, names = header.tensors, header.tensors.keys()
    details = precision(tensors.values())
    network = next((word for pattern, word in NETWORKS if any(re.search(pattern, name) for name in names)), None)
    if network:
        ranks = Counter(info.shape[0] for name, info in tensors.items() if RANKED.search(name) and info.shape)
        rank = (f"rank {ranks.most_common(1)[0][0]}",) if ranks else ()
        return Nature("lora", said(header.metadata) or lora_family(tensors), (*(() if network == "LoRA" else (network,)), *rank, *details))
    if any(name.startswith("model.diffusion_model.") for name in names):
        return Nature("checkpoint", checkpoint_family(tensors), details)
    for marks, kind, word in MARKS:
        if all(mark in names for mark in marks):
            return Nature(kind, said(header.metadata), (word, *details))
    if embedding := embedding_in(tensors):
        return Nature("embedding", *embedding)
    if any(re.match(r"\d{2,4}\.[01]\.", name) for name in names):
        return Nature("hypernetwork", None, details)
    return others(tensors, details)


def others(tensors: Mapping[str, TensorInfo], details: tuple[str, ...]) -> Nature:
    """What is told by names that other kinds have too, and is therefore looked for last."""
    names = tensors.keys()
    for prefix in ("", "first_stage_model."):
        if {f"{prefix}encoder.conv_in.weight", f"{prefix}decoder.conv_in.weight"} <= names:
            shape = tensors[f"{prefix}decoder.conv_in.weight"].shape
            channels = shape[1] if len(shape) == 4 else 4
            return Nature("vae", None, (*(() if channels == 4 else (f"{channels} channels",)), *details))
    if any(re.match(r"((en|de)coder\.)?(layers\.)?[13]\.(conv\.0\.)?weight$", name) for name in names) and len(tensors) < 200:
        return Nature("preview", None, details)
    for word, family in FOREIGN:
        if any(word in name for name in names):
            return Nature("unet", family, details)
    if any(re.match(r"down_blocks\.0\.resnets\.0\.|input_blocks\.0\.0\.", name) for name in names):
        return Nature("unet", None, details)
    if any(
        re.search(r"text_model\.encoder\.layers\.0\.|^encoder\.block\.0\.layer\.0\.|transformer\.resblocks\.0\.", name) for name in names
    ):
        return Nature("text encoder", None, details)
    return Nature(None, None, details)


def precision(tensors: Iterable[TensorInfo]) -> tuple[str, ...]:
    """In which numbers most of a file is."""
    sizes: Counter[str] = Counter()
    for info in tensors:
        sizes[info.dtype] += info.size
    if not sizes:
        return ()
    dtype, size = sizes.most_common(1)[0]
    word = PRECISIONS.get(dtype, dtype.lower())
    return (word if size > 0.6 * sizes.total() else f"mostly {word}",)


def said(metadata: Mapping[str, str]) -> str | None:
    """The family that a file's own words name."""
    words = (metadata.get("ss_base_model_version") or metadata.get("modelspec.architecture") or "").lower()
    return next((family for start, family in SAID if words.startswith(start)), None)


def lora_family(tensors: Mapping[str, TensorInfo]) -> str | None:
    """The family of a network file, by its names and the width of the text that it sees."""
    for name, info in tensors.items():
        flat = name.replace(".", "_")
        for word, family in FOREIGN:
            if word in flat:
                return family
        if flat.startswith(("lora_te2_", "lora_te1_")):
            return "sdxl"
        if CROSS.search(name) and info.shape and info.shape[-1] in WIDTHS:
            return WIDTHS[info.shape[-1]]
    return None


def checkpoint_family(tensors: Mapping[str, TensorInfo]) -> str | None:
    """The family of a checkpoint, roughly; the loader looks closer."""
    if any("double_blocks" in name for name in tensors):
        return "flux"
    if any("joint_blocks" in name for name in tensors):
        return "sd3"
    if any(name.startswith("conditioner.embedders.1.") for name in tensors):
        return "sdxl"
    return "sd2" if any(name.startswith("cond_stage_model.model.") for name in tensors) else "sd1"


def embedding_in(tensors: Mapping[str, TensorInfo]) -> tuple[str | None, tuple[str, ...]] | None:
    """The family of an embedding and its number of vectors; None for what is none."""
    vectors = {name: info.shape for name, info in tensors.items() if name != "string_to_token.*"}
    named = [shape for name, shape in vectors.items() if name == "emb_params" or name.startswith("string_to_param.")]
    if named:
        shape = named[0]
        return WIDTHS.get(shape[-1]), (counted(shape[0] if len(shape) == 2 else 1),)
    if {"clip_l", "clip_g"} <= vectors.keys():
        count = vectors["clip_g"][0] if len(vectors["clip_g"]) == 2 else 1
        return "sdxl", (counted(count),)
    if not 0 < len(vectors) <= 2 or any(len(shape) not in (1, 2) or shape[-1] not in (768, 1024, 1280) for shape in vectors.values()):
        return None
    shape = next(iter(vectors.values()))
    return WIDTHS.get(shape[-1]), (counted(shape[0] if len(shape) == 2 else 1),)


def counted(count: int) -> str:
    """So many vectors."""
    return "1 vector" if count == 1 else f"{count} vectors"
