"""Tensors that are dear to compute, kept by keys: in memory up to a size, and in files where there is a folder for them."""

import json
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

import torch
from torch import Tensor, nn

from modules.contract.errors import WebuiError
from modules.weights.files import read_tensors
from modules.weights.header import BadModel
from modules.weights.writing import write_tensors

Kept = dict[str, Tensor]


class TensorStore:
    """Entries of named tensors by key.

    `folder` None: in memory only, and nothing is dropped unless `limit` (bytes) says so. With a folder, memory is only the faster copy.
    """

    def __init__(self, folder: Path | None, limit: int | None, device: torch.device) -> None:
        self.folder, self.limit, self.device = folder, limit, device
        self.held: OrderedDict[str, Kept] = OrderedDict()
        self.bytes = 0

    def path(self, key: str) -> Path | None:
        """Where an entry's file is."""
        return None if self.folder is None else self.folder / key[:2] / f"{key}.safetensors"

    def has(self, key: str) -> bool:
        """Whether an entry is kept, in memory or as a file; a damaged file shows only when it is read."""
        path = self.path(key)
        return key in self.held or (path is not None and path.is_file())

    def get(self, key: str) -> Kept | None:
        """An entry, on the store's device; None if it is not kept. A damaged file is taken away: it is made again."""
        if key in self.held:
            self.held.move_to_end(key)
            return self.held[key]
        path = self.path(key)
        if path is None or not path.is_file():
            return None
        try:
            found = read_tensors(path)
        except BadModel:
            path.unlink(missing_ok=True)
            return None
        return self.hold(key, found)

    def put(self, key: str, entry: Mapping[str, Tensor], *, file: bool = True) -> Kept:
        """Keep an entry; `file` False: in memory only. Raises WebuiError where the disk takes no more."""
        path = self.path(key)
        if path is not None and file:
            try:
                write_tensors(path, {name: value.detach().cpu().contiguous() for name, value in entry.items()})
            except OSError as error:
                raise WebuiError(
                    f"What is computed from the pictures could not be kept in {path.parent.parent.name}/ ({error.strerror}).",
                    "Free some space, or have latents kept in memory.",
                ) from None
        return self.hold(key, entry)

    def hold(self, key: str, entry: Mapping[str, Tensor]) -> Kept:
        """The entry on the device, remembered as far as the limit goes; those not asked for the longest go first."""
        placed = {name: value.to(self.device) for name, value in entry.items()}
        self.held[key] = placed
        self.bytes += size_of(placed)
        while self.limit is not None and self.bytes > self.limit and len(self.held) > 1:
            self.bytes -= size_of(self.held.popitem(last=False)[1])
        return placed


def size_of(entry: Kept) -> int:
    """An entry's bytes."""
    return sum(value.numel() * value.element_size() for value in entry.values())


def key_of(*parts: object) -> str:
    """The key for what decides an entry: JSON values."""
    return blake2b(json.dumps(parts, ensure_ascii=True).encode(), digest_size=20).hexdigest()


def digest_of(*modules: nn.Module) -> str:
    """A hash of networks' values: two that compute the same have the same. Half a gigabyte takes about a second."""
    digest = blake2b(digest_size=20)
    for module in modules:
        for name, value in module.state_dict().items():
            digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
            digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
