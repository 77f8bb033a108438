"""The one door to pictures: names to files to a loaded model, then batch after batch."""

import gc
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image

from modules.contract.errors import NotFound, NotSupported, OutOfMemory
from modules.contract.progress import Interrupt, Nested, Reporter, Skip, Unseen
from modules.contract.request import GenerationRequest
from modules.contract.result import GeneratedImage, GenerationResult
from modules.contract.services import ModelEntry, SamplerEntry, ScheduleEntry, TokenCount
from modules.pipeline import plan
from modules.pipeline.drive import PipelineDrive
from modules.pipeline.encode import text_options
from modules.pipeline.finish import saved_before
from modules.pipeline.generate import generate
from modules.pipeline.grids import Composed, with_grid
from modules.pipeline.library import Library
from modules.pipeline.models import Models
from modules.pipeline.parameters import extra_pairs
from modules.pipeline.relay import Relay
from modules.pipeline.run import Loaded, Run
from modules.pipeline.tools import PipelineTools
from modules.pipeline.upscale import LATENT_MODES
from modules.prompts.schedule import parts, schedule
from modules.runtime.attention import kernels_of
from modules.runtime.device import Device
from modules.runtime.placement import Where
from modules.sampling import registry
from modules.screening import Screen
from modules.settings.groups import Settings
from modules.settings.store import SettingsStore
from modules.weights.header import native_size
from modules.weights.store import release

log = logging.getLogger(__name__)


