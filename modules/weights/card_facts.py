"""What a card tells of a model from its file alone: family, training tags, cover pictures, and what is wrong with it.

Of a file only its table of contents is read, and of that only what is needed: a folder may hold thousands.
"""

import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from modules.contract.errors import WebuiError
from modules.weights.containers import read_pickled
from modules.weights.embeddings import Embedding
from modules.weights.files import describe
from modules.weights.header import BadModel, header_text, read_metadata
from modules.weights.lora import OTHERS, WIDTHS, made_for

COVERS = "ssmd_cover_images"  # a JSON list of pictures in base64, in a file's own metadata
TAGS = "ss_tag_frequency"  # kohya's trainer: data set -> tag -> how often
SEARCHED_TAGS = 40  # how many of the most frequent tags a search looks at
END = re.compile(rb'"data_offsets"\s*:\s*\[\s*\d+\s*,\s*(\d+)')
WIDTH = re.compile(rb'attn2[._]to_[kv][^"]*(?:lora_down|lora_A|hada_w1_b|\.diff)[^"]*"\s*:\s*\{[^}]*?"shape"\s*:\s*\[[\d\s,]*?(\d+)\s*\]')
SECOND_ENCODER = re.compile(rb'"(?:lora_te2_|text_encoder_2\.)')
OTHER = re.compile(rb'"[^"]*(?:' + b"|".join(name.encode() for name in OTHERS) + rb")[_.]")
FAMILIES = {"SD1": "sd1", "SD2": "sd2", "SDXL": "sdxl"}  # as A1111's notes name them


@dataclass(frozen=True)
class Facts:
    """What a file says. `family` is sd1, sd2, sdxl, other, or "" where it is not known; `hash` is the one that a trainer wrote.

    `tags` are the most frequent training tags; `covers`: whether it brings pictures of its own.
    """

    family: str = ""
    alias: str = ""
    hash: str = ""
    tags: str = ""
    covers: bool = False
    problem: str = ""

    def kept(self) -> dict[str, Any]:
        """What differs from the defaults, to be written into a cache."""
        return {name: value for name, value in asdict(self).items() if value}


def lora_facts(path: Path) -> Facts:
    """The facts of a LoRA; a file that cannot be used has its `problem`."""
    try:
        if path.suffix.lower() != ".safetensors":
            shapes = {name: {"dtype": info.dtype, "shape": info.shape} for name, info in describe(path).tensors.items()}
            return Facts(family_in({}, json.dumps(shapes).encode()))
        text, size = header_text(path)
        metadata = read_metadata(path)
    except (WebuiError, OSError) as error:
        return Facts(problem=str(error))
    return Facts(
        family=family_in(metadata, text),
        alias=metadata.get("ss_output_name", ""),
        hash=metadata.get("sshs_model_hash", "")[:64],
        tags=", ".join(tag for tag, _ in training_tags(metadata)[:SEARCHED_TAGS]),
        covers=len(metadata.get(COVERS, "")) > len("[]"),
        problem=cut_off(path, text, size),
    )


def cut_off(path: Path, text: bytes, size: int) -> str:
    """What is wrong with a file that ends before its last tensor does, or holds none; "" for a whole one."""
    ends = [int(end) for end in END.findall(text)]
    if not ends:
        return str(BadModel(path, "it holds no tensors"))
    missing = 8 + len(text) + max(ends) - size
    return str(BadModel(path, f"it is cut off: {missing:,} bytes are missing at its end", "Download it again.")) if missing > 0 else ""


def family_in(metadata: Mapping[str, str], text: bytes) -> str:
    """The family that a LoRA is made for: what it says, else what the names and shapes of its header give away."""
    said = metadata.get("ss_base_model_version") or metadata.get("modelspec.architecture")
    if not said and str(metadata.get("ss_v2")).lower() == "true":
        said = "sd_v2"
    if said:
        return family_named(made_for({"ss_base_model_version": said}, {}))
    width = WIDTH.search(text)
    if width:
        return family_named(WIDTHS.get(int(width[1])))
    if OTHER.search(text):
        return "other"
    return "sdxl" if SECOND_ENCODER.search(text) else ""


def family_named(made_for: str | None) -> str:
    """Our word for what a network says it is made for."""
    return "" if not made_for else FAMILIES.get(made_for, "other")


def embedding_facts(embedding: Embedding) -> Facts:
    """The facts of an embedding, by the encoders that its vectors are for."""
    family = {frozenset({"clip_l"}): "sd1", frozenset({"clip_h"}): "sd2", frozenset({"clip_l", "clip_g"}): "sdxl"}
    return Facts(family.get(frozenset(embedding.vectors), "other"), hash=embedding.sha256 or "")


def hypernetwork_facts(path: Path) -> Facts:
    """The facts of a hypernetwork, by the widths of the text that its layers are for."""
    try:
        value = read_pickled(path).value
    except (WebuiError, OSError) as error:
        return Facts(problem=str(error))
    widths = {key for key in value if isinstance(key, int)} if isinstance(value, Mapping) else set[int]()
    if not widths:
        return Facts(problem=str(BadModel(path, "it is not a hypernetwork", "It may be another kind of model.")))
    return Facts(next((family for width, family in ((2048, "sdxl"), (1024, "sd2"), (768, "sd1")) if width in widths), ""))


def training_tags(metadata: Mapping[str, str]) -> list[tuple[str, int]]:
    """The tags that a network was trained on, all data sets together, the most frequent first."""
    try:
        sets = json.loads(metadata.get(TAGS, "{}"))
    except (ValueError, RecursionError):
        return []
    counted: Counter[str] = Counter()
    tables: Iterable[Any] = sets.values() if isinstance(sets, dict) else ()
    for table in tables:
        for tag, count in table.items() if isinstance(table, dict) else ():
            if isinstance(count, int) and tag.strip():
                counted[tag.strip()] += count
    return counted.most_common()


def cover(metadata: Mapping[str, str]) -> bytes | None:
    """The first picture that a file brings along in its metadata; None without one."""
    try:
        covers = json.loads(metadata.get(COVERS, "[]"))
        return base64.b64decode(covers[0]) if isinstance(covers, list) and covers else None
    except (ValueError, TypeError, binascii.Error, RecursionError):
        return None
