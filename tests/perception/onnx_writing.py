"""Small `.onnx` files, written byte by byte: networks whose answers follow from the mean colour of what they see."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def number(value: int) -> bytes:
    """A whole number of variable length."""
    found = b""
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])


def field(place: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return number(place << 3) + number(value)
    content = value.encode() if isinstance(value, str) else value
    return number(place << 3 | 2) + number(len(content)) + content


def tensor(name: str, values: NDArray[np.float32] | NDArray[np.int64]) -> bytes:
    """A TensorProto with raw data."""
    kind = 1 if values.dtype == np.float32 else 7
    return b"".join(field(1, side) for side in values.shape) + field(2, kind) + field(8, name) + field(9, values.tobytes())


def value(name: str, shape: Sequence[int]) -> bytes:
    """A ValueInfoProto of 32-bit numbers; a side of 0 may be anything."""
    sides = b"".join(field(1, field(1, side) if side else field(2, f"any{place}")) for place, side in enumerate(shape))
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, sides)))


def attribute(name: str, values: Sequence[int]) -> bytes:
    return field(1, name) + b"".join(field(8, one) for one in values) + field(20, 7)


def node(kind: str, inputs: Sequence[str], output: str, attributes: Mapping[str, Sequence[int]] | None = None) -> bytes:
    given = b"".join(field(5, attribute(name, values)) for name, values in (attributes or {}).items())
    return b"".join(field(1, one) for one in inputs) + field(2, output) + field(3, output) + field(4, kind) + given


def network(
    path: Path, answers: Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]], *, side: int, notes: Mapping[str, str] | None = None
) -> Path:
    """A network (1, 3, side, side) that answers, by name, with `constant + colour @ weights`: constant (1, ...), weights (3, ...).

    `colour` is the mean of each channel of the input.
    """
    nodes, weights, outputs = [node("GlobalAveragePool", ["images"], "mean")], b"", b""
    for name, (constant, slope) in answers.items():
        count = constant.size
        weights += field(5, tensor(f"{name}.w", np.ascontiguousarray(slope.reshape(3, count).T.reshape(count, 3, 1, 1), np.float32)))
        weights += field(5, tensor(f"{name}.b", constant.reshape(-1).astype(np.float32)))
        weights += field(5, tensor(f"{name}.s", np.array(constant.shape, np.int64)))
        nodes += [node("Conv", ["mean", f"{name}.w", f"{name}.b"], f"{name}.c", {"kernel_shape": [1, 1]}),
                  node("Reshape", [f"{name}.c", f"{name}.s"], name)]  # fmt: skip
        outputs += field(12, value(name, constant.shape))
    images = field(11, value("images", (1, 3, side, side)))
    graph = b"".join(field(1, one) for one in nodes) + field(2, "small") + weights + images + outputs
    notes_of = b"".join(field(14, field(1, key) + field(2, text)) for key, text in (notes or {}).items())
    path.write_bytes(field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 12)) + notes_of)
    return path

