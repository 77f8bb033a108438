"""What an `.onnx` file says of itself: its input's size and its notes, read from its protocol buffer without the package onnx."""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from modules.contract.errors import NotSupported

LARGEST = 2 * 2**30
# Field numbers of ModelProto, GraphProto, ValueInfoProto, TypeProto, TensorShapeProto in onnx.proto (version 8 of the format).
GRAPH, NOTES, INPUT, INITIALIZER, DATA_TYPE = 7, 14, 11, 5, 2
Field = tuple[int, "int | memoryview"]


@dataclass(frozen=True)
class OnnxFacts:
    """`inputs`: the shape of each input by name, 0 where it may be anything; `notes`: what the exporter wrote, by key."""

    inputs: dict[str, tuple[int, ...]]
    notes: dict[str, str]


def onnx_facts(path: Path) -> OnnxFacts:
    """The facts of a file. Raises NotSupported for one that is none."""
    try:
        model = content(path)
        graph = graph_of(model)
        notes = dict(map(pair, parts(model, NOTES)))
        weights = {text(part(value, 8)) for value in parts(graph, INITIALIZER)}
        shapes = {text(part(value, 1)): shape(value) for value in parts(graph, INPUT)}
        return OnnxFacts({name: sides for name, sides in shapes.items() if name not in weights}, notes)
    except (ValueError, IndexError, OSError) as error:
        raise NotSupported(f"{path.name} cannot be read as an ONNX file ({error}).", "Take it from its source again.") from None


def last_weights(path: Path) -> NDArray[np.float32] | None:
    """The numbers of the last table of weights in a file; None where it has none of 32-bit numbers. Raises NotSupported."""
    try:
        tables = parts(graph_of(content(path)), INITIALIZER)
        if not tables or 1 not in [value for number, value in fields(tables[-1]) if number == DATA_TYPE]:
            return None
        raw = part(tables[-1], 9) or part(tables[-1], 4)  # bytes as they are, or packed numbers: the same bytes
        return np.frombuffer(bytes(raw), "<f4").astype(np.float32)
    except (ValueError, IndexError, OSError) as error:
        raise NotSupported(f"{path.name} cannot be read as an ONNX file ({error}).", "Take it from its source again.") from None


def content(path: Path) -> memoryview:
    """A file's bytes, of which only what is looked at is read. Raises ValueError for one that is empty or too large."""
    if path.stat().st_size > LARGEST:
        raise ValueError("it is larger than 2 GB")
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def graph_of(model: memoryview) -> memoryview:
    """The graph in a model."""
    graphs = parts(model, GRAPH)
    if len(graphs) != 1:
        raise ValueError("it has no graph")
    return graphs[0]


def parts(message: memoryview, wanted: int) -> list[memoryview]:
    """All fields of a number that have bytes."""
    return [value for number, value in fields(message) if number == wanted and isinstance(value, memoryview)]


def fields(message: memoryview) -> Iterator[Field]:
    """The fields of a message in order: number and value; groups, which nothing here has, raise ValueError."""
    at = 0
    while at < len(message):
        tag, at = whole(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = whole(message, at)
            yield number, value
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        elif kind == 2:
            length, at = whole(message, at)
            if at + length > len(message):
                raise ValueError("it ends early")
            yield number, message[at : at + length]
            at += length
        else:
            raise ValueError("it is no protocol buffer")


def whole(message: memoryview, at: int) -> tuple[int, int]:
    """The number of variable length at a place, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise ValueError("it has a number that does not end")


def part(message: memoryview, wanted: int) -> memoryview:
    """The first field of a number that has bytes; empty if there is none."""
    return next((value for number, value in fields(message) if number == wanted and isinstance(value, memoryview)), memoryview(b""))


def text(value: memoryview) -> str:
    return bytes(value).decode("utf8", "replace")


def pair(message: memoryview) -> tuple[str, str]:
    """A note: its key and its value."""
    return text(part(message, 1)), text(part(message, 2))


def shape(value_info: memoryview) -> tuple[int, ...]:
    """The sides of a tensor's declaration; 0 for those that have a name instead of a number."""
    dimensions = fields(part(part(part(value_info, 2), 1), 2))
    return tuple(
        next((value for number, value in fields(one) if number == 1 and isinstance(value, int)), 0)
        for _, one in dimensions
        if isinstance(one, memoryview)
    )
