"""Folders in diffusers' layout, written by diffusers and transformers themselves."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from modules.contract.errors import NotSupported
from modules.families.base import Components
from modules.families.clip_text import TextOptions
from modules.families.diffusers_folder import identify_folder
from modules.families.identify import check_checkpoint
from modules.families.load import load_checkpoint, variant_of
from modules.families.variant import Variant
from modules.sampling.prediction import Velocity
from modules.weights.header import BadModel
from tests import tiny


def write_folder(folder: Path, family: str, scheduler: dict[str, Any] | None = None) -> Path:
    """A tiny model as diffusers lays it out."""
    components = tiny.model(family)
    components.unet.save_pretrained(folder / "unet")
    components.vae.register_to_config(scaling_factor=components.latents.scale)
    components.vae.save_pretrained(folder / "vae")
    names = ["text_encoder_2"] if family == "sdxl-refiner" else ["text_encoder", "text_encoder_2"]
    index: dict[str, Any] = {"_class_name": "SomePipeline", "unet": ["diffusers", "UNet2DConditionModel"], "text_encoder_2": [None, None]}
    for name, encoder in zip(names, components.encoders, strict=False):
        encoder.model.save_pretrained(folder / name)
        index[name] = ["transformers", type(encoder.model).__name__]
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler or {}), encoding="utf8")
    (folder / "model_index.json").write_text(json.dumps(index), encoding="utf8")
    return folder


def answer(components: Components) -> tuple[Tensor, Tensor]:
    """What the network and the VAE make of fixed numbers and a fixed prompt."""
    x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(5))
    with torch.inference_mode():
        text = components.encode_prompts(["a (red:1.2) star"], TextOptions())
        vector = None
        if components.takes_vector:
            assert text.pooled is not None
            vector = components.vector(text.pooled, size=(64, 64), crop=(0, 0), target=(64, 64))
        return components.predict(x, torch.tensor([300.5]), text.context, vector), components.decode(x[..., :4, :4])


@pytest.mark.parametrize("family", ["sd1", "sdxl", "sdxl-refiner"])
def test_a_folder_gives_the_same_model_as_the_single_file(tmp_path: Path, family: str) -> None:
    folder = write_folder(tmp_path / "model", family)
    components = load_checkpoint(folder, None, tiny.PLACING)
    assert components.variant.family == family
    for found, wanted in zip(answer(components), answer(tiny.model(family)), strict=True):
        torch.testing.assert_close(found, wanted)  # where weights lie in memory decides on the order of some sums


def test_sd2s_folder_lacks_the_layer_that_is_never_read(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "model", "sd2", {"prediction_type": "v_prediction"})
    file = folder / "text_encoder" / "model.safetensors"
    left = {name: value for name, value in load_file(file).items() if ".layers.2." not in name}
    save_file(left, file, {"format": "pt"})
    components = load_checkpoint(folder, None, tiny.PLACING)
    assert isinstance(components.prediction, Velocity)
    for found, wanted in zip(answer(components), answer(tiny.model("sd2")), strict=True):
        torch.testing.assert_close(found, wanted)


def test_a_network_in_several_files_is_put_together(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "model", "sd1")
    tensors = load_file(folder / "unet" / "diffusion_pytorch_model.safetensors")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    names = list(tensors)
    halves = {"one.safetensors": names[::2], "two.safetensors": names[1::2]}
    for file, own in halves.items():
        save_file({name: tensors[name] for name in own}, folder / "unet" / file)
    index = {"weight_map": {name: file for file, own in halves.items() for name in own}}
    (folder / "unet" / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index), encoding="utf8")
    found = load_checkpoint(folder, None, tiny.PLACING).unet.state_dict()
    assert all(torch.equal(found[name], value) for name, value in tiny.model("sd1").unet.state_dict().items())


def test_a_folder_with_only_the_fp16_files_is_read(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "model", "sd1")
    for part, stem in (("unet", "diffusion_pytorch_model"), ("vae", "diffusion_pytorch_model"), ("text_encoder", "model")):
        file = folder / part / f"{stem}.safetensors"
        halved = {name: value.half() if value.is_floating_point() else value for name, value in load_file(file).items()}
        save_file(halved, folder / part / f"{stem}.fp16.safetensors", {"format": "pt"})
        file.unlink()
    weight: nn.Parameter = load_checkpoint(folder, None, tiny.PLACING).unet.get_parameter("conv_in.weight")
    assert torch.equal(weight, tiny.model("sd1").unet.get_parameter("conv_in.weight").half().float())


def test_the_scheduler_says_what_is_predicted(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "model", "sd1", {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True})
    assert variant_of(folder, None) == Variant("sd1", "plain", "v", zero_snr=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"unet": {"in_channels": 5}}, "5 input channels"),
        ({"scheduler": {"prediction_type": "sample"}}, "predicts 'sample'"),
        ({"": {"transformer": ["diffusers", "FluxTransformer2DModel"]}}, "transformer"),
        ({"": {"text_encoder": [None, None]}}, "SomePipeline"),
    ],
)
def test_another_kind_of_folder_is_refused(tmp_path: Path, change: dict[str, dict[str, Any]], words: str) -> None:
    folder = write_folder(tmp_path / "model", "sd1")
    files = {"unet": "unet/config.json", "scheduler": "scheduler/scheduler_config.json", "": "model_index.json"}
    for part, values in change.items():
        path = folder / files[part]
        path.write_text(json.dumps(json.loads(path.read_text("utf8")) | values), encoding="utf8")
    with pytest.raises(NotSupported, match=words):
        check_checkpoint(folder)


@pytest.mark.parametrize("gone", ["unet/diffusion_pytorch_model.safetensors", "vae/config.json", "text_encoder/model.safetensors"])
def test_a_folder_that_lacks_a_file_is_refused(tmp_path: Path, gone: str) -> None:
    folder = write_folder(tmp_path / "model", "sd1")
    (folder / gone).unlink()
    with pytest.raises(BadModel):
        load_checkpoint(folder, None, tiny.PLACING)


def test_an_index_cannot_name_files_elsewhere(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "model", "sd1")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").rename(tmp_path / "elsewhere.safetensors")
    index = {"weight_map": {"conv_in.weight": "../../elsewhere.safetensors"}}
    (folder / "unet" / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index), encoding="utf8")
    with pytest.raises(BadModel, match="elsewhere"):
        identify_folder(folder)
