"""Pictures made on the way, by what makes pictures everywhere here and over the very file that people get, so that they come again."""

import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from modules.contract.files import write_whole
from modules.contract.progress import Stop
from modules.contract.request import GenerationRequest, Size
from modules.contract.result import GenerationResult
from modules.contract.training import TrainingRequest
from modules.imaging.metadata import encode
from modules.training.runs.copies import Copies, values
from modules.training.runs.run_folder import RunFolder

log = logging.getLogger(__name__)
Generate = Callable[[GenerationRequest], GenerationResult]


@dataclass(frozen=True)
class Samples:
    """Makes a training's pictures; a `parts.Sampler`.

    `size` is what they have where the request leaves it open, `base` the title of the checkpoint that is trained on. `generate` makes
    pictures; `look` has it know the files in the folder `lent` again, and raises BadRequest for a name that another file has. `copies`
    looks whether a sample is nearly a picture that was trained on.
    """

    run: RunFolder
    request: TrainingRequest
    prompts: Sequence[str]
    size: Size
    base: str
    generate: Generate
    look: Callable[[], None]
    copies: Copies | None = None

    def sample(self, step: int, file: Path | None) -> None:
        """The pictures of a step, one for each prompt, each kept and told as it is made. A person's wish to stop ends them early."""
        if not self.request.samples.on:
            return
        with self.lent(step, file) as name:
            for number, prompt in enumerate(self.prompts):
                try:
                    result = self.generate(self.asked(prompt, name))
                except Stop:
                    return
                for warning in result.warnings:
                    self.run.tell("warning", step=step, text=warning)
                self.keep(step, number, prompt, result)

    def keep(self, step: int, number: int, prompt: str, result: GenerationResult) -> None:
        """Write a prompt's picture and tell of it."""
        picture = next((image for image in result.images if image.kind == "picture"), None)
        if picture is None:
            return
        place = self.run.samples / f"{step:08}-{number}.png"
        write_whole(place, encode(picture.image, format="png", infotext=picture.infotext))
        copy = self.copies.check(step, number, prompt, picture.image) if self.copies else None
        facts = {"text": prompt, "file": place.name, "seed": picture.seed, "infotext": picture.infotext, **values(copy)}
        self.run.tell("sample", step=step, prompt=number, **facts)

    def asked(self, prompt: str, name: str | None) -> GenerationRequest:
        """What txt2img would be asked for, for the same picture. `name`: what the step's file is called; None without one."""
        options, makes = self.request.samples, self.request.makes
        return GenerationRequest(
            prompt=prompt if name is None or makes == "checkpoint" else with_file(prompt, self.request.name, name, makes),
            negative_prompt=options.negative,
            size=Size(options.width or self.size.width, options.height or self.size.height),
            steps=options.steps,
            sampler=options.sampler,
            guidance=whole(options.guidance),
            seed=options.seed,
            checkpoint=name if name and makes == "checkpoint" else self.base,
            save=False,
            save_grid=False,
        )

    @contextmanager
    def lent(self, step: int, file: Path | None) -> Iterator[str | None]:
        """While it lasts, `generate` knows a step's file by the name that it has when it is published on its own; None without a file."""
        if file is None:
            yield None
            return
        name = step_name(self.request, step)
        place = shelf(self.run) / f"{name}.safetensors"
        empty(place.parent)
        second_name(file, place)
        try:
            self.look()
            yield name
        finally:
            empty(place.parent)


def shelf(run: RunFolder) -> Path:
    """The folder in which a step's file lies while pictures are made with it."""
    return run.path / "lent"


def empty(folder: Path) -> None:
    """Take all files out of a folder, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink(missing_ok=True)


def second_name(file: Path, place: Path) -> None:
    """Have a file lie in a second place too; as a copy where there are no links."""
    try:
        os.link(file, place)
    except OSError:
        shutil.copyfile(file, place)


def step_name(request: TrainingRequest, step: int) -> str:
    """What the file of a step is called among the models, without suffix."""
    return f"{request.name}-{step:06}"


def with_file(prompt: str, word: str, name: str, makes: str) -> str:
    """A prompt with a step's LoRA added, or with a step's embedding in the place of the word that calls it; in front without one."""
    if makes == "lora":
        return f"{prompt} <lora:{name}:1>"
    called = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)
    return called.sub(lambda _: name, prompt) if called.search(prompt) else f"{name}, {prompt}"


def whole(number: float) -> int | float:
    """A whole number as one, as the forms send it: it shows in the infotext."""
    return int(number) if number == int(number) else number


def prompts_of(run: RunFolder, request: TrainingRequest, captions: Sequence[str]) -> list[str]:
    """The prompts of a training: those that were asked for, else what calls it and two captions of its data, each once.

    They are kept with it: one that goes on after its captions were changed shows the same as before.
    """
    place = run.samples / "prompts.json"
    try:
        kept = json.loads(place.read_text("utf8"))
        return [str(prompt) for prompt in kept]
    except (OSError, ValueError, TypeError):
        pass
    lines = [line.strip() for line in request.samples.prompts.splitlines() if line.strip()]
    word = request.name if request.makes == "embedding" else request.trigger
    prompts = lines or [*dict.fromkeys(text for text in (word, *captions[:2]) if text.strip())] or [request.name]
    write_whole(place, json.dumps(prompts, ensure_ascii=False, indent=1).encode())
    return prompts
