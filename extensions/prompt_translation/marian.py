"""A translation model of a person's own: a Marian folder (opus-mt and its like), read from this disk only.

Its tokenizer is read here, for that of transformers needs another package: a SentencePiece unigram model, which is a protobuf message with
the pieces and their scores (github.com/google/sentencepiece, sentencepiece_model.proto), and Marian's own list of numbers, vocab.json.
"""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.contract.errors import NotFound, NotSupported
from modules.weights.header import BadModel

if TYPE_CHECKING:
    from tokenizers import Tokenizer

NEEDED = ("config.json", "source.spm", "vocab.json")
BLANK = "\u2581"
MOST_TOKENS = 256
NORMAL, UNKNOWN = 1, 2  # kinds of pieces
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # protobuf's wire types
SPECIAL = ("<pad>", "</s>", "<unk>", "<s>")


def folders(models: Path) -> list[str]:
    """The names of the folders in models/translation."""
    root = models / "translation"
    return sorted(one.name for one in root.iterdir() if one.is_dir()) if root.is_dir() else []


def folder_of(models: Path, name: str) -> Path:
    """The folder of a translation model. Raises NotFound, BadModel."""
    known = folders(models)
    if name not in known:
        if not known:
            raise NotFound("There is no translation model.", f"Put a Marian folder, as opus-mt's are, into {models / 'translation'}.")
        raise NotFound.among("translation model", name, known)
    folder = models / "translation" / name
    missing = [one for one in NEEDED if not (folder / one).is_file()]
    if missing:
        raise BadModel(folder, f"it has no {' and no '.join(missing)}", "A translation model is a whole Marian folder.")
    if not any(folder.glob("*.safetensors")):
        raise BadModel(folder, "it has no .safetensors file", "Other files of weights can run programs and are not read.")
    return folder


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a protobuf message: their numbers, and their bytes or numbers. Raises ValueError, IndexError."""
    place = 0

    def varint() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    while place < len(data):
        key = varint()
        kind = key & 7
        if kind == VARINT:
            yield key >> 3, varint()
            continue
        if kind not in (FIXED64, BYTES, FIXED32):
            raise ValueError(f"wire type {kind}")
        size = varint() if kind == BYTES else 8 if kind == FIXED64 else 4
        if place + size > len(data):
            raise ValueError("it ends too early")
        yield key >> 3, data[place : place + size]
        place += size


def read_pieces(data: bytes) -> tuple[list[tuple[str, float, int]], bytes]:
    """The pieces (text, score, kind) of a SentencePiece model, and its table of characters that are normalized. Raises as `fields`."""
    pieces: list[tuple[str, float, int]] = []
    table = b""
    for number, value in fields(data):
        if number == 1:
            parts = dict(fields(value))
            score = struct.unpack("<f", parts[2])[0] if 2 in parts else 0.0
            pieces.append((parts[1].decode("utf8"), score, parts.get(3, NORMAL)))
        elif number == 3:
            table = dict(fields(value)).get(2, b"")
    return pieces, table


def unigram(path: Path) -> "Tokenizer":
    """The tokenizer of a SentencePiece unigram model. Raises BadModel."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    try:
        pieces, table = read_pieces(path.read_bytes())
        unknown = next((index for index, piece in enumerate(pieces) if piece[2] == UNKNOWN), 0)
        model = models.Unigram([(text, score) for text, score, _ in pieces], unk_id=unknown, byte_fallback=False)
    except (ValueError, IndexError, KeyError, struct.error, UnicodeDecodeError, TypeError) as error:
        raise BadModel(path, f"it is no SentencePiece model ({error})") from None
    tokenizer = Tokenizer(model)
    if table:
        tokenizer.normalizer = normalizers.Precompiled(table)  # pyright: ignore[reportAttributeAccessIssue]
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=BLANK, prepend_scheme="always")  # pyright: ignore[reportAttributeAccessIssue]
    return tokenizer


@dataclass(frozen=True)
class Translator:
    """A loaded model with its numbers of pieces."""

    network: Any
    source: "Tokenizer"
    numbers: Mapping[str, int]
    texts: Mapping[int, str]

    def __call__(self, texts: Sequence[str]) -> list[str]:
        """Texts in the model's language, each translated on its own and always alike."""
        import torch

        found: list[str] = []
        end, unknown = self.numbers["</s>"], self.numbers.get("<unk>", 0)
        most = min(MOST_TOKENS, self.network.config.max_position_embeddings - 1)
        for text in texts:
            ids = [
                self.numbers.get(piece, unknown) for piece in self.source.encode(" ".join(text.split()), add_special_tokens=False).tokens
            ]
            with torch.inference_mode():
                answer = self.network.generate(torch.tensor([[*ids[: most - 1], end]]), do_sample=False, max_new_tokens=most - 1)
            found.append(self.decoded(answer[0].tolist()))
        return found

    def decoded(self, ids: Sequence[int]) -> str:
        """The text of a model's answer."""
        pieces = [self.texts.get(number, "") for number in ids]
        return "".join(piece for piece in pieces if piece not in SPECIAL).replace(BLANK, " ").strip()


@lru_cache(maxsize=1)
def load(folder: Path, changed: float) -> Translator:
    """The model in a folder; `changed` is when its files were written, so that other ones are read anew. Raises BadModel, NotSupported."""
    del changed
    import transformers

    try:
        config = json.loads((folder / "config.json").read_text("utf8"))
        numbers = json.loads((folder / "vocab.json").read_text("utf8"))
    except ValueError as error:
        raise BadModel(folder, f"its config.json or vocab.json is not JSON ({error})") from None
    if config.get("model_type") != "marian":
        raise NotSupported(
            f"The translation model {folder.name} is of the kind '{config.get('model_type')}'; only Marian models can be used."
        )
    try:
        network = transformers.MarianMTModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise BadModel(folder, f"its network cannot be loaded ({error})") from None
    return Translator(network.eval(), unigram(folder / "source.spm"), numbers, {number: text for text, number in numbers.items()})


def translator(models: Path, name: str) -> Translator:
    """The translation model of a name. Raises NotFound, BadModel, NotSupported."""
    folder = folder_of(models, name)
    return load(folder, max(one.stat().st_mtime for one in folder.iterdir()))
