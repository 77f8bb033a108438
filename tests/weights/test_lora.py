"""Network files: names of every program, alphas, bundled embeddings, what cannot be used."""

import json
import os
from pathlib import Path

import pytest
import torch
from torch import Tensor

from modules.weights.files import write_tensors
from modules.weights.header import BadModel
from modules.weights.lora import Network, read_network, split_key
from modules.weights.lora_layers import Lora
from modules.weights.network_store import NetworkStore
from tests.golden import golden_path, needs_golden

Q = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
OTHER = "a model of another architecture (Flux, Stable Diffusion 3 or the like)"
KOHYA = f"lora_unet_{Q.replace('.', '_')}"
SDXL_K = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k"


def pair(name: str, *, inputs: int = 8, down: str = "lora_down.weight", up: str = "lora_up.weight") -> dict[str, Tensor]:
    """The two tensors of a LoRA of rank 4."""
    return {f"{name}.{down}": torch.ones(4, inputs), f"{name}.{up}": torch.ones(8, 4)}


def read(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> Network:
    write_tensors(path / "network.safetensors", tensors, metadata)
    return read_network(path / "network.safetensors")


def scale_of(network: Network) -> float:
    (one,) = network.layers.values()
    return one.scale


@pytest.mark.parametrize(
    ("key", "module", "part"),
    [
        (f"{KOHYA}.lora_up.weight", KOHYA, "lora_up.weight"),
        (f"{KOHYA}.lora_B.weight", KOHYA, "lora_up.weight"),
        (f"{KOHYA}.alpha", KOHYA, "alpha"),
        (f"{KOHYA}.on_input", KOHYA, "on_input"),
        (f"{KOHYA}.weight", KOHYA, "weight"),
        (f"{KOHYA}.hada_w1_a", KOHYA, "hada_w1_a"),
        (f"unet.{Q}.lora_A.weight", f"unet.{Q}", "lora_down.weight"),
        (f"unet.{Q}.lora.down.weight", f"unet.{Q}", "lora_down.weight"),
        (f"base_model.model.unet.{Q}.lora_B.default.weight", f"base_model.model.unet.{Q}", "lora_up.weight"),
        (f"unet.{Q}.lora_magnitude_vector", f"unet.{Q}", "dora_scale"),
        (f"unet.{Q.removesuffix('.to_q')}.processor.to_q_lora.up.weight", f"unet.{Q}", "lora_up.weight"),
        ("unet.mid_block.attn1.processor.to_out_lora.down.weight", "unet.mid_block.attn1.to_out.0", "lora_down.weight"),
        ("text_encoder.l.0.self_attn.to_k_lora.up.weight", "text_encoder.l.0.self_attn.k_proj", "lora_up.weight"),
        ("text_encoder.l.0.mlp.fc1.lora_linear_layer.up.weight", "text_encoder.l.0.mlp.fc1", "lora_up.weight"),
        ("model.diffusion_model.out.2.weight", "model.diffusion_model.out.2.weight", ""),
    ],
)
def test_every_programs_names_are_understood(key: str, module: str, part: str) -> None:
    assert split_key(key) == (module, part)


@needs_golden
@pytest.mark.parametrize(("name", "count", "made_for"), [("tiny-lora", 264, "SD1"), ("tiny-locon", 44, None), ("tiny-loha", 64, None)])
def test_a1111s_files_are_understood_whole(name: str, count: int, made_for: str | None) -> None:
    path = golden_path(f"models/Lora/{name}.safetensors")
    assert path
    network = read_network(path)
    assert (len(network.layers), network.unknown, network.made_for) == (count, (), made_for)
    assert {one.scale for one in network.layers.values()} == {0.5}


def test_diffusers_alpha_is_read_from_the_metadata(tmp_path: Path) -> None:
    metadata = {"lora_adapter_metadata": json.dumps({"unet.r": 4, "unet.lora_alpha": 2})}
    assert scale_of(read(tmp_path, pair(f"unet.{Q}"), metadata)) == 0.5


def test_diffusers_alpha_of_some_modules_is_their_own(tmp_path: Path) -> None:
    metadata = {"lora_adapter_metadata": json.dumps({"unet.r": 4, "unet.lora_alpha": 2, "unet.alpha_pattern": {"attn1.to_q": 12}})}
    assert scale_of(read(tmp_path, pair(f"unet.{Q}"), metadata)) == 3.0


def test_rank_stabilized_loras_are_divided_by_the_roots_of_their_ranks(tmp_path: Path) -> None:
    metadata = {"lora_adapter_metadata": json.dumps({"unet.r": 4, "unet.lora_alpha": 2, "unet.use_rslora": True})}
    assert scale_of(read(tmp_path, pair(f"unet.{Q}"), metadata)) == 1.0


def test_metadata_that_are_no_json_are_passed_over(tmp_path: Path) -> None:
    assert scale_of(read(tmp_path, pair(f"unet.{Q}"), {"lora_adapter_metadata": "{"})) == 1.0


def test_bundled_embeddings_come_with_the_networks_name(tmp_path: Path) -> None:
    tensors = pair(KOHYA) | {
        "bundle_emb.one.string_to_param.*": torch.ones(2, 768),
        "bundle_emb.two.clip_l": torch.ones(3, 768),
        "bundle_emb.two.clip_g": torch.ones(3, 1280),
    }
    one, two = read(tmp_path, tensors).embeddings
    assert (one.name, one.count, one.shorthash, set(one.vectors)) == ("one", 2, "network", {"clip_l"})
    assert (two.name, two.count, set(two.vectors)) == ("two", 3, {"clip_l", "clip_g"})


def test_parts_of_an_unknown_kind_are_named(tmp_path: Path) -> None:
    network = read(tmp_path, pair(KOHYA) | {"lora_unet_conv_in.strange": torch.ones(1)})
    assert (list(network.layers), network.unknown) == ([KOHYA], ("lora_unet_conv_in",))


def test_a_file_without_networks_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match=r"network\.safetensors cannot be used: it holds no LoRA"):
        read(tmp_path, {"model.diffusion_model.out.2.weight": torch.ones(4)})


