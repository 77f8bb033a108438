"""Names, titles and hashes of the models on disk."""

import hashlib
import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest
import torch

from modules.contract.errors import BadRequest, NotFound, WebuiError
from modules.weights.catalogue import Catalogue
from modules.weights.files import write_tensors
from modules.weights.hashes import HashCache
from modules.weights.header import read_header
from modules.weights.kinds import HYPERNETWORK, LORA, VAE
from modules.weights.model_metadata import description, header_metadata, preview, user_metadata, write_user_metadata
from tests.golden import golden_json, golden_path, needs_golden


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    folder = tmp_path / "Stable-diffusion"
    (folder / "anime").mkdir(parents=True)
    for name in (
        "photo.safetensors",
        "anime/line.safetensors",
        "anime/linework.ckpt",
        "photo.vae.safetensors",
        ".hidden.safetensors",
        "note.txt",
    ):
        (folder / name).write_bytes(name.encode())
    return Catalogue([folder], [], HashCache(tmp_path / "hashes.json"), lambda path: None)


def test_a_folder_is_listed_with_its_subfolders(catalogue: Catalogue) -> None:
    assert [entry.title for entry in catalogue.entries()] == ["anime/line.safetensors", "anime/linework.ckpt", "photo.safetensors"]


def test_a_hash_joins_the_title_and_finds_the_model(catalogue: Catalogue) -> None:
    entry = catalogue.hashed(catalogue.find("photo"))
    assert entry.title == f"photo.safetensors [{entry.short_hash}]"
    for name in (entry.title, entry.short_hash, entry.sha256, "photo.safetensors", "photo.safetensors [ffffffffff]", "PHOTO"):
        assert catalogue.find(str(name)).path == entry.path


def test_a_name_that_several_contain_is_never_guessed(catalogue: Catalogue) -> None:
    assert catalogue.find("anime/line").name == "line"
    with pytest.raises(BadRequest, match=r"line\.safetensors or anime/linework\.ckpt"):
        catalogue.find("anime/l")
    with pytest.raises(NotFound, match="photo"):
        catalogue.find("foto")


def test_a_new_file_is_there_after_a_refresh_and_a_deleted_one_is_gone(catalogue: Catalogue) -> None:
    (catalogue.folders[0] / "new.safetensors").write_bytes(b"new")
    (catalogue.folders[0] / "photo.safetensors").unlink()
    catalogue.refresh()
    assert {entry.name for entry in catalogue.entries()} == {"line", "linework", "new"}


def test_a_hash_is_computed_once_and_again_when_the_file_changes(tmp_path: Path) -> None:
    path, cache = tmp_path / "model", HashCache(tmp_path / "hashes.json")
    path.write_bytes(b"one")
    first = cache.sha256(path)
    assert HashCache(tmp_path / "hashes.json").known(path) == first
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    assert cache.known(path) is None
    assert cache.sha256(path) != first


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"a": 3}', b"\xff\xfe"])
def test_a_damaged_cache_of_hashes_is_only_slow(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "hashes.json").write_bytes(content)
    path = tmp_path / "model"
    path.write_bytes(b"one")
    assert len(HashCache(tmp_path / "hashes.json").sha256(path)) == 64


def put(path: Path, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content or path.name.encode())
    return path


def listed(*folders: Path, **options: Any) -> Catalogue:
    return Catalogue(folders, [], HashCache(folders[0].parent / "hashes.json"), **options)


def test_names_are_found_in_any_case_but_as_written_first(tmp_path: Path) -> None:
    for name in ("Mix.safetensors", "mix.ckpt"):
        put(tmp_path / "models" / name)
    models = listed(tmp_path / "models")
    assert models.find("mix").path.suffix == ".ckpt"
    assert models.find("Mix").path.suffix == ".safetensors"
    with pytest.raises(BadRequest, match=r"'MIX' may be mix\.ckpt or Mix\.safetensors"):
        models.find("MIX")


def test_one_stem_in_two_folders_is_never_guessed(tmp_path: Path) -> None:
    for name in ("a/style.safetensors", "b/style.safetensors"):
        put(tmp_path / "models" / name, name.encode())
    models = listed(tmp_path / "models")
    with pytest.raises(BadRequest, match=r"a/style\.safetensors or b/style\.safetensors"):
        models.find("style")
    assert models.find("b/style").path == tmp_path / "models" / "b" / "style.safetensors"
    assert models.find("b_style").path == models.find("b/style").path  # as A1111's API says it


