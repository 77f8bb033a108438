"""Names, titles and hashes of the models on disk."""

import os
from pathlib import Path

import pytest

from modules.contract.errors import BadRequest, NotFound
from modules.weights.catalogue import Catalogue
from modules.weights.hashes import HashCache


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
