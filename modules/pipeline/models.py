"""Checkpoints to loaded models: found, placed on the device, with the VAE that goes with them."""

import logging
import threading
from collections.abc import Callable

from modules.contract.errors import NotFound
from modules.contract.services import ModelEntry
from modules.families.base import ModelKey
from modules.families.hypernetworks import Detours
from modules.families.load import load_checkpoint, variant_of
from modules.families.networks import Patches
from modules.families.vae import load_vae
from modules.pipeline.run import Loaded
from modules.runtime.device import Device
from modules.runtime.placement import Placing, Where
from modules.settings.groups import Settings
from modules.weights.catalogue import Catalogue
from modules.weights.files import read_tensors
from modules.weights.model_metadata import user_metadata
from modules.weights.store import ModelStore
from modules.weights.vae_choice import vae_for

log = logging.getLogger(__name__)


class Models:
    """The checkpoints on disk and those in memory. `device` is asked for when the first one is loaded: choosing takes a measurement."""

    def __init__(self, catalogue: Catalogue, vaes: Catalogue, device: Callable[[], Device], where: Where = "Automatic") -> None:
        self.catalogue = catalogue
        self.vaes = vaes
        self.choose_device = device
        self.where: Where = where
        self.chosen_device: Device | None = None
        self.store: ModelStore[Loaded] = ModelStore()
        self.loading = threading.Lock()

    @property
    def device(self) -> Device:
        if self.chosen_device is None:
            self.chosen_device = self.choose_device()
            log.info("Computing on %s.", self.chosen_device)
        return self.chosen_device

    def load(self, entry: ModelEntry, settings: Settings) -> Loaded:
        """A checkpoint, from memory or from disk, hashed, with the VAE that the settings say. Raises NotFound, BadModel, NotSupported."""
        with self.loading:
            device = self.device
            if not entry.path.exists():
                self.catalogue.refresh()
                raise NotFound(f"The checkpoint file {entry.path.name} is not there any more.", "Choose another one.")
            status = entry.path.stat()
            where = self.where if settings.optimizations.placement == "Automatic" else settings.optimizations.placement
            placing = Placing(device, where, fp8=in_8_bits(entry, settings))
            key = ModelKey(
                entry.path, status.st_mtime, status.st_size, device.dtype, device.vae_dtype, device.place, placing.where, placing.fp8
            )
            loaded = self.store.get(key, lambda: self.read(entry, placing), kept=settings.model.kept)
            loaded.entry = self.catalogue.hashed(entry)
            self.fit_vae(loaded, placing, settings)
            loaded.components.vae_tile = settings.optimizations.vae_tile
            return loaded

    def current(self) -> Loaded | None:
        """The model that was used last; None while none is in memory."""
        return self.store.newest()

    def read(self, entry: ModelEntry, placing: Placing) -> Loaded:
        """A checkpoint from disk."""
        log.info("Loading %s.", entry.title)
        components = load_checkpoint(entry.path, entry.config, placing)
        log.info("%s", components.placement.reason)
        return Loaded(
            entry,
            components,
            Patches(components.unet, [encoder.model for encoder in components.encoders]),
            Detours(components.unet),
            fp8=placing.fp8,
        )

    def fit_vae(self, loaded: Loaded, placing: Placing, settings: Settings) -> None:
        """Put the VAE file that the settings and the checkpoint's own data name in place, or the checkpoint's own back."""
        metadata = user_metadata(loaded.entry.path)
        chosen = vae_for(
            loaded.entry, self.vaes, setting=settings.model.vae, overrides=settings.model.vae_overrides, user_metadata=metadata
        )
        if (chosen and chosen.path) == (loaded.vae and loaded.vae.path):
            return
        loaded.components.use_vae(load_vae(read_tensors(chosen.path), chosen.path, placing) if chosen else None)
        loaded.vae = self.vaes.hashed(chosen) if chosen else None


def in_8_bits(entry: ModelEntry, settings: Settings) -> bool:
    """Whether a checkpoint's weights are to be kept in 8 bits."""
    wanted = settings.optimizations.fp8
    return wanted == "Enable" or (wanted == "Enable for SDXL" and variant_of(entry.path, entry.config).family.startswith("sdxl"))
