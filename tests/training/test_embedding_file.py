"""Textual Inversion: vectors in the words' places, trained there, and files that A1111's readers and diffusers take."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from modules.contract.errors import BadRequest
from modules.families import clip_tokens
from modules.families.base import Components
from modules.families.clip_text import TextOptions
from modules.families.load import load_checkpoint
from modules.training.files.verify import NotTheSame, same
from modules.training.methods.embedding_method import EmbeddingTraining
from modules.weights.embeddings import Embedding, read_embedding
from modules.weights.files import read_object, read_tensors
from tests import tiny
from tests.training import made
from tests.training.made import tokenizer_in

torch.set_num_threads(1)


def ready(folder: Path, family: str, **values: Any) -> tuple[Components, EmbeddingTraining]:
    """A model and a word that is trained on it."""
    components, prepared = made.ready(folder, family, made.request(**{"method": "Textual Inversion", **values}))
    assert isinstance(prepared, EmbeddingTraining)
    return components, prepared


def seen(components: Components, prompt: str) -> dict[str, Tensor]:
    """What a prompt's tokens are when the text encoders begin, (77, width) by their keys."""
    found: dict[str, Tensor] = {}
    tokens = components.tokens(prompt, TextOptions())
    for encoder in components.encoders:

        def note(module: nn.Module, inputs: object, output: Tensor, key: str = encoder.key) -> None:
            found[key] = output[0].detach()

        with encoder.placed(tokens.chunks):
            handle = encoder.inner.embeddings.token_embedding.register_forward_hook(note)
            encoder.model(input_ids=torch.tensor([tokens.chunks[0].tokens]))
            handle.remove()
    return found


@pytest.mark.parametrize("family", made.FAMILIES)
def test_the_vectors_stand_where_the_word_stands_and_learn(tmp_path: Path, family: str) -> None:
    components, prepared = ready(tmp_path, family)
    made.change(prepared)
    place = 1 + len(clip_tokens.encode("a tree and"))
    after = clip_tokens.encode("there")[0]
    for encoder in components.encoders:
        states = seen(components, "a tree and zorg-x there")[encoder.key]
        vectors = prepared.vectors[encoder.key]
        assert vectors.shape == (3, encoder.width)
        assert torch.equal(states[place : place + 3], vectors)
        assert torch.equal(states[place + 3], encoder.inner.embeddings.token_embedding.weight[after])
    made.answer(components).square().mean().backward()
    assert all(value.grad is not None and value.grad.abs().max() > 0 for value in prepared.tensors().values())
    assert not any(one.grad is not None for encoder in components.encoders for one in encoder.model.parameters())


def test_the_words_it_begins_with_are_shared_out_among_the_vectors(tmp_path: Path) -> None:
    components, prepared = ready(tmp_path, "sd1", embedding={"vectors": 4, "begin_with": "red tree"})
    weight = components.encoders[0].inner.embeddings.token_embedding.weight
    red, tree = (clip_tokens.encode(word)[0] for word in ("red", "tree"))
    assert torch.equal(prepared.vectors["clip_l"], weight[[red, red, tree, tree]])
    _, usual = ready(tmp_path, "sd1", goal="style", embedding={"vectors": 1})
    assert torch.equal(usual.vectors["clip_l"], weight[clip_tokens.encode("style")])


def test_it_may_begin_as_another_embedding(tmp_path: Path) -> None:
    components = load_checkpoint(made.base_file(tmp_path, "sdxl"), None, tiny.PLACING)
    older = Embedding("Older", {"clip_l": torch.rand(2, 64), "clip_g": torch.rand(2, 64)})
    components.embeddings = [older]
    asked = made.request(method="Textual Inversion", embedding={"vectors": 2, "begin_with": "older"})
    prepared = made.prepare(asked, components, made.Files(tmp_path / "sdxl.safetensors"))
    assert all(torch.equal(value, older.vectors[key]) and value is not older.vectors[key] for key, value in prepared.tensors().items())
    with pytest.raises(BadRequest, match="has 2 vectors, and 3 are asked for"):
        made.prepare(
            made.request(method="Textual Inversion", embedding={"vectors": 3, "begin_with": "older"}), components, made.Files(tmp_path)
        )


def test_no_vector_becomes_longer_than_those_of_the_vocabulary(tmp_path: Path) -> None:
    components, prepared = ready(tmp_path, "sd1")
    longest = components.encoders[0].inner.embeddings.token_embedding.weight.norm(dim=1).max()
    with torch.no_grad():
        prepared.vectors["clip_l"][0] *= 1000
    short = prepared.vectors["clip_l"][1].detach().clone()
    prepared.after_step()
    torch.testing.assert_close(prepared.vectors["clip_l"][0].norm(), longest)
    assert torch.equal(prepared.vectors["clip_l"][1], short)


