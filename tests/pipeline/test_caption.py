"""Pictures described by a BLIP of the real architecture, narrow and with random weights."""

from pathlib import Path

import pytest
import torch
from transformers import BlipConfig, BlipForConditionalGeneration

from modules.contract.errors import NotSupported
from modules.contract.progress import Cancel
from modules.pipeline.caption import Captions, seen_by
from modules.weights.header import BadModel
from tests.pipeline.pictures import Counting, noise

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "picture", "of", "cat", "dog", "house", "red", "blue", "on", "grass", "the"]


def on_cpu() -> torch.device:
    return torch.device("cpu")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    narrow = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {**narrow, "vocab_size": len(WORDS), "encoder_hidden_size": 32, "bos_token_id": 2, "sep_token_id": 3, "eos_token_id": 3}
    config = BlipConfig(text_config={**text, "pad_token_id": 0}, vision_config={**narrow, "image_size": 32, "patch_size": 16})
    torch.manual_seed(0)
    place = folder / "BLIP" / "base"
    BlipForConditionalGeneration(config).save_pretrained(place, safe_serialization=True)
    (place / "vocab.txt").write_text("\n".join(WORDS))
    return folder


def test_a_picture_is_described_in_words_and_alike_each_time(models: Path) -> None:
    captions = Captions(models, on_cpu)
    said = captions.caption(noise())
    assert set(said.split()) <= set(WORDS)
    assert said
    assert captions.caption(noise()) == said


def test_pictures_are_seen_as_clip_sees_them() -> None:
    seen = seen_by(noise(20, 30), 32)
    assert seen.shape == (1, 3, 32, 32)
    assert -2 < float(seen.min()) < float(seen.max()) < 2.5


def test_a_person_can_take_it_back(models: Path) -> None:
    with pytest.raises(Cancel):
        Captions(models, on_cpu).caption(noise(), report=Counting(stop=Cancel))


def test_a_missing_model_is_named_with_its_folder(tmp_path: Path) -> None:
    with pytest.raises(NotSupported, match="BLIP") as refused:
        Captions(tmp_path, on_cpu).check("BLIP")
    assert "blip-image-captioning-base" in refused.value.hint


def test_deepdanbooru_is_not_supported_and_says_so(models: Path) -> None:
    with pytest.raises(NotSupported, match="DeepDanbooru"):
        Captions(models, on_cpu).caption(noise(), "Deepbooru")


def test_a_damaged_model_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "BLIP"
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "vocab.txt"):
        (folder / name).write_text("{}")
    with pytest.raises(BadModel, match=r"model\.safetensors"):
        Captions(tmp_path, on_cpu).caption(noise())
