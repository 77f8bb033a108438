"""Tensors from disk and back: safetensors, torch's archives, its old format, models in parts; and pickles that lie."""

import collections
import io
import json
import pickle
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from modules.weights.files import describe, open_tensors, read_object, read_tensors, write_tensors
from modules.weights.header import BadModel, TensorInfo
from modules.weights.writing import NAMES, write_checkpoint, write_safetensors
from tests.golden import golden_path, needs_golden

TENSORS = {
    "matrix": torch.arange(6.0).reshape(2, 3),
    "half": torch.tensor([1.5, -2.0], dtype=torch.float16),
    "brain": torch.tensor([[3.25]], dtype=torch.bfloat16),
    "whole": torch.tensor([2**40, -1]),
    "flags": torch.tensor([True, False, True]),
    "empty": torch.zeros(0, 4),
    "number": torch.tensor(7.0),
}
NARROW = {"e4m3": torch.tensor([1.0, -448.0]).to(torch.float8_e4m3fn), "e5m2": torch.tensor([0.5, 57344.0]).to(torch.float8_e5m2)}


def equal(one: Any, other: Any) -> bool:
    """Whether two nested values are the same, tensors by type and numbers."""
    if isinstance(other, Tensor):
        return isinstance(one, Tensor) and (one.dtype, one.shape) == (other.dtype, other.shape) and torch.equal(octets(one), octets(other))
    if isinstance(other, dict):
        return list(one) == list(other) and all(equal(one[key], value) for key, value in other.items())
    if isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return one == other


def octets(tensor: Tensor) -> Tensor:
    return tensor.detach().reshape(-1).contiguous().view(torch.uint8)


def saved(value: Any, path: Path, *, old: bool = False) -> Path:
    torch.save(value, path, _use_new_zipfile_serialization=not old)
    return path


@pytest.mark.parametrize("old", [False, True], ids=["archive", "old format"])
def test_a_torch_file_is_read_as_torch_reads_it(tmp_path: Path, old: bool) -> None:
    shared = torch.arange(12.0).reshape(3, 4)
    value = {
        "state_dict": collections.OrderedDict(TENSORS),
        "numbers": [1, -70000, 2.5, True, None, "text", (1, (2, 3))],
        "turned": shared.t(),
        "row": shared[1],
        "column": shared[:, 2],
        "trained": nn.Parameter(torch.ones(2)),
        5: {"step": 3},
    }
    path = saved(value, tmp_path / "model.pt", old=old)
    assert equal(read_object(path), torch.load(path, weights_only=True))


