"""LoRA files and their kin: written as kohya's programs do, read back here and by diffusers with the same changes."""

import copy
import os
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from peft.tuners.tuners_utils import BaseTunerLayer

from modules.contract.errors import WebuiError
from modules.contract.training import NetworkType
from modules.families.load import load_checkpoint
from modules.families.networks import Patches, Wanted
from modules.families.unet import build_unet
from modules.training.files.lora_file import module_names
from modules.training.files.verify import NotTheSame, compare_changes, compare_tensors
from modules.training.methods import adapters
from modules.weights.files import read_tensors
from modules.weights.hashes import sha256_of, tensors_start
from modules.weights.lora import read_network
from modules.weights.writing import write_tensors
from tests import tiny
from tests.training import made
from tests.training.made import trained

torch.set_num_threads(1)
KINDS = get_args(NetworkType)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", made.FAMILIES)
def test_a_prompt_with_the_file_gives_what_the_adapter_gave(tmp_path: Path, family: str, kind: str) -> None:
    components, _, path = trained(tmp_path, family, kind)
    other = load_checkpoint(tmp_path / f"{family}.safetensors", None, tiny.PLACING)
    with torch.no_grad():
        plain, wanted = made.answer(other), made.answer(components)
        patches = Patches(other.unet, [encoder.model for encoder in other.encoders])
        (matched,) = patches.applied([Wanted(read_network(path))])
        assert matched.used == matched.total
        assert (wanted - plain).abs().max() > 1e-3
        torch.testing.assert_close(made.answer(other), wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["LoRA", "LoCon"])
@pytest.mark.parametrize("family", made.FAMILIES)
def test_diffusers_reads_the_same_changes(tmp_path: Path, family: str, kind: str) -> None:
    _, prepared, path = trained(tmp_path, family, kind)
    pipe = made.pipeline(load_checkpoint(tmp_path / f"{family}.safetensors", None, tiny.PLACING))
    pipe.load_lora_weights(str(path.parent), weight_name=path.name)
    networks = {None: pipe.unet, 0: pipe.text_encoder, 1: getattr(pipe, "text_encoder_2", None)}
    for target, layer in prepared.layers.items():
        theirs: Any = networks[target.encoder].get_submodule(target.path)
        assert torch.equal(theirs.get_delta_weight(theirs.active_adapters[0]), adapters.delta_of(layer)), target
    count = sum(isinstance(module, BaseTunerLayer) for network in networks.values() if network for module in network.modules())
    assert count == len(prepared.layers)


def test_diffusers_leaves_the_lengths_of_a_dora_out(tmp_path: Path) -> None:
    """The reason why the form says so: it takes such a file for a plain LoRA."""
    _, prepared, path = trained(tmp_path, "sd1", "DoRA")
    pipe = made.pipeline(load_checkpoint(tmp_path / "sd1.safetensors", None, tiny.PLACING))
    pipe.load_lora_weights(str(path.parent), weight_name=path.name)
    target, layer = next((target, layer) for target, layer in prepared.layers.items() if target.encoder is None)
    theirs: Any = pipe.unet.get_submodule(target.path)
    plain = copy.deepcopy(layer)
    assert torch.equal(theirs.get_delta_weight(theirs.active_adapters[0]), plain.get_delta_weight(adapters.ADAPTER))


def test_names_ranks_and_alphas_are_kohyas(tmp_path: Path) -> None:
    _, _, path = trained(tmp_path, "sd1", "LoCon")
    tensors = read_tensors(path)
    query = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
    assert tensors[f"{query}.lora_down.weight"].shape[0] == 4
    assert tensors[f"{query}.alpha"].item() == 2.0 and tensors[f"{query}.alpha"].dim() == 0
    convolution = "lora_unet_down_blocks_0_resnets_0_conv1"
    assert tensors[f"{convolution}.lora_down.weight"].shape == (3, 32, 3, 3)
    assert tensors[f"{convolution}.lora_up.weight"].shape == (32, 3, 1, 1)
    assert tensors[f"{convolution}.alpha"].item() == 1.5  # the same scale as everywhere
    assert "lora_te_text_model_encoder_layers_1_mlp_fc2.lora_up.weight" in tensors
    assert {name.partition(".")[2] for name in tensors} == {"lora_down.weight", "lora_up.weight", "alpha"}