class PipelineManager:
    """Resolves names, loads models, plans batches. Shared by the page, the API and everything that wants pictures.

    `where` is the command line's word on where networks wait, for settings that leave it open; `relays` gives the extensions
    that a request names, one instance each.
    """

    def __init__(
        self,
        *,
        library: Library,
        settings: SettingsStore,
        root: Path,
        device: Callable[[], Device],
        where: Where = "Automatic",
        relays: Callable[[GenerationRequest], Relay] = lambda request: Relay.none(),
        screen: Screen | None = None,
    ) -> None:
        self.library = library
        self.settings = settings
        self.models = Models(library.checkpoints, library.vaes, device, where)
        self.tools = PipelineTools(library, self.models, root, self.redo, screen or Screen())
        self.relays = relays

    # Models

    def checkpoints(self) -> list[ModelEntry]:
        """All checkpoints on disk."""
        return self.library.checkpoints.entries()

    def refresh(self) -> None:
        """Look at the folders again."""
        self.library.refresh()

    def find(self, name: str) -> ModelEntry:
        """Raises NotFound, BadRequest."""
        return self.library.checkpoints.find(name)

    def chosen(self) -> ModelEntry | None:
        """The checkpoint of the settings; else the first that can be used; None if there is none."""
        return self.chosen_in(self.settings.current)

    def chosen_in(self, settings: Settings) -> ModelEntry | None:
        if settings.model.checkpoint:
            try:
                return self.find(settings.model.checkpoint)
            except NotFound:
                log.warning("The chosen checkpoint '%s' is not there any more.", settings.model.checkpoint)
        return next((entry for entry in self.checkpoints() if entry.problem is None), None)

    def choose(self, name: str) -> ModelEntry:
        """Load a checkpoint and make it the chosen one. Raises what is wrong with it; then the old one stays."""
        entry = self.models.load(self.find(name), self.settings.current).entry
        self.settings.update({"sd_model_checkpoint": entry.title})
        return entry

    def load(self, entry: ModelEntry, settings: Settings) -> Loaded:
        """A checkpoint in memory. Raises what is wrong with it."""
        return self.models.load(entry, settings)

    def unload(self) -> None:
        """Let go of all models in memory; the next job loads what it needs."""
        self.models.store.clear()
        self.tools.controls.clear()
        self.tools.encodings.clear()
        release()

    def reload(self) -> None:
        """Have the chosen checkpoint in memory."""
        entry = self.chosen()
        if entry is not None:
            self.load(entry, self.settings.current)

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
        """Tokens of a prompt's longest variant, against the 75 of each chunk that it needs."""
        settings = self.settings.current
        request = GenerationRequest(prompt=prompt, steps=steps)
        text = plan.texts_of(request, settings, self.library.styles).encoded.positive[0]
        variants = [variant.text for part in parts(text) for variant in schedule(part.text, steps)]
        return self.tools.count_tokens(variants, text_options(settings))

    def check(self, request: GenerationRequest) -> GenerationRequest:
        """The request with its names resolved and its seeds drawn. Raises for what cannot be done, before it is queued."""
        relay = self.relays(request)
        request = relay.request(request)
        relay.driver()
        return self.checked(request)

    def checked(self, request: GenerationRequest) -> GenerationRequest:
        """A request without extensions, checked."""
        settings = self.settings.snapshot(request.settings)
        request = plan.with_old_hires_size(request, settings)
        choice, second = plan.choices_of(request)
        entry = self.entry_for(request, settings)
        if entry.problem:
            raise NotFound(f"The checkpoint {entry.title} cannot be used.", entry.problem)
        for name in request.styles:
            self.library.styles.get(name)
        hires, refiner = request.hires, request.refiner
        if hires:
            if hires.upscaler and hires.upscaler not in LATENT_MODES:
                hires = hires.model_copy(update={"upscaler": self.tools.upscalers.check(hires.upscaler, also=LATENT_MODES)})
            if hires.sampler:
                hires = hires.model_copy(update={"sampler": second.sampler.name})
            if hires.schedule:
                hires = hires.model_copy(update={"schedule": second.schedule.label})
            if hires.checkpoint:
                hires = hires.model_copy(update={"checkpoint": self.find(hires.checkpoint).title})
        if refiner:
            refiner = refiner.model_copy(update={"checkpoint": self.find(refiner.checkpoint).title})
        self.library.check_vae(settings.model.vae)
        self.tools.screen.check(settings)
        kernels_of(settings.optimizations.attention)
        changes = {"sampler": choice.sampler.name, "schedule": choice.schedule.label, "checkpoint": entry.title}
        return plan.drawn(request).replace(**changes, hires=hires, refiner=refiner)

    def entry_for(self, request: GenerationRequest, settings: Settings) -> ModelEntry:
        entry = self.find(request.checkpoint) if request.checkpoint else self.chosen_in(settings)
        if entry is None:
            folder = self.library.checkpoints.folders[0]
            raise NotFound("There is no checkpoint to generate with.", f"Put one into {folder}, and press refresh.")
        return entry

    # Generation

    def generate(self, request: GenerationRequest, report: Reporter) -> GenerationResult:
        """All pictures of a request. Raises WebuiErrors, and Cancel when a person took it back."""
        try:
            relay = self.relays(request)
            request = self.checked(relay.request(request))
            driver = relay.driver()
            if self.tools.screen.active(self.settings.current):
                report = Unseen(report)
            if driver:
                return self.screened(driver(request, PipelineDrive(self, request, report)))
            report.start(self.steps_of(request))
            return relay.result(request, self.batches(request, report, relay))
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise out_of_memory(request, error) from None
        finally:
            gc.collect(0)

    def screened(self, result: GenerationResult) -> GenerationResult:
        """A driver's result with what it put together itself looked at, too."""
        screen, settings = self.tools.screen, self.settings.current
        if not screen.active(settings):
            return result
        return replace(result, images=tuple(replace(one, image=screen.passed(one.image, settings).image) for one in result.images))

    def steps_of(self, request: GenerationRequest) -> int:
        """How many steps a request will be reported in."""
        return request.batch_count * plan.calls_of(request, self.settings.snapshot(request.settings))

    def batches(
        self, request: GenerationRequest, report: Reporter, relay: Relay, *, first: int = 0, notes: Mapping[str, object] | None = None
    ) -> GenerationResult:
        """The pictures of a checked request. `first` is the number of its first picture in the job; `notes` go into the infotexts."""
        started = time.perf_counter()
        settings = self.settings.snapshot(request.settings)
        report.check()
        if not settings.optimizations.keep_conditions:
            self.tools.encodings.clear()
        planned = self.planned(request, settings, report)
        images: list[GeneratedImage] = []
        run: Run | None = None
        for batch in range(request.batch_count):
            loaded = self.models.load(self.entry_for(request, settings), settings)
            run = self.plan(planned, loaded, report, relay, batch, first)
            run.script_notes.update(notes or {})
            relay.batch(run)
            self.tools.screen.check(settings, [*run.texts.positive, *(run.hires_texts.positive if request.hires else ())])
            try:
                report.check_between()
                done = saved_before(run)
                images += generate(run) if done is None else done
            except Skip:
                continue
            except Interrupt:
                run.interrupted = True
            if run.interrupted:
                break
        assert run is not None
        warnings = (*planned.warnings, *relay.warnings)
        result = GenerationResult(tuple(images), warnings, time.perf_counter() - started, run.interrupted, details(request, run))
        composed = Composed(self.tools.root, request, settings, report)
        return with_grid(composed, result, first + request.batch_count * request.batch_size)

    def redo(self, run: Run, request: GenerationRequest) -> list[Image.Image]:
        """The pictures of another request, made while a batch is finished, as a part of its job. Raises as generation does."""
        relay = self.relays(request)
        request = self.checked(relay.request(request)).replace(save=False, save_grid=False)
        run.report.extend(self.steps_of(request))
        result = self.batches(request, Nested(run.report), relay)
        run.interrupted = run.interrupted or result.interrupted
        return [one.image for one in result.images if one.kind == "picture"]

    def planned(self, request: GenerationRequest, settings: Settings, report: Reporter) -> plan.Planned:
        """What all batches of a request share, made once."""
        warnings: list[str] = []

        def warn(text: str) -> None:
            warnings.append(text)
            report.warn(text)

        upscale = self.tools.upscaler_of_img2img(settings, report)
        prepared = plan.prepared_source(request.source, request, settings, upscale) if request.source else None
        for warning in prepared.warnings if prepared else ():
            warn(warning)
        restorer = self.face_restorer(request, settings, warn)
        texts = plan.texts_of(request, settings, self.library.styles)
        return plan.Planned(request, settings, plan.choices_of(request), texts, prepared, restorer, warnings)

    def plan(self, planned: plan.Planned, loaded: Loaded, report: Reporter, relay: Relay, batch: int, first: int) -> Run:
        """One batch of a request."""
        request, settings = planned.request, planned.settings
        seeds, variation_seeds = plan.seeds_of(request, batch)
        shown, encoded, hires_shown, hires_encoded = planned.texts.of(request.batch_size)
        return Run(
            request,
            settings,
            loaded,
            *planned.choices,
            report,
            relay,
            self.tools,
            seeds,
            variation_seeds,
            first + batch * request.batch_size,
            shown,
            encoded,
            hires_shown,
            hires_encoded,
            tiling=settings.model.tiling if request.tiling is None else request.tiling,
            face_restorer=planned.face_restorer,
            prepared=planned.prepared,
            warnings=planned.warnings,
        )

    def face_restorer(self, request: GenerationRequest, settings: Settings, warn: Callable[[str], None]) -> str | None:
        """The face restorer of a request; None without one, with a warning where one was wanted whose files are not there."""
        if not (settings.faces.enabled if request.restore_faces is None else request.restore_faces):
            return None
        try:
            return self.tools.faces.check(settings.faces.model)
        except (NotSupported, NotFound) as error:
            warn(str(error))
            return None


