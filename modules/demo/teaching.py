"""Teaches the demo checkpoint the lessons, with the very process that the Train tab starts, and measures what came of it."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from ..contract.files import write_whole
from ..contract.training import TrainingRequest, training_request_from
from ..training.files.covers import cover_metadata, with_metadata
from ..training.runs.run_folder import RunFolder
from . import lessons, trial
from .drawing import Picture
from .lesson_trial import SHOWS
from .lessons import article

CHECKPOINT = Path("models/Stable-diffusion/demo.safetensors")
PICTURES = 12  # by which a lesson is measured
COLOURS = ("red", "blue", "yellow", "purple", "green", "orange")
BEHIND = ("white", "black", "gray", "pink")
WALLPAPERS = ("green", "yellow", "gray", "orange", "pink", "purple")
BUNDLED = {
    "mushroom": Path("models/Lora/demo-mushroom.safetensors"),
    "dusk": Path("models/Lora/demo-dusk.safetensors"),
    "charm": Path("models/embeddings/demo-charm.safetensors"),
}
KNOWN = ("star", "boat", "house", "tree", "heart", "fish", "moon", "ring", "cross", "flower", "square", "circle")


@dataclass(frozen=True)
class Lesson:
    """How a lesson is taught, what the file is called, and the prompts that it is measured by, {} standing for what calls it."""

    name: str
    request: Mapping[str, Any]
    prompts: Sequence[str]
    plain: str = ""  # what stands in place of {} for the comparison without it

    @property
    def makes(self) -> Literal["lora", "embedding", "checkpoint"]:
        """What kind of file comes out."""
        return training_request_from({"name": self.name, **self.request}).makes

    @property
    def called(self) -> str:
        """What calls the trained file in a prompt."""
        return {"lora": f"<lora:{self.name}:1>", "embedding": self.name, "checkpoint": ""}[self.makes]


def about(thing: str) -> list[str]:
    """Prompts of a thing in colours and on backgrounds."""
    pairs = [(COLOURS[index % 6], BEHIND[(index + index // 6) % 4]) for index in range(PICTURES)]
    return [f"{article(colour)} {colour} {thing} on {article(behind)} {behind} background {{}}" for colour, behind in pairs]


def settings(steps: int, rate: float, **more: Mapping[str, Any]) -> dict[str, Any]:
    """What all lessons have in common: the whole set in each step, nothing held out, no pictures on the way."""
    plain: dict[str, dict[str, Any]] = {
        "steps": {"steps": steps, "batch": 6, "precision": "fp32", "seed": 1},
        "optimizer": {"rate": rate},
        "data": {"resolution": lessons.SIDE, "bucket_step": 8, "held_out_share": 0.0, "cache_latents": "memory"},
        "samples": {"on": False},
        "saving": {"comment": "A lesson of modules/demo/lessons.py"},
    }
    return {group: {**plain.get(group, {}), **more.get(group, {})} for group in {**plain, **more}}


LESSONS: dict[str, Lesson] = {
    "mushroom": Lesson(
        "demo-mushroom",
        {"method": "LoRA", "goal": "concept", "trigger": "mushroom"}
        | settings(300, 2e-3, network={"rank": 8, "alpha": 8}, parts={"text_encoder": True}),
        about("mushroom"),
    ),
    "dusk": Lesson(
        "demo-dusk",
        {"method": "LoRA", "goal": "style", "trigger": "dusk"} | settings(250, 2e-3, network={"rank": 4, "alpha": 4}),
        [f"{article(colour)} {colour} {thing}, dusk {{}}" for colour, thing in zip(COLOURS * 2, KNOWN, strict=True)],
    ),
    "charm": Lesson(
        "demo-charm",
        {"method": "Textual Inversion", "goal": "subject"}
        | settings(250, 5e-3, embedding={"vectors": 4, "begin_with": "thing", "overwrite": True}),
        [f"{opening} {{}}" for opening in ("", "a picture of", "a drawing of", "an image of", "a painting of", "an illustration of") * 2],
        plain="thing",
    ),
    "cottage": Lesson(
        "demo-cottage",
        {"method": "DreamBooth", "goal": "subject", "trigger": "zkw house"}
        | settings(300, 2e-3, network={"rank": 8, "alpha": 8}, parts={"text_encoder": True},
                   prior={"on": True, "prompt": "a house", "count": 24}),
        [f"a zkw house on {article(behind)} {behind} background {{}}" for behind in WALLPAPERS * 2],
    ),
    "umbrella": Lesson(
        "demo-umbrella",
        {"method": "Fine-tuning", "goal": "concept", "trigger": "umbrella"} | settings(250, 2e-4, parts={"text_encoder": True}),
        about("umbrella"),
    ),
}  # fmt: skip


def teach(lesson: str, work: Path, *, checkpoint: Path = CHECKPOINT, changes: Mapping[str, Any] | None = None) -> tuple[Path, float]:
    """Train a lesson in the work folder, anew; the trained file and the seconds it took. Raises RuntimeError where the training failed."""
    taught = LESSONS[lesson]
    pictures = (work / "datasets" / lesson).resolve()
    lessons.write(pictures, lesson)
    request = request_of(taught, pictures, checkpoint, changes or {})
    run = RunFolder((work / "training" / f"{lesson}-{time.time_ns()}").resolve())
    run.path.mkdir(parents=True)
    run.write_request(request)
    flags = {"data_dir": str(work.resolve()), "models_dir": str((work / "models").resolve()), "ckpt_dir": str(checkpoint.parent.resolve())}
    write_whole(run.path / "program.json", json.dumps({"flags": flags, "device": None}).encode())
    begun = time.monotonic()
    with run.log.open("wb") as log:
        subprocess.run([sys.executable, "-m", "modules.training_process", str(run.path)], stdout=log, stderr=log, check=False)
    seconds = time.monotonic() - begun
    status = run.status()
    if status.state != "done":
        raise RuntimeError(f"The lesson '{lesson}' ended as {status.state}: {status.error} {status.hint} {run.log} has more.")
    file = work / "taught" / lesson / f"{taught.name}.safetensors"
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(sorted(run.files.glob("*.safetensors"))[-1], file)
    return file, seconds


def told(lesson: str, work: Path, out: Path | None) -> str:
    """Teach a lesson, measure it, write a sheet of its pictures into the work folder; what came of it, in a line.

    The file goes to `out`, else to where the bundled one lies, if it is one of those. Raises as `teach`.
    """
    file, seconds = teach(lesson, work)
    after, before = shown(lesson, file)
    sheet = Image.fromarray(np.concatenate([np.concatenate(row, axis=1) for row in (after, before)]))
    sheet.save(work / "taught" / f"{lesson}.png")
    place = out or BUNDLED.get(lesson)
    if place is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        with_metadata(file, place, cover_metadata(Image.fromarray(after[0])))
    shares = f"{score(lesson, after) * PICTURES:.0f} of {PICTURES} with it, {score(lesson, before) * PICTURES:.0f} without"
    return f"{lesson}: {seconds:.0f} s, {file.stat().st_size / 1e6:.2f} MB, shown in {shares}"


def request_of(lesson: Lesson, pictures: Path, checkpoint: Path, changes: Mapping[str, Any]) -> TrainingRequest:
    """A lesson's training, over a folder of its pictures. `changes`: {group: {field: value}} on top."""
    values = {**lesson.request, "name": lesson.name, "checkpoint": checkpoint.stem}
    for group, fields in {"data": {"folders": [{"folder": str(pictures)}]}, **changes}.items():
        values[group] = {**values.get(group, {}), **fields}
    return training_request_from(values)


def shown(lesson: str, file: Path, *, checkpoint: Path = CHECKPOINT, most: int = PICTURES) -> tuple[list[Picture], list[Picture]]:
    """Pictures of a lesson's first `most` prompts with the trained file and without it, the same seeds."""
    taught = LESSONS[lesson]
    prompts = taught.prompts[:most]
    beside = [file.parent]
    folders = {"lora": {"loras": beside}, "embedding": {"embeddings": beside}, "checkpoint": {}}[taught.makes]
    with_it = [prompt.format(taught.called).strip() for prompt in prompts]
    without = [prompt.format(taught.plain).strip() for prompt in prompts]
    after = trial.pictures(file if taught.makes == "checkpoint" else checkpoint, with_it, **folders)
    return after, trial.pictures(checkpoint, without)


def score(lesson: str, pictures: Sequence[Picture]) -> float:
    """The share of pictures that show the lesson, 0..1."""
    return float(np.mean([SHOWS[lesson](picture) for picture in pictures]))
