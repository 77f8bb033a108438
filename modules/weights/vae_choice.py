"""Which VAE file goes with a checkpoint: A1111's order of preferences."""

from collections.abc import Mapping
from typing import Any

from modules.contract.errors import NotFound
from modules.contract.services import ModelEntry
from modules.weights.catalogue import Catalogue

AUTOMATIC = ("Automatic", "auto", "")
NONE = "None"


def vae_for(
    checkpoint: ModelEntry, vaes: Catalogue, *, setting: str, overrides: bool, user_metadata: Mapping[str, Any] | None = None
) -> ModelEntry | None:
    """The VAE file for a checkpoint; None for its own.

    `setting` is Automatic, None or a name; with `overrides` a name or None holds whatever the checkpoint prefers. Otherwise its
    notes decide (`user_metadata["vae"]`), then a file of its name, then the setting. Raises NotFound for a setting's name.
    """
    automatic = setting in AUTOMATIC
    if overrides and not automatic:
        return named(vaes, setting)
    noted = (user_metadata or {}).get("vae")
    if noted == NONE:
        return None
    if isinstance(noted, str) and noted not in AUTOMATIC:
        try:
            return vaes.find(noted)
        except NotFound:
            pass  # the notes may be older than the folder
    return namesake(checkpoint, vaes) or (None if automatic else named(vaes, setting))


def named(vaes: Catalogue, setting: str) -> ModelEntry | None:
    """The VAE of a setting that names one, or says None."""
    return None if setting == NONE else vaes.find(setting)


def namesake(checkpoint: ModelEntry, vaes: Catalogue) -> ModelEntry | None:
    """The VAE of a checkpoint's name, as `name.vae.pt` or `name.safetensors`; else the first whose name begins with it, as A1111."""
    stem = checkpoint.path.name if checkpoint.path.is_dir() else checkpoint.path.stem
    entries = vaes.entries()
    exact = (entry for entry in entries if entry.path.stem in (stem, f"{stem}.vae"))
    return next(exact, None) or next((entry for entry in entries if entry.path.name.startswith(stem)), None)
