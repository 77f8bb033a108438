"""One training, in a process of its own: `python -m modules.training_process RUN_FOLDER`. Builds all that it needs, and runs it.

With `--try` behind it only a few steps are taken, to see what the training will take. Started by `training.runs`; with several
processes, by torch.distributed.run in each of them.
"""

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import torch

from modules.assembly import build_pipeline, extensions_of, folders_of, handed_over
from modules.contract.errors import BadRequest, OutOfMemory, WebuiError
from modules.contract.files import write_whole
from modules.contract.progress import Interrupt, Silence, Stop
from modules.contract.request import GenerationRequest, Size
from modules.contract.result import GenerationResult
from modules.contract.services import ModelEntry
from modules.contract.training import TrainingRequest
from modules.datasets.check import check
from modules.datasets.facts import Facts
from modules.datasets.scan import Scan, scan
from modules.environment import try_lock
from modules.families.base import Components
from modules.families.load import load_checkpoint
from modules.pipeline.manager import PipelineManager
from modules.runtime.device import Device
from modules.runtime.placement import Placing
from modules.settings.store import SettingsStore
from modules.training.data import class_pictures
from modules.training.data.album import OWN_RESOLUTION, Pages, make_album
from modules.training.files.provenance import Provenance
from modules.training.methods.prepare import Files, Prepared, prepare
from modules.training.planning.fit import measure
from modules.training.planning.trials import TRIED, TRY
from modules.training.runs.copies import Copies, Shown
from modules.training.runs.launch import started
from modules.training.runs.publish import Makes, publish
from modules.training.runs.queue import LIVE
from modules.training.runs.run_folder import Phase, RunFolder, State
from modules.training.runs.samples import Samples, prompts_of, shelf
from modules.training.steps import loop
from modules.training.steps.processes import Ranks, joined
from modules.training.steps.recovery import is_memory
from modules.training.steps.returning import DataChanged
from modules.weights.hashes import legacy_hash

log = logging.getLogger("easel.training")
TELL = 0.5  # seconds between two words on how far something is
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Teller:
    """Says in the run's folder how far it is, and raises Interrupt when it is to end. Only the first process says anything."""

    def __init__(self, run: RunFolder, *, first: bool) -> None:
        self.run, self.first = run, first
        self.last = 0.0
        self.phase: Phase | None = None

    def __call__(self, phase: Phase, done: int = 0, total: int = 0) -> None:
        """It is at the `done`th of `total` of this phase."""
        if self.run.asked("stop") or self.run.asked("pause"):
            raise Interrupt
        if not self.first or (phase == self.phase and time.monotonic() - self.last < TELL and done < total):
            return
        if phase != self.phase:
            self.run.tell("phase", phase=phase, step=self.run.status().step)
        self.last, self.phase = time.monotonic(), phase
        now = {"state": "running", "phase": phase, "done": done, "total": total}
        self.run.write_status(self.run.status().model_copy(update=now))


