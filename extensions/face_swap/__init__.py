"""Face swap: the faces of a picture get the features of a photograph. See README.md."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from fastapi import APIRouter
from PIL import Image

from modules.contract.errors import BadRequest, NotFound, NotSupported
from modules.contract.request import GenerationRequest, Inpaint, Picture, SourceImage
from modules.imaging import metadata
from modules.imaging.opening import open_image
from modules.plugins import Choice, Extension, Host, ImageField, Options, Run, Slider, Text, Toggle, hook
from modules.plugins.script import Script

from . import a1111, routes
from .consent import NOTICE, demand_consent
from .faces import Order, Pairs, numbers, pixels_of, sources_of
from .inswapper import Inswapper
from .swapping import Source
from .work import Method, Swapped, Turned, demand, with_faces

Restorer = Literal["None", "GFPGAN", "CodeFormer"]
CONSENT = "face_swap_consent"  # the setting's key
BLEND_BLUR, BLEND_PADDING = 8.0, 48  # pixels


class FaceSwap(Extension):
    """See README.md."""

    class Settings(Options):
        """What is agreed to once."""

        consent: bool = Toggle(False, "I have read the notice and agree to it", help=NOTICE, local=True)

    class Options(Options):
        """Whose face goes where, and how."""

        source: Picture | None = ImageField("Source picture", help="A photograph with the face to give, looking into the camera at best")
        source_faces: str = Text("0", "Source face numbers", help="From 0, in the order below; several with commas: 0,1")
        target_faces: str = Text("0", "Target face numbers", help="The faces to change, in the order of the source faces: 0,2,1")
        order: Order = Choice("left to right", "Faces are numbered from")
        model: Method = Choice("mesh", "Model", help="mesh: needs no file; inswapper: files of your own in models/insightface")
        swap_in_generated: bool = Toggle(True, "Swap in generated picture")
        swap_in_source: bool = Toggle(False, "Swap in source picture", help="img2img: before it is painted over")
        mask_correction: bool = Toggle(True, "Mask correction", help="Keeps to the face: no hair, no hat, no background")
        turned: Turned = Choice("mirror", "Faces that look elsewhere", help="From 35 degrees on: mirror the half that shows, or leave it")
        threshold: float = Slider(0.5, 0, 1, "Detection threshold", step=0.01)
        most: int = Slider(0, 0, 50, "Most faces", help="0: all")
        blending: float = Slider(0.2, 0, 0.6, "Blending strength", step=0.01, help="Denoising at which the faces are painted over; 0: not")
        restorer: Restorer = Choice("None", "Restore face")
        restorer_visibility: float = Slider(1, 0, 1, "Restorer visibility", step=0.05)
        save_original: bool = Toggle(False, "Save original")

    script = Script("roop", a1111.ARGUMENTS, always_on=True, parse=a1111.parsed)
    options: Options

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pairs = Pairs((0,), (0,))
        self.sources: dict[int, Source] = {}
        self.inswapper: Inswapper | None = None
        self.done = 0
        self.base: object = ""

    @classmethod
    def routes(cls, router: APIRouter, host: Host) -> None:
        routes.own_routes(router, host)

    @classmethod
    def old_routes(cls, router: APIRouter, host: Host) -> None:
        routes.roop_routes(router, host)

    @classmethod
    def notes(cls, options: Any, title: str) -> dict[str, object]:
        """Always a pair, whatever was chosen: that a face was swapped, how, and from which picture."""
        changed = {
            str(field.title): getattr(options, name)
            for name, field in cls.Options.model_fields.items()
            if name not in ("source", "model") and getattr(options, name) != field.default
        }
        source = hashlib.sha256(options.source).hexdigest()[:10] if options.source else "none"
        return {title: ", ".join(f"{label}: {str(value).replace(',', ';')}" for label, value in
                                 {"Model": options.model, "Source": source, **changed}.items())}  # fmt: skip

    @classmethod
    def options_from(cls, notes: Mapping[str, str], title: str) -> dict[str, Any] | None:
        """Its options in an infotext's pairs, all but the picture, which no infotext holds."""
        if title not in notes:
            return None
        labels = {field.title: name for name, field in cls.Options.model_fields.items() if name != "source"}
        pairs = [part.split(": ", 1) for part in notes[title].split(", ") if ": " in part]
        texts = {labels[label]: value for label, value in pairs if label in labels}
        return {name: value.replace(";", ",") if name.endswith("_faces") else value for name, value in texts.items()}

    @hook.request
    def check(self, request: GenerationRequest) -> None:
        """Refuse at the door what cannot be done."""
        if CONSENT in request.settings:  # a person agrees, not a request
            raise NotSupported("Face swap: its notice is agreed to in the settings, not in a request.", NOTICE)
        if self.given is not None:  # without a program there are no settings, and nobody to be asked
            demand_consent(self.settings)
        if self.options.source is None:
            raise BadRequest("Face swap: there is no source picture.", "Give it a photograph with a face.")
        self.pairs = Pairs(
            numbers(self.options.source_faces, "Source face numbers"), numbers(self.options.target_faces, "Target face numbers")
        )

    @hook.batch
    def prepare(self, run: Run) -> None:
        """Find the faces to give, and swap those of img2img's pictures."""
        if run.request.save and run.settings.saving.enabled and not run.settings.saving.infotext_in_file:
            raise BadRequest("Face swap: pictures are saved without their infotext, which has to say that a face was swapped.",
                             "Switch it on: Settings, Saving pictures.")  # fmt: skip
        if not self.sources:
            assert self.options.source is not None
            image = pixels_of(open_image(self.options.source, name="Face swap: the source picture"))
            self.sources = sources_of(image, self.pairs.sources, self.options.order, self.options.threshold)
            self.inswapper = demand(self.options.model, self.host.program.folders.models) if self.options.model == "inswapper" else None
        self.base = run.script_notes.get(self.title) or self.notes(self.options, self.title)[self.title]
        run.script_notes[self.title] = self.base
        if self.options.swap_in_source and run.prepared is not None:
            swapped = [self.swap(run, picture) for picture in run.prepared.pictures]
            self.done = sum(len(one.done) for one in swapped)
            run.prepared = replace(run.prepared, pictures=tuple(Image.fromarray(one.image) for one in swapped))

    @hook.finished
    def swap_generated(self, run: Run, index: int, image: Image.Image) -> Image.Image | None:
        """The finished picture with its faces swapped, blended and restored; its infotext says how many."""
        before = self.done
        if not self.options.swap_in_generated:
            run.script_notes[self.title] = f"{self.base}, Swapped: {before}"
            return None
        result = self.swap(run, image)
        run.script_notes[self.title] = f"{self.base}, Swapped: {before + len(result.done)}"
        if not result.done:
            return None
        if self.options.save_original and run.request.save:
            self.keep(run, index, image)
        after = self.blended(run, index, Image.fromarray(result.image), result)
        return self.restored(run, after)

    def swap(self, run: Run, image: Image.Image) -> Swapped:
        """A picture with its faces swapped; what there is to say is said."""
        run.report.check()
        result = with_faces(pixels_of(image), self.sources, self.pairs, self.options, self.inswapper)
        for warning in result.warnings:
            run.warn(warning)
        return result

    def blended(self, run: Run, index: int, image: Image.Image, result: Swapped) -> Image.Image:
        """The swapped faces painted over a little by the model itself, so that light and grain are one with the picture."""
        if not self.options.blending:
            return image
        inpaint = Inpaint(
            mask=metadata.encode(Image.fromarray(result.mask()), format="png", infotext=None),
            blur=(BLEND_BLUR, BLEND_BLUR), only_masked=True, padding=BLEND_PADDING,
        )  # fmt: skip
        source = SourceImage(
            pictures=(metadata.encode(image, format="png", infotext=None),), strength=self.options.blending, inpaint=inpaint
        )
        again = run.request.replace(
            prompt=run.texts.positive[index], negative_prompt=run.texts.negative[index], styles=(), source=source, hires=None, refiner=None,
            variation=None, resize_seed_from=None, seed=run.seeds[index], batch_size=1, batch_count=1, restore_faces=False, extensions={},
            save=False, save_grid=False,
        )  # fmt: skip
        made = run.redo(again)
        return made[0] if made and made[0].size == image.size else image

    def restored(self, run: Run, image: Image.Image) -> Image.Image:
        """The picture with its faces restored, as far as that is to show."""
        if self.options.restorer == "None" or not self.options.restorer_visibility:
            return image
        try:
            restored = run.tools.restore_faces(replace(run, face_restorer=self.options.restorer), image)
        except (NotSupported, NotFound) as error:
            run.warn(f"Face swap: {error}")
            return image
        return Image.blend(image, restored.convert(image.mode), self.options.restorer_visibility)

    def keep(self, run: Run, index: int, image: Image.Image) -> None:
        """Write the picture as it was before, under its seed, into this extension's own output folder."""
        routes.keep_original(self.host.program.folders.outputs / "face-swap-originals", image, run.seeds[index])
