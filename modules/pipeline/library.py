"""All that lies on disk for the pipeline to use: models of every kind, and saved styles."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from modules.families.control_kind import control_kind
from modules.prompts.styles import StyleBook
from modules.weights import kinds
from modules.weights.catalogue import Catalogue
from modules.weights.embeddings import EmbeddingFolders
from modules.weights.hashes import HashCache


@dataclass(frozen=True)
class Places:
    """Folders beside the usual ones, and single files, as the command line names them."""

    checkpoints: Sequence[Path] = ()
    checkpoint_files: Sequence[Path] = ()
    vaes: Sequence[Path] = ()
    loras: Sequence[Path] = ()
    hypernetworks: Sequence[Path] = ()
    embeddings: Sequence[Path] = ()
    styles: Sequence[Path] = ()
    upscalers: Sequence[Path] = ()
    faces: Sequence[Path] = ()
    controlnets: Sequence[Path] = ()


@dataclass(frozen=True)
class Library:
    """What can be chosen from."""

    models: Path
    checkpoints: Catalogue
    vaes: Catalogue
    loras: Catalogue
    hypernetworks: Catalogue
    controlnets: Catalogue
    encoders: Catalogue  # of pictures, for IP-Adapters
    embeddings: EmbeddingFolders
    styles: StyleBook
    hashes: HashCache
    places: Places

    @classmethod
    def at(cls, models: Path, data: Path, check: Callable[[Path], None], places: Places = Places()) -> "Library":
        """The library of a models folder and a data folder. `check` raises for a checkpoint that cannot be used."""
        hashes = HashCache(data / "cache" / "hashes.json")
        checkpoints = [models / "Stable-diffusion", *places.checkpoints]
        styles = list(places.styles) or [data / "styles.csv"]
        return cls(
            models=models,
            checkpoints=Catalogue(checkpoints, list(places.checkpoint_files), hashes, check, kind=kinds.CHECKPOINT),
            vaes=Catalogue([models / "VAE", *places.vaes], [], hashes, kind=kinds.VAE, beside=checkpoints),
            loras=Catalogue([models / "Lora", models / "LyCORIS", *places.loras], [], hashes, kind=kinds.LORA),
            hypernetworks=Catalogue([models / "hypernetworks", *places.hypernetworks], [], hashes, kind=kinds.HYPERNETWORK),
            controlnets=Catalogue([models / "ControlNet", *places.controlnets], [], hashes, check_control, kind=kinds.CONTROLNET),
            encoders=Catalogue([models / "clip_vision"], [], hashes, kind=kinds.IMAGE_ENCODER),
            embeddings=EmbeddingFolders([data / "embeddings", models / "embeddings", *places.embeddings]),
            styles=StyleBook(styles),
            hashes=hashes,
            places=places,
        )

    def check_vae(self, name: str) -> None:
        """Raise NotFound for a VAE of the settings that is not there."""
        if name not in ("", "Automatic", "None"):
            self.vaes.find(name)

    def refresh(self) -> None:
        """Look at all folders again."""
        for catalogue in (self.checkpoints, self.vaes, self.loras, self.hypernetworks, self.controlnets, self.encoders):
            catalogue.refresh()
        self.embeddings.refresh()
        self.styles.reload()


def check_control(path: Path) -> None:
    """Raise what is wrong with a control network's file; only its table of contents is read."""
    control_kind(path)
