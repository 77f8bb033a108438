"""The one door to pictures: names to files to a loaded model, then batch after batch."""

import gc
import logging
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from modules.contract.errors import NotFound, OutOfMemory
from modules.contract.progress import Interrupt, Reporter, Skip
from modules.contract.request import GenerationRequest
from modules.contract.result import GeneratedImage, GenerationResult
from modules.contract.services import ModelEntry, SamplerEntry, ScheduleEntry, TokenCount
from modules.families import sd
from modules.families.base import Components, ModelKey
from modules.families.clip_text import CHUNK, tokenize
from modules.families.identify import identify
from modules.pipeline.denoise import evaluations
from modules.pipeline.encode import EncodingCache
from modules.pipeline.finish import saved_before
from modules.pipeline.generate import generate
from modules.pipeline.run import Run
from modules.prompts.grammar import without_comments
from modules.runtime.device import Device
from modules.sampling import registry
from modules.sampling.noise import NoiseSource
from modules.sampling.registry import Choice
from modules.settings.groups import Settings
from modules.settings.store import SettingsStore
from modules.weights.catalogue import Catalogue
from modules.weights.config import read_config
from modules.weights.files import describe, read_tensors
from modules.weights.header import native_size
from modules.weights.store import ModelStore, release

log = logging.getLogger(__name__)
LARGEST_DRAWN_SEED = 4294967294


