"""Whole models as single files: the base's own names, types of what was not trained, and what diffusers makes of them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline
from diffusers.loaders.single_file_utils import convert_open_clip_checkpoint
from torch import Tensor

from modules.contract.errors import BadRequest, NotSupported
from modules.families.base import Components
from modules.families.load import load_checkpoint, variant_of
from modules.training.files.verify import NotTheSame, same
from modules.training.methods.checkpoint_method import CheckpointTraining
from modules.weights.files import read_tensors
from modules.weights.writing import write_tensors
from tests import tiny
from tests.families.test_diffusers_folder import write_folder
from tests.training import made
from tests.training.made import tokenizer_in

torch.set_num_threads(1)
WHOLE = {"method": "Fine-tuning", "parts": {"text_encoder": True}}


def ready(folder: Path, family: str, **values: Any) -> tuple[Components, CheckpointTraining]:
    """A model that is trained whole."""
    components, prepared = made.ready(folder, family, made.request(**{**WHOLE, **values}))
    assert isinstance(prepared, CheckpointTraining)
    return components, prepared


@pytest.mark.parametrize("family", made.FAMILIES)
def test_the_file_is_the_trained_model_under_the_bases_names(tmp_path: Path, family: str) -> None:
    base = made.base_file(tmp_path, family)
    further = {"model_ema.decay": torch.ones(()), "betas": torch.rand(5, dtype=torch.float64), "odd.half": torch.rand(2).half()}
    write_tensors(base, {**tiny.TENSORS[family](), **further})
    components, prepared = ready(tmp_path, family)
    made.answer(components).square().mean().backward()
    made.change(prepared, 0.01)
    path = tmp_path / "trained.safetensors"
    prepared.export(path, prepared.tensors(), {"ss_output_name": "x"})
    before, after = read_tensors(base), read_tensors(path)
    assert after.keys() == before.keys() - {"model_ema.decay"}
    untouched = {name for name in after if same(after[name], before[name])}
    assert {name for name in after if name.startswith("first_stage_model.")} | {"betas", "odd.half"} <= untouched
    trained = {name for name in after if name.startswith(("model.diffusion_model.", "cond_stage_model.", "conditioner."))}
    assert trained - untouched == {
        name for name in trained if not name.endswith(("logit_scale", "text_projection")) or name not in untouched
    }
    assert len(trained & untouched) <= 2
    with torch.no_grad():
        again = load_checkpoint(path, None, tiny.PLACING)
        assert again.variant == components.variant
        assert torch.equal(made.answer(again), made.answer(components))


def test_old_names_stay_and_so_do_text_encoders_that_were_not_trained(tmp_path: Path) -> None:
    """SD 1 files from before 2023 lack a level in their text encoder's names."""
    old = {name.replace(".transformer.text_model.", ".transformer."): value.half() for name, value in tiny.tensors().items()}
    write_tensors(tmp_path / "old.safetensors", old)
    components, prepared = ready(tmp_path, "old", parts={"text_encoder": False})
    assert not prepared.text and components.dtype == torch.float32 and components.unet.dtype == torch.float32
    made.change(prepared, 0.01)
    path = tmp_path / "new.safetensors"
    prepared.export(path, prepared.tensors(), {})
    after = read_tensors(path)
    assert after.keys() == old.keys()
    assert {value.dtype for name, value in after.items() if "diffusion_model" in name} == {torch.float32}
    assert all(same(after[name], old[name]) for name in old if "diffusion_model" not in name)


@pytest.mark.parametrize("family", made.FAMILIES)
def test_a_folder_of_diffusers_becomes_one_file(tmp_path: Path, family: str) -> None:
    folder = write_folder(tmp_path / "base", family)
    components = load_checkpoint(folder, None, tiny.PLACING)
    prepared = made.prepare(made.request(**WHOLE), components, made.Files(folder))
    made.change(prepared, 0.01)
    path = tmp_path / "trained.safetensors"
    prepared.export(path, prepared.tensors(), {})
    assert variant_of(path, None).family == family
    with torch.no_grad():
        again = load_checkpoint(path, None, tiny.PLACING)
        torch.testing.assert_close(made.answer(again), made.answer(components), atol=1e-6, rtol=0)


