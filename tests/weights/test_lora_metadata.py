"""What a network file says of itself, as A1111 reads it."""

from pathlib import Path

import pytest
import torch

from modules.weights.files import write_tensors
from modules.weights.hashes import sha256_of
from modules.weights.header import Header, read_header
from modules.weights.lora_metadata import addnet_hash, alias_of, sd_version_of
from tests.golden import golden_json, golden_path, needs_golden

HASHES = {"tiny-lora": "e0adb386c086", "tiny-locon": "b3e02ffa30a5"}  # in the infotexts of answers 227 and 234


def header(**metadata: str) -> Header:
    return Header(Path("x.safetensors"), {}, metadata)


@needs_golden
@pytest.mark.parametrize("name", HASHES)
def test_the_hash_is_the_one_in_a1111s_infotexts(name: str) -> None:
    path = golden_path(f"models/Lora/{name}.safetensors")
    assert path
    assert addnet_hash(path)[:12] == HASHES[name]


@pytest.mark.parametrize("entry", golden_json("api/loras.json"), ids=lambda entry: entry["name"])
def test_the_alias_is_the_one_in_a1111s_list(entry: dict[str, str]) -> None:
    path = golden_path(f"models/Lora/{entry['name']}.safetensors")
    assert path
    assert alias_of(read_header(path)) == entry["alias"]


def test_new_metadata_leave_the_hash(tmp_path: Path) -> None:
    for name, metadata in (("a", {}), ("b", {"ss_output_name": "x"})):
        write_tensors(tmp_path / f"{name}.safetensors", {"x": torch.ones(3)}, metadata)
    assert addnet_hash(tmp_path / "a.safetensors") == addnet_hash(tmp_path / "b.safetensors")


def test_a_pickles_hash_is_that_of_the_whole_file(tmp_path: Path) -> None:
    (tmp_path / "x.pt").write_bytes(b"some bytes")
    assert addnet_hash(tmp_path / "x.pt") == sha256_of(tmp_path / "x.pt")


def test_a_file_that_says_no_name_has_no_alias() -> None:
    assert alias_of(header()) is None


@pytest.mark.parametrize(
    ("metadata", "version"),
    [
        ({"ss_base_model_version": "sdxl_base_v1-0", "ss_v2": "True"}, "SDXL"),
        ({"ss_v2": "True"}, "SD2"),
        ({"ss_v2": "False"}, "SD1"),
        ({"format": "pt"}, "SD1"),
        ({}, "Unknown"),
    ],
)
def test_the_version_is_the_one_that_a1111_sees(metadata: dict[str, str], version: str) -> None:
    assert sd_version_of(header(**metadata)) == version
