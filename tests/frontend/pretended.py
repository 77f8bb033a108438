"""The rest of the program, pretended: an engine that draws a picture step by step, behind the real job queue and settings."""

import argparse
import io
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from PIL import Image, ImageDraw
from starlette.types import ASGIApp

from modules.contract.batch import BatchRequest
from modules.contract.errors import BadRequest, NotFound, NotSupported
from modules.contract.progress import Interrupt, Reporter, Skip
from modules.contract.request import GenerationRequest, Size, request_from
from modules.contract.result import GeneratedImage, GenerationResult
from modules.contract.services import Folders, ModelEntry, SamplerEntry, ScheduleEntry, TokenCount
from modules.frontend.build import build_page, mount
from modules.frontend.services import PageServices
from modules.imaging.metadata import encode, read_infotext
from modules.infotext import pasted
from modules.jobs.job import Job, Outcome
from modules.jobs.queue import JobQueue
from modules.jobs.store import JobStore
from modules.server import errors, events, routes
from modules.server.security import secure
from modules.settings.store import SettingsStore

SAMPLERS = ("DPM++ 2M", "Euler", "Euler a", "DDIM")
SCHEDULES = ("Automatic", "Uniform", "Karras")


def infotext(request: GenerationRequest, seed: int) -> str:
    negative = f"\nNegative prompt: {request.negative_prompt}" if request.negative_prompt else ""
    return (f"{request.prompt}{negative}\nSteps: {request.steps}, Sampler: {request.sampler}, Schedule type: {request.schedule}, "
            f"CFG scale: {request.guidance}, Seed: {seed}, Size: {request.size}, Model: demo, Version: test")


class Engine:
    """Draws a disc that grows with each step, at `seconds` a step. A prompt with 'fail' in it fails."""

    def __init__(self, outputs: Path, seconds: float) -> None:
        self.outputs = outputs
        self.seconds = seconds

    def __call__(self, job: Job, report: Reporter) -> Outcome:
        request = GenerationRequest.model_validate(job.request)
        report.start(request.steps * request.batch_count)
        began, images, interrupted = time.monotonic(), list[GeneratedImage](), False
        for batch in range(request.batch_count):
            seed = (request.seed if request.seed >= 0 else random.randrange(2**32)) + batch * request.batch_size
            try:
                self.draw(request, seed, report)
            except Skip:
                continue
            except Interrupt:
                interrupted = True
            images += [self.saved(request, seed + number) for number in range(request.batch_size)]
            if interrupted:
                break
        result = GenerationResult(tuple(images), ("This picture was drawn by a test.",) if "warn" in request.prompt else (),
                                  time.monotonic() - began, interrupted)
        return Outcome("interrupted" if interrupted else "done", result.summary(), result)

    def draw(self, request: GenerationRequest, seed: int, report: Reporter) -> None:
        for step in range(request.steps):
            time.sleep(self.seconds)
            if "fail" in request.prompt:
                raise BadRequest("The prompt asks for a failure <b>here</b>.", "Take the word 'fail' out of it.")
            if report.wants_preview():
                buffer = io.BytesIO()
                picture(request, seed, (step + 1) / request.steps).resize((64, 64)).save(buffer, "JPEG")
                report.preview(buffer.getvalue())
            report.step()

    def saved(self, request: GenerationRequest, seed: int) -> GeneratedImage:
        image, text = picture(request, seed, 1.0), infotext(request, seed)
        path = self.outputs / f"{time.time_ns()}-{seed}.png" if request.save else None
        if path:
            self.outputs.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode(image, format="png", infotext=text))
        return GeneratedImage(image, seed, seed, request.prompt, request.negative_prompt, text, str(path) if path else None)


def picture(request: GenerationRequest, seed: int, part: float) -> Image.Image:
    shade = random.Random(seed)
    image = Image.new("RGB", request.size, (30, 60, 120 + shade.randrange(100)))
    width, height = request.size
    radius = part * min(width, height) * 0.35
    ImageDraw.Draw(image).ellipse((width / 2 - radius, height / 2 - radius, width / 2 + radius, height / 2 + radius),
                                  fill=(200 + shade.randrange(55), shade.randrange(120), 40))
    return image


