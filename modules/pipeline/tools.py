"""What the stages of a batch may ask of the rest of the pipeline: other models, networks, upscalers, face restorers."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from PIL import Image

from modules.contract.progress import Reporter
from modules.contract.request import GenerationRequest
from modules.contract.services import TokenCount
from modules.families.clip_text import CHUNK, TextOptions, tokenize
from modules.families.networks import Wanted
from modules.imaging.resize import Upscale
from modules.pipeline.caption import Captions
from modules.pipeline.controls import Controls
from modules.pipeline.encode import EncodingCache
from modules.pipeline.faces import Faces
from modules.pipeline.library import Library
from modules.pipeline.models import Models
from modules.pipeline.networks import Networks, always
from modules.pipeline.run import Loaded, Run
from modules.pipeline.tiny_decoder import TinyDecoders
from modules.pipeline.upscale import Upscalers
from modules.prompts.tags import Tag
from modules.screening import Screen
from modules.settings.groups import Settings


class PipelineTools:
    """One for the whole program; implements `pipeline.run.Tools`."""

    def __init__(
        self,
        library: Library,
        models: Models,
        root: Path,
        redo: Callable[[Run, GenerationRequest], list[Image.Image]],
        screen: Screen,
    ) -> None:
        self.library = library
        self.screen = screen
        self.again = redo
        self.models = models
        self.root = root
        self.encodings = EncodingCache()
        self.networks = Networks(library.loras, library.hypernetworks, library.embeddings, library.hashes)
        self.upscalers = Upscalers(library.models, self.place, half=self.half, further=library.places.upscalers)
        self.faces = Faces(library.models, self.place, library.places.faces)
        self.controls = Controls(library.controlnets, library.encoders, lambda: self.models.device)
        self.captions = Captions(library.models, self.place)
        self.tiny_decoders = TinyDecoders(library.models)

    def redo(self, run: Run, request: GenerationRequest) -> list[Image.Image]:
        """The pictures of another request, made while a batch is finished. Raises as generation does."""
        return self.again(run, request)

    def place(self) -> torch.device:
        """The device to compute on."""
        return self.models.device.place

    def half(self) -> bool:
        """Whether upscalers may run in 16 bits."""
        return self.models.device.dtype != torch.float32

    def load(self, name: str, settings: Settings) -> Loaded:
        """Another checkpoint, for the refiner or the second pass. Raises NotFound, BadModel."""
        return self.models.load(self.library.checkpoints.find(name), settings)

    def use_networks(self, run: Run, loaded: Loaded, tags: tuple[Tag, ...]) -> None:
        """Have a model work with just the networks that some tags name."""
        run.enter(loaded)
        self.networks.use(run, loaded, tags)

    def wanted_networks(self, run: Run, tags: Sequence[Tag]) -> tuple[Wanted, ...]:
        """What `use_networks` would put into a model's weights."""
        return tuple(self.networks.wanted(run, [*tags, *always(run.settings)]))

    def embedding_hash(self, loaded: Loaded, name: str, settings: Settings) -> str | None:
        """What the infotext shows as an embedding's hash; None if it shows none."""
        return self.networks.embedding_hash(loaded, name, settings)

    def short_title(self, name: str) -> str:
        """A checkpoint as the infotext calls it: `name [hash]`. Raises NotFound."""
        entry = self.library.checkpoints.hashed(self.library.checkpoints.find(name))
        return f"{entry.name} [{entry.short_hash}]"

    def upscale(self, run: Run, upscaler: str, image: Image.Image, scale: float) -> Image.Image:
        """A picture enlarged by an upscaler of that name."""
        return self.upscalers.upscale(image, upscaler, scale, settings=run.settings.upscaling, report=run.report)

    def upscaler_of_img2img(self, settings: Settings, report: Reporter) -> Upscale | None:
        """What enlarges source pictures, by the settings; None: Lanczos."""
        name = settings.upscaling.for_img2img
        if name in ("", "None"):
            return None
        return lambda image, scale: self.upscalers.upscale(image, name, scale, settings=settings.upscaling, report=report)

    def restore_faces(self, run: Run, image: Image.Image) -> Image.Image:
        """A picture with its faces restored by `run.face_restorer`."""
        assert run.face_restorer is not None
        return self.faces.restore(image, run.face_restorer, weight=run.settings.faces.codeformer_weight, report=run.report)

    def count_tokens(self, variants: Sequence[str], options: TextOptions) -> TokenCount:
        """The tokens of the longest of some texts; embeddings count as what they stand for once a model is loaded."""
        loaded = self.models.current()
        if loaded is not None:
            used, limit = max(loaded.components.token_count(text, options) for text in variants)
            return TokenCount(used, limit)
        counted = [tokenize(text, comma_backtrack=options.comma_backtrack, emphasis=options.emphasis) for text in variants]
        longest = max(counted, key=lambda tokens: tokens.count)
        return TokenCount(longest.count, CHUNK * max(len(longest.chunks), 1))
