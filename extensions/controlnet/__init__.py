"""ControlNet: pictures that say where and what, beside the prompt. Zhang et al. 2023, arXiv:2302.05543, and its relatives."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from PIL import Image
from torch import Tensor

from modules.contract.errors import BadRequest
from modules.contract.request import GenerationRequest
from modules.contract.result import GeneratedImage, GenerationResult
from modules.plugins import Argument, Drive, Extension, Host, Options, Pass, Run, Script, Slider, Step, Toggle, Units, hook
from modules.sampling.guidance import Call

from . import infotext
from .acting import NetworkUnit, check_fit
from .approximate import StructureUnit, has_structure
from .hints import Hints
from .looking import AdapterUnit, ReferenceUnit
from .models import find as find_model
from .models import title_of
from .posts import PostUnit
from .preprocessors import find as find_preprocessor
from .routes import old_routes, own_routes
from .turns import Folders, Turns, from_folders
from .units import Unit

MOST = 10
ADAPTER_MODULES = "ip-adapter"  # the beginning of the names that A1111 has for reading pictures for these; the model says how


class ControlNet(Extension):
    """See README.md. Units that are off, or of weight 0, change nothing."""

    class Settings(Options):
        """What is set once."""

        units: int = Slider(3, 1, MOST, "Units to show", key="control_net_unit_count")
        kept: int = Slider(2, 1, 10, "Models kept in memory", key="control_net_model_cache_size")
        increment: bool = Toggle(False, "Increment seed after each picture of a batch folder", key="controlnet_increment_seed_during_batch")
        maps: bool = Toggle(False, "Do not append detected maps to the results", key="control_net_no_detectmap")

    class Options(Options):
        """What is followed."""

        units: tuple[Unit, ...] = Units("Units", most=MOST, shown=3)

    script = Script(
        "ControlNet",
        tuple(Argument(label=f"ControlNet Unit {number}") for number in range(3)),
        always_on=True,
        parse=lambda args, tab: parsed(args),
    )
    options: Options
    acting: Sequence[NetworkUnit | AdapterUnit | ReferenceUnit] = ()
    posts: Sequence[PostUnit | StructureUnit] = ()
    hints: Mapping[int, Hints] = {}
    now: Sequence[NetworkUnit | AdapterUnit | ReferenceUnit] = ()
    posts_now: Sequence[PostUnit | StructureUnit] = ()

    @property
    def units(self) -> list[tuple[int, Unit]]:
        """The units that act, with their numbers from 0."""
        return [(number, unit) for number, unit in enumerate(self.options.units) if unit.acts]

    @property
    def drives(self) -> bool:
        """A folder's pictures, and results that are followed, need a generation each."""
        return any(unit.takes_turns for _, unit in self.units)

    @hook.request
    def name_models(self, request: GenerationRequest) -> GenerationRequest | None:
        """Refuse at the door what cannot be found, and give models their titles. Raises NotFound, BadRequest, NotSupported."""
        if self.given is None:
            return None
        entries, folders = self.host.program.models("controlnet"), Folders(self.host)
        titled: list[Unit] = []
        for number, unit in enumerate(self.options.units):
            if not unit.acts:
                titled.append(unit)
                continue
            entry = find_model(entries, unit.model)
            check_unit(number, unit, has_model=entry is not None, has_source=request.source is not None)
            name = request.source.name if request.source else ""
            changes = {"model": title_of(entry) if entry else "None", **from_folders(unit, f"ControlNet unit {number}", folders, name)}
            titled.append(unit.model_copy(update=changes))
        options = self.options.model_copy(update={"units": tuple(titled)}).model_dump(mode="json")
        return request.replace(extensions={**request.extensions, self.name: options})

    @hook.drive
    def take_turns(self, request: GenerationRequest, drive: Drive) -> GenerationResult:
        """A generation for each picture of the batch folders, or for each batch that follows the last result."""
        folders = Folders(self.host)
        return Turns(self.name, self.options, self.units, folders, increment=self.settings.increment).result(request, drive)

    @hook.batch
    def get_ready(self, run: Run) -> None:
        """Load what the units need, the first time. Raises what is wrong with a model, or that it does not fit the checkpoint."""
        if self.hints:
            return
        entries = run.tools.controls.catalogue.entries()
        found = [(number, unit, find_model(entries, unit.model)) for number, unit in self.units]
        kept = max(self.settings.kept, len({entry.path for _, _, entry in found if entry}))
        acting: list[NetworkUnit | AdapterUnit | ReferenceUnit] = []
        posts: list[PostUnit | StructureUnit] = []
        hints: dict[int, Hints] = {}
        for number, unit, entry in found:
            check_unit(number, unit, has_model=entry is not None, has_source=run.prepared is not None)
            if unit.loopback:
                run.warn(f"ControlNet unit {number}: Loopback does nothing in img2img's batch.")
            module = module_of(unit)
            hints[number] = Hints(unit, number, module, self.given.program.folders.models if self.given else None)
            if find_preprocessor(module).post == "reference":
                acting.append(ReferenceUnit(unit, number, hints[number]))
                continue
            if entry is not None:
                kind, network = run.tools.controls.load(entry, kept=kept)
                check_fit(entry, kind, network, run, number)
                adapter = kind.method == "ip-adapter"
                made = AdapterUnit(unit, number, hints[number], entry, network) if adapter else None  # pyright: ignore[reportArgumentType]
                acting.append(made or NetworkUnit(unit, number, hints[number], entry, kind, network))
            elif has_structure(module):
                posts.append(StructureUnit(unit, number, hints[number]))
                run.warn(f"ControlNet unit {number} has no model: {module} is followed approximately, in the first steps only.")
            if find_preprocessor(module).post:
                posts.append(PostUnit(unit, number, hints[number]))
        self.acting, self.posts, self.hints = tuple(acting), tuple(posts), hints

    @hook.denoising
    @contextmanager
    def control(self, run: Run, passing: Pass) -> Iterator[None]:
        """Have the units act in a pass that they are for. Those whose model the refiner is too different for rest meanwhile."""
        now = [one for one in self.acting if in_pass(one.unit, run, passing) and suits(one, run, passing)]
        self.posts_now = [one for one in self.posts if in_pass(one.unit, run, passing)]
        with ExitStack() as stack:
            for one in now:
                stack.enter_context(one.during(run, passing))
            self.now = now
            try:
                yield
            finally:
                self.now = ()

    @hook.evaluate
    def add(self, run: Run, step: Step, call: Call) -> Call | None:
        """What all units add to a call."""
        references = [one for one in self.now if isinstance(one, ReferenceUnit)]
        for one in references:
            one.bank.on = False
        shown: list[ReferenceUnit] = []
        for one in self.now:
            call = one.evaluate(run, step, call)
            if isinstance(one, ReferenceUnit) and one.bank.on:
                one.bank.on = False  # the next reference is shown to the network as it is
                shown.append(one)
        for one in shown:
            one.bank.on = True
        return call

    @hook.denoised
    def keep_colours(self, run: Run, step: Step, x0: Tensor) -> Tensor:
        """Latents as the units' preprocessors want them."""
        for one in self.posts_now:
            changed = one.denoised(run, step, x0)
            x0 = x0 if changed is None else changed
        return x0

    @hook.picture
    def put_back(self, run: Run, index: int, image: Image.Image) -> Image.Image:
        """A picture as the units' preprocessors want it."""
        for one in self.posts:
            image = one.picture(run, index, image) or image
        return image

    @hook.result
    def show_maps(self, request: GenerationRequest, result: GenerationResult) -> GenerationResult | None:
        """The detected maps behind the pictures, where that is wanted. They are not saved."""
        if self.settings.maps or not result.images:
            return None
        maps = [image for hint in self.hints.values() if hint.unit.save_detected_map for image in first_made(hint)]
        like = result.images[-1]
        more = [GeneratedImage(one, like.seed, like.variation_seed, "", "", "", None, "mask") for one in maps]
        return replace(result, images=(*result.images, *more))

    @classmethod
    def notes(cls, options: Any, title: str) -> dict[str, object]:
        """One pair for each unit that acts, numbered from 0 as in A1111."""
        return {f"ControlNet {number}": infotext.written(unit) for number, unit in enumerate(options.units) if unit.acts}

    @classmethod
    def options_from(cls, notes: Mapping[str, str], title: str) -> dict[str, Any] | None:
        """The units of an infotext; their pictures are not in it."""
        units = infotext.read(notes)
        return {"units": units} if units else None

    @classmethod
    def routes(cls, router: APIRouter, host: Host) -> None:
        own_routes(router, host)

    @classmethod
    def old_routes(cls, router: APIRouter, host: Host) -> None:
        old_routes(router, host)


