"""Embeddings that A1111 has put into pictures: as text beside the picture, or in the lowest bits of columns left and right of it."""

import base64
import binascii
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from modules.contract.errors import BadRequest
from modules.imaging.opening import open_image
from modules.weights.header import BadModel

TEXT_KEY = "sd-ti-embedding"
TENSOR_KEY = "TORCHTENSOR"
LARGEST_TEXT = 64 * 2**20
DAMAGED = "the embedding in the picture is damaged"


def data_in_picture(path: Path) -> Any:
    """What an embedding picture holds, its tensors as tensors; None for any other picture. Raises BadModel."""
    try:
        image = open_image(path.read_bytes(), name=path.name)
    except BadRequest as error:
        raise BadModel(path, "it is no picture that can be opened", error.message) from None
    text = image.info.get(TEXT_KEY)
    try:
        packed = base64.b64decode(text, validate=True) if isinstance(text, str | bytes) else packed_in_pixels(image)
        return None if packed is None else json.loads(packed, object_hook=tensor_or_table)
    except (ValueError, TypeError, RecursionError, RuntimeError, binascii.Error, zlib.error) as error:
        raise BadModel(path, f"{DAMAGED} ({type(error).__name__})", "Save the picture again without changing its size or format.") from None


def tensor_or_table(table: dict[str, Any]) -> Any:
    """A table of the JSON text, or the tensor that it stands for."""
    return torch.tensor(table[TENSOR_KEY], dtype=torch.float32) if TENSOR_KEY in table else table


def packed_in_pixels(image: Image.Image) -> bytes | None:
    """The text in a picture's lowest four bits; None where there is none.

    Inside a black frame, the columns up to the first black one hold the lower halves of the bytes, those behind the last
    black one the upper halves, each block veiled by a fixed sequence; together they are zlib data.
    """
    pixels = without_frame(np.asarray(image.convert("RGB"), dtype=np.uint8))
    bits = np.bitwise_and(pixels, np.uint8(0x0F))
    if not bits.size:
        return None
    black = np.flatnonzero(~bits.any(axis=(0, 2)))
    if len(black) < 2:
        return None
    lower, upper = bits[:, : black[0]], bits[:, black[-1] + 1 :]
    if lower.shape != upper.shape or not lower.size:
        return None
    data = np.bitwise_or(unveiled(upper) << 4, unveiled(lower)).tobytes()
    if data[:1] != b"\x78":  # every zlib text begins so, and hardly any picture
        return None
    stream = zlib.decompressobj()
    text = stream.decompress(data, LARGEST_TEXT)
    if not stream.eof:
        raise ValueError(DAMAGED)
    return text


def without_frame(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The part of (height, width, 3) pixels from the first to the last row and column that have a pixel black in no channel."""
    lit = pixels.all(axis=2)
    rows, columns = np.unique(np.nonzero(lit)[0]), np.unique(np.nonzero(lit)[1])
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else pixels[:0, :0]


def unveiled(block: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A block without the sequence laid over it: the linear congruential one of Numerical Recipes from 0 on, modulo 255, 4 bits."""
    powers = np.full(block.size, 1664525, dtype=np.uint32)
    powers[:1] = 1
    values = np.cumsum(np.cumprod(powers, dtype=np.uint32), dtype=np.uint32) * np.uint32(1013904223)
    return block ^ (values % 255 & 0x0F).astype(np.uint8).reshape(block.shape)
