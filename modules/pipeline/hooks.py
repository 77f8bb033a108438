"""Every point where an extension may act: its name, when it comes, what it gets, what it may change. One page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    from PIL.Image import Image

    from modules.contract.progress import Reporter
    from modules.contract.request import GenerationRequest
    from modules.contract.result import GenerationResult
    from modules.settings.groups import Settings

Function = TypeVar("Function", bound=Callable[..., object])
MARK = "__hook__"


@dataclass(frozen=True)
class Point:
    """A place in a job where extensions are asked. A method that answers None has changed nothing."""

    name: str
    when: str
    gets: str
    gives: str


# A further hook is a further line here and a method of its name in relay.py, and comes together with an extension that uses it.
POINTS = (
    Point("request", "at the door and again when the job starts; a seed of -1 is not drawn yet", "request", "another request"),
    Point("drive", "instead of the plain generation", "request, drive", "the result"),
    Point("batch", "seeds and prompts of a batch are known, nothing is loaded or encoded for it", "run", "nothing: it changes the run"),
    Point("conditioning", "texts are encoded; again when the refiner takes over", "run, passing, conditioning", "other conditioning"),
    Point("denoising", "around a pass: first, Hires. fix or refiner", "run, passing", "a context manager that is entered for its time"),
    Point("start", "the first latents of a pass exist, noise in", "run, passing, latents", "other latents"),
    Point("step", "a step of the sampler begins", "run, step", "nothing"),
    Point("evaluate", "before each call of the network", "run, step, call", "another call"),
    Point("network", "in place of a call of the network; the first answer counts", "run, step, call, network", "its output"),
    Point("guide", "the predictions of all conditions are at hand", "run, guidance", "another `guidance.result`"),
    Point("denoised", "what a step takes for the clean latents", "run, step, x0", "other latents"),
    Point("blend", "wherever what the mask leaves out is put back into latents", "run, passing, latents, level", "the blended latents"),
    Point("latents", "a pass of the sampler is over", "run, passing, latents", "other latents"),
    Point("picture", "decoded, faces restored; before colours and what lies outside the mask", "run, index, image", "another picture"),
    Point("overlay", "before the original is put back around a painted picture", "run, index, prepared", "other overlays and masks for it"),
    Point("finished", "put back and coloured; it will be saved as it is", "run, index, image", "another picture"),
    Point("saved", "a file was written", "run, path, image", "nothing"),
    Point("result", "once, all batches are over", "request, result", "another result"),
)


class Hooks:
    """`hook.<name>` marks the method of an extension that is called there."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.points: Mapping[str, Point] = {point.name: point for point in points}

    def __getattr__(self, name: str) -> Callable[[Function], Function]:
        if name not in self.points:
            raise AttributeError(f"There is no hook named '{name}'; there are {', '.join(self.points)}.")

        def mark(method: Function) -> Function:
            method.__dict__[MARK] = name
            return method

        return mark


hook = Hooks(POINTS)


class Drive(Protocol):
    """What a driver, the method that takes the place of the plain generation, works with."""

    @property
    def settings(self) -> "Settings":
        """A frozen copy, with the request's own on top."""
        ...

    @property
    def report(self) -> "Reporter":
        """For `check` and `warn`; steps are counted by `generate`."""
        ...

    def expect(self, requests: "Sequence[GenerationRequest]") -> None:
        """Announce, once and before the first, what will be generated. Raises for what cannot be done, before any work."""
        ...

    def generate(self, request: "GenerationRequest", *, notes: Mapping[str, object] | None = None) -> "GenerationResult":
        """A plain generation. `notes` are further pairs for its infotexts. Skipped: no pictures; interrupted: the result says so."""
        ...

    def upscale(self, image: "Image", upscaler: str, scale: float) -> "Image":
        """A picture enlarged by the upscaler of a name; its sides are cut to multiples of 8. Raises NotFound."""
        ...

    def caption(self, image: "Image", kind: Literal["CLIP", "DeepBooru"]) -> str:
        """What a picture shows, in words or in tags. Raises NotSupported where there is no model for it."""
        ...

    def keep(self, image: "Image", infotext: str, *, request: "GenerationRequest", grid: str = "") -> str | None:
        """Save a composed picture as the settings say: an ordinary one, or a grid under a name. The path; None if it is not saved."""
        ...
