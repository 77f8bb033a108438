"""A pipeline for drivers under test: small pictures in one colour, made by a function that remembers what it was asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from PIL import Image

from modules.contract.errors import BadRequest, NotSupported
from modules.contract.progress import Filed
from modules.contract.request import GenerationRequest
from modules.contract.result import GeneratedImage, GenerationResult
from modules.imaging.grid import image_grid
from modules.imaging.opening import open_image
from modules.plugins import with_pairs
from modules.plugins.registry import Registry
from modules.settings.groups import Settings
from tests.guards.sources import ROOT


class Told:
    """A reporter that keeps its warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def start(self, total: int) -> None: ...

    def extend(self, steps: int) -> None: ...

    def step(self, text: str = "") -> None: ...

    def check(self) -> None: ...

    def check_between(self) -> None: ...

    def wants_preview(self) -> bool:
        return False

    def preview(self, picture: bytes) -> None: ...

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def filed(self, number: int) -> Filed | None:
        return None

    def filing(self, number: int, filed: Filed) -> None: ...


@dataclass
class Drawing:
    """Draws each picture in a colour that its seed and steps decide; with a source, in the source's own, one level brighter.

    It fails for requests of `failing` steps, skips call number `skipped` and ends with number `interrupted`, counted from 0.
    """

    settings: Settings = field(default_factory=Settings)
    report: Told = field(default_factory=Told)
    failing: int = -1
    skipped: int = -1
    interrupted: int = -1
    expected: list[GenerationRequest] = field(default_factory=list[GenerationRequest])
    asked: list[GenerationRequest] = field(default_factory=list[GenerationRequest])
    kept: list[tuple[str, tuple[int, int], str]] = field(default_factory=list[tuple[str, tuple[int, int], str]])

    def expect(self, requests: Sequence[GenerationRequest]) -> None:
        assert not self.expected
        self.expected = list(requests)

    def generate(self, request: GenerationRequest, *, notes: Mapping[str, object] | None = None) -> GenerationResult:
        self.asked.append(request)
        number = len(self.asked) - 1
        if request.steps == self.failing:
            raise BadRequest("There is no checkpoint for that.")
        if number == self.skipped:
            return GenerationResult(())
        count = request.batch_size * request.batch_count
        images = [self.picture(request, index, notes or {}) for index in range(count)]
        details = {"seed": request.seed, "index_of_first_image": 0}
        if request.save_grid and count > 1:  # as the pipeline does
            images.insert(0, replace(images[0], image=image_grid([image.image for image in images]), kind="grid"))
            details["index_of_first_image"] = 1
        return GenerationResult(tuple(images), seconds=1.0, interrupted=number == self.interrupted, details=details)

    def picture(self, request: GenerationRequest, index: int, notes: Mapping[str, object]) -> GeneratedImage:
        seed = request.seed + index
        image = Image.new("RGB", request.size, ((seed * 37) % 256, (request.steps * 11) % 256, 80))
        if request.source:
            pictures = request.source.pictures
            image = open_image(pictures[index % len(pictures)]).convert("RGB").point([min(value + 1, 255) for value in range(256)] * 3)
        text = f"{request.prompt}\nNegative prompt: {request.negative_prompt}\nSteps: {request.steps}, Seed: {seed}, Version: test"
        return GeneratedImage(image, seed, 0, request.prompt, request.negative_prompt, with_pairs(text, notes))

    def upscale(self, image: Image.Image, upscaler: str, scale: float) -> Image.Image:
        return image.resize((int(image.width * scale) // 8 * 8, int(image.height * scale) // 8 * 8))

    def caption(self, image: Image.Image, kind: Literal["CLIP", "DeepBooru"]) -> str:
        raise NotSupported(f"There is no model for {kind} captions.")

    def keep(self, image: Image.Image, infotext: str, *, request: GenerationRequest, grid: str = "") -> str | None:
        wanted = request.save_grid if grid else request.save
        self.kept.append((grid, image.size, infotext))
        return f"{grid or 'picture'}.png" if wanted else None


def bundled() -> Registry:
    """The extensions that come with the program."""
    return Registry.of(ROOT / "extensions")


def driven(drawing: Drawing, request: GenerationRequest, name: str, **options: Any) -> GenerationResult:
    """What an extension makes of a request, as the pipeline would ask it: at the door, then in the job."""
    found = bundled()
    asked = request.replace(extensions={name: options})
    atdoor = found.instances(asked).request(asked)
    drawn = atdoor.replace(seed=1000) if atdoor.seed == -1 else atdoor
    driver = found.instances(drawn).driver()
    assert driver is not None
    return driver(drawn, drawing)
