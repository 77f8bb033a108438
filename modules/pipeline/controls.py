"""The control networks on disk and those in memory, with the picture encoders that some of them see through."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from modules.contract.errors import NotFound, WebuiError
from modules.contract.services import ModelEntry
from modules.families.control_kind import ControlKind
from modules.families.control_loading import Control, load_control
from modules.families.image_encoder import EncoderShape, encoder_shape, load_image_encoder
from modules.families.ip_adapter import IPAdapter
from modules.runtime.device import Device
from modules.weights.catalogue import Catalogue
from modules.weights.store import ModelStore

log = logging.getLogger(__name__)


class Controls:
    """One for the whole program. What was used last stays in memory, as many as whoever asks wants to keep."""

    def __init__(self, catalogue: Catalogue, encoders: Catalogue, device: Callable[[], Device]) -> None:
        self.catalogue = catalogue
        self.encoders = encoders
        self.device = device
        self.store: ModelStore[tuple[ControlKind, Control]] = ModelStore()
        self.seers: ModelStore[Any] = ModelStore()

    def load(self, entry: ModelEntry, *, kept: int) -> tuple[ControlKind, Control]:
        """A control network, from memory or from disk, and what it is. Raises NotFound, BadModel, NotSupported."""
        if not entry.path.exists():
            self.catalogue.refresh()
            raise NotFound(f"The ControlNet file {entry.path.name} is not there any more.", "Choose another one.")
        device = self.device()

        def read() -> tuple[ControlKind, Control]:
            log.info("Loading %s.", entry.title)
            kind, network = load_control(entry.path, device)
            torch.nn.Module.to(network, device.place)
            return kind, network

        return self.store.get(stamped(entry.path, device), read, kept=kept)

    def encoder_for(self, adapter: IPAdapter) -> Any:
        """The picture encoder that an adapter reads: the first in models/clip_vision of its width. Raises NotFound."""
        device = self.device()
        wanted, what = adapter.seen, "patches" if adapter.wants_patches else "vectors"
        for entry in self.encoders.entries():
            try:
                shape = encoder_shape(entry.path)
            except WebuiError as error:
                log.warning("%s", error)
                continue
            if width_read(shape, patches=adapter.wants_patches) == wanted:
                return self.seers.get(stamped(entry.path, device), partial(self.encoder, entry.path, device), kept=1)
        raise NotFound(
            f"There is no picture encoder whose {what} are {wanted} wide, as this IP-Adapter reads them.",
            f"Put a CLIP-ViT .safetensors file in transformers' layout into {self.encoders.folders[0]}.",
        )

    def encoder(self, path: Path, device: Device) -> Any:
        """A picture encoder from disk, where it computes."""
        return torch.nn.Module.to(load_image_encoder(path, device.dtype), device.place)

    def clear(self) -> None:
        """Let all of them go."""
        self.store.clear()
        self.seers.clear()


def width_read(shape: EncoderShape, *, patches: bool) -> int:
    """What an adapter would read of an encoder."""
    return shape.width if patches else shape.vector


def stamped(path: Path, device: Device) -> tuple[Path, float, int, torch.dtype, torch.device]:
    """What decides whether a network in memory is still the file's."""
    status = path.stat()
    return path, status.st_mtime, status.st_size, device.dtype, device.place
