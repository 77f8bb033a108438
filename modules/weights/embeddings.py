"""Textual inversion: vectors that stand for words of their own. Gal et al. 2022, arXiv:2208.01618."""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from modules.contract.errors import WebuiError
from modules.weights.catalogue import files_below
from modules.weights.embedding_pictures import data_in_picture
from modules.weights.files import read_object
from modules.weights.hashes import sha256_of
from modules.weights.header import BadModel
from modules.weights.kinds import EMBEDDING

log = logging.getLogger(__name__)
FILES = {".pt", ".bin", ".safetensors"}
PICTURES = {".png", ".webp", ".avif"}
LARGEST = 256 * 2**20
MOST_VECTORS = 10_000
BY_WIDTH = {1024: "clip_h", 1280: "clip_g"}  # the encoder that a lone tensor is for; the other widths are clip_l's


@dataclass(frozen=True, eq=False)
class Embedding:
    """An embedding: for each text encoder its vectors (n, width), float32.

    `sha256` is the file's, `checkpoint` (a short hash) and `checkpoint_name` are what it was trained on, `step` for how long;
    None where it is not known. `bundled_in`: the network file that brought it along, by name.
    """

    name: str
    vectors: Mapping[str, Tensor]
    sha256: str | None = None
    step: int | None = None
    checkpoint: str | None = None
    checkpoint_name: str | None = None
    bundled_in: str | None = None

    @property
    def count(self) -> int:
        """How many tokens it takes the place of."""
        return next(iter(self.vectors.values())).shape[0]

    @property
    def width(self) -> int:
        """The width of a vector, of all encoders together, as A1111's API shows it."""
        return sum(vectors.shape[-1] for vectors in self.vectors.values())

    @property
    def shorthash(self) -> str | None:
        """What infotexts show: the file's first 12 digits, or the name of the network that brought it along."""
        return self.bundled_in or (self.sha256[:12] if self.sha256 else None)

    def vectors_for(self, widths: Mapping[str, int]) -> dict[str, Tensor] | None:
        """The vectors by the encoders of a model, given as each one's key and width; None where they do not fit.

        A lone tensor is for whatever encoder is its model's only one, if the width is the same.
        """
        if len(self.vectors) == 1 and len(widths) == 1:
            (key, width), (vectors,) = *widths.items(), self.vectors.values()
            return {key: vectors} if vectors.shape[-1] == width else None
        fits = self.vectors.keys() == widths.keys() and all(self.vectors[key].shape[-1] == width for key, width in widths.items())
        return dict(self.vectors) if fits else None


def read_embedding(path: Path) -> Embedding | None:
    """The embedding in a file or a picture; None for a picture without one. Raises BadModel."""
    if path.stat().st_size > LARGEST:
        raise BadModel(path, f"it is larger than the {LARGEST:,} bytes that an embedding may have")
    if path.suffix.lower() in PICTURES:
        data = data_in_picture(path)
        if data is None:
            return None
        name = data.get("name") if isinstance(data, Mapping) else None
    else:
        data, name = read_object(path), None
    return embedding_from(data, name if isinstance(name, str) and name else path.stem, path, sha256=sha256_of(path))


def embedding_from(data: Any, name: str, path: Path, *, sha256: str | None = None, bundled_in: str | None = None) -> Embedding:
    """The embedding that a file's content is, in any of its formats. `path` is named in the BadModel that it may raise."""
    if not isinstance(data, Mapping):
        raise BadModel(path, "it holds no table of tensors")
    tensors = {str(key): value for key, value in data.items() if isinstance(value, Tensor)}
    if isinstance(data.get("string_to_param"), Mapping):
        vectors = alone(data["string_to_param"], path)
    elif {"clip_g", "clip_l"} <= tensors.keys():
        vectors = {key: rows(tensors[key], path) for key in ("clip_l", "clip_g")}
        if len({value.shape[0] for value in vectors.values()}) > 1:
            raise BadModel(path, "its two text encoders have different numbers of vectors")
    else:
        vectors = alone(tensors, path)
    facts = {key: data.get(key) for key in ("step", "sd_checkpoint", "sd_checkpoint_name")}
    return Embedding(
        name=name,
        vectors=vectors,
        sha256=sha256,
        step=facts["step"] if isinstance(facts["step"], int) else None,
        checkpoint=facts["sd_checkpoint"] if isinstance(facts["sd_checkpoint"], str) else None,
        checkpoint_name=facts["sd_checkpoint_name"] if isinstance(facts["sd_checkpoint_name"], str) else None,
        bundled_in=bundled_in,
    )


