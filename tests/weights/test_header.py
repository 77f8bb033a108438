"""Wrong, truncated, renamed and hostile files: one sentence each, at once, and nothing is run."""

import json
import pickle
import struct
import time
import zipfile
from pathlib import Path

import pytest
import torch

from modules.contract.errors import WebuiError
from modules.families.identify import check_checkpoint, identify
from modules.weights.files import describe, read_tensors, write_tensors
from modules.weights.header import BadModel, read_header
from tests import tiny


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
    "many": (table({f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(50_001)}), "more than 50,000"),
    "deep": (table(b'{"a":' + b"[" * 100_000), "header is damaged"),
}


@pytest.mark.parametrize(("content", "words"), BAD.values(), ids=BAD)
def test_a_bad_file_is_named_and_its_fault_is_said_at_once(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    started = time.perf_counter()
    with pytest.raises(BadModel, match=words) as caught:
        read_tensors(path)
    assert time.perf_counter() - started < 1
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


class Hostile:
    """Unpickled, it would write a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.marker), "w")


@pytest.mark.parametrize("container", ["torch", "raw", "legacy", "deflated"])
def test_a_hostile_pickle_is_refused_and_never_run(tmp_path: Path, container: str) -> None:
    marker, path = tmp_path / "marker", tmp_path / "model.ckpt"
    content = {"state_dict": Hostile(marker)}
    if container == "torch":
        torch.save(content, path)
    elif container == "legacy":
        torch.save(content, path, _use_new_zipfile_serialization=False)
    elif container == "raw":
        path.write_bytes(pickle.dumps(content))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("model/data.pkl", pickle.dumps(content) + b"\0" * 10**6)
    with pytest.raises(BadModel, match=r"model\.ckpt cannot be used"):
        read_tensors(path)
    assert not marker.exists()


def test_a_ckpt_of_plain_tensors_is_read_as_the_same_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    torch.save({"state_dict": dict(tiny.tensors()), "global_step": 5}, path)
    tensors = read_tensors(path)
    assert all(torch.equal(tensors[name], value) for name, value in tiny.tensors().items())
    assert identify(describe(path)) == "sd1"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("conditioner.embedders.1.model.ln_final.weight", "SDXL"),
        ("cond_stage_model.model.ln_final.weight", "Stable Diffusion 2"),
        ("lora_unet_down.lora_up.weight", "LoRA"),
        ("encoder.conv_in.weight", "VAE"),
        ("whatever", "not a Stable Diffusion checkpoint"),
    ],
)
def test_another_kind_of_file_is_told_what_it_is(tmp_path: Path, name: str, words: str) -> None:
    path = tmp_path / "other.safetensors"
    write_tensors(path, {name: torch.zeros(2)})
    with pytest.raises(WebuiError, match=words):
        check_checkpoint(path)


@pytest.mark.parametrize(
    "part", ["first_stage_model.", "model.diffusion_model.middle_block.1.proj_in", "cond_stage_model.transformer.text_model.encoder"]
)
def test_a_checkpoint_without_a_part_is_refused_with_the_part(tmp_path: Path, part: str) -> None:
    path = tmp_path / "part.safetensors"
    write_tensors(path, {name: value for name, value in tiny.tensors().items() if not name.startswith(part)})
    with pytest.raises(WebuiError, match=r"part\.safetensors"):
        check_checkpoint(path)
