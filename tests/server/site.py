"""Our routes over a real queue, with a generation that draws nothing."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from modules.contract.errors import BadRequest
from modules.contract.progress import Interrupt, Reporter, Skip
from modules.contract.request import GenerationRequest
from modules.contract.services import Folders, SamplerEntry, ScheduleEntry, TokenCount
from modules.jobs.job import Job, Outcome
from modules.jobs.queue import JobQueue
from modules.jobs.store import JobStore
from modules.server import errors, events, routes

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
JPEG = b"\xff\xd8\xff\xe0" + bytes(64)
WEBP = b"RIFF\x10\0\0\0WEBPVP8 " + bytes(64)


class FakeGeneration:
    """Knows one sampler and counts words."""

    def samplers(self) -> Sequence[SamplerEntry]:
        return [SamplerEntry("Euler", (), {})]

    def schedules(self) -> Sequence[ScheduleEntry]:
        return []

    def count_tokens(self, prompt: str, steps: int) -> TokenCount:
        return TokenCount(len(prompt.split()), 75)

    def check(self, request: GenerationRequest) -> GenerationRequest:
        if request.sampler == "nope":
            raise BadRequest("There is no sampler 'nope'.")
        return request


@dataclass
class Site:
    """The app with all it stands on. `gate` closed holds a job before its first step; a step takes `seconds`."""

    folder: Path
    seconds: float = 0.001
    limit: int = 64
    alive_seconds: float = 15.0
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()
        self.folders = Folders(self.folder, self.folder / "models", self.folder / "outputs")
        self.folders.outputs.mkdir()
        self.queue = JobQueue(
            JobStore(self.folder / "jobs.sqlite"), {"txt2img": self.draw}, lambda: self.limit, preview_seconds=lambda: 0.0
        )
        self.app = FastAPI()
        errors.install(self.app)
        self.app.include_router(events.router(self.queue, alive_seconds=self.alive_seconds))
        self.app.include_router(
            routes.router(
                queue=self.queue,
                generation=FakeGeneration(),
                folders=self.folders,
                submit=self.submit,
                read_picture_text=read_picture_text,
            )
        )

    def draw(self, job: Job, report: Reporter) -> Outcome:
        report.start(job.request["steps"])
        try:
            for number in range(job.request["steps"]):
                while not self.gate.wait(0.005):
                    report.check()
                time.sleep(self.seconds)
                if report.wants_preview():
                    report.preview(JPEG)
                report.step(f"Step {number + 1}")
        except (Interrupt, Skip):
            return Outcome("interrupted", {"paths": []})
        return Outcome("done", {"paths": ["a.png"], "seeds": [job.request["seed"]]})

    def submit(self, request: GenerationRequest, *, owner: str, durable: bool = True, identifier: str | None = None) -> str:
        values: dict[str, Any] = request.model_dump(mode="json")
        return self.queue.submit("txt2img", values, owner=owner, title=request.prompt, durable=durable, identifier=identifier).id


def read_picture_text(data: bytes) -> str:
    if not data.startswith(b"\x89PNG"):
        raise BadRequest("This is not a picture.")
    return "a star\nSteps: 20"
