"""Detailer: what is small in a picture (faces, hands, people) is found and painted anew at a larger size. See README.md."""

import io
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from PIL import Image

from modules.contract.errors import BadRequest
from modules.contract.request import GenerationRequest
from modules.perception.detectors import Detectors
from modules.plugins import Choice, Extension, Host, Options, Run, Script, Slider, Text, Toggle, Units, hook

from . import a1111, routes
from .finding import Sorting, found_in, places, reaching, texts
from .painting import Matching, Spot, Wanted, painting
from .shown import outlined
from .units import Detail

POWER_HELP = "Over 0: the larger a thing is, the weaker it is painted over; below 0: the stronger. 0: all alike"


class Detailer(Extension):
    """See README.md."""

    class Settings(Options):
        """What holds for all pictures."""

        folders: str = Text("", "Further folders of detectors, separated by |", local=True)
        save_masks: bool = Toggle(False, "Save a picture of what was found", key="ad_save_previews")
        save_before: bool = Toggle(False, "Save the picture before detailing too", key="ad_save_images_before")
        sorting: Sorting = Choice("None", "Sort found things by", key="ad_bbox_sortby")
        same_seed: bool = Toggle(False, "Use the same seed for each thing", key="ad_same_seed_for_each_tab")
        power: float = Slider(0, -10, 10, "Power of dynamic denoising", step=0.01, key="ad_dynamic_denoise_power", help=POWER_HELP)
        matching: Matching = Choice("Off", "Match the working size to the found thing's shape", key="ad_match_inpaint_bbox_size")

    class Options(Options):
        """The passes, one after another."""

        skip_img2img: bool = Toggle(False, "Skip img2img", help="Detail the source picture as it is, without painting over it first")
        units: tuple[Detail, ...] = Units("Passes", most=15, shown=1)

    script = Script("ADetailer", a1111.ARGUMENTS, always_on=True, parse=a1111.parsed)
    options: Options

    @classmethod
    def routes(cls, router: APIRouter, host: Host) -> None:
        routes.own_routes(router, host)

    @classmethod
    def old_routes(cls, router: APIRouter, host: Host) -> None:
        routes.adetailer_routes(router, host)

    @classmethod
    def notes(cls, options: Any, title: str) -> dict[str, object]:
        return a1111.written([unit for unit in options.units if unit.enabled])

    @classmethod
    def options_from(cls, notes: Mapping[str, str], title: str) -> dict[str, Any] | None:
        return a1111.read(notes)

    @property
    def detectors(self) -> Detectors:
        """All that may be chosen; the built-in ones where there is no program."""
        return routes.detectors_of(self.host) if self.given else Detectors()

    @hook.request
    def check(self, request: GenerationRequest) -> GenerationRequest | None:
        """Refuse a detector that cannot be used before anything is painted; leave img2img's own painting out where that is wanted."""
        if not any(unit.enabled for unit in self.options.units):
            raise BadRequest("Detailer: no tab is enabled.", "Enable one, or switch the Detailer off.")
        for unit in self.options.units:
            if unit.enabled:
                self.detectors.get(unit.detector)
        if self.options.skip_img2img and request.source:
            return request.replace(source=request.source.model_copy(update={"strength": 0.0}))
        return None

    @hook.picture
    def detail(self, run: Run, index: int, image: Image.Image) -> Image.Image | None:
        """The picture with all passes over it."""
        if self.options.skip_img2img and run.prepared is not None:
            image = run.prepared.pictures[index % len(run.prepared.pictures)].convert("RGB")
        first = image
        for number, unit in enumerate(self.options.units):
            if unit.enabled and not run.interrupted:
                image = self.passed(run, index, number, unit, image)
        if image is not first and self.settings.save_before and run.request.save:
            self.keep(run, index, first, "before")
        return image

    def passed(self, run: Run, index: int, number: int, unit: Detail, image: Image.Image) -> Image.Image:
        """The picture after one pass: everything found in it painted anew, one thing after another."""
        run.report.check()
        found = found_in(image, unit, self.detectors, self.settings.sorting)
        painted = run.prepared.picture_mask if run.prepared is not None and not self.options.skip_img2img else None
        there = reaching(places(found, unit, *image.size), painted)
        if not there:
            run.warn(f"Detailer: {unit.detector} found nothing to detail." if not found else "Detailer: nothing found lies under the mask.")
            return image
        if self.settings.save_masks and run.request.save:
            self.keep(run, index, outlined(image, there), f"pass-{number + 1}")
        positive = texts(unit.prompt, run.texts.positive[index], len(there))
        negative = texts(unit.negative_prompt, run.texts.negative[index], len(there))
        own = self.settings
        for count, (place, prompt, against) in enumerate(zip(there, positive, negative, strict=True)):
            if prompt is None or run.interrupted:
                continue
            show(run, outlined(image, [place]))
            spot = Spot(index, count, place, prompt, against or "")
            made = run.redo(painting(run, image, unit, spot, Wanted(own.power, own.matching, own.same_seed)))
            image = made[0] if made and made[0].size == image.size else image
        return image

    def keep(self, run: Run, index: int, image: Image.Image, what: str) -> None:
        """Write a picture of the way there into the detailer's own output folder."""
        screened = run.tools.screen.passed(image, run.settings).image
        routes.kept(self.host.program.folders.outputs / "detailer", screened, f"{run.seeds[index]}-{what}")


def show(run: Run, image: Image.Image) -> None:
    """Show where the detailer is at."""
    if run.report.wants_preview():
        file = io.BytesIO()
        image.save(file, "JPEG", quality=80)
        run.report.preview(file.getvalue())