class Heeding(Silence):
    """The Reporter of pictures that are made here: it ends them when the training is to end, and keeps everything else to itself."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run

    def check(self) -> None:
        """Raises Interrupt when the training is to stop or to pause."""
        if self.run.asked("stop") or self.run.asked("pause"):
            raise Interrupt


@dataclass(frozen=True)
class Studio:
    """What makes pictures in this process, also with files of the kind that the training `makes`."""

    pipeline: PipelineManager
    run: RunFolder
    makes: Makes

    def generate(self, request: GenerationRequest) -> GenerationResult:
        """The pictures of a request, as the program would make them. Memory of a card is given back behind them."""
        result = self.pipeline.generate(request, Heeding(self.run))
        if result.interrupted:
            raise Interrupt
        if self.pipeline.models.device.place.type != "cpu":
            self.pipeline.unload()
        return result

    def look(self) -> None:
        """Know the files that are lent, before all others of their names."""
        library, lent = self.pipeline.library, shelf(self.run).resolve()
        known = {"lora": library.loras, "embedding": library.embeddings, "checkpoint": library.checkpoints}[self.makes]
        if lent not in known.folders:
            known.folders.insert(0, lent)
        known.refresh()


def homes_of(pipeline: PipelineManager) -> Mapping[Makes, Path]:
    """Where what was trained is put, by its kind."""
    library = pipeline.library
    return {"lora": library.loras.folders[0], "embedding": library.embeddings.folders[0], "checkpoint": library.checkpoints.folders[0]}


def main(path: Path) -> int:
    """Run the training of a folder; 0 if it ended as it should. What went wrong stands in its status."""
    run = RunFolder(path)
    first = os.environ.get("RANK", "0") == "0"
    lock = held(run) if first else None
    if first and lock is None:
        log.error("Another process is training in %s already.", path)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: run.ask("stop"))
    tell = Teller(run, first=first)
    if first:
        me = {"process": os.getpid(), "process_started": started(os.getpid()), "state": "running"}
        run.write_status(run.status().model_copy(update=me))
    try:
        state, text, problem = *trained(run, tell), None
    except Stop:
        state, text, problem = "paused" if run.asked("pause") and not run.asked("stop") else "stopped", "", None
    except WebuiError as error:
        state, text, problem = "failed", error.message, error
    except Exception as error:
        log.exception("The training failed.")
        problem = WebuiError("Something went wrong in this training.", "Its log has the details; Resume goes on from the last state.")
        problem = too_large() if is_memory(error) else problem
        state, text = "failed", problem.message
    if first:
        over(run, state, text, problem)
    if lock:
        lock.close()  # at once: the problem's traceback would keep this frame, and with it the folder, until garbage is collected
    return 1 if problem else 0


def too_large() -> OutOfMemory:
    """What is said where memory runs out outside of the steps, which say it themselves."""
    hint = "Try gradient checkpointing, a smaller batch, or a lower resolution."
    return OutOfMemory("There is not enough memory for this training.", hint)


def held(run: RunFolder) -> BinaryIO | None:
    """Hold the folder for this process until it ends; None if another one holds it."""
    lock = (run.path / "in-use.lock").open("ab")
    if try_lock(lock.fileno()):
        return lock
    lock.close()
    return None


def over(run: RunFolder, state: State, text: str, problem: WebuiError | None) -> None:
    """Write down how it ended."""
    run.answered("changed")
    changed = isinstance(problem, DataChanged)
    said: dict[str, Any] = {"data_changed": changed, "short_of_memory": "yes" if isinstance(problem, OutOfMemory) else ""}
    said |= {"error": problem.message if problem else "", "hint": problem.hint if problem else "", "text": "" if problem else text}
    gone = {"process": None, "process_started": None, "seconds_left": None, "ended": time.time(), "state": state}
    for what in ("stop", "pause"):
        run.answered(what)
    status = run.status()
    run.write_status(status.model_copy(update={**gone, **said}))
    if status.state in LIVE:  # else the loop has told it
        run.tell("ended", state=state, text=text, hint=said["hint"], step=status.step)


def trained(run: RunFolder, tell: Teller) -> tuple[State, str]:
    """Train; the state it ended in, and a word on it. Raises WebuiError, and Interrupt where it was to end before it began."""
    request = run.request()
    tell("loading")
    ranks = joined()
    pipeline = pipeline_of(run, ranks)
    entry = pipeline.find(request.checkpoint)
    found = scanned(run, request, pipeline)
    studio, homes = Studio(pipeline, run, request.makes), homes_of(pipeline)
    if ranks.first:
        class_pictures.made(request, run, studio.generate, tell)
    ranks.wait()
    components = load_checkpoint(entry.path, entry.config, placing(request, ranks))
    trainable = prepared(request, components, entry, pipeline)
    album = make_album(request, components, run, found, tell, text_trained=trainable.text, ranks=ranks)
    sampler = sampler_of(run, request, studio, entry, album, components)
    tell("training")
    metadata = Provenance(run, request, pipeline.library.checkpoints.hashed(entry), components, album, legacy_of(entry))
    end = loop.train(request, run, components, trainable, album, sampler, ranks, metadata=metadata, accept_changed=run.asked("changed"))
    if not ranks.first or end.state == "paused" or end.file is None:
        return end.state, ""
    return end.state, published(run, homes, best_or_last(request, end))


def pipeline_of(run: RunFolder, ranks: Ranks) -> PipelineManager:
    """What makes pictures, as the program that started this has it: with its flags, on its device, in its numbers."""
    try:
        facts = json.loads((run.path / "program.json").read_text("utf8"))
        options = handed_over(facts["flags"])
    except (OSError, ValueError, KeyError, TypeError):
        raise BadRequest(f"The training '{run.id}' has no readable program.json.", "Start it from the Train tab.") from None
    folders = folders_of(options)
    device = device_from(facts.get("device"))
    if device is not None and device.place.type == ranks.device.type:
        device = replace(device, place=ranks.device)
    settings = SettingsStore(folders.data / "settings.json")
    screened = options.content_filter != "Off" or settings.current.screening.mode in ("Blur", "Block")
    detectors = extensions_of(options, folders).registry.detectors if screened else list
    return build_pipeline(options, settings, folders, device=device, detectors=detectors)


def device_from(values: Mapping[str, object] | None) -> Device | None:
    """A device as `device_values` wrote it; None if the program had not chosen one."""
    if not values:
        return None
    dtype, vae_dtype = (getattr(torch, str(values[name])) for name in ("dtype", "vae_dtype"))
    return Device(torch.device(str(values["place"])), dtype, vae_dtype, bool(values["channels_last"]), "as the program")


def scanned(run: RunFolder, request: TrainingRequest, pipeline: PipelineManager) -> Scan:
    """The pictures, looked at again. Raises BadRequest for data that cannot be trained on."""
    facts = Facts(pipeline.tools.root / "cache" / "datasets.json")
    found = scan(request.data.folders, facts=facts)
    checked = check(found, request, own=request.data.resolution, batch=request.steps.batch)
    if checked.refused:
        wrong = [finding.text for finding in checked.findings if finding.level == "red"]
        raise BadRequest(" ".join(wrong[:3]), "The check of the data offers repairs.")
    return found


def placing(request: TrainingRequest, ranks: Ranks) -> Placing:
    """How the checkpoint is loaded to be trained: what is frozen in the numbers that are computed in, what is trained in float32."""
    kind = request.steps.precision
    if kind == "auto":
        on_card = ranks.device.type == "cuda"
        kind = "fp32" if not on_card else "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    dtype = torch.float32 if request.makes == "checkpoint" else DTYPES[kind]
    return Placing(Device(ranks.device, dtype, torch.float32, False, "training"), "Resident")


def prepared(request: TrainingRequest, components: Components, entry: ModelEntry, pipeline: PipelineManager) -> Prepared:
    """What is trained; an embedding may begin as another one that there is. Raises BadRequest, NotFound, NotSupported."""
    wanted = request.embedding.begin_with.strip().lower()
    if request.makes == "embedding" and wanted:
        components.embeddings = [one for one in pipeline.library.embeddings.embeddings() if one.name.lower() == wanted]
    return prepare(request, components, Files(entry.path, network_of(request, pipeline)))


def network_of(request: TrainingRequest, pipeline: PipelineManager) -> Path | None:
    """The file of the LoRA that it begins with. Raises NotFound."""
    name = request.network.continue_from
    return pipeline.library.loras.find(name).path if name and request.makes == "lora" else None


def legacy_of(entry: ModelEntry) -> str | None:
    """The short hash that programs knew a checkpoint by before 2023; None for a folder."""
    return legacy_hash(entry.path) if entry.path.is_file() else None


def sampler_of(
    run: RunFolder, request: TrainingRequest, studio: Studio, entry: ModelEntry, album: Pages, components: Components
) -> Samples:
    """What makes pictures on the way."""
    side = request.data.resolution or OWN_RESOLUTION[components.variant.family]
    prompts = prompts_of(run, request, [album.captions.plain(index) for index in (*album.trained,)[:2]])
    shown = [Shown(album.items[index], album.fits[index].size, album.captions.plain(index)) for index in album.trained]
    copies = Copies(run, shown, background=request.data.background, mirrored=request.data.flip)
    return Samples(run, request, prompts, Size(side, side), entry.title, studio.generate, studio.look, copies)


def best_or_last(request: TrainingRequest, end: loop.End) -> int:
    """The step whose file is published: the last, or the best where the end was that it only learned by heart."""
    return end.best_step if request.watch.stop_when_overfit and end.best_step else end.step


def published(run: RunFolder, homes: Mapping[Makes, Path], step: int) -> str:
    """Put the file of a step among the models; a word on it."""
    place = publish(run, step, homes)
    run.write_status(run.status().model_copy(update={"published": place.stem}))
    return f"{place.name} lies in {place.parent.name}."


def try_out(path: Path) -> int:
    """Take a few steps of a folder's training and write down what it will take, or why it cannot be; 0 in any case."""
    run = RunFolder(path)
    request = run.request()
    try:
        ranks = joined()
        pipeline = pipeline_of(run, ranks)
        entry = pipeline.find(request.checkpoint)
        found = scanned(run, request, pipeline)
        components = load_checkpoint(entry.path, entry.config, placing(request, ranks))
        trainable = prepared(request, components, entry, pipeline)
        measured = measure(request, run, components, trainable, found, ranks)
        answer = {"result": {**asdict(measured), "disk": measured.disk.total, "tight": measured.tight}}
    except WebuiError as error:
        answer = {"error": error.message, "hint": error.hint, "short": isinstance(error, OutOfMemory)}
    except Exception as error:
        log.exception("The training could not be tried out.")
        answer = {"error": "Something went wrong while it was tried out.", "hint": "Its log has the details."}
        if is_memory(error):
            answer = {"error": too_large().message, "hint": too_large().hint, "short": True}
    write_whole(path / TRIED, json.dumps(answer).encode())
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt="%H:%M:%S")
    work = try_out if sys.argv[2:] == [TRY] else main
    sys.exit(work(Path(sys.argv[1]).resolve()))