@pytest.mark.parametrize("old", [False, True], ids=["archive", "old format"])
def test_a_checkpoint_is_found_under_state_dict(tmp_path: Path, old: bool) -> None:
    path = saved({"state_dict": TENSORS, "global_step": 5}, tmp_path / "model.ckpt", old=old)
    assert equal(read_tensors(path), TENSORS)
    assert describe(path).tensors == {name: TensorInfo(NAMES[value.dtype], tuple(value.shape)) for name, value in TENSORS.items()}


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_every_protocol_of_pickles_that_torch_has_written_is_read(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "model.pt"
    torch.save(TENSORS, path, pickle_protocol=protocol)
    assert equal(read_tensors(path), TENSORS)


def test_8_bit_numbers_are_written_and_read(tmp_path: Path) -> None:
    write_tensors(tmp_path / "a.safetensors", NARROW)
    torch.save(NARROW, tmp_path / "a.pt")
    assert {info.dtype for info in describe(tmp_path / "a.safetensors").tensors.values()} == {"F8_E4M3", "F8_E5M2"}
    for name in ("a.safetensors", "a.pt"):
        assert equal(read_tensors(tmp_path / name)["e4m3"], NARROW["e4m3"])
        with open_tensors(tmp_path / name) as file:
            assert equal(file["e5m2"], NARROW["e5m2"])


def test_what_is_written_is_what_the_safetensors_library_reads(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS | {"名": torch.ones(1)}, {"title": "ü"})
    found = load_file(path)
    assert all(equal(found[name], value) for name, value in TENSORS.items())
    assert "名" in found
    assert describe(path).metadata == {"format": "pt", "title": "ü"}


def test_single_tensors_are_read_from_what_the_safetensors_library_writes(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "a.safetensors")
    with open_tensors(tmp_path / "a.safetensors") as file:
        assert set(file) == set(TENSORS)
        assert all(equal(file[name], value) for name, value in TENSORS.items())


def test_a_written_checkpoint_is_what_torch_reads_and_a1111_takes(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    infos = {name: TensorInfo(NAMES[value.dtype], tuple(value.shape)) for name, value in TENSORS.items()}
    write_checkpoint(path, infos, TENSORS.__getitem__)
    assert equal(torch.load(path, weights_only=True), {"state_dict": TENSORS})
    assert equal(read_tensors(path), TENSORS)
    with zipfile.ZipFile(path) as archive:  # S34: it refuses archives with further members
        assert {name.split("/")[1] for name in archive.namelist()} == {"data.pkl", "data", "version"}


def test_a_file_that_is_given_up_half_way_leaves_nothing(tmp_path: Path) -> None:
    def broken(name: str) -> Tensor:
        if name == "b":
            raise KeyboardInterrupt
        return torch.zeros(2)

    infos = {name: TensorInfo("F32", (2,)) for name in "abc"}
    for write in (lambda: write_safetensors(tmp_path / "x", infos, broken, {}), lambda: write_checkpoint(tmp_path / "x", infos, broken)):
        with pytest.raises(KeyboardInterrupt):
            write()
        assert list(tmp_path.iterdir()) == []


def test_a_parameter_dict_is_a_dict_and_what_lightning_leaves_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    torch.save({"string_to_param": nn.ParameterDict({"*": nn.Parameter(torch.ones(2, 3))}), "seen": {1, 2}}, path)
    assert equal(read_object(path), {"string_to_param": {"*": torch.ones(2, 3)}, "seen": None})


def test_an_object_in_two_places_is_one_object(tmp_path: Path) -> None:
    one = [torch.ones(2)]
    torch.save({"a": one, "b": one}, tmp_path / "a.pt")
    found = read_object(tmp_path / "a.pt")
    assert found["a"] is found["b"]


@needs_golden
@pytest.mark.parametrize("name", ["VAE/tiny-vae2.vae.pt", "embeddings/tinypt.pt", "hypernetworks/tinyhyper.pt"])
def test_old_files_of_a1111_are_read(name: str) -> None:
    path = golden_path(f"models/{name}")
    assert path
    assert equal(read_object(path), torch.load(path, weights_only=True))


def test_a_model_in_parts_is_one_model(tmp_path: Path) -> None:
    write_tensors(tmp_path / "m-1.safetensors", {"a": torch.ones(2)})
    write_tensors(tmp_path / "m-2.safetensors", {"b": torch.zeros(3)})
    index = tmp_path / "m.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors"}}))
    assert equal(read_tensors(index), {"a": torch.ones(2), "b": torch.zeros(3)})
    assert set(describe(index).tensors) == {"a", "b"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"weight_map": {"a": "../m-1.safetensors"}}', "same folder"),
        ('{"weight_map": {"a": "m-3.safetensors"}}', "m-3.safetensors is missing"),
        ('{"weight_map": {"c": "m-1.safetensors"}}', "none of its parts holds the tensor 'c'"),
        ('{"weight_map": 3}', "no index"),
        ("[" * 10_000, "no index"),
    ],
)
def test_an_index_that_lies_is_refused(tmp_path: Path, text: str, words: str) -> None:
    write_tensors(tmp_path / "m-1.safetensors", {"a": torch.ones(2)})
    index = tmp_path / "m.safetensors.index.json"
    index.write_text(text)
    with pytest.raises(BadModel, match=words):
        read_tensors(index)


