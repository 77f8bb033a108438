"""The names of network files against the modules of models of every family."""

import re
from functools import cache

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from modules.families.network_keys import KeyTable, Target
from modules.families.open_clip import LAYER
from modules.families.sd_shape import UNetShape
from modules.families.unet import build_unet
from tests.golden import golden_json

LINEAR = r"(to_[qkv]|to_out\.0|ff\.net\.0\.proj|ff\.net\.2|proj_in|proj_out)$"
CONVOLUTIONS = r"(conv1|conv2|conv_shortcut|time_emb_proj|samplers\.0\.conv)$"


def text(width: int, layers: int, *, projected: bool = False) -> nn.Module:
    """A CLIP text encoder without memory for its weights."""
    config = CLIPTextConfig(
        vocab_size=100, hidden_size=width, intermediate_size=4 * width, num_hidden_layers=layers, num_attention_heads=width // 64
    )
    with torch.device("meta"):
        return CLIPTextModelWithProjection(config) if projected else CLIPTextModel(config)


@cache
def table(family: str) -> KeyTable:
    """The modules of a model of the family's real size, without memory for its weights."""
    with torch.device("meta"):
        if family == "sdxl":
            shape = UNetShape(
                4, 4, (320, 640, 1280), ((0, 0), (2, 2), (10, 10)), ((10, 10, 10), (2, 2, 2), (0, 0, 0)), 10, 2048, True, 2816
            )
            return KeyTable(build_unet(shape.config()), [text(768, 12), text(1280, 32, projected=True)])
        if family == "sd2":
            return KeyTable(UNet2DConditionModel(cross_attention_dim=1024, use_linear_projection=True), [text(1024, 23)])
        return KeyTable(UNet2DConditionModel(cross_attention_dim=768, attention_head_dim=8), [text(768, 12)])


def original(family: str, target: Target) -> str:
    """A1111's name for a module: that of the original layout, flat."""
    names = {
        found: name for name, found in table(family).names.items() if re.match(r"lora_unet_(input|middle|output|time_embed|out)_", name)
    }
    if target.encoder is None:
        return names[target].replace("lora_unet", "diffusion_model")
    path = target.path.removeprefix("text_model.")
    if family == "sd1":
        return f"transformer_text_model_{path}".replace(".", "_")
    number, part = re.fullmatch(r"encoder\.layers\.(\d+)\.(.+)", path).groups()  # type: ignore[union-attr]
    open_clip = {new: old for old, new in LAYER.items()}.get(part, part.replace("self_attn", "attn"))
    return f"{'1_' if target.encoder else ''}model_transformer_resblocks_{number}_{open_clip}".replace(".", "_")


@pytest.mark.parametrize("family", ["sd1", "sd2"])
@pytest.mark.parametrize("entry", golden_json("pure/lora_key_map.json"), ids=lambda entry: entry["key"])
def test_the_module_is_the_one_that_a1111_finds(entry: dict[str, str], family: str) -> None:
    key, theirs = entry["key"], entry[family]
    model = "sdxl" if "te2_" in key else family
    if key == theirs:  # A1111 maps these in a second step, by their beginnings alone
        theirs = key.replace("lora_unet", "diffusion_model").replace("lora_te1", "transformer")
        model = "sd1"
    target = table(model).find(key)
    assert target is not None
    assert original(model, target) == theirs


@pytest.mark.parametrize(
    ("family", "linear", "convolutions", "texts"), [("sd1", 192, 86, 72), ("sd2", 192, 86, 138), ("sdxl", 722, 66, 264)]
)
def test_as_many_modules_are_known_as_kohya_trains(family: str, linear: int, convolutions: int, texts: int) -> None:
    inside = [target.path for target in table(family).modules if target.encoder is None]
    transformers = [path for path in inside if "attentions" in path and re.search(LINEAR, path)]
    others = [path for path in inside if re.search(CONVOLUTIONS, path)]
    encoders = [target for target in table(family).modules if target.encoder is not None and re.search(r"(_proj|\.fc[12])$", target.path)]
    assert (len(transformers), len(others), len(encoders)) == (linear, convolutions, texts)


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl"])
def test_every_unet_module_is_found_by_all_its_names(family: str) -> None:
    known = table(family)
    inside = {target for target in known.modules if target.encoder is None}
    layouts: dict[Target, list[str]] = {target: [] for target in inside}
    for name, target in known.names.items():
        if target.encoder is None:
            layouts[target].append(name.removeprefix("lora_unet_"))
    for target, names in layouts.items():
        for name in names:
            assert {known.find(f"{prefix}{name}") for prefix in ("lora_unet_", "oft_unet_", "diffusion_model.", "unet.")} == {target}
        assert known.find(f"base_model.model.unet.{target.path}") == target
        assert known.find(f"unet.{target.path}") == target
    assert sum(len(names) == 2 for names in layouts.values()) == len(inside)  # diffusers' and the original layout's


@pytest.mark.parametrize(
    ("family", "name", "encoder"),
    [
        ("sd1", "lora_te_text_model_encoder_layers_3_mlp_fc1", 0),
        ("sd1", "lora_te1_text_model_encoder_layers_3_mlp_fc1", 0),
        ("sd1", "text_encoder.encoder.layers.3.mlp.fc1", 0),
        ("sd1", "text_encoder.text_model.encoder.layers.3.mlp.fc1", 0),
        ("sd1", "lora_te2_text_model_encoder_layers_3_mlp_fc1", None),
        ("sdxl", "lora_te1_text_model_encoder_layers_3_mlp_fc1", 0),
        ("sdxl", "lora_te2_text_model_encoder_layers_3_mlp_fc1", 1),
        ("sdxl", "text_encoder_2.text_model.encoder.layers.3.mlp.fc1", 1),
        ("sdxl", "text_encoder_2.encoder.layers.3.mlp.fc1", 1),
        ("sdxl", "lora_te_text_model_encoder_layers_3_mlp_fc1", None),
    ],
)
def test_text_encoders_are_told_apart(family: str, name: str, encoder: int | None) -> None:
    target = table(family).find(name)
    assert (target.encoder if target else None) == encoder


@pytest.mark.parametrize(
    "name", ["lora_unet_no_such_module", "lora_te_text_model_embeddings_token_embedding", "lora_te2_text_projection", ""]
)
def test_other_names_are_not_found(name: str) -> None:
    assert table("sdxl").find(name) is None
