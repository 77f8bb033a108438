"""Control networks of every layout are recognised, and every one of their tensors finds its place."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from modules.contract.errors import NotSupported
from modules.families.control_kind import kind_of
from modules.families.control_loading import load_control_from
from modules.families.image_encoder import as_seen, encoder_shape, load_image_encoder, seen_by
from modules.families.ip_adapter import IPAdapter
from modules.weights.files import write_tensors
from modules.weights.header import BadModel
from tests import tiny
from tests.families import controls
from tests.pipeline.pictures import noise

FILE = Path("x.safetensors")


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl"])
def test_a_controlnet_is_the_same_in_both_layouts(family: str) -> None:
    made = controls.controlnet(family)
    for tensors in (controls.in_own_layout(made), made.state_dict()):
        kind, network = load_control_from(tensors, FILE, tiny.CPU)
        assert (kind.method, kind.family) == ("controlnet", family)
        assert same(network.state_dict(), made.state_dict())
    assert any(name.startswith("control_model.input_hint_block.14.") for name in controls.in_own_layout(made))


def test_a_union_is_loaded() -> None:
    made = controls.union()
    kind, network = load_control_from(made.state_dict(), FILE, tiny.CPU)
    assert (kind.method, kind.family) == ("union", "sdxl")
    assert same(network.state_dict(), made.state_dict())


@pytest.mark.parametrize("shape", ["full_adapter", "light_adapter"])
def test_a_t2i_adapter_is_the_same_in_both_layouts(shape: str) -> None:
    made = controls.adapter(shape)
    for tensors in (controls.adapter_in_own_layout(made), made.state_dict()):
        kind, network = load_control_from(tensors, FILE, tiny.CPU)
        assert (kind.method, kind.family) == ("t2i", "sd1")
        assert same(network.state_dict(), made.state_dict())


def test_a_t2i_adapter_for_sdxl_is_told_by_what_it_sees() -> None:
    from diffusers import T2IAdapter

    made = T2IAdapter(channels=[32, 32, 64, 64], num_res_blocks=2, downscale_factor=16, adapter_type="full_adapter_xl")
    for tensors in (controls.adapter_in_own_layout(made), made.state_dict()):
        kind, network = load_control_from(tensors, FILE, tiny.CPU)
        assert (kind.method, kind.family) == ("t2i", "sdxl")
        assert same(network.state_dict(), made.state_dict())


@pytest.mark.parametrize("plus", [False, True])
def test_an_ip_adapter_fits_the_cross_attentions_of_its_checkpoint(plus: bool) -> None:
    unet = tiny.model("sd1").unet
    tensors = controls.ip_adapter(unet, 64, plus=plus)
    kind, network = load_control_from(tensors, FILE, tiny.CPU)
    assert kind.method == "ip-adapter"
    assert isinstance(network, IPAdapter)
    assert same(network.state_dict(), tensors)
    assert len(network.by_layer(unet)) == len(tensors) // 2 - len([name for name in tensors if name.startswith("image_proj")]) / 2
    assert network.tokens(torch.randn(2, 5, 32) if plus else torch.randn(2, 32)).shape == (2, 4, 64)
    with pytest.raises(ValueError, match="attention layers"):
        network.by_layer(tiny.model("sdxl").unet)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("lora_controlnet", "input_blocks.0.0.up"), "Control-LoRA"),
        (("controlnet_blocks.0.weight",), "Flux"),
        (("image_proj.proj.0.weight", "ip_adapter.1.to_k_ip.weight"), "FaceID"),
        (("lllite_unet_x.conditioning1.0.weight",), "LLLite"),
    ],
)
def test_what_is_not_supported_is_named(names: tuple[str, ...], words: str) -> None:
    with pytest.raises(NotSupported, match=words):
        kind_of(dict.fromkeys(names, (8, 8)), FILE)


def test_another_file_is_no_control_network() -> None:
    with pytest.raises(BadModel, match="neither a ControlNet"):
        kind_of({"model.diffusion_model.input_blocks.0.0.weight": (8, 4, 3, 3)}, FILE)


def test_a_tensor_too_many_or_too_few_is_said() -> None:
    tensors = controls.in_own_layout(controls.controlnet("sd1"))
    with pytest.raises(BadModel, match="belong nowhere"):
        load_control_from({**tensors, "control_model.strange.weight": torch.zeros(1)}, FILE, tiny.CPU)
    tensors.pop("control_model.zero_convs.1.0.bias")
    with pytest.raises(BadModel, match="lacks 1 tensors"):
        load_control_from(tensors, FILE, tiny.CPU)


def test_a_picture_encoder_is_read_by_its_shapes(tmp_path: Path) -> None:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(hidden_size=64, intermediate_size=96, projection_dim=32, num_hidden_layers=2, num_attention_heads=1,
                              image_size=28, patch_size=14)  # fmt: skip
    made = CLIPVisionModelWithProjection(config)
    write_tensors(tmp_path / "seer.safetensors", {name: value for name, value in made.state_dict().items() if "position_ids" not in name})
    shape = encoder_shape(tmp_path / "seer.safetensors")
    assert (shape.width, shape.vector) == (64, 32)
    encoder = load_image_encoder(tmp_path / "seer.safetensors", torch.float32)
    seen = as_seen(noise(50, 40), 28)
    assert seen_by(encoder, seen, patches=False).shape == (1, 32)
    assert seen_by(encoder, seen, patches=True).shape == (1, 5, 64)
