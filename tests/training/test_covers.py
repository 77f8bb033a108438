"""Pictures and texts put into a file that was trained, whose tensors stay."""

import base64
import io
import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from modules.contract.errors import BadRequest
from modules.training.files.covers import cover_metadata, with_metadata
from modules.weights.card_facts import cover
from modules.weights.files import read_tensors
from modules.weights.hashes import sha256_of, tensors_start
from modules.weights.header import read_metadata
from modules.weights.writing import write_tensors

TENSORS = {"a": torch.arange(7.0), "b": torch.ones(3, 5, dtype=torch.float16), "c": torch.zeros(0)}


def test_a_file_gets_a_picture_and_keeps_its_tensors(tmp_path: Path) -> None:
    source, target = tmp_path / "a.safetensors", tmp_path / "further" / "b.safetensors"
    write_tensors(source, TENSORS, {"ss_output_name": "x", "modelspec.title": "old", "private": "name"})
    with_metadata(source, target, {**cover_metadata(Image.new("RGBA", (700, 300), "#d04020")), "modelspec.title": "new", "private": ""})
    metadata = read_metadata(target)
    assert (metadata["ss_output_name"], metadata["modelspec.title"], metadata["format"]) == ("x", "new", "pt")
    assert "private" not in metadata
    assert sha256_of(source, start=tensors_start(source)) == sha256_of(target, start=tensors_start(target))
    assert all(torch.equal(value, TENSORS[name]) for name, value in read_tensors(target).items())
    assert tensors_start(target) % 8 == 0
    shown = cover(metadata)
    assert shown is not None
    assert Image.open(io.BytesIO(shown)).size == (512, 219)
    thumbnail = metadata["modelspec.thumbnail"].removeprefix("data:image/jpeg;base64,")
    assert max(Image.open(io.BytesIO(base64.b64decode(thumbnail))).size) == 256
    assert len(json.loads(metadata["ssmd_cover_images"])) == 1
    with_metadata(target, target, {"ssmd_cover_images": ""})
    assert "ssmd_cover_images" not in read_metadata(target)


def test_a_file_that_is_not_whole_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    source = tmp_path / "a.safetensors"
    write_tensors(source, TENSORS)
    source.write_bytes(source.read_bytes()[:-3])
    with pytest.raises(BadRequest):
        with_metadata(source, tmp_path / "b.safetensors", {"x": "y"})
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]