def alone(tensors: Mapping[Any, Any], path: Path) -> dict[str, Tensor]:
    """The only tensor of a table, for the encoder that its width suggests."""
    found = [value for value in tensors.values() if isinstance(value, Tensor)]
    if len(found) != 1:
        reason = "it holds no vectors" if not found else f"it holds {len(found)} tensors, and an embedding is one"
        raise BadModel(path, reason, "It may be another kind of model.")
    vectors = rows(found[0], path)
    return {BY_WIDTH.get(vectors.shape[-1], "clip_l"): vectors}


def rows(tensor: Tensor, path: Path) -> Tensor:
    """Vectors as (n, width), float32."""
    vectors = tensor.detach().float()
    vectors = vectors[None] if vectors.dim() == 1 else vectors
    if vectors.dim() != 2 or not 0 < vectors.shape[0] <= MOST_VECTORS or not vectors.shape[1]:
        raise BadModel(path, f"its tensor has the shape {tuple(tensor.shape)}, not (vectors, width)", "It may be another kind of model.")
    if not bool(vectors.isfinite().all()):
        raise BadModel(path, "it holds numbers that are infinite or not numbers")
    return vectors


class EmbeddingFolders:
    """The embeddings of some folders and of the folders in them. Any thread may ask; a file is read again when it has changed."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = [folder.resolve() for folder in folders]
        self.lock = threading.Lock()
        self.read: dict[tuple[Path, int, int], Embedding | WebuiError | None] = {}
        self.found: dict[str, Embedding] = {}
        self.wrong: dict[str, str] = {}
        self.refresh()

    def refresh(self) -> None:
        """Look at the folders again."""
        with self.lock:
            found: dict[str, Embedding] = {}
            wrong: dict[str, str] = {}
            read: dict[tuple[Path, int, int], Embedding | WebuiError | None] = {}
            for path in self.files():
                status = path.stat()
                key = (path, status.st_mtime_ns, status.st_size)
                read[key] = result = self.read[key] if key in self.read else self.attempt(path)
                if isinstance(result, WebuiError):
                    wrong[path.stem] = str(result)
                elif result is not None and result.name in found:
                    wrong[path.name] = f"There is another embedding named '{result.name}'; that one is used."
                elif result is not None:
                    found[result.name] = result
            self.read, self.wrong = read, wrong
            self.found = dict(sorted(found.items(), key=lambda item: item[0].lower()))

    def files(self) -> list[Path]:
        """The files that may hold embeddings, by path. Empty ones are left out, and pictures that are a preview of another file."""
        found = sorted(listed.path for folder in self.folders for listed in files_below(folder, EMBEDDING))
        readable = [path for path in found if path.suffix.lower() in FILES | PICTURES and path.stat().st_size]
        return [path for path in readable if not (path.suffix.lower() in PICTURES and path.stem.lower().endswith(".preview"))]

    def attempt(self, path: Path) -> Embedding | WebuiError | None:
        """The embedding, or why there is none."""
        try:
            return read_embedding(path)
        except (WebuiError, OSError) as error:
            log.warning("%s", error)
            return error if isinstance(error, WebuiError) else BadModel(path, f"it cannot be read ({error.strerror})")

    def embeddings(self) -> list[Embedding]:
        """All that could be read, by name."""
        return list(self.found.values())

    def problems(self) -> dict[str, str]:
        """The files that could not be used, each with a sentence that says why."""
        return dict(self.wrong)
