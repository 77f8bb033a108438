"""The lists of A1111's API over our library of models, styles, upscalers and face restorers; see `parts.Lists`."""

from collections.abc import Sequence

from modules.a1111.parts import EmbeddingEntry, Kind, Style, Upscaler
from modules.contract.services import ModelEntry
from modules.pipeline.manager import PipelineManager
from modules.pipeline.upscale import LATENT_MODES


class Shelves:
    """What a person can choose from."""

    def __init__(self, pipeline: PipelineManager) -> None:
        self.pipeline = pipeline
        self.library = pipeline.library

    def upscalers(self) -> Sequence[Upscaler]:
        """All, `None`, `Lanczos` and `Nearest` first."""
        return self.pipeline.tools.upscalers.entries()

    def latent_upscale_modes(self) -> Sequence[str]:
        return list(LATENT_MODES)

    def face_restorers(self) -> Sequence[str]:
        return self.pipeline.tools.faces.names()

    def networks(self, kind: Kind) -> Sequence[ModelEntry]:
        """The files of a kind."""
        catalogues = {
            "checkpoint": self.library.checkpoints,
            "vae": self.library.vaes,
            "lora": self.library.loras,
            "hypernetwork": self.library.hypernetworks,
        }
        return catalogues[kind].entries() if kind in catalogues else []

    def embeddings(self) -> Sequence[EmbeddingEntry]:
        """All that can be read; usable are those that fit the loaded model, or all while none is loaded."""
        loaded = self.pipeline.models.current()
        skipped = set(loaded.components.embeddings_skipped) if loaded else set[str]()
        return [
            EmbeddingEntry(one.name, one.count, one.width, one.name not in skipped, one.step, one.checkpoint, one.checkpoint_name)
            for one in self.library.embeddings.embeddings()
        ]

    def styles(self) -> Sequence[Style]:
        book = self.library.styles
        return [book.get(name) for name in book.names]

    def refresh(self, kind: Kind) -> None:
        """Look at the folders of a kind again."""
        if kind == "embedding":
            self.library.embeddings.refresh()
        else:
            self.library.refresh()
