"""Safetensors files that are wrong, cut off, renamed or made to deceive: one sentence each, and at once."""

import json
import pickle
import struct
import time
from pathlib import Path

import pytest
import torch

from modules.contract.request import Size
from modules.weights.files import describe, open_tensors, read_tensors, write_tensors
from modules.weights.header import BadModel, native_size, read_header, read_metadata


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("good") / "good.safetensors"
    write_tensors(path, {"a": torch.arange(6.0).reshape(2, 3), "b": torch.zeros(4)}, {"modelspec.title": "x"})
    return path.read_bytes()


def table(entries: object, data: bytes = b"") -> bytes:
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + data


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
BAD = {
    "empty": (b"", "empty"),
    "tiny": (b"abc", "only 3 bytes"),
    "page": (b"<!DOCTYPE html><html>login</html>" + b" " * 100, "web page"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n", "git-lfs pointer"),
    "pickle": (pickle.dumps({"a": 1}) + b" " * 64, "pickle"),
    "zip": (b"PK\x03\x04" + b"\0" * 64, "pickle"),
    "gguf": (b"GGUF" + b"\0" * 64, "GGUF"),
    "huge header": (struct.pack("<Q", 2**60) + b"{" + b" " * 64, "header claims"),
    "short": (struct.pack("<Q", 5000) + b"{" + b" " * 64, "ends within its header"),
    "no json": (table(b"{" + b"x" * 20), "header is damaged"),
    "no table": (struct.pack("<Q", 8) + b"{}      ", "no tensors"),
    "twice": (table(b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":1}', b"\0" * 8), "stands twice"),
    "no dtype": (table({"a": {"shape": [2]}}, b"\0" * 8), "'a' is damaged"),
    "odd dtype": (table({"a": ENTRY | {"dtype": "X9"}}, b"\0" * 8), "'a' is damaged"),
    "negative": (table({"a": ENTRY | {"shape": [-2]}}, b"\0" * 8), "'a' is damaged"),
    "wrong size": (table({"a": ENTRY | {"shape": [3]}}, b"\0" * 8), "size of its shape"),
    "cut": (table({"a": ENTRY}, b"\0" * 4), "4 bytes are missing"),
    "overlap": (table({"a": ENTRY, "b": ENTRY | {"data_offsets": [4, 12]}}, b"\0" * 12), "overlap"),
    "same place": (table({"a": ENTRY, "b": ENTRY}, b"\0" * 8), "overlap"),
    "hole": (table({"a": ENTRY, "b": ENTRY | {"data_offsets": [12, 20]}}, b"\0" * 20), "belong to none"),
    "hole in front": (table({"a": ENTRY | {"data_offsets": [4, 12]}}, b"\0" * 12), "belong to none"),
    "trailing": (table({"a": ENTRY}, b"\0" * 9), "belong to none"),
    "huge shape": (table({"a": ENTRY | {"shape": [2**62, 2**62]}}, b"\0" * 8), "size of its shape"),
    "huge offsets": (table({"a": ENTRY | {"shape": [2**61], "data_offsets": [0, 2**63]}}, b"\0" * 8), "bytes are missing"),
    "truth as a size": (table({"a": ENTRY | {"data_offsets": [False, "8"]}}, b"\0" * 8), "'a' is damaged"),
    "not UTF-8": (table(b'{"\xff":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', b"\0" * 8), "header is damaged"),
    "many": (table({f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(50_001)}), "more than 50,000"),
    "many lists": (table(b'{"a":[' + b"[]," * 1_500_000 + b"[]]}"), "far more values"),
    "many numbers": (table(b'{"a":[' + b"1.0," * 5_000_000 + b"0]}"), "far more values"),
    "deep": (table(b'{"a":' + b"[" * 100_000), "header is damaged"),
}


@pytest.mark.parametrize(("content", "words"), BAD.values(), ids=BAD)
def test_a_bad_file_is_named_and_its_fault_is_said_at_once(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    for read in (read_tensors, describe, open_tensors):
        started = time.process_time()
        with pytest.raises(BadModel, match=words) as caught:
            read(path)
        assert time.process_time() - started < 1
    assert caught.value.message.startswith("model.safetensors ")
    assert caught.value.message.count("\n") == 0


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path, good: bytes) -> None:
    path = tmp_path / "model.safetensors"
    for length in range(0, len(good), 7):
        path.write_bytes(good[:length])
        with pytest.raises(BadModel):
            read_tensors(path)


def test_a_good_file_is_read(tmp_path: Path, good: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(good)
    header = read_header(path)
    assert header.tensors["a"].shape == (2, 3)
    assert header.metadata["modelspec.title"] == "x"
    assert torch.equal(read_tensors(path)["a"], torch.arange(6.0).reshape(2, 3))


def test_damaged_metadata_are_told(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(table(b'{"__metadata__":{"a":'))
    with pytest.raises(BadModel, match="header is damaged"):
        read_metadata(path)


@pytest.mark.parametrize(("text", "size"), [("768x512", Size(768, 512)), ("large", None)])
def test_a_models_own_size_is_in_its_metadata(tmp_path: Path, text: str, size: Size | None) -> None:
    path = tmp_path / "model.safetensors"
    write_tensors(path, {"a": torch.zeros(1)}, {"modelspec.resolution": text})
    assert native_size(path) == size


def test_a_file_that_shrinks_while_it_is_open_is_told(tmp_path: Path, good: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(good)
    with open_tensors(path) as file:
        path.write_bytes(good[:-8])
        with pytest.raises(BadModel, match="become shorter"):
            [file[name] for name in file]
