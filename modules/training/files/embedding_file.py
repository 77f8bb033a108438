"""Embedding files as other programs read them: one tensor for Stable Diffusion 1 and 2, one for each encoder for SDXL."""

import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from modules.training.files.hashed import with_hashes
from modules.training.files.verify import NotTheSame, compare_tensors, rounded, same
from modules.weights.embeddings import Embedding, read_embedding
from modules.weights.header import TensorInfo
from modules.weights.writing import NAMES, STORAGES, raw, write_tensors, written_whole

ALONE = "emb_params"
PLACEHOLDER = ("*", 265)  # A1111's: the word, and its token, that an old file says it stands for


def write_embedding(path: Path, vectors: Mapping[str, Tensor], metadata: Mapping[str, str], dtype: torch.dtype) -> None:
    """Write a .safetensors of vectors (n, width) by their encoders' keys, read it back and compare. Raises WebuiError."""
    named = {key if len(vectors) > 1 else ALONE: value for key, value in vectors.items()}
    tensors = {name: rounded(name, value, dtype) for name, value in named.items()}
    write_tensors(path, tensors, with_hashes(tensors, metadata))
    compare_tensors(path, tensors)
    compare_vectors(path, {key: rounded(key, value, dtype) for key, value in vectors.items()})


def compare_vectors(path: Path, vectors: Mapping[str, Tensor]) -> Embedding:
    """The embedding, as prompts use it. Raises NotTheSame unless its vectors are these."""
    embedding = read_embedding(path)
    read = embedding.vectors_for({key: value.shape[-1] for key, value in vectors.items()}) if embedding else None
    if embedding is None or read is None or any(not same(read[key], value.float()) for key, value in vectors.items()):
        raise NotTheSame(path, "its vectors are others")
    return embedding


def write_pt(path: Path, vectors: Mapping[str, Tensor], *, name: str, step: int, checkpoint: str, checkpoint_hash: str | None) -> None:
    """Write A1111's .pt of an embedding, in float32; of SDXL a table of the encoders. Read back and compared. Raises WebuiError.

    `checkpoint_hash` is the short hash of what it was trained on.
    """
    tensors = {key: rounded(key, value, torch.float32) for key, value in vectors.items()}
    if len(tensors) > 1:
        table: dict[str, Entry] = dict(tensors)
    else:
        alone = next(iter(tensors.values()))
        word, token = PLACEHOLDER
        table = {"string_to_token": {word: token}, "string_to_param": {word: alone}, "name": name, "step": step}
        table |= {"sd_checkpoint": checkpoint_hash, "sd_checkpoint_name": checkpoint}
    write_table(path, table)
    compare_vectors(path, tensors)


Entry = Tensor | str | int | dict[str, Tensor] | dict[str, int] | None


def write_table(path: Path, table: Mapping[str, Entry]) -> None:
    """Write a .pt file as torch.save does: a pickle of texts, numbers, nothing, tensors and tables of them, and no other thing."""
    tensors: list[Tensor] = []
    data = b"\x80\x02" + pickled(dict(table), tensors) + b"."
    with written_whole(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", data)
        for number, tensor in enumerate(tensors):
            info = TensorInfo(NAMES[tensor.dtype], tuple(tensor.shape))
            archive.writestr(f"archive/data/{number}", bytes(raw(str(number), info, tensor)))
        archive.writestr("archive/version", "3\n")


def pickled(value: object, tensors: list[Tensor]) -> bytes:
    """A value in pickle's protocol 2; its tensors are put behind `tensors`, and named by their places there."""
    if value is None:
        return b"N"
    if isinstance(value, str):
        encoded = value.encode("utf8", "replace")
        return b"X" + struct.pack("<I", len(encoded)) + encoded
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, dict):
        return b"}(" + b"".join(pickled(key, tensors) + pickled(one, tensors) for key, one in value.items()) + b"u"
    assert isinstance(value, Tensor)
    tensors.append(value)
    storage = f"ctorch\n{STORAGES[NAMES[value.dtype]]}\n".encode()
    place = pickled("storage", []) + storage + pickled(str(len(tensors) - 1), []) + pickled("cpu", []) + pickled(value.numel(), [])
    sides, strides = (b"(" + b"".join(pickled(side, []) for side in pair) + b"t" for pair in (value.shape, value.contiguous().stride()))
    numbers = b"ctorch._utils\n_rebuild_tensor_v2\n((" + place + b"tQ" + pickled(0, [])
    return numbers + sides + strides + b"\x89ccollections\nOrderedDict\n)RtR"
