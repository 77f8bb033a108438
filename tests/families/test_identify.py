"""What a file is, told from its names, shapes, metadata and yaml; nothing is loaded."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from modules.contract.errors import NotSupported, WebuiError
from modules.families.identify import check_checkpoint, identify
from modules.families.variant import Variant
from modules.weights.files import write_tensors
from modules.weights.header import BadModel
from tests import tiny

FIRST = "model.diffusion_model.input_blocks.0.0.weight"
V_YAML: dict[str, Any] = {"model": {"params": {"parameterization": "v"}}}
EPS_YAML: dict[str, Any] = {"model": {"params": {}}}


def sgm_yaml(scaling: str) -> dict[str, Any]:
    target = f"sgm.modules.diffusionmodules.denoiser_scaling.{scaling}"
    return {"model": {"params": {"denoiser_config": {"params": {"scaling_config": {"target": target}}}}}}


def with_channels(tensors: dict[str, Tensor], channels: int) -> dict[str, Tensor]:
    first = tensors[FIRST]
    return tensors | {FIRST: torch.zeros(first.shape[0], channels, 3, 3)}


@pytest.mark.parametrize(
    ("tensors", "family"),
    [(tiny.tensors, "sd1"), (tiny.sd2_tensors, "sd2"), (tiny.sdxl_tensors, "sdxl"), (tiny.refiner_tensors, "sdxl-refiner")],
)
def test_each_family_is_known_by_its_text_encoders(tensors: Any, family: str) -> None:
    assert identify(tiny.header_of(tensors())).family == family


@pytest.mark.parametrize("tensors", [tiny.tensors, tiny.sd2_tensors, tiny.sdxl_tensors])
@pytest.mark.parametrize(("channels", "inputs"), [(9, "inpaint"), (8, "edit")])
def test_the_channels_of_the_first_convolution_say_what_else_the_network_sees(tensors: Any, channels: int, inputs: str) -> None:
    assert identify(tiny.header_of(with_channels(tensors(), channels))).inputs == inputs


def test_an_sd2_file_alone_does_not_say_what_it_predicts() -> None:
    assert identify(tiny.header_of(tiny.sd2_tensors())).prediction == "unknown"


def test_an_sd2_inpainting_file_predicts_noise() -> None:
    assert identify(tiny.header_of(with_channels(tiny.sd2_tensors(), 9))).prediction == "eps"


@pytest.mark.parametrize(
    ("tensors", "config", "prediction"),
    [
        (tiny.tensors, V_YAML, "v"),
        (tiny.sd2_tensors, V_YAML, "v"),
        (tiny.sd2_tensors, EPS_YAML, "eps"),
        (tiny.sdxl_tensors, sgm_yaml("VScaling"), "v"),
        (tiny.sdxl_tensors, sgm_yaml("EpsScaling"), "eps"),
    ],
)
def test_the_yaml_says_what_is_predicted(tensors: Any, config: dict[str, Any], prediction: str) -> None:
    assert identify(tiny.header_of(tensors()), config).prediction == prediction


def test_the_yaml_counts_more_than_the_files_own_words() -> None:
    header = tiny.header_of(tiny.tensors() | {"v_pred": torch.zeros(0)}, {"modelspec.prediction_type": "v"})
    assert identify(header, EPS_YAML).prediction == "eps"


@pytest.mark.parametrize(("word", "prediction"), [("v", "v"), ("epsilon", "eps")])
def test_metadata_say_what_is_predicted(word: str, prediction: str) -> None:
    header = tiny.header_of(tiny.sd2_tensors(), {"modelspec.prediction_type": word})
    assert identify(header).prediction == prediction


def test_empty_tensors_mark_velocity_and_a_last_step_of_noise_alone() -> None:
    tensors = tiny.sdxl_tensors() | {"v_pred": torch.zeros(0), "ztsnr": torch.zeros(0)}
    assert identify(tiny.header_of(tensors)) == Variant("sdxl", "plain", "v", zero_snr=True)


def test_a_yaml_with_another_kind_of_scaling_is_refused() -> None:
    with pytest.raises(NotSupported, match="EDMScaling"):
        identify(tiny.header_of(tiny.sdxl_tensors()), sgm_yaml("EDMScaling"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("depth_model.model.pretrained.act_postprocess3.0.project.0.bias", "depth model"),
        ("embedder.model.ln_final.weight", "unCLIP"),
        ("edm_mean", "EDM"),
        ("edm_vpred.sigma_max", "CosXL"),
        ("scaled_fp8", "scaled 8-bit"),
        ("model.diffusion_model.out.2.scale_weight", "scaled 8-bit"),
        ("cond_stage_model.roberta.embeddings.word_embeddings.weight", "AltDiffusion"),
    ],
)
def test_a_kind_that_cannot_be_used_is_named(name: str, words: str) -> None:
    with pytest.raises(NotSupported, match=words):
        identify(tiny.header_of(tiny.sd2_tensors() | {name: torch.zeros(1)}))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model.diffusion_model.x_embedder.proj.weight", "Stable Diffusion 3"),
        ("double_blocks.0.img_attn.norm.key_norm.scale", "Flux"),
        ("encoder.conv_in.weight", "models/VAE"),
        ("control_model.input_blocks.0.0.weight", "models/ControlNet"),
        ("lora_unet_x.lora_up.weight", "models/Lora"),
        ("down_blocks.0.resnets.0.norm1.weight", "a U-Net alone"),
    ],
)
def test_a_file_of_another_kind_is_told_what_it_is(name: str, words: str) -> None:
    with pytest.raises(NotSupported, match=words):
        identify(tiny.header_of({name: torch.zeros(1)}))


@pytest.mark.parametrize(("channels", "words"), [(5, "a depth model"), (7, "an upscaling model"), (12, "12 input channels")])
def test_other_input_channels_are_refused(channels: int, words: str) -> None:
    with pytest.raises(NotSupported, match=words):
        identify(tiny.header_of(with_channels(tiny.sd2_tensors(), channels)))


@pytest.mark.parametrize(
    ("tensors", "part"),
    [
        (tiny.sdxl_tensors, "first_stage_model."),
        (tiny.sdxl_tensors, "model.diffusion_model."),
        (tiny.sdxl_tensors, "conditioner.embedders.0."),
        (tiny.sd2_tensors, "first_stage_model."),
        (tiny.sd2_tensors, "model.diffusion_model.output_blocks."),
    ],
)
def test_a_checkpoint_without_a_part_is_refused(tensors: Any, part: str) -> None:
    left = {name: value for name, value in tensors().items() if not name.startswith(part)}
    with pytest.raises(BadModel, match=r"has no|lacks"):
        identify(tiny.header_of(left))


@pytest.mark.parametrize("name", ["conditioner.embedders.1.model.ln_final.weight", "cond_stage_model.model.ln_final.weight"])
def test_a_text_encoder_alone_is_told_whose_it_is(tmp_path: Path, name: str) -> None:
    path = tmp_path / "part.safetensors"
    write_tensors(path, {name: torch.zeros(2)})
    with pytest.raises(WebuiError, match=r"SDXL|Stable Diffusion 2"):
        check_checkpoint(path)


def test_the_yaml_beside_a_file_is_heeded_when_it_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_tensors(path, tiny.sdxl_tensors())
    path.with_suffix(".yaml").write_text(
        "model: {params: {denoiser_config: {params: {scaling_config: {target: x.EDMScaling}}}}}", encoding="utf8"
    )
    with pytest.raises(NotSupported, match="EDMScaling"):
        check_checkpoint(path)