def test_two_copies_of_one_file_are_no_question(tmp_path: Path) -> None:
    for name in ("a/style.safetensors", "b/style.safetensors"):
        put(tmp_path / "models" / name, b"same")
    models = listed(tmp_path / "models")
    for entry in models.entries():
        models.hashed(entry)
    assert models.find("style").sha256 == hashlib.sha256(b"same").hexdigest()


def test_of_one_name_in_two_lists_of_folders_the_first_counts(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        put(tmp_path / folder / "model.safetensors", folder.encode())
    assert [entry.path.parent.name for entry in listed(tmp_path / "one", tmp_path / "two").entries()] == ["one"]


def test_a_renamed_model_is_found_by_the_hash_in_its_old_title(tmp_path: Path) -> None:
    put(tmp_path / "models" / "new.safetensors", b"content")
    models = listed(tmp_path / "models")
    short = models.hashed(models.find("new")).short_hash
    assert models.find(f"old.safetensors [{short}]").name == "new"


def test_the_8_digits_of_old_titles_find_a_model(tmp_path: Path) -> None:
    block = bytes(range(256)) * 256
    put(tmp_path / "models" / "new.safetensors", b"\0" * 0x100000 + block + b"rest")
    put(tmp_path / "models" / "small.safetensors")
    models = listed(tmp_path / "models")
    digits = hashlib.sha256(block).hexdigest()[:8]
    assert models.find(f"whatever.ckpt [{digits}]").name == "new"
    assert models.legacy_hash(models.find("small")) == "e3b0c442"  # of nothing


def test_hidden_folders_broken_links_and_loops_are_passed_over(tmp_path: Path) -> None:
    models = tmp_path / "models"
    put(models / "real.safetensors")
    put(models / ".cache" / "hidden.safetensors")
    put(tmp_path / "elsewhere" / "linked.safetensors")
    (models / "folder.safetensors").mkdir()
    try:
        (models / "broken.safetensors").symlink_to(tmp_path / "nothing")
        (models / "more").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
        (tmp_path / "elsewhere" / "back").symlink_to(models, target_is_directory=True)
    except OSError:
        pytest.skip("this system lets nobody make links")
    assert [entry.title for entry in listed(models).entries()] == ["more/linked.safetensors", "real.safetensors"]


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert listed(tmp_path / "nothing").entries() == []
    with pytest.raises(NotFound, match="There is no checkpoint at all yet"):
        listed(tmp_path / "nothing").find("x")


def test_a_file_that_vanishes_is_neither_listed_nor_found(tmp_path: Path) -> None:
    put(tmp_path / "models" / "a.safetensors")
    models = listed(tmp_path / "models")
    (tmp_path / "models" / "a.safetensors").unlink()
    assert models.entries() == []
    with pytest.raises(NotFound):
        models.find("a")


def test_a_file_that_cannot_be_used_says_why_once_until_it_changes(tmp_path: Path) -> None:
    asked: list[Path] = []

    def check(path: Path) -> None:
        asked.append(path)
        raise WebuiError("It is no model.")

    path = put(tmp_path / "models" / "a.safetensors")
    models = listed(tmp_path / "models", check=check)
    assert [entry.problem for entry in models.entries() + models.entries()] == ["It is no model."] * 2
    assert asked == [path]
    path.write_bytes(b"something longer")
    models.entries()
    assert len(asked) == 2


def test_a_diffusers_folder_is_one_checkpoint(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "sd-v1.5"
    put(folder / "model_index.json", b"{}")
    put(folder / "unet" / "diffusion_pytorch_model.safetensors", b"network")
    put(folder / "vae" / "diffusion_pytorch_model.safetensors")
    models = listed(tmp_path / "models")
    entry = models.hashed(models.find("sd-v1.5"))
    assert (entry.name, entry.path, entry.sha256) == ("sd-v1.5", folder, hashlib.sha256(b"network").hexdigest())
    assert [one.title for one in models.entries()] == [f"sd-v1.5 [{entry.short_hash}]"]


def test_vaes_are_those_of_their_folder_and_those_named_so_beside_checkpoints(tmp_path: Path) -> None:
    for name in ("VAE/v2.pt", "VAE/v10.safetensors", "models/a.safetensors", "models/a.vae.pt", "models/x/b.VAE.safetensors"):
        put(tmp_path / name)
    vaes = listed(tmp_path / "VAE", kind=VAE, beside=[tmp_path / "models"])
    assert [entry.name for entry in vaes.entries()] == ["v2.pt", "v10.safetensors", "a.vae.pt", "b.VAE.safetensors"]
    assert vaes.find("v2").name == "v2.pt"
    assert vaes.find("A.VAE.PT").name == "a.vae.pt"


def test_a_lora_is_found_by_the_name_that_it_gives_itself_but_never_by_a_part_of_it(tmp_path: Path) -> None:
    write_tensors(tmp_path / "Lora" / "file.safetensors", {"a": torch.zeros(1)}, {"ss_output_name": "Inner Name", "ss_tag": "x"})
    put(tmp_path / "Lora" / "damaged.safetensors", b"<html>")
    loras = listed(tmp_path / "Lora", kind=LORA)
    entry = loras.find("inner name")
    assert (entry.name, entry.alias, entry.metadata["ss_tag"]) == ("file", "Inner Name", "x")
    assert "web page" in (loras.find("damaged").problem or "") or "bytes" in (loras.find("damaged").problem or "")
    with pytest.raises(NotFound):
        loras.find("inner")


def test_metadata_are_read_where_they_stand_last_too(tmp_path: Path) -> None:
    text = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "__metadata__": {"k": "v"}}).encode()
    path = put(tmp_path / "a.safetensors", struct.pack("<Q", len(text)) + text + b"\0" * 4)
    assert header_metadata(path) == read_header(path).metadata == {"k": "v"}


