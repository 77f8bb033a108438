"""The parts that A1111's API stands on, small and without a network: they remember what they were asked and draw one colour."""

import io
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from modules.a1111 import rest
from modules.a1111.parts import EmbeddingEntry, Kind, Parts, Residence
from modules.a1111.scripts import Names
from modules.contract.errors import BadRequest, NotFound
from modules.contract.extras import ExtrasImage, ExtrasRequest, ExtrasResult
from modules.contract.progress import Interrupt, Reporter, Skip
from modules.contract.request import GenerationRequest
from modules.contract.result import GeneratedImage, GenerationResult
from modules.contract.services import Folders, ModelEntry, SamplerEntry, ScheduleEntry, TokenCount
from modules.imaging.metadata import read_info
from modules.jobs.job import Job, Outcome
from modules.jobs.queue import JobQueue
from modules.jobs.store import JobStore
from modules.server import errors
from modules.settings.groups import Settings
from modules.settings.store import SettingsStore

SAMPLERS = ("DPM++ 2M", "Euler a", "Euler")
UPSCALERS = ("None", "Lanczos", "Nearest")


def png(color: str = "red", size: tuple[int, int] = (16, 16)) -> bytes:
    """A small picture file."""
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


class PretendedModels:
    """Two checkpoints."""

    def __init__(self, folder: Path, settings: SettingsStore) -> None:
        self.folder = folder
        self.settings = settings
        self.chosen_names: list[str] = []
        self.refreshed: list[str] = []

    def checkpoints(self) -> Sequence[ModelEntry]:
        return [ModelEntry(f"{name}.safetensors", name, self.folder / f"{name}.safetensors", "0" * 10, "0" * 64) for name in ("one", "two")]

    def refresh(self) -> None:
        self.refreshed.append("checkpoint")

    def chosen(self) -> ModelEntry | None:
        return self.find(self.settings.current.model.checkpoint or "one")

    def choose(self, name: str) -> ModelEntry:
        entry = self.find(name)
        self.chosen_names.append(entry.title)
        self.settings.update({"sd_model_checkpoint": entry.title})
        return entry

    def find(self, name: str) -> ModelEntry:
        for entry in self.checkpoints():
            if name in (entry.title, entry.name):
                return entry
        raise NotFound.among("checkpoint", name, [entry.name for entry in self.checkpoints()])


class PretendedGeneration:
    """Three samplers, and the checks that the API leaves to the pipeline."""

    def __init__(self, models: PretendedModels) -> None:
        self.models = models

    def samplers(self) -> Sequence[SamplerEntry]:
        return [SamplerEntry(name, (f"k_{name.lower()}",), {}) for name in SAMPLERS]

    def schedules(self) -> Sequence[ScheduleEntry]:
        return [ScheduleEntry("automatic", "Automatic"), ScheduleEntry("karras", "Karras", (), 7.0)]

    def count_tokens(self, prompt: str, steps: int) -> TokenCount:
        return TokenCount(len(prompt.split()), 75)

    def check(self, request: GenerationRequest) -> GenerationRequest:
        if request.sampler not in SAMPLERS:
            raise NotFound.among("sampler", request.sampler, SAMPLERS)
        if request.checkpoint:
            self.models.find(request.checkpoint)
        return request.replace(seed=7) if request.seed == -1 else request


@dataclass(frozen=True)
class PretendedUpscaler:
    """An upscaler without a file."""

    name: str
    model_name: str | None = None
    path: Path | None = None
    url: str | None = None
    scale: float = 4.0


@dataclass(frozen=True)
class PretendedStyle:
    """A saved style."""

    name: str
    prompt: str
    negative_prompt: str


