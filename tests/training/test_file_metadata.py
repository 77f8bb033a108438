"""What a trained file says of itself, and what of it is left out of a private one."""

import json
from pathlib import Path
from typing import Any

import pytest

from modules.contract.training import TrainingRequest
from modules.training.files.file_metadata import SETTINGS, Made, metadata_of
from modules.weights.card_facts import lora_facts
from modules.weights.writing import write_tensors
from tests.training import made

HERE = Made(
    base=Path("/models/base.safetensors"), base_sha256="ab" * 32, base_legacy="12345678", family="sd1", prediction="eps", step=700, epoch=9,
    pictures=12, class_pictures=30, resolution=(512, 512), started=1000.5, finished=2000.5, precision="bf16", clip_skip=2,
    buckets={(512, 512): 8, (448, 576): 4}, tags={"10_drawings": {"red": 7, "tree": 9}}, folder_counts={"10_drawings": (10, 12)},
)  # fmt: skip


def asked(**values: Any) -> TrainingRequest:
    """A request with things that are nobody else's business in it."""
    usual = {
        "trigger": "zorg",
        "data": {"folders": [{"folder": "/maria/10_drawings"}]},
        "prior": {"on": True, "prompt": "a photo of a dog", "folder": "/maria/dogs", "weight": 0.5},
        "optimizer": {"rate": 1e-4, "schedule": "cosine with restarts"},
        "parts": {"text_encoder": True, "text_rate": 5e-5},
        "noise": {"offset": 0.05, "min_snr": 5},
        "steps": {"batch": 2, "accumulation": 3, "seed": 4, "steps": 800},
        "saving": {"comment": "of summer"},
        "devices": {"address": "10.0.0.1:29500"},
    }
    return made.request(**{**usual, **values})


def test_all_that_readers_look_for_is_there_as_texts() -> None:
    texts = metadata_of(asked(), HERE)
    assert all(isinstance(text, str) and text != "" for text in texts.values())
    wanted = {
        "ss_output_name": "zorg-x", "ss_base_model_version": "sd_v1", "ss_v2": "False", "ss_sd_model_name": "base.safetensors",
        "ss_new_sd_model_hash": "ab" * 32, "ss_network_module": "networks.lora", "ss_network_dim": "4", "ss_network_alpha": "2",
        "ss_learning_rate": "0.0001", "ss_text_encoder_lr": "5e-05", "ss_optimizer": "AdamW", "ss_lr_scheduler": "cosine_with_restarts",
        "ss_steps": "700", "ss_epoch": "9", "ss_num_train_images": "12", "ss_num_reg_images": "30", "ss_resolution": "(512, 512)",
        "ss_total_batch_size": "6", "ss_clip_skip": "2", "ss_seed": "4", "ss_mixed_precision": "bf16", "ss_noise_offset": "0.05",
        "ss_min_snr_gamma": "5.0", "ss_training_started_at": "1000.5", "ss_training_finished_at": "2000.5",
        "ss_training_comment": "of summer", "modelspec.sai_model_spec": "1.0.1", "modelspec.architecture": "stable-diffusion-v1/lora",
        "modelspec.title": "zorg-x", "modelspec.resolution": "512x512", "modelspec.prediction_type": "epsilon",
        "modelspec.trigger_phrase": "zorg", "modelspec.tags": "tree, red", "modelspec.date": "1970-01-01T00:33:20+00:00",
    }  # fmt: skip
    assert {key: texts.get(key) for key in wanted} == wanted
    assert json.loads(texts["ss_bucket_info"])["buckets"]["1"] == {"resolution": [512, 512], "count": 8}
    assert json.loads(texts["ss_tag_frequency"]) == {"10_drawings": {"red": 7, "tree": 9}}
    assert json.loads(texts["ss_dataset_dirs"]) == {"10_drawings": {"n_repeats": 10, "img_count": 12}}


@pytest.mark.parametrize(
    ("family", "prediction", "makes", "version", "architecture"),
    [
        ("sd2", "v", "Fine-tuning", "sd_v2_v", "stable-diffusion-v2-768-v"),
        ("sd2", "eps", "LoRA", "sd_v2", "stable-diffusion-v2-512/lora"),
        ("sdxl", "eps", "LoRA", "sdxl_base_v1-0", "stable-diffusion-xl-v1-base/lora"),
        ("sdxl", "v", "Textual Inversion", "sdxl_base_v1-0", "stable-diffusion-xl-v1-base/textual-inversion"),
    ],
)
def test_the_kind_of_model_is_said_in_every_programs_words(
    family: str, prediction: str, makes: str, version: str, architecture: str
) -> None:
    here = Made(**{**vars(HERE), "family": family, "prediction": prediction})
    texts = metadata_of(asked(method=makes), here)
    assert (texts["ss_base_model_version"], texts["modelspec.architecture"]) == (version, architecture)
    assert texts["modelspec.prediction_type"] == ("v" if prediction == "v" else "epsilon")
    assert ("ss_network_dim" in texts) == (makes == "LoRA")


@pytest.mark.parametrize(
    ("kind", "module", "arguments"),
    [
        ("LoCon", "networks.lora", {"conv_dim": "3", "conv_alpha": "1.5"}),
        ("LoHa", "lycoris.kohya", {"conv_dim": "3", "conv_alpha": "1.5", "algo": "loha"}),
        ("LoKr", "lycoris.kohya", {"conv_dim": "3", "conv_alpha": "1.5", "algo": "lokr", "factor": "-1"}),
        ("DoRA", "lycoris.kohya", {"algo": "lora", "dora_wd": "True"}),
    ],
)
def test_networks_are_named_as_kohyas_and_lycoris_do(kind: str, module: str, arguments: dict[str, str]) -> None:
    texts = metadata_of(asked(network={"rank": 4, "alpha": 2.0, "conv_rank": 3, "type": kind}), HERE)
    assert texts["ss_network_module"] == module
    assert json.loads(texts["ss_network_args"]) == arguments


def test_where_things_lay_is_left_out() -> None:
    text = json.dumps(metadata_of(asked(), HERE))
    assert "maria" not in text and "10.0.0.1" not in text and "10_drawings" in text


def test_a_private_file_says_only_what_programs_need() -> None:
    texts = metadata_of(asked(saving={"private": True, "comment": "of summer"}), HERE)
    assert texts.keys() == {
        "ss_base_model_version", "ss_v2", "ss_network_module", "ss_network_dim", "ss_network_alpha", "ss_network_args",
        "modelspec.sai_model_spec", "modelspec.architecture", "modelspec.implementation", "modelspec.title", "modelspec.resolution",
        "modelspec.prediction_type",
    }  # fmt: skip


def test_our_own_cards_read_it(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    tensors = {"lora_unet_x.lora_down.weight": made.torch.zeros(1, 1)}
    write_tensors(path, tensors, metadata_of(asked(), HERE))
    facts = lora_facts(path)
    assert (facts.family, facts.alias, facts.tags) == ("sd1", "zorg-x", "tree, red")
    assert SETTINGS in metadata_of(asked(), HERE)