def test_a_loras_hash_stays_when_its_metadata_change(tmp_path: Path) -> None:
    cache = HashCache(tmp_path / "hashes.json")
    for name, text in (("a", "one"), ("b", "another, longer one")):
        write_tensors(tmp_path / f"{name}.safetensors", {"a": torch.arange(5.0)}, {"note": text})
    first, second = (tmp_path / f"{name}.safetensors" for name in "ab")
    assert cache.tensors_sha256(first) == cache.tensors_sha256(second) == hashlib.sha256(torch.arange(5.0).numpy().tobytes()).hexdigest()
    assert cache.sha256(first) != cache.sha256(second)


def test_notes_description_and_preview_lie_beside_a_model(tmp_path: Path) -> None:
    path = put(tmp_path / "model.v1.safetensors")
    assert (user_metadata(path), description(path), preview(path)) == ({}, "", None)
    write_user_metadata(path, {"vae": "None", "description": "from notes"})
    put(tmp_path / "model.v1.preview.png")
    assert user_metadata(path)["vae"] == "None"
    assert description(path) == "from notes"
    assert preview(path) == tmp_path / "model.v1.preview.png"
    put(tmp_path / "model.v1.txt", b"from a text")
    assert description(path) == "from a text"


@pytest.mark.parametrize("content", [b"[1]", b"{", b"\xff", b"[" * 10_000])
def test_damaged_notes_are_no_notes(tmp_path: Path, content: bytes) -> None:
    put(tmp_path / "model.json", content)
    assert user_metadata(tmp_path / "model.safetensors") == {}


@needs_golden
def test_hashes_and_names_are_a1111s(tmp_path: Path) -> None:
    source = golden_path("models/tiny-sd1.safetensors")
    assert source
    models = Catalogue([source.parent], [], HashCache(tmp_path / "hashes.json"))
    known = [model for model in golden_json("pure/model_hashes.json") if (source.parent / model["file"]).exists()]
    assert len(known) == 3
    for model in known:
        entry = models.hashed(models.find(model["file"]))
        found = (entry.title, entry.name, entry.short_hash, entry.sha256, models.legacy_hash(entry))
        title = f"{model['file']} [{model['shorthash']}]"
        assert found == (title, model["model_name"], model["shorthash"], model["sha256"], model["hash"])
        assert {models.find(name).path for name in model["ids"]} == {entry.path}


@needs_golden
def test_lists_of_networks_and_vaes_are_a1111s(tmp_path: Path) -> None:
    root = golden_path("models")
    assert root
    hashes = HashCache(tmp_path / "hashes.json")
    loras = Catalogue([root / "Lora"], [], hashes, kind=LORA).entries()
    assert [{"name": one.name, "alias": one.alias, "metadata": dict(one.metadata)} for one in loras] == [
        {key: model[key] for key in ("name", "alias", "metadata")} for model in golden_json("api/loras.json")
    ]
    vaes = Catalogue([root / "VAE"], [], hashes, kind=VAE).entries()
    assert [one.name for one in vaes] == [model["model_name"] for model in golden_json("api/sd-vae.json")]
    networks = Catalogue([root / "hypernetworks"], [], hashes, kind=HYPERNETWORK).entries()
    assert [one.name for one in networks] == [model["name"] for model in golden_json("api/hypernetworks.json")]