def test_tensors_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="do not go together"):
        read(tmp_path, {f"{KOHYA}.lora_up.weight": torch.ones(4, 4), f"{KOHYA}.lora_down.weight": torch.tensor(1.0)})


def test_eight_bit_floats_are_widened(tmp_path: Path) -> None:
    tensors = {name: value.to(torch.float8_e4m3fn) for name, value in pair(KOHYA).items()}
    (one,) = read(tmp_path, tensors).layers.values()
    assert isinstance(one, Lora)
    assert one.up.dtype == torch.float32


@pytest.mark.parametrize(
    ("tensors", "metadata", "made_for"),
    [
        (pair(KOHYA), {"ss_base_model_version": "sdxl_base_v1-0"}, "SDXL"),
        (pair(KOHYA), {"ss_base_model_version": "sd_v2_v"}, "SD2"),
        (pair(KOHYA), {"modelspec.architecture": "stable-diffusion-v1/lora"}, "SD1"),
        (pair(SDXL_K, inputs=2048), {}, "SDXL"),
        (pair(SDXL_K, inputs=1024), {}, "SD2"),
        (pair("lora_te2_text_model_encoder_layers_0_mlp_fc1"), {}, "SDXL"),
        (pair(KOHYA), {}, None),
        (pair("transformer.single_transformer_blocks.0.attn.to_q"), {}, OTHER),
    ],
)  # fmt: skip
def test_what_a_file_is_made_for_is_told_from_what_it_says_or_holds(
    tmp_path: Path, tensors: dict[str, Tensor], metadata: dict[str, str], made_for: str | None
) -> None:
    assert read(tmp_path, tensors, metadata).made_for == made_for


def test_a_file_is_read_once(tmp_path: Path) -> None:
    write_tensors(tmp_path / "one.safetensors", pair(KOHYA))
    store = NetworkStore()
    assert store.get(tmp_path / "one.safetensors") is store.get(tmp_path / "one.safetensors")


def test_a_file_that_has_changed_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    write_tensors(path, pair(KOHYA))
    store = NetworkStore()
    before = store.get(path)
    os.utime(path, ns=(1, 1))
    assert store.get(path) is not before


def test_those_in_use_stay_and_of_the_others_the_last_used(tmp_path: Path) -> None:
    store = NetworkStore()
    paths = [tmp_path / f"{name}.safetensors" for name in "abcd"]
    for path in paths:
        write_tensors(path, pair(KOHYA))
        store.get(path)
    store.get(paths[1])
    store.keep([paths[0]], further=1)
    assert list(store.networks) == [paths[0], paths[1]]
    store.keep([paths[0]], further=0)
    assert list(store.networks) == [paths[0]]