def test_without_it_the_word_is_not_known(tmp_path: Path) -> None:
    components, prepared = ready(tmp_path, "sd1")
    made.change(prepared)
    plain = load_checkpoint(tmp_path / "sd1.safetensors", None, tiny.PLACING)
    with torch.no_grad(), prepared.without():
        assert torch.equal(made.answer(components), made.answer(plain))


@pytest.mark.parametrize("numbers", ["fp16", "fp32"])
@pytest.mark.parametrize("family", made.FAMILIES)
def test_the_files_give_the_vectors_back(tmp_path: Path, family: str, numbers: str) -> None:
    components, prepared = ready(tmp_path, family, saving={"numbers": numbers, "pt_too": True})
    made.change(prepared)
    path = tmp_path / "zorg-x.safetensors"
    prepared.export(path, prepared.tensors(), {"ss_steps": "70", "ss_sd_model_name": "base.safetensors", "ss_new_sd_model_hash": "ab" * 32})
    names = {"clip_l", "clip_g"} if family == "sdxl" else {"emb_params"}
    assert read_tensors(path).keys() == names
    other = load_checkpoint(tmp_path / f"{family}.safetensors", None, tiny.PLACING)
    for file in (path, path.with_suffix(".pt")):
        embedding = read_embedding(file)
        assert embedding is not None and embedding.count == 3
        other.embeddings = [embedding]
        exact = numbers == "fp32" or file.suffix == ".pt"
        with torch.no_grad():
            torch.testing.assert_close(made.answer(other), made.answer(components), atol=0 if exact else 1e-3, rtol=0)
    assert other.embeddings_skipped == []


def test_the_old_file_is_as_a1111_writes_it(tmp_path: Path) -> None:
    """Read by torch's own careful reader, of which nothing in it is unknown."""
    _, prepared = ready(tmp_path, "sd1", saving={"pt_too": True})
    path = tmp_path / "zorg-x.safetensors"
    prepared.export(path, prepared.tensors(), {"ss_steps": "70", "ss_sd_model_name": "base.safetensors", "ss_new_sd_model_hash": "ab" * 32})
    table = read_object(path.with_suffix(".pt"))
    assert table["string_to_token"] == {"*": 265}
    assert (table["name"], table["step"], table["sd_checkpoint"], table["sd_checkpoint_name"]) == (
        "zorg-x",
        70,
        "ababababab",
        "base.safetensors",
    )
    assert same(table["string_to_param"]["*"], prepared.vectors["clip_l"].detach())
    with zipfile.ZipFile(path.with_suffix(".pt")) as archive:
        assert set(archive.namelist()) == {"archive/data.pkl", "archive/data/0", "archive/version"}


def test_diffusers_reads_the_vectors(tmp_path: Path) -> None:
    for family in ("sd1", "sdxl"):
        _, prepared = ready(tmp_path, family)
        made.change(prepared)
        path = tmp_path / f"{family}-word.safetensors"
        prepared.export(path, prepared.tensors(), {})
        pipe = made.pipeline(load_checkpoint(tmp_path / f"{family}.safetensors", None, tiny.PLACING))
        for key, name in (("clip_l", ""), ("clip_g", "_2")) if family == "sdxl" else (("emb_params", ""),):
            tokenizer, encoder = tokenizer_in(tmp_path / f"tokenizer-{family}{name}"), getattr(pipe, f"text_encoder{name}")
            # As a file diffusers takes one of a single encoder; SDXL's two are handed over one by one.
            given: Any = str(path) if family == "sd1" else read_tensors(path)[key]
            pipe.load_textual_inversion(given, token="zorgx", tokenizer=tokenizer, text_encoder=encoder)
            numbers = tokenizer.convert_tokens_to_ids(["zorgx", "zorgx_1", "zorgx_2"])
            vectors = prepared.vectors["clip_l" if family == "sd1" else key]
            assert torch.equal(encoder.get_input_embeddings().weight[numbers], vectors)


def test_a_file_that_was_changed_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, prepared = ready(tmp_path, "sd1")
    from modules.training.files import embedding_file

    def careless(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
        made.write_tensors(path, {name: value * 1.001 for name, value in tensors.items()}, metadata)

    monkeypatch.setattr(embedding_file, "write_tensors", careless)
    with pytest.raises(NotTheSame):
        prepared.export(tmp_path / "zorg-x.safetensors", prepared.tensors(), {})


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"name": "cat"}, "'cat' is a word that the model knows"),
        ({"name": "   "}, "no prompt can say"),
        ({"embedding": {"vectors": 0}}, "must have between 1 and 75"),
    ],
)
def test_names_and_counts_that_cannot_be_are_refused(tmp_path: Path, values: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadRequest, match=problem):
        ready(tmp_path, "sd1", **values)
