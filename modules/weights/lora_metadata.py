"""What a network file says of itself: the name it was trained under, the models it is for, and the hash in infotexts."""

import hashlib
import struct
from pathlib import Path
from typing import Literal

from modules.weights.hashes import BLOCK
from modules.weights.header import Header

Version = Literal["SD1", "SD2", "SDXL", "Unknown"]


def alias_of(header: Header) -> str | None:
    """The name that a network was trained under, which tags may use as well; None where it says none."""
    return header.metadata.get("ss_output_name") or None


def sd_version_of(header: Header) -> Version:
    """The models that a network's metadata say it is for, by A1111's rule: SD 1 whatever else they say, unknown without any."""
    if header.metadata.get("ss_base_model_version", "").startswith("sdxl_"):
        return "SDXL"
    if header.metadata.get("ss_v2") == "True":
        return "SD2"
    return "SD1" if header.metadata else "Unknown"


def addnet_hash(path: Path) -> str:
    """The SHA-256, in hex, of what follows a safetensors file's header, so that new metadata leave it; of any other file of all of it.

    Infotexts show its first 12 digits.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        if path.suffix.lower() == ".safetensors":
            file.seek(8 + struct.unpack("<Q", file.read(8))[0])
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
