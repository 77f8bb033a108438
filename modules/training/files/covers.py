"""Further texts, and a picture, into a file that was trained: its tensors are copied as they are."""

import base64
import io
import json
import os
import secrets
import struct
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from modules.contract.files import sync_folder
from modules.weights.header import header_text, read_header

COVER, THUMBNAIL = 512, 256  # pixels of the longer side
BLOCK = 1 << 22


def cover_metadata(picture: Image.Image) -> dict[str, str]:
    """A picture as the texts by which programs show it: A1111, Forge and ComfyUI the first, SwarmUI and others the second."""
    covers = [base64.b64encode(jpeg(picture, COVER)).decode()]
    thumbnail = base64.b64encode(jpeg(picture, THUMBNAIL)).decode()
    return {"ssmd_cover_images": json.dumps(covers), "modelspec.thumbnail": f"data:image/jpeg;base64,{thumbnail}"}


def jpeg(picture: Image.Image, side: int) -> bytes:
    """A picture as JPEG, its longer side no longer than so many pixels."""
    small = picture.convert("RGB")
    small.thumbnail((side, side))
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=85)
    return stream.getvalue()


def with_metadata(source: Path, target: Path, changes: Mapping[str, str]) -> None:
    """Write a safetensors file's tensors under another name with further texts; a text of "" is taken out.

    Written beside its place, synced and put there in one step; the source may be the target. Raises BadModel for a file that is
    not whole.
    """
    read_header(source)
    text, size = header_text(source)
    table = json.loads(text)
    texts = {**table.pop("__metadata__", {}), **changes}
    texts = {key: value for key, value in texts.items() if value}
    header = json.dumps({"__metadata__": texts, **table}, separators=(",", ":"), ensure_ascii=False).encode("utf8", "backslashreplace")
    header += b" " * (-len(header) % 8)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        with source.open("rb") as reading, temporary.open("xb") as writing:
            reading.seek(8 + len(text))
            writing.write(struct.pack("<Q", len(header)) + header)
            left = size - 8 - len(text)
            while left:
                block = reading.read(min(BLOCK, left))
                if not block:
                    raise OSError(f"{source.name} became shorter while it was read")
                writing.write(block)
                left -= len(block)
            writing.flush()
            os.fsync(writing.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(target.parent)
