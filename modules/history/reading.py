"""What a picture file says of itself, read without unpacking it where that is possible."""

import hashlib
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from modules.contract.errors import WebuiError
from modules.history.words import indexed, lora_names
from modules.imaging.metadata import KEY, read_info
from modules.imaging.opening import open_image
from modules.infotext import infotext_of, read
from modules.infotext.networks import lora_hashes

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif"))
SIGNATURE = b"\x89PNG\r\n\x1a\n"
LARGEST_FILE = 512 * 2**20
LARGEST_TEXT = 2 * 2**20  # of one text chunk, unpacked
LARGEST_SIDECAR = 256 * 2**10
ENDS = 64 * 2**10  # bytes at each end of a file that tell it from others of its length
MOST_CHUNKS = 100_000
TOGETHER = "postprocessing"  # the chunk of pictures that the Extras tab made


class Damaged(Exception):
    """The file is no picture, or ends too early; says what is wrong."""


@dataclass(frozen=True)
class Facts:
    """What is known of a picture file from its content. `fingerprint` is equal for equal files.

    Texts are empty and sizes 0 where the file does not say. `problem` says why a file could not be read.
    """

    fingerprint: bytes
    width: int = 0
    height: int = 0
    infotext: str = ""
    postprocessed: bool = False
    problem: str | None = None


@dataclass(frozen=True)
class Told:
    """What an infotext says, as the list keeps it; None where it says nothing."""

    prompt: str
    negative: str
    seed: str | None
    model: str | None
    model_hash: str | None
    sampler: str | None
    steps: int | None
    guidance: float | None
    loras: tuple[str, ...]
    image_to_image: bool


def facts_of(path: Path) -> Facts:
    """What a file says. Never raises for a damaged one; raises OSError if it cannot be read."""
    with path.open("rb") as file:
        fingerprint = fingerprint_of(file)
        file.seek(0)
        try:
            if file.read(8) == SIGNATURE:
                size, items = png_texts(file)
            else:
                file.seek(0)
                return other(fingerprint, file.read(LARGEST_FILE), path)
        except (Damaged, struct.error) as problem:
            return Facts(fingerprint, problem=str(problem) or "it ends too early")
    text = infotext_of(items.pop(KEY, ""), items, size)
    return Facts(fingerprint, *size, text or items.get(TOGETHER, "") or sidecar(path), TOGETHER in items)


def other(fingerprint: bytes, data: bytes, path: Path) -> Facts:
    """The facts of a picture that is no PNG: it has to be opened for its texts."""
    try:
        image = open_image(data, name="It")
        info = read_info(image)
    except WebuiError as error:
        return Facts(fingerprint, problem=error.message)
    text = infotext_of(info.infotext, info.items, image.size)
    return Facts(fingerprint, image.width, image.height, text or sidecar(path))


def fingerprint_of(file: BinaryIO) -> bytes:
    """16 bytes by which a file is known when it turns up elsewhere: of its length, its beginning and its end."""
    length = file.seek(0, 2)
    file.seek(0)
    digest = hashlib.blake2b(struct.pack("<Q", length), digest_size=16)
    digest.update(file.read(ENDS))
    if length > ENDS:
        file.seek(max(ENDS, length - ENDS))
        digest.update(file.read(ENDS))
    return digest.digest()


def png_texts(file: BinaryIO) -> tuple[tuple[int, int], dict[str, str]]:
    """Size and texts of a PNG file, read from behind its signature; the pixels are stepped over. Raises Damaged, struct.error."""
    length, kind = struct.unpack(">I4s", file.read(8))
    if kind != b"IHDR" or length != 13:
        raise Damaged("it has no header")
    size = struct.unpack(">II", file.read(8))
    file.seek(9, 1)
    texts: dict[str, str] = {}
    for _ in range(MOST_CHUNKS):
        length, kind = struct.unpack(">I4s", file.read(8))
        if kind == b"IEND":
            break
        if kind in (b"tEXt", b"zTXt", b"iTXt") and length <= LARGEST_TEXT:
            name, text = text_of(kind, file.read(length))
            texts.setdefault(name, text)
            file.seek(4, 1)
        else:
            file.seek(length + 4, 1)
    return size, texts


def text_of(kind: bytes, data: bytes) -> tuple[str, str]:
    """Name and text of a PNG chunk."""
    name, _, rest = data.partition(b"\0")
    label = name.decode("latin-1")
    if kind == b"tEXt":
        return label, rest.decode("latin-1")
    if kind == b"zTXt":
        return label, unpacked(rest[1:]).decode("latin-1")
    packed, rest = rest[:1] == b"\1", rest[2:]
    _, _, rest = rest.partition(b"\0")  # the language
    _, _, rest = rest.partition(b"\0")  # the name in that language
    return label, (unpacked(rest) if packed else rest).decode("utf8", "replace")


def unpacked(data: bytes) -> bytes:
    """Zlib data, at most as much as a text may have; empty if it is damaged."""
    try:
        return zlib.decompressobj().decompress(data, LARGEST_TEXT)
    except zlib.error:
        return b""


def sidecar(path: Path) -> str:
    """The text file beside a picture; empty if there is none of a sensible length."""
    beside = path.with_suffix(".txt")
    try:
        with beside.open("rb") as file:
            data = file.read(LARGEST_SIDECAR + 1)
    except OSError:
        return ""
    return data.decode("utf8", "replace").strip() if len(data) <= LARGEST_SIDECAR else ""


def told(infotext: str) -> Told:
    """What an infotext says."""
    values = read(infotext)
    prompt = values.get("Prompt", "")
    names = dict.fromkeys([*lora_names(prompt), *lora_names(values.get("Hires prompt", "")), *lora_hashes(values.get("Lora hashes", ""))])
    hires = any(label in values for label in ("Hires upscale", "Hires upscaler", "Hires resize-1"))
    return Told(
        prompt=indexed(prompt),
        negative=indexed(values.get("Negative prompt", "")),
        seed=values.get("Seed"),
        model=values.get("Model"),
        model_hash=values.get("Model hash"),
        sampler=values.get("Sampler"),
        steps=int(steps) if (steps := values.get("Steps", "")).isdecimal() and len(steps) < 6 else None,
        guidance=number(values.get("CFG scale", "")),
        loras=tuple(names),
        image_to_image="Denoising strength" in values and not hires,
    )


def number(text: str) -> float | None:
    """A number that is one; None else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < 1e9 else None
