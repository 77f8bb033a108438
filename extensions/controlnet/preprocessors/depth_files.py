"""Depth networks in single files as their makers publish them, read into transformers' networks.

Depth Anything (Yang et al. 2024, arXiv:2401.10891) and its second version (arXiv:2406.09414), over DINOv2 (Oquab et al. 2023,
arXiv:2304.07193); MiDaS' DPT, large and hybrid (Ranftl et al. 2021, arXiv:2103.13413).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from .network_folders import UNUSED

Tensors = dict[str, Tensor]
HALF = (0.5, 0.5, 0.5)
ANYTHING_SEES = {"size": {"height": 518, "width": 518}, "keep_aspect_ratio": True, "ensure_multiple_of": 14}
MIDAS_SEES = {"size": {"height": 384, "width": 384}, "image_mean": HALF, "image_std": HALF}
SIZES: Mapping[int, dict[str, Any]] = {  # of Depth Anything, by the width of its DINOv2
    384: {"heads": 6, "neck": (48, 96, 192, 384), "fusion": 64, "stages": (3, 6, 9, 12)},
    768: {"heads": 12, "neck": (96, 192, 384, 768), "fusion": 128, "stages": (3, 6, 9, 12)},
    1024: {"heads": 16, "neck": (256, 512, 1024, 1024), "fusion": 256, "stages": (5, 12, 18, 24)},
}
RULES = Iterable[tuple[str, str]]  # what a name begins with in a file, and in transformers' files; the first that fits counts
HEAD: RULES = (
    (r"scratch\.layer(\d)_rn\.", r"neck.convs.{less}."),
    (r"scratch\.refinenet(\d)\.out_conv\.", r"neck.fusion_stage.layers.{back}.projection."),
    (r"scratch\.refinenet(\d)\.resConfUnit(\d)\.conv(\d)\.", r"neck.fusion_stage.layers.{back}.residual_layer\2.convolution\3."),
)
ANYTHING: RULES = (
    (r"pretrained\.(cls_token|mask_token)", r"backbone.embeddings.\1"),
    (r"pretrained\.pos_embed", r"backbone.embeddings.position_embeddings"),
    (r"pretrained\.patch_embed\.proj\.", r"backbone.embeddings.patch_embeddings.projection."),
    (r"pretrained\.blocks\.(\d+)\.ls(\d)\.gamma", r"backbone.encoder.layer.\1.layer_scale\2.lambda1"),
    (r"pretrained\.blocks\.(\d+)\.attn\.proj\.", r"backbone.encoder.layer.\1.attention.output.dense."),
    (r"pretrained\.blocks\.(\d+)\.attn\.(query|key|value)\.", r"backbone.encoder.layer.\1.attention.attention.\2."),
    (r"pretrained\.blocks\.", r"backbone.encoder.layer."),
    (r"pretrained\.norm\.", r"backbone.layernorm."),
    (r"projects\.(\d)\.", r"neck.reassemble_stage.layers.\1.projection."),
    (r"resize_layers\.(\d)\.", r"neck.reassemble_stage.layers.\1.resize."),
    (r"scratch\.output_conv1\.", r"head.conv1."),
    (r"scratch\.output_conv2\.0\.", r"head.conv2."),
    (r"scratch\.output_conv2\.2\.", r"head.conv3."),
    *HEAD,
)
DPT: RULES = (
    (r"pretrained\.model\.cls_token", r"dpt.embeddings.cls_token"),
    (r"pretrained\.model\.pos_embed", r"dpt.embeddings.position_embeddings"),
    (r"pretrained\.model\.patch_embed\.backbone\.stem\.conv\.", r"dpt.embeddings.backbone.bit.embedder.convolution."),
    (r"pretrained\.model\.patch_embed\.backbone\.stem\.", r"dpt.embeddings.backbone.bit.embedder."),
    (r"pretrained\.model\.patch_embed\.backbone\.stages\.(\d)\.blocks\.", r"dpt.embeddings.backbone.bit.encoder.stages.\1.layers."),
    (r"pretrained\.model\.patch_embed\.proj\.", r"{patches}"),
    (r"pretrained\.model\.blocks\.(\d+)\.norm1\.", r"dpt.encoder.layer.\1.layernorm_before."),
    (r"pretrained\.model\.blocks\.(\d+)\.norm2\.", r"dpt.encoder.layer.\1.layernorm_after."),
    (r"pretrained\.model\.blocks\.(\d+)\.mlp\.fc1\.", r"dpt.encoder.layer.\1.intermediate.dense."),
    (r"pretrained\.model\.blocks\.(\d+)\.mlp\.fc2\.", r"dpt.encoder.layer.\1.output.dense."),
    (r"pretrained\.model\.blocks\.(\d+)\.attn\.proj\.", r"dpt.encoder.layer.\1.attention.output.dense."),
    (r"pretrained\.model\.blocks\.(\d+)\.attn\.(query|key|value)\.", r"dpt.encoder.layer.\1.attention.attention.\2."),
    (r"pretrained\.model\.norm\.", r"dpt.layernorm."),
    (r"pretrained\.act_postprocess(\d)\.0\.project\.", r"neck.reassemble_stage.readout_projects.{less}."),
    (r"pretrained\.act_postprocess(\d)\.3\.", r"neck.reassemble_stage.layers.{less}.projection."),
    (r"pretrained\.act_postprocess(\d)\.4\.", r"neck.reassemble_stage.layers.{less}.resize."),
    (r"scratch\.output_conv\.", r"head.head."),
    *HEAD,
)
CLASSIFIER = "pretrained.model.head."  # of the network that DPT was begun with; nothing asks it


def renamed(tensors: Mapping[str, Tensor], rules: RULES, patches: str = "") -> Tensors:
    """A file's tensors under the names that transformers' files have. Raises KeyError for one that no rule knows."""
    found: Tensors = {}
    for name, value in apart(tensors).items():
        for pattern, new in rules:
            if match := re.match(pattern, name):
                number = int(match[1]) if match.groups() and match[1].isdecimal() else 0
                told = new.replace("{less}", str(number - 1)).replace("{back}", str(4 - number)).replace("{patches}", patches)
                found[match.expand(told) + name[match.end() :]] = value
                break
        else:
            raise KeyError(f"it has a tensor named {name}")
    return found


def apart(tensors: Mapping[str, Tensor]) -> Tensors:
    """The same with queries, keys and values as tensors of their own, where a file has them in one."""
    found: Tensors = {}
    for name, value in tensors.items():
        if ".attn.qkv." in name:
            words = ("query", "key", "value")
            found |= {name.replace("qkv", word): part for word, part in zip(words, value.chunk(3), strict=True)}
        else:
            found[name] = value
    return found


def filled(kind: Any, config: Any, tensors: Tensors) -> nn.Module:
    """A network of transformers with these tensors. Raises RuntimeError where one is missing or left over."""
    network, told = kind.from_pretrained(
        pretrained_model_name_or_path=None, config=config, state_dict=tensors, local_files_only=True, output_loading_info=True
    )
    missing = [name for name in told["missing_keys"] if not name.startswith(UNUSED) and not name.endswith("mask_token")]
    if missing or told["unexpected_keys"]:
        raise RuntimeError(f"{sorted([*missing, *told['unexpected_keys']])[0]} is missing or left over")
    return network


def depth_anything(tensors: Tensors) -> nn.Module:
    """Depth Anything of the tensors of its file, small, base or large. Raises RuntimeError, KeyError, ValueError for those of another."""
    return anything(tensors, later=False)


def depth_anything_v2(tensors: Tensors) -> nn.Module:
    """The same of the second version, which looks at DINOv2 in other places."""
    return anything(tensors, later=True)


def anything(tensors: Tensors, *, later: bool) -> nn.Module:
    """Either version."""
    from transformers import DepthAnythingForDepthEstimation

    config = anything_config(tensors["pretrained.cls_token"].shape[-1], blocks(tensors, "pretrained.blocks."), later=later)
    ours = {name.removeprefix("depth_head."): value for name, value in tensors.items()}
    return filled(DepthAnythingForDepthEstimation, config, renamed(ours, ANYTHING))


def anything_config(width: int, layers: int, *, later: bool) -> Any:
    """What transformers is told of either version: the first sees DINOv2's last four layers, the `later` one four spread over it."""
    from transformers import DepthAnythingConfig, Dinov2Config

    size = SIZES[width]
    made: Any = Dinov2Config  # its annotations lack what a backbone is asked for
    trunk = made(
        hidden_size=width, num_attention_heads=size["heads"], num_hidden_layers=layers, image_size=518, patch_size=14,
        out_indices=list(size["stages"] if later else range(layers - 3, layers + 1)), apply_layernorm=True, reshape_hidden_states=False,
    )  # fmt: skip
    return DepthAnythingConfig(
        backbone_config=trunk, reassemble_hidden_size=width, neck_hidden_sizes=size["neck"], fusion_hidden_size=size["fusion"]
    )


