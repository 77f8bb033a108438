"""States from which a training goes on: each a folder that is there as a whole or not at all.

step-00000100/state.safetensors   all tensors: what is trained, its average, the optimizer's
              state.json          all other values, in the same tree, a tensor by its name
              manifest.json       the size and the SHA-256 of both; a folder where they do not fit is passed over
"""

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from modules.contract.errors import BadRequest
from modules.contract.files import sync_folder, write_whole
from modules.weights.files import read_tensors
from modules.weights.hashes import sha256_of
from modules.weights.writing import write_tensors

FOLDER = re.compile(r"step-(\d{8})")
UNFINISHED = re.compile(r"\.step-\d{8}\.[0-9a-f]{16}\.tmp")
FILES = ("state.safetensors", "state.json")
RESERVE = 1.2  # times what is written must be free


class DiskFull(BadRequest):
    """There is no room for what is to be written; nothing of it was left, and what was there is untouched."""

    status = 507


def write(checkpoints: Path, step: int, state: Mapping[str, Any]) -> Path:
    """Keep a state: beside its place, synced, put there in one step. Raises DiskFull; then what was there before is as it was."""
    tensors: dict[str, Tensor] = {}
    values = packed(state, "", tensors)
    checkpoints.mkdir(parents=True, exist_ok=True)
    check_room(checkpoints, sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()))
    place = checkpoints / f"step-{step:08d}"
    temporary = checkpoints / f".{place.name}.{secrets.token_hex(8)}.tmp"
    try:
        temporary.mkdir()
        write_tensors(temporary / FILES[0], tensors)
        write_whole(temporary / FILES[1], json.dumps(values).encode())
        write_whole(temporary / "manifest.json", json.dumps({name: seal(temporary / name) for name in FILES}).encode())
        sync_folder(temporary)
        if place.exists():
            shutil.rmtree(place)
        os.replace(temporary, place)
    except OSError as error:
        raise DiskFull(f"The state of step {step} could not be written: {error.strerror or error}.", "Make room on the disk.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    sync_folder(checkpoints)
    return place


def check_room(folder: Path, size: int) -> None:
    """Raises DiskFull unless so many bytes and a fifth more are free there."""
    free = shutil.disk_usage(folder).free
    if free < size * RESERVE:
        wanted = int(size * RESERVE)
        raise DiskFull(f"There are {free >> 20} MB free on the disk, and {wanted >> 20} MB are wanted.", "Make room on the disk.")


def newest(checkpoints: Path) -> dict[str, Any] | None:
    """The state of the newest folder that is whole, tensors on the processor; None without one."""
    found = (read(checkpoints, step) for step in steps(checkpoints))
    return next((state for state in found if state is not None), None)


def steps(checkpoints: Path) -> list[int]:
    """The steps that states were written of, newest first; not all need be whole."""
    names = [path.name for path in checkpoints.iterdir()] if checkpoints.is_dir() else []
    return sorted((int(match[1]) for match in map(FOLDER.fullmatch, names) if match), reverse=True)


def read(checkpoints: Path, step: int) -> dict[str, Any] | None:
    """The state of a step; None if it is not there as it was written."""
    place = checkpoints / f"step-{step:08d}"
    try:
        manifest = json.loads((place / "manifest.json").read_bytes())
        if any(manifest[name] != seal(place / name) for name in FILES):
            return None
        return unpacked(json.loads((place / FILES[1]).read_bytes()), read_tensors(place / FILES[0]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def seal(path: Path) -> dict[str, Any]:
    """A file's size and hash."""
    return {"size": path.stat().st_size, "sha256": sha256_of(path)}


def prune(checkpoints: Path, keep: int, *, best: int | None = None) -> None:
    """Remove the oldest states beyond `keep`, but not that of the best step."""
    for step in steps(checkpoints)[keep:]:
        if step != best:
            shutil.rmtree(checkpoints / f"step-{step:08d}", ignore_errors=True)


def forget_after(checkpoints: Path, step: int) -> None:
    """Remove the states of later steps: those that are broken, or that a training went back behind."""
    for later in steps(checkpoints):
        if later > step:
            shutil.rmtree(checkpoints / f"step-{later:08d}", ignore_errors=True)


def remove_unfinished(checkpoints: Path) -> None:
    """Clear away what a killed process left behind."""
    for path in checkpoints.iterdir() if checkpoints.is_dir() else ():
        if UNFINISHED.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """What differs between two fingerprints of data, as a sentence's list; empty if nothing does."""
    words = dict.fromkeys(new.keys() - old.keys(), "new") | dict.fromkeys(old.keys() - new.keys(), "gone")
    words |= {name: "changed" for name in old.keys() & new.keys() if old[name] != new[name]}
    named = [f"{name} ({words[name]})" for name in sorted(words)]
    more = f" and {len(named) - 5} more" if len(named) > 5 else ""
    return ", ".join(named[:5]) + more


def packed(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """A tree as JSON can hold it: tensors go into `tensors` under their path, tuples and dicts with keys that are no text are marked."""
    if isinstance(value, Tensor):
        tensors[name] = value.detach()
        return {"#": "tensor", "name": name}
    if isinstance(value, Mapping):
        pairs: list[tuple[Any, Any]] = [(key, packed(one, f"{name}/{key}".lstrip("/"), tensors)) for key, one in entries(value)]
        plain = all(isinstance(key, str) and key != "#" for key, _ in pairs)
        return dict(pairs) if plain else {"#": "dict", "pairs": [[packed(key, "", tensors), one] for key, one in pairs]}
    if isinstance(value, list | tuple):
        items = [packed(one, f"{name}/{i}", tensors) for i, one in enumerate(list[Any](value))]
        return items if isinstance(value, list) else {"#": "tuple", "items": items}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"A state cannot hold {name}, a {type(value).__name__}.")


def entries(value: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
    """A mapping's pairs."""
    yield from value.items()


def unpacked(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The tree that `packed` was given."""
    if isinstance(value, list):
        return [unpacked(one, tensors) for one in list[Any](value)]
    if not isinstance(value, dict):
        return value
    marked: dict[str, Any] = value
    kind = marked.get("#")
    if kind == "tensor":
        return tensors[marked["name"]]
    if kind == "tuple":
        return tuple(unpacked(one, tensors) for one in marked["items"])
    if kind == "dict":
        return {unpacked(key, tensors): unpacked(one, tensors) for key, one in marked["pairs"]}
    return {key: unpacked(one, tensors) for key, one in marked.items()}