class PipelineManager:
    """Resolves names, loads models, plans batches. Shared by the page, the API and everything that wants pictures.

    `device` is asked for when the first model is loaded: choosing takes a measurement.
    """

    def __init__(self, *, catalogue: Catalogue, settings: SettingsStore, root: Path, device: Callable[[], Device]) -> None:
        self.catalogue = catalogue
        self.settings = settings
        self.root = root
        self.choose_device = device
        self.chosen_device: Device | None = None
        self.store: ModelStore[Components] = ModelStore()
        self.encodings = EncodingCache()
        self.loading = threading.Lock()

    # Models

    def checkpoints(self) -> list[ModelEntry]:
        """All checkpoints on disk."""
        return self.catalogue.entries()

    def refresh(self) -> None:
        """Look at the folders again."""
        self.catalogue.refresh()

    def find(self, name: str) -> ModelEntry:
        """Raises NotFound, BadRequest."""
        return self.catalogue.find(name)

    def chosen(self) -> ModelEntry | None:
        """The checkpoint of the settings; else the first that can be used; None if there is none."""
        return self.chosen_in(self.settings.current)

    def chosen_in(self, settings: Settings) -> ModelEntry | None:
        if settings.model.checkpoint:
            try:
                return self.catalogue.find(settings.model.checkpoint)
            except NotFound:
                log.warning("The chosen checkpoint '%s' is not there any more.", settings.model.checkpoint)
        entries = self.catalogue.entries()
        return next((entry for entry in entries if entry.problem is None), None)

    def choose(self, name: str) -> ModelEntry:
        """Load a checkpoint and make it the chosen one. Raises what is wrong with it; then the old one stays."""
        entry = self.catalogue.find(name)
        self.load(entry, self.settings.current)
        entry = self.catalogue.hashed(entry)
        self.settings.update({"sd_model_checkpoint": entry.title})
        return entry

    def load(self, entry: ModelEntry, settings: Settings) -> Components:
        """A checkpoint's components, from memory or from disk."""
        with self.loading:
            if self.chosen_device is None:
                self.chosen_device = self.choose_device()
                log.info("Computing on %s.", self.chosen_device)
            device = self.chosen_device
            status = entry.path.stat() if entry.path.exists() else None
            if status is None:
                self.catalogue.refresh()
                raise NotFound(f"The checkpoint file {entry.path.name} is not there any more.", "Choose another one.")
            key = ModelKey(entry.path, status.st_mtime, status.st_size, device.dtype, device.vae_dtype, device.place)
            return self.store.get(key, lambda: self.read(entry, device), kept=settings.model.kept)

    def read(self, entry: ModelEntry, device: Device) -> Components:
        """A checkpoint's components from disk."""
        log.info("Loading %s.", entry.title)
        header = describe(entry.path)
        identify(header)
        config = read_config(entry.config)
        sd.check(header, config)
        return sd.load(
            read_tensors(entry.path),
            header,
            config=config,
            device=device.place,
            dtype=device.dtype,
            vae_dtype=device.vae_dtype,
            channels_last=device.channels_last,
        )

    # What can be asked for

    def samplers(self) -> list[SamplerEntry]:
        return [sampler.entry for sampler in registry.SAMPLERS.values()]

    def schedules(self) -> list[ScheduleEntry]:
        return list(registry.SCHEDULES.values())

    def defaults(self) -> GenerationRequest:
        """What a form starts with under the chosen checkpoint: a request of its native size."""
        entry = self.chosen()
        size = native_size(entry.path) if entry and entry.problem is None else None
        return GenerationRequest(size=size) if size else GenerationRequest()

    def count_tokens(self, prompt: str, steps: int) -> TokenCount:
        """Tokens of a prompt, against the 75 of each chunk that it needs."""
        settings = self.settings.current.model
        text = without_comments(prompt) if settings.prompt_comments else prompt
        tokens = tokenize(text, comma_backtrack=settings.comma_backtrack, emphasis=settings.emphasis)
        return TokenCount(tokens.count, CHUNK * max(len(tokens.chunks), 1))

    def check(self, request: GenerationRequest) -> GenerationRequest:
        """The request with its names resolved and its seed drawn. Raises for what cannot be done, before it is queued."""
        settings = self.settings.snapshot(request.settings)
        choice = registry.resolve(request.sampler, request.schedule)
        entry = self.entry_for(request, settings)
        if entry.problem:
            raise NotFound(f"The checkpoint {entry.title} cannot be used.", entry.problem)
        seed = random.randrange(LARGEST_DRAWN_SEED) if request.seed == -1 else request.seed
        return request.replace(seed=seed, sampler=choice.sampler.name, schedule=choice.schedule.label, checkpoint=entry.title)

    def entry_for(self, request: GenerationRequest, settings: Settings) -> ModelEntry:
        entry = self.catalogue.find(request.checkpoint) if request.checkpoint else self.chosen_in(settings)
        if entry is None:
            folder = self.catalogue.folders[0]
            raise NotFound("There is no checkpoint to generate with.", f"Put one into {folder}, and press refresh.")
        return entry

    # Generation

    def generate(self, request: GenerationRequest, report: Reporter) -> GenerationResult:
        """All pictures of a request. Raises WebuiErrors, and Cancel when a person took it back."""
        started = time.perf_counter()
        try:
            return self.batches(self.check(request), report, started)
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise out_of_memory(request, error) from None
        finally:
            gc.collect(0)

    def batches(self, request: GenerationRequest, report: Reporter, started: float) -> GenerationResult:
        settings = self.settings.snapshot(request.settings)
        entry = self.entry_for(request, settings)
        choice = registry.resolve(request.sampler, request.schedule)
        report.start(request.batch_count * evaluations(choice, request.steps))
        report.check()
        components = self.load(entry, settings)
        entry = self.catalogue.hashed(entry)
        images: list[GeneratedImage] = []
        interrupted = False
        for batch in range(request.batch_count):
            run = self.plan(request, settings, entry, components, choice, report, batch)
            try:
                report.check()
                done = saved_before(run)
                images += generate(run, self.encodings, self.root) if done is None else done
            except Skip:
                continue
            except Interrupt:
                run.interrupted = True
            if run.interrupted:
                interrupted = True
                break
        return GenerationResult(tuple(images), (), time.perf_counter() - started, interrupted, details(request, entry, choice))

    def plan(
        self,
        request: GenerationRequest,
        settings: Settings,
        entry: ModelEntry,
        components: Components,
        choice: Choice,
        report: Reporter,
        batch: int,
    ) -> Run:
        """One batch of a request, with its seeds: each picture's is one more than the one before."""
        first = batch * request.batch_size
        seeds = tuple(request.seed + first + index for index in range(request.batch_size))
        width, height = request.size
        latents = components.latents
        noise = NoiseSource(
            seeds,
            (latents.channels, height // latents.downscale, width // latents.downscale),  # other sides are cut down, as in A1111
            source=settings.model.random_source,
            device=components.device,
            seed_delta=settings.sampling.noise_seed_delta,
        )
        return Run(request, settings, entry, components, choice, report, seeds, first, noise)


def details(request: GenerationRequest, entry: ModelEntry, choice: Choice) -> dict[str, Any]:
    """Facts of a run that its pictures do not carry."""
    return {
        "seed": request.seed,
        "sampler": choice.sampler.name,
        "schedule": choice.label,
        "model": entry.name,
        "model_hash": entry.short_hash,
    }


def out_of_memory(request: GenerationRequest, error: BaseException) -> OutOfMemory:
    """The error in words; the memory that failed work held is given back first."""
    error.__traceback__ = None  # it keeps the tensors of all frames alive
    release()
    return OutOfMemory(
        f"There is not enough memory for {request.batch_size} picture(s) of {request.size} at once.",
        "Try a smaller size, a smaller batch, or fewer checkpoints kept in memory (Settings).",
    )