def dpt(tensors: Tensors) -> nn.Module:
    """MiDaS' DPT, large or hybrid, of the tensors of its file. Raises RuntimeError, KeyError for those of another."""
    from transformers import DPTConfig, DPTForDepthEstimation

    hybrid = "pretrained.model.patch_embed.backbone.stem.conv.weight" in tensors
    width, layers = tensors["pretrained.model.cls_token"].shape[-1], blocks(tensors, "pretrained.model.blocks.")
    quarter = layers // 4
    config = DPTConfig(
        hidden_size=width, num_hidden_layers=layers, num_attention_heads=width // 64, intermediate_size=4 * width, image_size=384,
        is_hybrid=hybrid, backbone_out_indices=[quarter * number - 1 for number in range(1, 5)], layer_norm_eps=1e-6,
        reassemble_factors=[1, 1, 1, 0.5] if hybrid else [4, 2, 1, 0.5],
        neck_hidden_sizes=[tensors[f"scratch.layer{number}_rn.weight"].shape[1] for number in range(1, 5)],
        fusion_hidden_size=tensors["scratch.layer1_rn.weight"].shape[0],
    )  # fmt: skip
    patches = "dpt.embeddings.projection." if hybrid else "dpt.embeddings.patch_embeddings.projection."
    asked = {name: value for name, value in tensors.items() if not name.startswith(CLASSIFIER)}
    return filled(DPTForDepthEstimation, config, renamed(asked, DPT, patches))


def blocks(tensors: Tensors, before: str) -> int:
    """How many blocks a transformer has, whose names begin so."""
    return 1 + max(int(name.removeprefix(before).split(".")[0]) for name in tensors if name.startswith(before))


def builder(path: Path) -> tuple[Callable[[Tensors], nn.Module], dict[str, Any]]:
    """What makes a network of a file's tensors, by the file's name, and how a picture is shown to it."""
    if "depth_anything" in path.name:
        return (depth_anything_v2 if "_v2_" in path.name else depth_anything), ANYTHING_SEES
    return dpt, MIDAS_SEES
