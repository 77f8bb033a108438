"""A training on the disk: everything that the page shows and that a restart needs lies in one folder.

request.json      the TrainingRequest, all values decided
status.json       the newest state, replaced as a whole
events.jsonl      what happened, a line each, only ever added to
pictures.json     how hard each picture is to learn, replaced as a whole
control/          empty files by which it is asked for something; the trainer takes them away
checkpoints/      step-00000100/: states to go on from
samples/          pictures made on the way
copies/           pictures that were trained on and that samples of the same name are nearly
files/            what was trained, as people use it, one for each step that was written
cache/            latents and encoded texts
class/            pictures for prior preservation
ladder.json       what was changed for want of memory, and how it had begun; not there where nothing was
log.txt           what its processes say
"""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, ValidationError

from modules.contract.declare import Options
from modules.contract.errors import BadRequest
from modules.contract.files import write_whole
from modules.contract.training import TrainingRequest, training_request_from

State = Literal["queued", "starting", "running", "pausing", "paused", "stopping", "done", "stopped", "failed", "lost"]
ENDED: tuple[State, ...] = ("done", "stopped", "failed", "lost")
Asked = Literal["stop", "pause", "sample", "save", "changed"]  # the last: to go on though the pictures are others
Phase = Literal["loading", "class pictures", "latents", "texts", "training", "sampling", "saving", "probing", "paused", "finishing"]


class Status(Options):
    """The newest state of a training. Times are seconds since 1970; rates are pictures a second over all devices.

    `process` and `process_started` tell which process it is, so that another with the same number is not taken for it. `share` is the part
    of the devices' peak arithmetic that is used, 0 to 1; None where the peak is not known. `memory` is bytes on the busiest device.
    `data_changed`: it failed because its pictures are not those of its last state; `short_of_memory`: it failed for want of memory. What a
    newer program writes beside is passed over.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: State = "queued"
    phase: Phase = "loading"
    text: str = ""
    done: int = 0
    total: int = 0
    step: int = 0
    steps: int = 0
    epoch: int = 0
    loss: float | None = None
    rate: float | None = None
    images_per_second: float | None = None
    share: float | None = None
    memory: int | None = None
    seconds_left: float | None = None
    best_step: int | None = None
    process: int | None = None
    process_started: float | None = None
    error: str = ""
    hint: str = ""
    data_changed: bool = False
    short_of_memory: Literal["", "yes", "perhaps"] = ""
    published: str = ""
    queued_at: float = 0.0
    started: float | None = None
    ended: float | None = None


class RunFolder:
    """One training's folder. Its process writes status and events; the server writes only `control` and, while none runs, the status."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def id(self) -> str:
        """Its name among the trainings."""
        return self.path.name

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def samples(self) -> Path:
        return self.path / "samples"

    @property
    def copies(self) -> Path:
        return self.path / "copies"

    @property
    def files(self) -> Path:
        return self.path / "files"

    @property
    def cache(self) -> Path:
        return self.path / "cache"

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    def written(self) -> dict[int, Path]:
        """What was written for people, by step."""
        found = {path: re.search(r"(\d+)$", path.stem) for path in sorted(self.files.glob("*.safetensors"))}
        return {int(digits.group(1)): path for path, digits in found.items() if digits}

    # What was asked

    def write_request(self, request: TrainingRequest) -> None:
        """Keep what is to be trained."""
        write_whole(self.path / "request.json", request.model_dump_json(indent=1).encode())

    def request(self) -> TrainingRequest:
        """What is to be trained. Raises BadRequest for a file that cannot be read."""
        try:
            values = json.loads((self.path / "request.json").read_text("utf8"))
        except (OSError, ValueError):
            raise BadRequest(f"The training '{self.id}' has no readable request.json.", "It cannot be gone on with; remove it.") from None
        return training_request_from(values)

    # Where it is

    def status(self) -> Status:
        """The newest state; that of a queued training where none is written yet, and of a lost one where it cannot be read."""
        try:
            return Status.model_validate_json((self.path / "status.json").read_bytes())
        except FileNotFoundError:
            return Status()
        except (OSError, ValidationError):  # not queued: that would start it again and again
            return Status(state="lost", error="The training's state cannot be read.", hint="Resume goes on from its last checkpoint.")

    def write_status(self, status: Status) -> None:
        """Replace the state."""
        write_whole(self.path / "status.json", status.model_dump_json().encode())

    # What happened

    def tell(self, kind: str, **values: Any) -> None:
        """Add an event. Kinds: step, probe, sample, saved, exported, published, phase, warning, skipped, rolled_back, changed, copied,
        best, ended."""
        self.path.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"at": round(time.time(), 3), "kind": kind, **values}, ensure_ascii=False)
        with (self.path / "events.jsonl").open("ab") as file:
            file.write(line.encode() + b"\n")

    def events(self, after: int = 0, most: int = 1 << 22) -> tuple[list[dict[str, Any]], int]:
        """The events from byte `after` on, and the byte behind the last whole one; at most so many bytes at once."""
        try:
            with (self.path / "events.jsonl").open("rb") as file:
                size = file.seek(0, 2)
                file.seek(after)
                block = file.read(min(most, max(size - after, 0)))  # a read makes room for all that it is told
        except FileNotFoundError:
            return [], 0
        end = block.rfind(b"\n") + 1
        return [*lines_of(block[:end])], after + end

    def forget_after(self, step: int) -> None:
        """Take away the events of steps after `step`: they are trained again."""
        kept = [event for event in self.events(0, 1 << 40)[0] if int(event.get("step", 0)) <= step or event["kind"] == "ended"]
        text = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in kept)
        write_whole(self.path / "events.jsonl", text.encode())

    # What it is asked for

    def ask(self, what: Asked) -> None:
        """Ask its process for something."""
        control = self.path / "control"
        control.mkdir(parents=True, exist_ok=True)
        (control / what).touch()

    def asked(self, what: Asked) -> bool:
        """Whether that is asked for."""
        return (self.path / "control" / what).exists()

    def answered(self, what: Asked) -> None:
        """It is done."""
        (self.path / "control" / what).unlink(missing_ok=True)


def lines_of(block: bytes) -> Iterator[dict[str, Any]]:
    """The events of whole lines; a line that a killed process left in two is passed over."""
    for line in block.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def free_folder(parent: Path, name: str) -> RunFolder:
    """A new training's folder, made: the name, with a number where there is one already. Two that ask at once get two."""
    parent.mkdir(parents=True, exist_ok=True)
    plain = "".join(c if c.isalnum() or c in "-_. " else "_" for c in name).strip(". ")[:80] or "training"
    for number in range(1, 10_000):
        path = parent / (plain if number == 1 else f"{plain}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return RunFolder(path)
    raise BadRequest(f"There are 10,000 trainings called '{plain}'.", "Remove some.")
