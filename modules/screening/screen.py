"""The one place: every picture goes through here before it is saved, shown or handed out. What cannot be looked at does not pass."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from modules.contract.errors import NotSupported, WebuiError
from modules.screening.detectors import Detector
from modules.screening.policy import Verdict, judged, thresholds
from modules.screening.words import refuse
from modules.settings.groups import Settings

log = logging.getLogger(__name__)
Mode = Literal["Off", "Blur", "Block"]
STRICTNESS = {"Off": 0, "Blur": 1, "Block": 2}
BLUR_SHARE = 1 / 12  # of the longer side: shapes stay, nothing can be made out


@dataclass(frozen=True)
class Screened:
    """A picture that may go out. `verdict` is None if it is the one that was given."""

    image: Image.Image
    verdict: Verdict | None = None

    @property
    def note(self) -> str:
        """What the infotext says of it: who found something, and what was done; no scores."""
        return f"{self.verdict.detector}/{'blocked' if self.image.info.get('blocked') else 'blurred'}" if self.verdict else ""


class Screen:
    """`forced` is the least that an administrator allows; no setting and no request goes below it."""

    def __init__(self, detectors: Callable[[], Sequence[Detector]] = tuple[Detector, ...], forced: Mode = "Off") -> None:
        self.detectors = detectors
        self.forced: Mode = forced

    def mode(self, settings: Settings) -> Mode:
        """What is done with a picture that shows what it should not."""
        chosen = settings.screening.mode
        own: Mode = "Off" if chosen == "Not chosen" else chosen
        return max(own, self.forced, key=STRICTNESS.__getitem__)

    def active(self, settings: Settings) -> bool:
        """Whether pictures are looked at."""
        return self.mode(settings) != "Off"

    def check(self, settings: Settings, prompts: Sequence[str] = ()) -> None:
        """Refuse what could not be shown anyway, before any work.

        Raises NotSupported where there is nothing to look with, BadRequest for a listed word and for a limit that is none.
        """
        refuse(prompts, settings.screening.words)
        if self.active(settings):
            thresholds(settings.screening.limits)
            self.found()

    def found(self) -> Sequence[Detector]:
        """All detectors. Raises NotSupported if there is none."""
        detectors = self.detectors()
        if not detectors:
            raise NotSupported(
                "The content screen is on, and there is nothing to look at pictures with, so none is made.",
                "Put an image classifier (config.json, model.safetensors) into a folder of models/safety, or switch the screen off.",
            )
        return detectors

    def passed(self, image: Image.Image, settings: Settings) -> Screened:
        """The picture as it may be shown: itself, blurred, or a grey card that says why. Raises WebuiError if it could not be looked at."""
        mode = self.mode(settings)
        verdict = None if mode == "Off" else self.verdict(image, settings)
        if verdict is None:
            return Screened(image)
        log.info("The content screen: %s.", verdict)
        return Screened(blurred(image) if mode == "Blur" else card(image, verdict), verdict)

    def verdict(self, image: Image.Image, settings: Settings) -> Verdict | None:
        """What the first detector that minds found. Raises WebuiError naming a detector that failed."""
        limits = thresholds(settings.screening.limits)
        for detector in self.found():
            name = f"{detector.name}/{detector.version}".rstrip("/")
            try:
                verdict = judged(name, detector.score(image), limits)
            except WebuiError:
                raise
            except Exception as error:
                log.exception("The content screen's %s failed.", detector.name)
                message = f"The content screen's {detector.name} failed ({type(error).__name__}: {error}), and no picture passes it unseen."
                raise WebuiError(message, "Mend the detector, or switch the screen off.") from error
            if verdict:
                return verdict
        return None


def blurred(image: Image.Image) -> Image.Image:
    """The picture with nothing left to make out."""
    return image.convert("RGB").filter(ImageFilter.GaussianBlur(max(image.size) * BLUR_SHARE))


def card(image: Image.Image, verdict: Verdict) -> Image.Image:
    """A grey card of the picture's size that says what was found, and what a person can do."""
    shown = Image.new("RGB", image.size, (96, 96, 96))
    shown.info["blocked"] = True
    pencil, size = ImageDraw.Draw(shown), max(image.width // 22, 7)
    found = f"'{verdict.label}' {verdict.score:.2f} (limit {verdict.threshold:.2f})"
    lines = ["Blocked by the content screen.", found, "See Settings, Content."]
    for number, line in enumerate(lines):
        place = image.width / 2, image.height / 2 + (number - 1) * size * 1.6
        pencil.text(place, line, fill=(235, 235, 235), anchor="mm", font=ImageFont.load_default(size))
    return shown