def test_sdxls_names_are_the_original_layouts(tmp_path: Path) -> None:
    with torch.device("meta"):
        unet = build_unet(made.sizes()["sdxl"].config())
    names = set(module_names(unet, [], original=True).values())
    assert {
        "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q",
        "lora_unet_input_blocks_3_0_op",
        "lora_unet_input_blocks_4_0_skip_connection",
        "lora_unet_middle_block_1_transformer_blocks_9_ff_net_0_proj",
        "lora_unet_middle_block_2_out_layers_3",
        "lora_unet_output_blocks_2_2_conv",
        "lora_unet_output_blocks_5_2_conv",
        "lora_unet_output_blocks_8_0_emb_layers_1",
    } <= names
    _, _, path = trained(tmp_path, "sdxl", "LoRA")
    prefixes = {name.partition("_text_model")[0] for name in read_tensors(path) if name.startswith("lora_te")}
    assert prefixes == {"lora_te1", "lora_te2"}


def test_a_lokr_of_whole_factors_has_its_scale_in_the_second(tmp_path: Path) -> None:
    """A1111 and others leave alpha out there."""
    _, prepared, path = trained(tmp_path, "sd1", "LoKr")
    tensors = read_tensors(path)
    whole = {name.removesuffix(".lokr_w2") for name in tensors if name.endswith(".lokr_w2")}
    assert whole and len(whole) < len(prepared.layers)
    for target, layer in prepared.layers.items():
        name = prepared.names[target]
        first = tensors[f"{name}.lokr_w1"]
        if name in whole:
            second = tensors[f"{name}.lokr_w2"]
            product = torch.kron(first.reshape(*first.shape, *[1] * (second.dim() - 2)), second)
        else:
            product = torch.kron(first, tensors[f"{name}.lokr_w2_a"] @ tensors[f"{name}.lokr_w2_b"]) * 0.5
        torch.testing.assert_close(product.reshape(layer.get_base_layer().weight.shape), adapters.delta_of(layer))


@pytest.mark.parametrize(("numbers", "dtype"), [("fp16", torch.float16), ("bf16", torch.bfloat16)])
@pytest.mark.parametrize("kind", KINDS)
def test_the_file_has_the_numbers_that_were_asked_for(tmp_path: Path, kind: str, numbers: str, dtype: torch.dtype) -> None:
    _, _, path = trained(tmp_path, "sd1", kind, saving={"numbers": numbers})
    kinds = {value.dtype for name, value in read_tensors(path).items() if not name.endswith((".alpha", ".dora_scale"))}
    assert kinds == {dtype}


