"""Textual inversion files and pictures of every format."""

import base64
import json
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from modules.weights.embeddings import Embedding, EmbeddingFolders, read_embedding
from modules.weights.files import write_tensors
from modules.weights.header import BadModel
from tests.golden import golden_json, golden_path, needs_golden

SD1, SD2, SDXL = {"clip_l": 768}, {"clip_h": 1024}, {"clip_l": 768, "clip_g": 1280}
VECTORS = torch.arange(2 * 768, dtype=torch.float32).reshape(2, 768) / 1000


def read(path: Path) -> Embedding:
    found = read_embedding(path)
    assert found is not None
    return found


def pickled(path: Path, data: Any) -> Path:
    torch.save(data, path)
    return path


def test_a1111s_format_is_read_with_what_it_says(tmp_path: Path) -> None:
    data = {"string_to_token": {"*": 265}, "string_to_param": {"*": VECTORS}, "name": "other", "step": 5, "sd_checkpoint": "abc"}
    found = read(pickled(tmp_path / "mine.pt", data | {"sd_checkpoint_name": "base"}))
    assert torch.equal(found.vectors["clip_l"], VECTORS)
    assert (found.name, found.step, found.checkpoint, found.checkpoint_name, found.count, found.width) == ("mine", 5, "abc", "base", 2, 768)


def test_parameters_of_old_versions_are_read(tmp_path: Path) -> None:
    data = {"string_to_param": torch.nn.ParameterDict({"*": torch.nn.Parameter(VECTORS)}), "name": "x"}
    assert torch.equal(read(pickled(tmp_path / "old.pt", data)).vectors["clip_l"], VECTORS)


def test_diffusers_single_vector_is_one_row(tmp_path: Path) -> None:
    found = read(pickled(tmp_path / "learned_embeds.bin", {"<cat>": VECTORS[0]}))
    assert (found.name, found.count) == ("learned_embeds", 1)


@pytest.mark.parametrize(("width", "key"), [(768, "clip_l"), (1024, "clip_h"), (1280, "clip_g"), (128, "clip_l")])
def test_a_lone_tensor_is_for_the_encoder_of_its_width(tmp_path: Path, width: int, key: str) -> None:
    write_tensors(tmp_path / "x.safetensors", {"emb_params": torch.ones(3, width).half()})
    found = read(tmp_path / "x.safetensors")
    assert list(found.vectors) == [key]
    assert found.vectors[key].dtype == torch.float32


def test_sdxls_two_tensors_are_read(tmp_path: Path) -> None:
    write_tensors(tmp_path / "x.safetensors", {"clip_g": torch.ones(3, 1280), "clip_l": torch.ones(3, 768)})
    found = read(tmp_path / "x.safetensors")
    assert (found.width, found.count) == (2048, 3)


@pytest.mark.parametrize(
    ("tensors", "fitting"),
    [
        ({"emb_params": torch.ones(1, 768)}, [SD1]),
        ({"emb_params": torch.ones(1, 1024)}, [SD2]),
        ({"clip_l": torch.ones(1, 768), "clip_g": torch.ones(1, 1280)}, [SDXL]),
        ({"emb_params": torch.ones(1, 2048)}, []),
    ],
)
def test_an_embedding_fits_the_models_of_its_widths(tmp_path: Path, tensors: dict[str, Tensor], fitting: list[dict[str, int]]) -> None:
    write_tensors(tmp_path / "x.safetensors", tensors)
    found = read(tmp_path / "x.safetensors")
    assert [widths for widths in (SD1, SD2, SDXL) if found.vectors_for(widths) is not None] == fitting


def test_a_lone_tensor_goes_to_whatever_encoder_is_the_only_one(tmp_path: Path) -> None:
    write_tensors(tmp_path / "x.safetensors", {"emb_params": torch.ones(1, 128)})
    vectors = read(tmp_path / "x.safetensors").vectors_for({"clip_h": 128})
    assert vectors is not None
    assert list(vectors) == ["clip_h"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"a": VECTORS, "b": VECTORS}, "it holds 2 tensors"),
        ({"string_to_param": {}}, "it holds no vectors"),
        ({"x": torch.ones(2, 3, 4)}, r"the shape \(2, 3, 4\)"),
        ({"x": torch.tensor([[float("nan")]])}, "not numbers"),
        ({"clip_l": torch.ones(1, 768), "clip_g": torch.ones(2, 1280)}, "different numbers of vectors"),
        ([VECTORS], "no table of tensors"),
    ],
)
def test_what_is_no_embedding_is_refused_with_the_reason(tmp_path: Path, data: Any, reason: str) -> None:
    with pytest.raises(BadModel, match=reason):
        read_embedding(pickled(tmp_path / "x.pt", data))


def as_json(name: str) -> bytes:
    """The text that A1111 puts into a picture."""
    return json.dumps({"string_to_param": {"*": {"TORCHTENSOR": VECTORS.tolist()}}, "name": name, "step": 3}).encode()