class Hostile:
    """Unpickled by Python, it calls a function."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


@pytest.mark.parametrize("container", ["archive", "old", "raw", "deflated", "beside tensors"])
def test_a_hostile_pickle_is_refused_and_never_run(tmp_path: Path, container: str) -> None:
    marker, path = tmp_path / "marker", tmp_path / "model.ckpt"
    content: Any = {"state_dict": Hostile(open, str(marker), "w")}
    if container == "raw":
        path.write_bytes(pickle.dumps(content))
    elif container == "deflated":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("model/data.pkl", pickle.dumps(content) + b"\0" * 10**6)
    else:
        content = {"state_dict": {"a": torch.ones(2)}, "x": content} if container == "beside tensors" else content
        saved(content, path, old=container == "old")
    for read in (read_tensors, read_object, describe):
        with pytest.raises(BadModel, match=r"model\.ckpt cannot be used"):
            read(path)
    assert not marker.exists()


@pytest.mark.parametrize("name", ["os system", "builtins eval", "torch.hub load", "torch.storage _load_from_bytes", "functools partial"])
def test_a_pickle_that_names_a_program_is_refused_with_the_name(tmp_path: Path, name: str) -> None:
    module, function = name.split()
    path = archive_of(tmp_path, b"\x80\x02}" + text("x") + f"c{module}\n{function}\n(".encode() + text("y") + b"tRs.")
    with pytest.raises(BadModel, match=rf"{module}\.{function}"):
        read_object(path)


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def archive_of(folder: Path, data: bytes, storages: dict[str, bytes] | None = None) -> Path:
    path = folder / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", data)
        for name, content in (storages or {}).items():
            archive.writestr(f"m/data/{name}", content)
    return path


def tensor_pickle(*, count: int, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], copies: int = 1) -> bytes:
    """A pickle of {"a0": tensor, ...} over a storage "0" of `count` float32 numbers."""

    def numbers(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", value) for value in values) + b"t"

    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + numbers((count,))[1:-1] + b"tQ"
    one = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + numbers((offset,))[1:-1] + numbers(shape) + numbers(stride)
    one += b"\x89ccollections\nOrderedDict\n)RtR"
    return b"\x80\x02}(" + b"".join(text(f"a{i}") + one for i in range(copies)) + b"u."


PRIME = 2**61 - 1  # Python's hash of a number is its remainder
REPEATED = b"ccollections\nOrderedDict\nh\x00\x85R"
ENCODED = b"c_codecs\nencode\nh\x00\x85R"
LIES = {
    "more than the storage": tensor_pickle(count=4, offset=0, shape=(5,), stride=(1,)),
    "behind the storage": tensor_pickle(count=4, offset=2, shape=(3,), stride=(1,)),
    "far apart": tensor_pickle(count=4, offset=0, shape=(2,), stride=(2**40,)),
    "one number a million times": tensor_pickle(count=4, offset=0, shape=(1000, 1000), stride=(0, 0)),
    "backwards": tensor_pickle(count=4, offset=3, shape=(4,), stride=(-1,)),
    "negative": tensor_pickle(count=4, offset=0, shape=(-4,), stride=(1,)),
    "storage longer than its bytes": tensor_pickle(count=2**40, offset=0, shape=(2**40,), stride=(1,)),
    "many views of one storage": tensor_pickle(count=250_000, offset=0, shape=(500, 500), stride=(1, 500), copies=5),
    "endless text": b"\x80\x02X" + struct.pack("<I", 2**31) + b".",
    "deep": b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
    "long": b"\x80\x02" + b"N0" * 1_000_000 + b"N.",
    "colliding keys": b"\x80\x02}(" + b"".join(b"\x8a\x09" + (i * PRIME).to_bytes(9, "little") + b"N" for i in range(500)) + b"u.",
    "empty stack": b"\x80\x02R.",
    "no end": b"\x80\x02]",
    "persistent text": b"\x80\x02" + text("x") + b"Q.",
    "unknown opcode": b"\x80\x02\xff.",
    "one list made a table again and again": b"\x80\x02](" + b"NN\x86" * 50_000 + b"eq\x000" + REPEATED * 20_000 + b"N.",
    "one text encoded again and again": b"\x80\x02" + text("x" * 10**6) + b"q\x000" + ENCODED * 20_000 + b"N.",
    "a name that is a list": b"\x80\x02]]\x93.",
    "itself": b"\x80\x02}q\x00" + text("state_dict") + b"h\x00s.",
}  # fmt: skip


@pytest.mark.parametrize("data", LIES.values(), ids=LIES)
def test_a_pickle_that_lies_is_refused_at_once(tmp_path: Path, data: bytes) -> None:
    path = archive_of(tmp_path, data, {"0": b"\0" * 1_000_000})
    started = time.process_time()
    with pytest.raises(BadModel, match=r"model\.pt cannot be used"):
        read_tensors(path)
    assert time.process_time() - started < 1.5  # a million opcodes take 0.5 s


def test_an_archive_of_very_many_members_is_refused_before_they_are_listed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as archive:
        archive.writestr("m/data.pkl", b"\x80\x02N.")
    whole = (tmp_path / "model.pt").read_bytes()
    start = whole.index(b"PK\x01\x02")
    entry, count = whole[start : whole.index(b"PK\x05\x06")], 200_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(entry) * count, start, 0)
    (tmp_path / "model.pt").write_bytes(whole[:start] + entry * count + end)
    started = time.process_time()
    with pytest.raises(BadModel, match="archive"):
        describe(tmp_path / "model.pt")
    assert time.process_time() - started < 0.5


def test_tables_in_each_other_without_end_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="deep in each other"):
        read_object(archive_of(tmp_path, b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."))
    looped = read_object(archive_of(tmp_path, b"\x80\x02]q\x00h\x00a."))
    assert looped[0] is looped


@pytest.mark.parametrize("old", [False, True], ids=["archive", "old format"])
def test_a_torch_file_cut_off_anywhere_is_refused(tmp_path: Path, old: bool) -> None:
    whole = saved({"state_dict": {"a": torch.arange(40.0), "b": torch.ones(3)}}, tmp_path / "whole.ckpt", old=old).read_bytes()
    path = tmp_path / "model.ckpt"
    for length in range(0, len(whole), 13):
        path.write_bytes(whole[:length])
        with pytest.raises(BadModel):
            read_tensors(path)


@pytest.mark.parametrize("old", [False, True], ids=["archive", "old format"])
def test_a_torch_file_with_a_wrong_byte_never_breaks_the_reader(tmp_path: Path, old: bool) -> None:
    whole = bytearray(saved({"state_dict": {"a": torch.arange(4.0)}}, tmp_path / "whole.ckpt", old=old).read_bytes())
    path = tmp_path / "model.ckpt"
    refused = 0
    for place in range(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            read_object(path)  # a wrong byte among the numbers is no error that can be seen
        except BadModel:
            refused += 1
    assert refused > len(whole) // 30


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"<html>login</html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git-lfs pointer"),
        (struct.pack("<Q", 20) + b'{"a":1}' + b" " * 30, "safetensors file under another name"),
        (b"GGUF" + b"\0" * 30, "not a torch file"),
        (b"PK\x03\x04" + b"\0" * 64, "not a whole torch archive"),
        (pickle.dumps({"a": 1}), "not one of torch's"),
    ],
)
def test_another_file_named_ckpt_is_told_what_it_is(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "model.ckpt").write_bytes(content)
    with pytest.raises(BadModel, match=words):
        read_tensors(tmp_path / "model.ckpt")


def test_numbers_of_another_kind_of_machine_are_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.save({"a": torch.ones(2)}, buffer)
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(path, "w") as archive:
        for member in source.namelist():
            archive.writestr(member, b"big" if member.endswith("byteorder") else source.read(member))
    with pytest.raises(BadModel, match="byte order"):
        read_tensors(path)