def test_a_file_carries_its_own_hash_and_its_folders_rights(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        _, prepared, path = trained(tmp_path, "sd1", "LoRA")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o644
    digest = sha256_of(path, start=tensors_start(path))
    assert read_network(path).metadata["sshs_model_hash"] == digest
    prepared.export(path, prepared.tensors(), {"ss_output_name": "x", "modelspec.sai_model_spec": "1.0.1"})
    metadata = read_network(path).metadata
    assert metadata["sshs_model_hash"] == digest and metadata["modelspec.hash_sha256"] == f"0x{digest}"
    assert metadata["ss_output_name"] == "x"


def test_other_values_can_be_written_than_those_that_are_trained(tmp_path: Path) -> None:
    _, prepared, path = trained(tmp_path, "sd1", "LoRA")
    now = {name: value.clone() for name, value in prepared.tensors().items()}
    prepared.export(tmp_path / "average.safetensors", {name: value * 0.5 for name, value in now.items()}, {})
    assert all(torch.equal(value, now[name]) for name, value in prepared.tensors().items())
    whole, half = read_tensors(path), read_tensors(tmp_path / "average.safetensors")
    assert all(torch.equal(half[name], whole[name] * (1 if name.endswith("alpha") else 0.5)) for name in whole)
    with pytest.raises(WebuiError, match="not those that are trained"):
        prepared.export(tmp_path / "other.safetensors", dict(list(now.items())[1:]), {})


def test_numbers_that_a_file_cannot_hold_are_not_written(tmp_path: Path) -> None:
    _, prepared, _ = trained(tmp_path, "sd1", "LoRA", saving={"numbers": "fp16"})
    values = {name: value.clone() for name, value in prepared.tensors().items()}
    name = next(iter(values))
    for wrong, reason in ((1e5, "too large for float16"), (float("nan"), "no numbers")):
        values[name][0, 0] = wrong
        with pytest.raises(WebuiError, match=reason):
            prepared.export(tmp_path / "wrong.safetensors", values, {})
    assert not (tmp_path / "wrong.safetensors").exists()


def test_a_file_that_differs_from_what_was_to_be_written_is_found_out(tmp_path: Path) -> None:
    _, _, path = trained(tmp_path, "sd1", "LoRA")
    tensors = read_tensors(path)
    changed = {name: value + (value != 0) * 1e-6 for name, value in tensors.items()}
    write_tensors(path, changed)
    with pytest.raises(NotTheSame, match="is another"):
        compare_tensors(path, tensors)


@pytest.mark.parametrize("by", [1e-7, 1e-5, 1e-3])
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_a_few_small_steps_is_no_other(tmp_path: Path, kind: str, by: float) -> None:
    """Such numbers are among the last that fp16 has, and their rounding must not look like a damaged file."""
    asked = made.request(network={"rank": 4, "alpha": 2.0, "type": kind}, saving={"numbers": "fp16"})
    _, prepared = made.ready(tmp_path, "sd1", asked)
    made.change(prepared, by)
    prepared.export(tmp_path / "small.safetensors", prepared.tensors(), {})


def test_a_file_of_another_scale_is_found_out(tmp_path: Path) -> None:
    _, prepared, path = trained(tmp_path, "sd1", "LoRA")
    tensors = read_tensors(path)
    name = next(name for name in tensors if name.endswith(".alpha"))
    write_tensors(path, {**tensors, name: tensors[name] * 2})
    with pytest.raises(NotTheSame, match="is changed by up to"):
        compare_changes(path, prepared.table, prepared.layers, torch.float32)


def test_other_programs_files_change_weights_biases_norms_and_words(tmp_path: Path) -> None:
    """What diffusers refuses and people download: whole changes, those of norms, and embeddings that come along."""
    components = load_checkpoint(made.base_file(tmp_path, "sd1"), None, tiny.PLACING)
    unet = components.unet
    weight, norm = unet.conv_in, unet.down_blocks[0].resnets[0].norm1  # pyright: ignore
    before = [one.detach().clone() for one in (weight.weight, weight.bias, norm.weight, norm.bias)]  # pyright: ignore
    changes = [torch.randn_like(one) for one in before]
    names = ["conv_in.diff", "conv_in.diff_b", "down_blocks_0_resnets_0_norm1.w_norm", "down_blocks_0_resnets_0_norm1.b_norm"]
    tensors = {f"lora_unet_{name}": change for name, change in zip(names, changes, strict=True)}
    write_tensors(tmp_path / "full.safetensors", {**tensors, "bundle_emb.zorg-x.string_to_param.*": torch.rand(2, 64)})
    network = read_network(tmp_path / "full.safetensors")
    patches = Patches(unet, [encoder.model for encoder in components.encoders])
    (matched,) = patches.applied([Wanted(network)])
    assert matched.used == matched.total == 2
    for now, old, change in zip((weight.weight, weight.bias, norm.weight, norm.bias), before, changes, strict=True):  # pyright: ignore
        torch.testing.assert_close(now, old + change)
    with torch.no_grad():
        plain = made.answer(components)
        components.embeddings = network.embeddings
        assert not torch.equal(made.answer(components), plain)