class PretendedLists:
    """A network of each kind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.refreshed: list[str] = []

    def upscalers(self) -> Sequence[PretendedUpscaler]:
        return [PretendedUpscaler(name) for name in UPSCALERS]

    def latent_upscale_modes(self) -> Sequence[str]:
        return ["Latent", "Latent (nearest)"]

    def face_restorers(self) -> Sequence[str]:
        return ["CodeFormer"]

    def networks(self, kind: Kind) -> Sequence[ModelEntry]:
        name = f"a-{kind}"
        path = self.folder / f"{name}.safetensors"
        return [ModelEntry(path.name, name, path, alias="alias", metadata={"ss_output_name": "alias"})]

    def embeddings(self) -> Sequence[EmbeddingEntry]:
        return [EmbeddingEntry("good", 2, 768), EmbeddingEntry("other", 1, 1024, usable=False)]

    def styles(self) -> Sequence[PretendedStyle]:
        return [PretendedStyle("photo", "{prompt}, sharp", "blurry")]

    def refresh(self, kind: Kind) -> None:
        self.refreshed.append(kind)


@dataclass(frozen=True)
class PretendedScript:
    """A script whose options are its arguments."""

    title: str
    always_on: bool = False
    extension: str = "pretended"

    def options(self, args: Sequence[Any], names: Names) -> dict[str, Any] | None:
        if args and args[0] == "wrong":
            raise BadRequest("The first argument is 'wrong'.")
        return {"args": list(args), "upscalers": list(names["upscaler"])}

    def describe(self, names: Names) -> list[dict[str, Any]]:
        return [{"label": "A", "value": 1, "minimum": 0, "maximum": 2, "step": 1, "choices": None}]


class PretendedScripts:
    """One script to choose and one that is always on; a third for img2img."""

    def scripts(self, tab: str) -> Sequence[PretendedScript]:
        both = [PretendedScript("X/Y/Z plot"), PretendedScript("Soft inpainting", always_on=True, extension="soft")]
        return [*both, PretendedScript("Loopback", extension="loopback")] if tab == "img2img" else both


@dataclass
class PretendedResidence(Residence):
    """Remembers what was done."""

    done: list[str] = field(default_factory=list[str])

    def unload(self) -> None:
        self.done.append("unload")

    def reload(self) -> None:
        self.done.append("reload")


class Site:
    """The API over a real queue and real settings. `gate` closed holds a job at its first step."""

    def __init__(self, folder: Path, *, limit: int = 64, seconds: float = 0.0, **more: Any) -> None:
        self.seconds = seconds
        self.gate = threading.Event()
        self.gate.set()
        self.folders = Folders(folder, folder / "models", folder / "outputs")
        for one in (self.folders.models, self.folders.outputs):
            one.mkdir(parents=True)
        self.settings = SettingsStore(folder / "settings.json")
        self.models = PretendedModels(self.folders.models, self.settings)
        self.lists = PretendedLists(self.folders.models)
        self.residence = PretendedResidence()
        self.requests: list[GenerationRequest] = []
        self.captioned: list[tuple[bytes, str]] = []
        self.details: dict[str, Any] = {}
        work = {"txt2img": self.draw, "caption": self.describe}
        self.queue = JobQueue(JobStore(folder / "jobs.sqlite3"), work, lambda: limit, preview_seconds=lambda: 0.0)
        given: dict[str, Any] = {
            "folders": self.folders,
            "lists": self.lists,
            "scripts": PretendedScripts(),
            "submit_caption": self.submit_caption,
            "residence": self.residence,
        }
        self.parts = Parts(
            self.queue, PretendedGeneration(self.models), self.models, self.settings, self.submit, self.results, **{**given, **more}
        )
        self.app = FastAPI()
        errors.install(self.app)
        self.app.include_router(rest.router(self.parts))

    def begin(self) -> None:
        """Forget what was, and go back to the settings of the beginning."""
        self.gate.set()
        self.details = {}
        self.settings.current = Settings()
        for memory in (
            self.requests,
            self.captioned,
            self.models.chosen_names,
            self.models.refreshed,
            self.lists.refreshed,
            self.residence.done,
        ):
            memory.clear()

    def submit(self, request: GenerationRequest, *, owner: str, durable: bool = True, identifier: str | None = None) -> str:
        self.requests.append(request)
        values = request.model_dump(mode="json")
        return self.queue.submit("txt2img", values, owner=owner, durable=durable, identifier=identifier).id

    def submit_caption(self, picture: bytes, *, model: Literal["clip", "deepdanbooru"], owner: str) -> str:
        self.captioned.append((picture, model))
        return self.queue.submit("caption", {}, owner=owner, durable=False).id

    def results(self, job: str) -> GenerationResult | None:
        value = self.queue.result(job)
        return value if isinstance(value, GenerationResult) else None

    def describe(self, job: Job, report: Reporter) -> Outcome:
        return Outcome("done", {}, "a red square")

    def draw(self, job: Job, report: Reporter) -> Outcome:
        request = GenerationRequest.model_validate(job.request)
        report.start(request.steps * request.batch_count)
        images: list[GeneratedImage] = []
        interrupted = False
        for number in range(request.batch_count):
            try:
                for _ in range(request.steps):
                    while not self.gate.wait(0.005):
                        report.check()
                    time.sleep(self.seconds)
                    if report.wants_preview():
                        report.preview(png())
                    report.step()
            except Skip:
                pass
            except Interrupt:
                interrupted = True
            seed = request.seed + number
            picture = Image.new("RGB", request.size, "red")
            images.append(GeneratedImage(picture, seed, seed, request.prompt, request.negative_prompt, f"{request.prompt}\nSeed: {seed}"))
            if interrupted:
                break
        result = GenerationResult(tuple(images), (), 0.1, interrupted, {"seed": request.seed, "sampler": request.sampler, **self.details})
        return Outcome("interrupted" if interrupted else "done", result.summary(), result)


class ExtrasSite(Site):
    """One that enlarges: its pictures come back as they are."""

    def __init__(self, folder: Path, **more: Any) -> None:
        super().__init__(folder, submit_extras=self.submit_extras, **more)
        self.queue.work = {**self.queue.work, "extras": self.enlarge}
        self.asked: list[ExtrasRequest] = []

    def submit_extras(self, request: ExtrasRequest, *, owner: str, identifier: str | None = None) -> str:
        self.asked.append(request)
        return self.queue.submit("extras", request.model_dump(mode="json"), owner=owner, durable=False).id

    def enlarge(self, job: Job, report: Reporter) -> Outcome:
        request = ExtrasRequest.model_validate(job.request)
        images = [Image.open(io.BytesIO(one.data)) for one in request.pictures]
        texts = [read_info(one.data).infotext for one in request.pictures]
        result = ExtrasResult(tuple(ExtrasImage(image, "Postprocess <b>", text) for image, text in zip(images, texts, strict=True)))
        return Outcome("done", result.summary(), result)


def get(client: TestClient, path: str) -> Any:
    """What a route answers."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(client: TestClient, path: str, body: dict[str, Any] | None = None) -> Any:
    """What a route answers to a body."""
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()