def details(request: GenerationRequest, run: Run) -> dict[str, object]:
    """Facts of a run that its pictures do not carry."""
    label = run.choice.label
    extras = extra_pairs(run, 0) if run.seeds else {}
    strength = plan.strength_of(request)
    return {
        "seed": request.seed,
        "variation_seed": request.variation.seed if request.variation else request.seed,
        "sampler": run.choice.sampler.name,
        "schedule": label,
        "model": run.loaded.entry.name,
        "model_hash": run.loaded.entry.short_hash,
        "vae": run.loaded.vae.name if run.loaded.vae else None,
        "vae_hash": run.loaded.vae.short_hash if run.loaded.vae else None,
        "clip_skip": run.settings.model.clip_skip,
        "restore_faces": run.face_restorer is not None,
        "face_restoration_model": run.face_restorer,
        "networks": run.matched_networks,
        "is_using_inpainting_conditioning": run.components.variant.inputs == "inpaint",
        "extra_generation_params": {
            **({} if label == "Automatic" else {"Schedule type": label}),
            **({} if strength is None else {"Denoising strength": strength}),
            **{key: value for key, value in extras.items() if value is not None},
        },
    }


def out_of_memory(request: GenerationRequest, error: BaseException) -> OutOfMemory:
    """The error in words; the memory that failed work held is given back first."""
    error.__traceback__ = None  # it keeps the tensors of all frames alive
    release()
    return OutOfMemory(
        f"There is not enough memory for {request.batch_size} picture(s) of {request.size} at once.",
        "Try a smaller size, a smaller batch, or fewer checkpoints kept in memory (Settings).",
    )
