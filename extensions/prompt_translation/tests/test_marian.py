"""A translation model of a person's own: a tiny Marian network with random weights, as a folder of real files."""

import json
import struct
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from transformers import MarianConfig, MarianMTModel

from extensions.prompt_translation import marian
from extensions.prompt_translation.providers import Provider, provided
from modules.contract.errors import NotFound, NotSupported, WebuiError
from modules.weights.header import BadModel

PIECES = ["<unk>", "<s>", "</s>", "\u2581", "红", "色", "红色", "星", "\u2581红色", "\u2581a", "\u2581red", "\u2581star", "<pad>"]


def field(number: int, data: bytes) -> bytes:
    """A field of a protobuf message."""
    assert len(data) < 128
    return bytes([number << 3 | 2, len(data)]) + data


def spm(pieces: list[str]) -> bytes:
    """A SentencePiece model: longer pieces are likelier."""
    kinds = {"<unk>": 2, "<s>": 3, "</s>": 3}
    return b"".join(
        field(
            1, field(1, piece.encode()) + bytes([2 << 3 | 5]) + struct.pack("<f", len(piece) - 20.0) + bytes([3 << 3, kinds.get(piece, 1)])
        )
        for piece in pieces
    )


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with one translation model."""
    root = tmp_path_factory.mktemp("models")
    folder = root / "translation" / "tiny-zh-en"
    torch.manual_seed(3)
    config = MarianConfig(
        vocab_size=len(PIECES),
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        max_position_embeddings=64,
        pad_token_id=12,
        eos_token_id=2,
        decoder_start_token_id=12,
        forced_eos_token_id=None,
    )
    MarianMTModel(config).save_pretrained(folder)
    (folder / "source.spm").write_bytes(spm(PIECES[:-1]))
    (folder / "vocab.json").write_text(json.dumps({piece: index for index, piece in enumerate(PIECES)}), "utf8")
    return root


def test_the_pieces_of_a_text_are_those_of_its_model(models: Path) -> None:
    tokenizer = marian.unigram(models / "translation" / "tiny-zh-en" / "source.spm")
    assert tokenizer.encode("红色星", add_special_tokens=False).tokens == ["\u2581红色", "星"]
    assert tokenizer.encode("red star", add_special_tokens=False).tokens == ["\u2581red", "\u2581star"]


def test_a_text_goes_through_the_network_always_alike(models: Path) -> None:
    translator = marian.translator(models, "tiny-zh-en")
    [found] = translator(["红色星"])
    assert found and [found] == translator(["红色星"])
    assert translator.decoded([12, 9, 10, 11, 2]) == "a red star"


def test_brackets_tags_and_english_stay_around_what_the_model_says(models: Path) -> None:
    provider = Provider(model=marian.translator(models, "tiny-zh-en"))
    [said] = provider.model(["红色星"]) if provider.model else [""]
    found = provider.translate("(红色星:1.3), <lora:红:1>, best quality, {红色星|cat}")
    said = said.rstrip(".")
    assert found.text == f"({said}:1.3), <lora:红:1>, best quality, {{{said}|cat}}" and found.words == (("红色星", said),) * 2


def test_the_settings_choose_the_model(models: Path) -> None:
    host = SimpleNamespace(program=SimpleNamespace(folders=SimpleNamespace(models=models), choices=lambda kind: ()))
    settings = SimpleNamespace(provider="model folder", model="tiny-zh-en", cedict=False)
    assert provided(settings, host, "").model is not None  # pyright: ignore[reportArgumentType]
    assert marian.folders(models) == ["tiny-zh-en"]


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ("weights", BadModel, "no .safetensors"),
        ("spm", BadModel, "no source.spm"),
        ("broken", BadModel, "no SentencePiece"),
        ("kind", NotSupported, "only Marian"),
        ("name", NotFound, "Did you mean tiny"),
        ("json", BadModel, "not JSON"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(models: Path, tmp_path: Path, change: str, error: type[WebuiError], said: str) -> None:
    source, folder = models / "translation" / "tiny-zh-en", tmp_path / "translation" / "tiny"
    folder.mkdir(parents=True)
    for path in source.iterdir():
        if not (change == "weights" and path.suffix == ".safetensors") and not (change == "spm" and path.suffix == ".spm"):
            (folder / path.name).write_bytes(path.read_bytes())
    if change == "broken":
        (folder / "source.spm").write_bytes(b"\x0a\x7fshort")
    if change == "json":
        (folder / "vocab.json").write_text("{", "utf8")
    if change == "kind":
        (folder / "config.json").write_text('{"model_type": "t5"}', "utf8")
    with pytest.raises(error, match=said):
        marian.translator(tmp_path, "tinny" if change == "name" else "tiny")


def test_no_folder_at_all_says_where_it_belongs(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no translation model"):
        marian.translator(tmp_path, "x")