class PretendedModels:
    """Three checkpoints: a small one that is chosen, a larger one, and one that cannot be loaded."""

    def __init__(self) -> None:
        self.entries = [ModelEntry(f"{name}.safetensors [{short}]", name, Path(f"{name}.safetensors"), short)
                        for name, short in (("demo", "0123456789"), ("photographs", "aaaabbbbcc"), ("broken", "ffffffffff"))]
        self.current = self.entries[0]

    def checkpoints(self) -> Sequence[ModelEntry]:
        return self.entries

    def refresh(self) -> None:
        self.entries[1] = replace(self.entries[1], title="photographs-2.safetensors [aaaabbbbcc]")

    def chosen(self) -> ModelEntry | None:
        return self.current

    def choose(self, name: str) -> ModelEntry:
        time.sleep(0.3)
        entry = self.find(name)
        if entry.name == "broken":
            raise BadRequest("The file 'broken.safetensors' is truncated: it has 12 of 4096 bytes.", "Download it again.")
        self.current = entry
        return entry

    def find(self, name: str) -> ModelEntry:
        for entry in self.entries:
            if name in (entry.title, entry.name):
                return entry
        raise NotFound.among("checkpoint", name, [entry.title for entry in self.entries])


class PretendedGeneration:
    def samplers(self) -> Sequence[SamplerEntry]:
        return [SamplerEntry(name, (), {}) for name in SAMPLERS]

    def schedules(self) -> Sequence[ScheduleEntry]:
        return [ScheduleEntry(name.lower(), name) for name in SCHEDULES]

    def count_tokens(self, prompt: str, steps: int) -> TokenCount:
        used = len(prompt.split())
        return TokenCount(used, max(1, -(-used // 75)) * 75, "A bracket is open." if prompt.count("(") != prompt.count(")") else None)

    def check(self, request: GenerationRequest) -> GenerationRequest:
        if request.size.width % 8:
            raise BadRequest(f"Width is {request.size.width}; it must be a multiple of 8.")
        return request


def services(data: Path, seconds: float = 0.05) -> tuple[PageServices, JobQueue]:
    """What the page is given, and the queue, not yet started."""
    models, outputs = PretendedModels(), data / "outputs"
    queue = JobQueue(JobStore(data / "jobs.sqlite"), {"generate": Engine(outputs, seconds)}, lambda: 64, preview_seconds=lambda: 0.1)

    def submit(request: GenerationRequest, *, owner: str, durable: bool = True, identifier: str | None = None) -> str:
        return queue.submit("generate", request.model_dump(mode="json"), owner=owner, title=request.prompt, durable=durable,
                            identifier=identifier).id

    def result(job: str) -> GenerationResult | None:
        value: Any = queue.result(job)
        return value

    def defaults() -> GenerationRequest:
        return request_from({"size": Size(128, 128) if models.current.name == "demo" else Size(512, 512)})

    def submit_batch(batch: BatchRequest, *, owner: str) -> str:
        raise NotSupported("Only single pictures are drawn here.")

    page = PageServices(
        generation=PretendedGeneration(), models=models, submit=submit, submit_batch=submit_batch, results=result, queue=queue,
        settings=SettingsStore(data / "settings.json"), folders=Folders(data, data / "models", outputs), defaults=defaults,
        paste=pasted, styles=lambda: ["ink"], apply_styles=lambda prompt, negative, names: (f"{prompt}, {names[0]}", negative),
        hires_upscalers=lambda: ["Latent", "Lanczos"], uploads=lambda id: (data / id).read_bytes(), page_settings=dict)
    return page, queue


def application(data: Path, port: int, seconds: float = 0.05) -> tuple[ASGIApp, JobQueue]:
    """The page with the program's real routes and guard around a pretended engine."""
    page_services, queue = services(data, seconds)

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        queue.start()
        yield
        queue.stop(1.0)

    app = FastAPI(lifespan=running)
    errors.install(app)
    app.include_router(events.router(queue))
    app.include_router(routes.router(queue=queue, generation=page_services.generation, folders=page_services.folders,
                                     submit=page_services.submit, read_picture_text=read_infotext))
    mount(app, build_page(page_services, temporary=data / "temporary"), outputs=page_services.folders.outputs)
    return secure(app, port=port), queue


def serve(port: int, data: Path, *, seconds: float) -> None:
    application_, _ = application(data, port, seconds)
    uvicorn.run(application_, port=port, log_level="warning")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    given, _ = parser.parse_known_args()
    serve(given.port, given.data_dir, seconds=0.05)
