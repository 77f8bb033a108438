"""Settings out of trained files: ours, kohya's, and files that say nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from modules.contract.errors import BadRequest
from modules.training.files.file_metadata import metadata_of
from modules.training.files.from_file import NetworkFacts, network_facts, request_from_file
from modules.training.methods.lora_method import LoraTraining
from modules.weights.writing import write_tensors
from tests.training import made
from tests.training.test_file_metadata import HERE, asked

TENSORS = {"lora_unet_x.lora_down.weight": torch.zeros(4, 8), "lora_unet_x.lora_up.weight": torch.zeros(8, 4)}
# As sd-scripts writes them, shortened.
KOHYAS = {
    "ss_output_name": "my/lora", "ss_network_module": "networks.lora", "ss_network_dim": "32", "ss_network_alpha": "16.0",
    "ss_network_args": json.dumps({"conv_dim": "8", "conv_alpha": "4"}), "ss_unet_lr": "0.0002", "ss_text_encoder_lr": "5e-05",
    "ss_learning_rate": "0.0001", "ss_optimizer": "bitsandbytes.optim.adamw.AdamW8bit(weight_decay=0.1)",
    "ss_lr_scheduler": "cosine_with_restarts", "ss_lr_warmup_steps": "100", "ss_max_train_steps": "1600", "ss_steps": "1600",
    "ss_batch_size_per_device": "2", "ss_gradient_accumulation_steps": "1", "ss_seed": "42", "ss_mixed_precision": "fp16",
    "ss_resolution": "(512, 512)", "ss_clip_skip": "2", "ss_noise_offset": "0.0357", "ss_min_snr_gamma": "5.0",
    "ss_adaptive_noise_scale": "None", "ss_sd_model_name": "v1-5.safetensors", "ss_num_reg_images": "0", "ss_num_epochs": "10",
    "ss_gradient_checkpointing": "True", "ss_max_grad_norm": "1.0", "ss_loss_type": "l2", "ss_multires_noise_iterations": "None",
    "ss_datasets": json.dumps([{"enable_bucket": True, "bucket_no_upscale": True, "shuffle_caption": True, "keep_tokens": 2,
                                "caption_dropout_rate": 0.05, "flip_aug": True, "tag_frequency": {}}]),
}  # fmt: skip


def written(folder: Path, metadata: dict[str, str]) -> Path:
    """A small LoRA that says something."""
    path = folder / "said.safetensors"
    write_tensors(path, TENSORS, metadata)
    return path


def test_our_own_settings_come_back_as_they_were(tmp_path: Path) -> None:
    request = asked()
    loaded = request_from_file(written(tmp_path, metadata_of(request, HERE)))
    folders = tuple(folder.model_copy(update={"folder": Path(folder.folder).name}) for folder in request.data.folders)
    expected = request.model_copy(
        update={
            "data": request.data.model_copy(update={"folders": folders}),
            "prior": request.prior.model_copy(update={"folder": ""}),
            "devices": request.devices.model_copy(update={"address": ""}),
        }
    )
    assert loaded.request == expected
    assert "'10_drawings'" in loaded.notes[0] and "'dogs'" in loaded.notes[1]


def test_kohyas_settings_are_taken_over_as_far_as_they_go(tmp_path: Path) -> None:
    loaded = request_from_file(written(tmp_path, KOHYAS))
    request = loaded.request
    network, data, optimizer, steps = request.network, request.data, request.optimizer, request.steps
    assert (request.name, request.method) == ("my_lora", "LoRA")
    assert (network.type, network.rank, network.alpha, network.conv_rank) == ("LoCon", 32, 16.0, 8)
    assert (optimizer.name, optimizer.rate, optimizer.schedule, optimizer.warm_up) == ("AdamW 8-bit", 0.0002, "cosine with restarts", 100)
    assert (steps.steps, steps.batch, steps.seed, steps.precision, steps.checkpointing) == (1600, 2, 42, "fp16", True)
    assert (data.resolution, data.clip_skip, data.keep_tags, data.drop_captions) == (512, 2, 2, 0.05)
    assert data.shuffle_tags and data.flip and data.buckets and not data.enlarge
    assert (request.noise.offset, request.noise.min_snr, request.noise.loss) == (0.0357, 5.0, "squared")
    assert request.parts.text_encoder and request.parts.text_rate == 5e-05
    assert any("v1-5.safetensors" in note for note in loaded.notes)
    assert not any("noise offset" in note or "class pictures" in note for note in loaded.notes)


@pytest.mark.parametrize(
    ("changes", "kind", "note"),
    [
        ({"ss_network_module": "lycoris.kohya", "ss_network_args": '{"algo": "loha", "conv_dim": "4"}'}, "LoHa", ""),
        ({"ss_network_module": "lycoris.kohya", "ss_network_args": '{"algo": "lokr", "factor": 8}'}, "LoKr", ""),
        ({"ss_network_module": "lycoris.kohya", "ss_network_args": '{"algo": "lora", "dora_wd": "True"}'}, "DoRA", ""),
        ({"ss_network_module": "lycoris.kohya", "ss_network_args": '{"algo": "boft"}'}, "LoRA", "boft"),
        ({"ss_network_module": "networks.oft"}, "LoRA", "networks.oft"),
        ({"ss_optimizer": "transformers.optimization.Adafactor(scale_parameter=False)"}, "LoCon", ""),
        ({"ss_optimizer": "dadaptation.DAdaptAdam"}, "LoCon", "DAdaptAdam"),
        ({"ss_lr_scheduler": "piecewise_constant"}, "LoCon", "piecewise_constant"),
        ({"ss_network_args": "damaged {", "ss_resolution": "none", "ss_seed": "many", "ss_network_dim": "9999"}, "LoRA", ""),
    ],
)
def test_what_is_not_here_is_named(tmp_path: Path, changes: dict[str, str], kind: str, note: str) -> None:
    loaded = request_from_file(written(tmp_path, {**KOHYAS, **changes}))
    assert loaded.request.network.type == kind
    assert not note or any(note in one for one in loaded.notes)


def test_files_that_say_nothing_are_refused(tmp_path: Path) -> None:
    for metadata in ({}, metadata_of(asked(saving={"private": True}), HERE)):
        silent = {key: text for key, text in metadata.items() if not key.startswith("ss_network")}
        with pytest.raises(BadRequest, match="says nothing of how it was trained"):
            request_from_file(written(tmp_path, silent))
    with pytest.raises(BadRequest, match=r"only \.safetensors"):
        request_from_file(tmp_path / "old.pt")


@pytest.mark.parametrize("kind", ["LoRA", "LoCon", "LoHa", "LoKr", "DoRA"])
def test_a_network_is_known_by_its_header(tmp_path: Path, kind: str) -> None:
    network: dict[str, Any] = {"rank": 4, "alpha": 2.0, "conv_rank": 3, "type": kind}
    request = made.request(network=network, parts={"text_encoder": kind == "LoRA"})
    _, prepared = made.ready(tmp_path, "sd1", request)
    assert isinstance(prepared, LoraTraining)
    path = tmp_path / "network.safetensors"
    prepared.export(path, prepared.tensors(), metadata_of(request, HERE))
    found = network_facts(path)
    assert isinstance(found, NetworkFacts)
    assert (found.type, found.rank, found.alpha, found.unet, found.text_encoder) == (kind, 4, 2.0, True, kind == "LoRA")
    assert found.conv_rank == (3 if kind in ("LoCon", "LoHa", "LoKr") else None)
    assert found.modules == len(prepared.layers)


def test_a_file_without_a_network_is_none(tmp_path: Path) -> None:
    write_tensors(tmp_path / "other.safetensors", {"emb_params": torch.zeros(1, 8)})
    assert network_facts(tmp_path / "other.safetensors") is None