def test_a_model_that_was_brought_to_v_says_so(tmp_path: Path) -> None:
    _, prepared = ready(tmp_path, "sdxl", noise={"prediction": "v", "zero_snr": True}, saving={"numbers": "bf16"})
    path = tmp_path / "trained.safetensors"
    prepared.export(path, prepared.tensors(), {})
    assert {"v_pred", "ztsnr"} <= read_tensors(path).keys()
    variant = variant_of(path, None)
    assert (variant.prediction, variant.zero_snr) == ("v", True)


@pytest.mark.parametrize("family", made.FAMILIES)
def test_diffusers_reads_the_same_tensors(tmp_path: Path, family: str) -> None:
    components, prepared = ready(tmp_path, family)
    made.change(prepared, 0.01)
    path = tmp_path / "trained.safetensors"
    prepared.export(path, prepared.tensors(), {})
    pipe = single_file(path, configuration(tmp_path / "configuration", family), family)
    compare(components.unet.state_dict(), pipe.unet.state_dict())
    compare(components.vae.state_dict(), pipe.vae.state_dict())
    compare(components.encoders[0].model.state_dict(), pipe.text_encoder.state_dict())
    if family == "sdxl":  # told from the first by its width, which is the same here: so without that question
        second = components.encoders[1].model
        theirs = convert_open_clip_checkpoint(second, read_tensors(path), prefix="conditioner.embedders.1.model.")
        compare(second.state_dict(), theirs)


def configuration(folder: Path, family: str) -> Path:
    """What diffusers wants to know of a tiny family's networks, as a folder of its own."""
    write_folder(folder, family)
    two = family == "sdxl"
    unet = json.loads((folder / "unet" / "config.json").read_text("utf8"))
    (folder / "unet" / "config.json").write_text(json.dumps({**unet, "layers_per_block": 1}), encoding="utf8")
    index = json.loads((folder / "model_index.json").read_text("utf8"))
    index |= {"_class_name": "StableDiffusionXLPipeline" if two else "StableDiffusionPipeline", "vae": ["diffusers", "AutoencoderKL"]}
    index |= {"scheduler": ["diffusers", "DDIMScheduler"], "feature_extractor": [None, None]}
    if not two:
        del index["text_encoder_2"]
        index["safety_checker"] = [None, None]
    for name in ("tokenizer", "tokenizer_2")[: 1 + two]:
        tokenizer_in(folder / name).save_pretrained(folder / name)
        index[name] = ["transformers", "CLIPTokenizer"]
    DDIMScheduler(clip_sample=False, steps_offset=1).save_pretrained(folder / "scheduler")
    (folder / "model_index.json").write_text(json.dumps(index), encoding="utf8")
    return folder


def single_file(path: Path, folder: Path, family: str) -> Any:
    """diffusers' pipeline of a file."""
    none: Any = {"image_encoder": None, "feature_extractor": None} | ({} if family == "sdxl" else {"safety_checker": None})
    kind: Any = StableDiffusionXLPipeline if family == "sdxl" else StableDiffusionPipeline
    return kind.from_single_file(str(path), config=str(folder), local_files_only=True, **none)


def compare(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> None:
    """All of ours are among theirs, alike, whatever stands before their names."""
    plain = {name.removeprefix("text_model."): value for name, value in theirs.items()}
    for name, value in ours.items():
        assert torch.equal(value, plain[name.removeprefix("text_model.")].reshape(value.shape)), name


def test_numbers_for_which_the_base_has_no_place_are_refused(tmp_path: Path) -> None:
    _, prepared = ready(tmp_path, "sd1")
    prepared.parameters["unet.conv_beyond.weight"] = torch.nn.Parameter(torch.zeros(1))
    with pytest.raises(BadRequest, match="no place for 1 of the trained tensors"):
        prepared.export(tmp_path / "trained.safetensors", prepared.tensors(), {})
    with pytest.raises(NotSupported), prepared.without():
        pass


def test_a_file_that_was_changed_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, prepared = ready(tmp_path, "sd1", parts={"text_encoder": False})
    from modules.training.files import checkpoint_file

    plain = checkpoint_file.write_safetensors

    def careless(path: Path, infos: Any, tensor_of: Any, metadata: Any) -> None:
        plain(path, infos, lambda name: tensor_of(name) + 1 if name.endswith("out.2.bias") else tensor_of(name), metadata)

    monkeypatch.setattr(checkpoint_file, "write_safetensors", careless)
    with pytest.raises(NotTheSame, match=r"out\.2\.bias"):
        prepared.export(tmp_path / "trained.safetensors", prepared.tensors(), {})
