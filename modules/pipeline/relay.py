"""Calls the hooks of a run's extensions in order, times them, and says whose fault a failure is."""

import logging
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import torch

from modules.contract.errors import BadRequest, ExtensionFailed, WebuiError
from modules.contract.progress import Stop
from modules.contract.request import GenerationRequest
from modules.contract.result import GenerationResult
from modules.pipeline.answers import CHECKS, Check
from modules.pipeline.hooks import MARK, POINTS, Drive

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from modules.imaging.inpainting import Prepared
    from modules.pipeline.conditioning import Conditioning
    from modules.pipeline.run import Pass, Run
    from modules.pipeline.step import Guidance, Step
    from modules.sampling.guidance import Call, Network

log = logging.getLogger(__name__)
Driver = Callable[[GenerationRequest, Drive], GenerationResult]
Note = Callable[[str, str, float, BaseException | None], None]
Join = Callable[[Any, "Run"], bool]
PASSED_ON = (WebuiError, Stop, MemoryError, torch.OutOfMemoryError)  # they say themselves what is wrong, to whoever handles them


class Hooked(Protocol):
    """An extension's instance, as the relay sees it. An `observer` was chosen by nobody, and may fail without ending the job."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    observer: ClassVar[bool]


class Listener:
    """One hook method of one instance."""

    def __init__(self, instance: Hooked, method: Callable[..., Any]) -> None:
        self.instance = instance
        self.method = method


def takes_part(instance: object, run: "Run") -> bool:
    """All do."""
    return True


class Relay:
    """The instances of a run's extensions, in the order in which they are asked. Dies with the run.

    `seconds` is the time that each took so far, by name; `warnings` are the observers that failed and were muted. `note` is told of
    each call: extension, hook, seconds, and what it raised, unless that was for a person or to stop the job. `join` is asked for each
    before a batch: whether it takes part in it.
    """

    def __init__(self, instances: Sequence[Hooked] = (), note: Note | None = None, join: Join = takes_part) -> None:
        self.instances = tuple(instances)
        self.note = note
        self.join = join
        self.seconds: dict[str, float] = {instance.name: 0.0 for instance in instances}
        self.warnings: list[str] = []
        self.listeners: dict[str, list[Listener]] = {point.name: [] for point in POINTS}
        for instance in instances:
            for name, method in marked(instance):
                self.listeners[name].append(Listener(instance, method))

    @classmethod
    def none(cls) -> "Relay":
        """A relay to no extension."""
        return cls()

    # The hooks, in the order of POINTS

    def request(self, request: GenerationRequest) -> GenerationRequest:
        """The request as the extensions want it."""
        return self.transform("request", request)

    def driver(self) -> Driver | None:
        """What takes the place of the plain generation, if something does. Raises BadRequest if two want to.

        The request that it works on no longer names its extension: what it generates is plain.
        """
        drivers = [listener for listener in self.listeners["drive"] if getattr(listener.instance, "drives", True)]
        if len(drivers) > 1:
            names = " and ".join(listener.instance.title for listener in drivers)
            raise BadRequest(f"{names} cannot be used together; choose one of them.")
        if not drivers:
            return None
        (listener,) = drivers

        def drive(request: GenerationRequest, drive: Drive) -> GenerationResult:
            others = {name: options for name, options in request.extensions.items() if name != listener.instance.name}
            return self.call("drive", listener, request.replace(extensions=others), drive)

        return drive

    def batch(self, run: "Run") -> None:
        """Let the extensions change a batch before anything is done for it. Raises BadRequest for one that is not for the run's model."""
        for instance in self.instances:
            if not self.answer("batch", instance, self.join, instance, run):
                self.mute(instance)
        self.tell("batch", run)

    def conditioning(self, run: "Run", passing: "Pass", conditioning: "Conditioning") -> "Conditioning":
        """What a pass is conditioned on."""
        return self.transform("conditioning", conditioning, run, passing)

    @contextmanager
    def denoising(self, run: "Run", passing: "Pass") -> Generator[None]:
        """The time of a pass, with all that the extensions do to its network undone at the end."""
        with ExitStack() as stack:
            for listener in tuple(self.listeners["denoising"]):
                around = self.call("denoising", listener, run, passing)
                if around is not None:
                    stack.enter_context(Around(self, listener, around))
            yield

    def start(self, run: "Run", passing: "Pass", latents: "Tensor") -> "Tensor":
        """The latents (B, C, h, w) that the sampler begins with, noise in."""
        return self.transform("start", latents, run, passing)

    def step(self, run: "Run", step: "Step") -> None:
        """Say that a step begins."""
        self.tell("step", run, step)

    def evaluate(self, run: "Run", step: "Step", call: "Call") -> "Call":
        """A call of the network as the extensions want it."""
        return self.transform("evaluate", call, run, step)

    def network(self, run: "Run", step: "Step", call: "Call", network: "Network") -> "Tensor":
        """The network's output (N, C, h, w) for a call; the first extension to answer decides."""
        for listener in tuple(self.listeners["network"]):
            output = self.call("network", listener, run, step, call, network)
            if output is not None:
                return output
        return network(call)

    def guide(self, run: "Run", guidance: "Guidance") -> "Tensor":
        """One prediction (B, C, h, w) from those of all conditions, each extension given what the one before made of it."""
        for listener in tuple(self.listeners["guide"]):
            changed = self.call("guide", listener, run, guidance)
            guidance.result = guidance.result if changed is None else changed
        return guidance.result

    def denoised(self, run: "Run", step: "Step", x0: "Tensor") -> "Tensor":
        """The clean latents (B, C, h, w) of a step."""
        return self.transform("denoised", x0, run, step)

    def blend(self, run: "Run", passing: "Pass", latents: "Tensor", level: "Tensor | None") -> "Tensor":
        """Latents (B, C, h, w) with the original put back where the mask leaves it; the first extension to answer decides.

        `level` (B,) is the noise level, a timestep for samplers that count in those; None when the pass is over.
        """
        for listener in tuple(self.listeners["blend"]):
            blended = self.call("blend", listener, run, passing, latents, level)
            if blended is not None:
                return blended
        return passing.blend(latents) if passing.blend else latents

    def latents(self, run: "Run", passing: "Pass", latents: "Tensor") -> "Tensor":
        """The latents (B, C, h, w) of a pass that is over."""
        return self.transform("latents", latents, run, passing)

    def overlay(self, run: "Run", index: int, prepared: "Prepared") -> "Prepared":
        """What is laid over picture `index` of the batch, where only a part of it was painted: the first overlay, and its mask."""
        return self.transform("overlay", prepared, run, index)

    def picture(self, run: "Run", index: int, image: "Image") -> "Image":
        """Picture `index` of the batch, as it was decoded."""
        return self.transform("picture", image, run, index)

    def finished(self, run: "Run", index: int, image: "Image") -> "Image":
        """Picture `index` of the batch, as it will be saved."""
        return self.transform("finished", image, run, index)

    def saved(self, run: "Run", path: Path, image: "Image") -> None:
        """Say that a picture was written."""
        self.tell("saved", run, path, image)

    def result(self, request: GenerationRequest, result: GenerationResult) -> GenerationResult:
        """The result of all batches."""
        return self.transform("result", result, request)

    # How they are called

    def listens(self, name: str) -> bool:
        """Whether an extension is asked at a hook."""
        return bool(self.listeners[name])

    def tell(self, name: str, *values: object) -> None:
        """Call all listeners of a hook whose answers count for nothing."""
        for listener in tuple(self.listeners[name]):
            self.call(name, listener, *values)

    def transform(self, name: str, value: Any, *before: object) -> Any:
        """A value as the extensions leave it, each given what the one before made of it."""
        for listener in tuple(self.listeners[name]):
            changed = self.call(name, listener, *before, value)
            value = value if changed is None else changed
        return value

    def call(self, name: str, listener: Listener, *values: object) -> Any:
        """One method's answer. Raises ExtensionFailed for an extension that a person chose; mutes one that nobody did."""
        return self.answer(name, listener.instance, listener.method, *values, check=CHECKS.get(name))

    def answer(self, name: str, instance: Hooked, function: Callable[..., Any], *values: object, check: Check | None = None) -> Any:
        """What a function of an instance answers; failures as in `call`. `check` raises for what is no answer."""
        begun = time.perf_counter()
        failed: BaseException | None = None
        try:
            found = function(*values)
            if check is not None and (found is not None or name == "drive"):  # else None says that nothing was changed
                check(found, values)
            return found
        except PASSED_ON:
            raise
        except BaseException as error:  # sys.exit() ends a program, and an extension is none
            failed = error
            log.exception("%s failed in the hook '%s'.", instance.title, name)
            text = f"{instance.title} failed in `{name}`: {type(error).__name__}: {error}"
            if not instance.observer:
                raise ExtensionFailed(text, "Its traceback is in the log.") from error
            self.warnings.append(text)
            self.mute(instance)
        finally:
            seconds = time.perf_counter() - begun
            self.seconds[instance.name] += seconds
            if self.note:
                self.note(instance.name, name, seconds, failed)

    def mute(self, instance: Hooked) -> None:
        """Ask an instance no more."""
        for listeners in self.listeners.values():
            listeners[:] = [one for one in listeners if one.instance is not instance]


class Around:
    """A context manager of an extension's, entered and left as its hooks are called. It cannot swallow what is raised inside."""

    def __init__(self, relay: Relay, listener: Listener, manager: AbstractContextManager[object]) -> None:
        self.relay = relay
        self.listener = listener
        self.manager = manager

    def __enter__(self) -> None:
        self.relay.answer("denoising", self.listener.instance, self.manager.__enter__)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        def leave() -> None:
            try:
                self.manager.__exit__(kind, error, trace)
            except BaseException as raised:
                if raised is not error:
                    raise

        self.relay.answer("denoising", self.listener.instance, leave)


def marked(instance: object) -> list[tuple[str, Callable[..., Any]]]:
    """The methods of an instance that are marked as hooks, with the hooks' names, as they stand in its class."""
    found: dict[str, str] = {}
    for kind in reversed(type(instance).__mro__):
        for attribute, value in vars(kind).items():
            name = getattr(value, MARK, None)
            if name is not None:
                found[attribute] = name
            else:
                found.pop(attribute, None)
    return [(name, getattr(instance, attribute)) for attribute, name in found.items()]