def parsed(args: Sequence[Any]) -> dict[str, Any] | None:
    """The units of A1111's positional list: a table each; switches before them are passed over. None if there are none."""
    units = [dict(one) for one in args if isinstance(one, Mapping)]
    if len(units) > MOST:
        raise BadRequest(f"ControlNet has {len(units)} units; at most {MOST} can be used.")
    return {"units": units} if units else None


def module_of(unit: Unit) -> str:
    """The name of a unit's preprocessor; those of IP-Adapters read nothing here, for the model says how. Raises NotFound."""
    return "none" if unit.module.lower().startswith(ADAPTER_MODULES) else find_preprocessor(unit.module).name


def check_unit(number: int, unit: Unit, *, has_model: bool, has_source: bool) -> None:
    """Raise NotFound for an unknown preprocessor, BadRequest for a unit without a picture or without what would follow it."""
    preprocessor = find_preprocessor(module_of(unit))
    alone = preprocessor.model_free or preprocessor.post.startswith(("colorfix", "recolor")) or has_structure(preprocessor.name)
    if not has_model and not alone:
        raise BadRequest(
            f"ControlNet unit {number} has no model, and the preprocessor {preprocessor.name} does nothing without one.",
            "Choose a model; they are put into models/ControlNet. Reference needs none.",
        )
    if unit.images and (preprocessor.post or not has_model):
        count = 1 + len(unit.images)
        raise BadRequest(f"ControlNet unit {number}: {preprocessor.name} looks at one picture; {count} are given.", "Take the others out.")
    if unit.image is None and not has_source and not unit.takes_turns:
        raise BadRequest(f"ControlNet unit {number} has no picture.", "Give it one, or switch it off.")


def in_pass(unit: Unit, run: Run, passing: Pass) -> bool:
    """Whether a unit is for this pass, by its Hires-Fix Option."""
    if run.request.hires is None or unit.hr_option == "Both":
        return True
    return (unit.hr_option == "High res only") == passing.second


def suits(one: NetworkUnit | AdapterUnit | ReferenceUnit, run: Run, passing: Pass) -> bool:
    """Whether a unit's model is for the checkpoint of a pass, which may be the refiner."""
    if isinstance(one, ReferenceUnit) or passing.loaded is run.loaded:
        return True
    return passing.loaded.components.variant.family == run.components.variant.family


def first_made(hint: Hints) -> list[Image.Image]:
    """The hints of the first size that they were made for: of the unit's first picture, and of its further ones."""
    first, more = next(iter(hint.made.values()), [])[:1], next(iter(hint.more.values()), [])
    return [one.convert("RGB") for one in (*first, *more)]
