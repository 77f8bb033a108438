"""The one place that reads tensors from disk. Whatever the format, a file is first judged by its table of contents alone."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from modules.weights.containers import Pickled, read_pickled
from modules.weights.header import BadModel, Header, TensorInfo, read_header
from modules.weights.pickles import StoredTensor
from modules.weights.writing import DTYPES, NAMES, write_tensors

__all__ = ["PICKLES", "TensorFile", "describe", "open_tensors", "read_object", "read_tensors", "write_tensors"]
PICKLES = {".ckpt", ".pt", ".pth", ".bin"}
INDEX = ".safetensors.index.json"
LARGEST_INDEX = 4 * 2**20
MOST_SHARDS = 1000
DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tensor lies: `begin` is its first byte in the file, `stride` counts numbers, None for one after another."""

    path: Path
    begin: int
    dtype: torch.dtype
    shape: tuple[int, ...]
    stride: tuple[int, ...] | None = None


class TensorFile(Mapping[str, Tensor]):
    """The tensors of a weights file by name, each read from disk when it is asked for. To be closed; for one thread at a time."""

    def __init__(self, header: Header, places: dict[str, Place]) -> None:
        self.header = header
        self.places = places
        self.opened = ExitStack()
        self.files: dict[Path, BinaryIO] = {}

    def __getitem__(self, name: str) -> Tensor:
        return self.read(self.places[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def __enter__(self) -> "TensorFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the files go."""
        self.opened.close()
        self.files.clear()

    def read(self, place: Place) -> Tensor:
        """A tensor in memory of its own. Raises BadModel where the file has become shorter."""
        if place.path not in self.files:
            self.files[place.path] = self.opened.enter_context(place.path.open("rb", buffering=0))
        sides = zip(place.shape, place.stride or (), strict=place.stride is not None)
        count = 1 + sum((side - 1) * step for side, step in sides) if place.stride else torch.Size(place.shape).numel()
        if 0 in place.shape:
            return torch.empty(place.shape, dtype=place.dtype)
        raw = torch.empty(count * place.dtype.itemsize, dtype=torch.uint8)
        self.fill(place, raw.numpy().data)
        numbers = raw.view(place.dtype)
        return numbers.as_strided(place.shape, place.stride).contiguous() if place.stride else numbers.reshape(place.shape)

    def fill(self, place: Place, room: memoryview) -> None:
        """Read bytes until there is no more room."""
        file = self.files[place.path]
        try:
            file.seek(place.begin)
            while room:
                count = file.readinto(room)  # type: ignore[attr-defined]
                if not count:
                    raise BadModel(place.path, "it has become shorter while it was read")
                room = room[count:]
        except OSError as error:
            raise BadModel(place.path, f"it cannot be read ({error.strerror})") from None


def open_tensors(path: Path) -> TensorFile:
    """The tensors of a weights file, none of them read yet. Raises BadModel, and then nothing has been run from the file.

    A table under `state_dict` is taken for the file's content. An index of parts (.safetensors.index.json) counts as one file.
    """
    if path.name.endswith(INDEX):
        return shards(path)
    if path.suffix.lower() in PICKLES:
        pickled = read_pickled(path)
        return TensorFile(*pickled_table(pickled))
    header = read_header(path)
    return TensorFile(header, {name: Place(path, info.begin, DTYPES[info.dtype], info.shape) for name, info in header.tensors.items()})


def describe(path: Path) -> Header:
    """A file's names, types and shapes; its tensors stay unread. Raises BadModel."""
    return read_header(path) if path.suffix.lower() == ".safetensors" else open_tensors(path).header


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a weights file, on the CPU, as stored. Raises BadModel, and then nothing has been run from the file."""
    if path.suffix.lower() not in PICKLES and not path.name.endswith(INDEX):
        read_header(path)
        try:
            return safetensors.torch.load_file(path)
        except (SafetensorError, OSError) as error:
            raise BadModel(path, f"it is damaged ({error})", "Download it again.") from None
    with open_tensors(path) as file:
        places = sorted(file.places, key=lambda name: (file.places[name].path, file.places[name].begin))
        found = {name: file[name] for name in places}  # in the order of the disk
    return {name: found[name] for name in file.places}


def read_object(path: Path) -> Any:
    """All that a file holds: for a pickle nested dicts, lists, tuples, texts, bytes, numbers, None and tensors, and nothing else.

    An ordered or a parameter dict becomes a dict, a parameter a tensor; objects of training programs become None. A safetensors
    file gives its dict of tensors. Raises BadModel.
    """
    if path.suffix.lower() not in PICKLES:
        return read_tensors(path)
    pickled = read_pickled(path)
    with TensorFile(Header(path, {}), {}) as file:
        return whole(pickled, pickled.value, file, {}, 0)


def whole(pickled: Pickled, value: Any, file: TensorFile, done: dict[int, Any], depth: int) -> Any:
    """A pickle's value with its tensors read. What stands in several places is read once, and stays one thing."""
    if depth > DEEPEST:
        raise BadModel(pickled.path, f"its tables lie more than {DEEPEST} deep in each other")
    if value is None or isinstance(value, str | bytes | int | float):
        return value
    if id(value) in done:
        return done[id(value)]
    if isinstance(value, StoredTensor):
        done[id(value)] = file.read(place_of(pickled, value))
    elif isinstance(value, dict):
        table: dict[Any, Any] = {}
        done[id(value)] = table
        table.update({key: whole(pickled, one, file, done, depth + 1) for key, one in value.items() if plain_key(key)})
    elif isinstance(value, list):
        items: list[Any] = []
        done[id(value)] = items
        items.extend(whole(pickled, one, file, done, depth + 1) for one in value)
    elif isinstance(value, tuple):
        done[id(value)] = tuple(whole(pickled, one, file, done, depth + 1) for one in value)
    else:
        done[id(value)] = None
    return done[id(value)]


def plain_key(key: object) -> bool:
    """Whether a key of a pickled table is a text or a number; classes are keys in what Lightning writes."""
    return isinstance(key, str | int | bytes)


def place_of(pickled: Pickled, tensor: StoredTensor) -> Place:
    """Where a pickled tensor lies. The stride is left out where numbers follow one another."""
    step, steps = 1, []
    for side in reversed(tensor.shape):
        steps.append(step)
        step *= side
    together = all(side == 1 or own == plain for side, own, plain in zip(tensor.shape, tensor.stride, reversed(steps), strict=True))
    return Place(pickled.path, pickled.begin(tensor), tensor.dtype, tensor.shape, None if together else tensor.stride)


def pickled_table(pickled: Pickled) -> tuple[Header, dict[str, Place]]:
    """The table of tensors of a pickle: names with their places. Raises BadModel where there is none."""
    table = pickled.value
    for _ in range(3):
        if isinstance(table, dict) and isinstance(table.get("state_dict"), dict):
            table = table["state_dict"]
    if not isinstance(table, dict):
        raise BadModel(pickled.path, "it holds no table of tensors")
    places = {str(name): place_of(pickled, value) for name, value in table.items() if isinstance(value, StoredTensor)}
    if not places:
        raise BadModel(pickled.path, "it holds no tensors")
    infos = {name: TensorInfo(NAMES[place.dtype], place.shape, place.begin) for name, place in places.items()}
    return Header(pickled.path, infos), places


def shards(path: Path) -> TensorFile:
    """The tensors of a file in parts, by its index. Raises BadModel; parts lie in the index's own folder."""
    try:
        if path.stat().st_size > LARGEST_INDEX:
            raise BadModel(path, "it is too large for an index")
        index = json.loads(path.read_text("utf8"))
        names = sorted(set(index["weight_map"].values()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BadModel(path, "it is no index of a model in parts", "Download it again.") from None
    if len(names) > MOST_SHARDS:
        raise BadModel(path, f"it lists more than {MOST_SHARDS} parts")
    infos: dict[str, TensorInfo] = {}
    places: dict[str, Place] = {}
    for name in names:
        part = path.parent / name
        if not name.endswith(".safetensors") or part.name != name or "\\" in name:
            raise BadModel(path, f"its part '{name[:80]}' is not a .safetensors file in the same folder")
        if not part.is_file():
            raise BadModel(path, f"its part {name[:80]} is missing", "Download it too.")
        with open_tensors(part) as file:
            infos |= file.header.tensors
            places |= file.places
    absent = [name for name in index["weight_map"] if name not in places]
    if absent:
        raise BadModel(path, f"none of its parts holds the tensor '{absent[0][:80]}'", "Download them again.")
    return TensorFile(Header(path, infos), places)