def test_a_pictures_text_chunk_is_read(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("sd-ti-embedding", base64.b64encode(as_json("inside")).decode())
    Image.new("RGB", (8, 8), "red").save(tmp_path / "x.png", pnginfo=info)
    found = read(tmp_path / "x.png")
    assert (found.name, found.step) == ("inside", 3)
    assert torch.equal(found.vectors["clip_l"], VECTORS)


def veiled(halves: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Halves of bytes under A1111's fixed sequence."""
    value, veil = 0, []
    for _ in range(halves.size):
        value = (value * 1664525 + 1013904223) % 2**32
        veil.append(value % 255 & 0x0F)
    return halves ^ np.array(veil, dtype=np.uint8).reshape(halves.shape)


def with_data_in_pixels(text: bytes, height: int = 64) -> Image.Image:
    """A picture between two blocks of columns whose lowest bits hold a text, as A1111 draws it, with a black frame around all."""
    packed = np.frombuffer(zlib.compress(text, 9), np.uint8)
    size = -(-len(packed) // (height * 3)) * height * 3
    blocks = [veiled(np.resize(half, size).reshape(height, -1, 3)) | 0x50 for half in (packed & 0x0F, packed >> 4)]
    black, middle = np.zeros((height, 1, 3), np.uint8), np.full((height, 20, 3), 0xA7, np.uint8)
    whole = np.concatenate([blocks[0], black, middle, black, blocks[1]], axis=1)
    return Image.fromarray(np.pad(whole, ((2, 3), (4, 1), (0, 0))))


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_a_pictures_lowest_bits_are_read(tmp_path: Path, kind: str) -> None:
    with_data_in_pixels(as_json("inside")).save(tmp_path / f"x.{kind}", lossless=True)
    found = read(tmp_path / f"x.{kind}")
    assert found.name == "inside"
    assert torch.equal(found.vectors["clip_l"], VECTORS)


@pytest.mark.parametrize("colour", ["black", "white", (16, 32, 48)])
def test_any_other_picture_holds_no_embedding(tmp_path: Path, colour: Any) -> None:
    Image.new("RGB", (64, 64), colour).save(tmp_path / "x.png")
    assert read_embedding(tmp_path / "x.png") is None


def test_a_damaged_text_in_a_picture_is_refused(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("sd-ti-embedding", base64.b64encode(as_json("x")[:50]).decode())
    Image.new("RGB", (8, 8)).save(tmp_path / "x.png", pnginfo=info)
    with pytest.raises(BadModel, match="the embedding in the picture is damaged"):
        read_embedding(tmp_path / "x.png")


def test_a_text_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    with_data_in_pixels(b" " * (65 * 2**20)).save(tmp_path / "x.png")
    with pytest.raises(BadModel, match="is damaged"):
        read_embedding(tmp_path / "x.png")


@needs_golden
def test_the_lists_are_a1111s(tmp_path: Path) -> None:
    folder = golden_path("models/embeddings")
    assert folder
    found = EmbeddingFolders([folder]).embeddings()
    fitting = {one.name: one for one in found if one.vectors_for({"clip_l": 128}) is not None}
    others = {one.name: one for one in found if one.name not in fitting}
    api = golden_json("api/embeddings.json")
    for ours, theirs in ((fitting, api["loaded"]), (others, api["skipped"])):
        assert {
            name: {
                "step": one.step,
                "sd_checkpoint": one.checkpoint,
                "sd_checkpoint_name": one.checkpoint_name,
                "shape": one.width,
                "vectors": one.count,
            }
            for name, one in ours.items()
        } == theirs


@needs_golden
@pytest.mark.parametrize(("name", "digits"), [("tiny-ti.safetensors", "0f668d20e1a8"), ("tinypt.pt", "b6e0e55f9f3b")])
def test_the_hash_is_the_one_in_a1111s_infotexts(name: str, digits: str) -> None:
    path = golden_path(f"models/embeddings/{name}")
    assert path
    assert read(path).shorthash == digits


def folder_with(folder: Path, *names: str) -> EmbeddingFolders:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        write_tensors(folder / name, {"emb_params": torch.ones(1, 768)})
    return EmbeddingFolders([folder, folder / "missing"])


def test_folders_within_folders_are_looked_through_and_names_sorted_without_case(tmp_path: Path) -> None:
    assert [one.name for one in folder_with(tmp_path, "b.safetensors", "sub/A.safetensors", "c.safetensors").embeddings()] == [
        "A",
        "b",
        "c",
    ]


def test_links_to_folders_are_followed(tmp_path: Path) -> None:
    folder_with(tmp_path / "elsewhere", "linked.safetensors")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "elsewhere")
    assert [one.name for one in EmbeddingFolders([tmp_path / "here"]).embeddings()] == ["linked"]


def test_a_file_that_cannot_be_used_is_listed_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "bad.pt").write_bytes(b"nonsense")
    (tmp_path / "empty.pt").touch()
    folders = folder_with(tmp_path, "good.safetensors")
    assert [one.name for one in folders.embeddings()] == ["good"]
    assert list(folders.problems()) == ["bad"]
    assert "bad.pt cannot be used" in folders.problems()["bad"]


def test_of_two_of_one_name_the_first_counts_and_the_other_is_told(tmp_path: Path) -> None:
    folders = folder_with(tmp_path, "a/x.safetensors", "b/x.safetensors")
    assert [one.name for one in folders.embeddings()] == ["x"]
    assert "There is another embedding named 'x'" in folders.problems()["x.safetensors"]


def test_previews_are_no_embeddings(tmp_path: Path) -> None:
    with_data_in_pixels(as_json("inside")).save(tmp_path / "x.preview.png")
    assert EmbeddingFolders([tmp_path]).embeddings() == []


def test_new_files_are_found_and_known_ones_not_read_again(tmp_path: Path) -> None:
    folders = folder_with(tmp_path, "a.safetensors")
    (first,) = folders.embeddings()
    shutil.copy(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    folders.refresh()
    assert [one.name for one in folders.embeddings()] == ["a", "b"]
    assert folders.embeddings()[0] is first
