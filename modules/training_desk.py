"""The Train tab, put together: what the form asks before a training starts, and how the program and its trainings meet."""

import json
import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.assembly import handed_on
from modules.command_line import LaunchOptions
from modules.contract.declare import Options
from modules.contract.errors import BadRequest, NotFound, TooBusy, WebuiError
from modules.contract.files import write_whole
from modules.contract.progress import ModelsChanged, Reporter, TrainingChanged
from modules.contract.schema import described
from modules.contract.services import Folders, ModelEntry
from modules.contract.training import TrainingRequest
from modules.datasets.check import check
from modules.datasets.facts import Facts as PictureFacts
from modules.datasets.library import Library
from modules.datasets.scan import Scan, scan
from modules.jobs.job import Job, Outcome
from modules.jobs.order import Order
from modules.jobs.queue import JobQueue, Work
from modules.settings.store import SettingsStore
from modules.training.planning.trials import Trials
from modules.training.runs import launch
from modules.training.runs.climbing import Machine, climb, offered
from modules.training.runs.launch import Launch
from modules.training.runs.queue import Around, Runs
from modules.training.runs.run_folder import RunFolder
from modules.training.runs.tried import newest_step, tried
from modules.training_facts import cards, facts_of, machine_of, native_side

if TYPE_CHECKING:
    from modules.pipeline.manager import PipelineManager
    from modules.runtime.device import Device
    from modules.training.planning.advice import Advice, Facts
    from modules.training.planning.presets import Presets

ALMOST = 0.9  # of the device's memory: above that a training is too large to be safe


def device_values(device: "Device") -> dict[str, Any]:
    """A device as values that JSON can hold; `training_process.device_from` reads them."""
    kinds = {name: str(getattr(device, name)).removeprefix("torch.") for name in ("dtype", "vae_dtype")}
    return {"place": str(device.place), **kinds, "channels_last": device.channels_last}


def runs_of(
    options: LaunchOptions, pipeline: "PipelineManager", settings: SettingsStore, folders: Folders, queue: Callable[[], JobQueue]
) -> Runs:
    """The trainings of the program. `queue` is asked later: its jobs make way for trainings, and they for its jobs."""

    def command(run: RunFolder) -> Launch:
        facts = {"flags": handed_on(options), "device": device_values(pipeline.models.device)}
        write_whole(run.path / "program.json", json.dumps(facts).encode())
        return launch.launch_of(run, run.request().devices, on_cards=on_cards(pipeline))

    def shares() -> bool:
        wish = settings.current.training.while_generating
        return wish == "Beside it" or (wish == "Automatic" and not on_cards(pipeline))

    def busy() -> bool:
        jobs = queue()
        return jobs.current() is not None or (any(not live.job.held for live in jobs.waiting()) and not jobs.paused)

    def make_room() -> None:
        if on_cards(pipeline):
            pipeline.unload()

    def published() -> None:
        pipeline.refresh()
        Order(queue()).tell_all(ModelsChanged())

    around = Around(
        command,
        busy=busy,
        shares=shares,
        make_room=make_room,
        changed=lambda id: Order(queue()).tell_all(TrainingChanged(id)),
        published=published,
        patience=lambda: settings.current.training.patience,
    )
    return Runs(folders.data / "trainings", around)


def with_room(work: Mapping[str, Work], kinds: tuple[str, ...], make_way: Callable[[Reporter], None]) -> dict[str, Work]:
    """The work of the queue, where jobs of some kinds first have a training make way for them."""

    def after(one: Work) -> Work:
        def done(job: Job, report: Reporter) -> Outcome:
            make_way(report)
            return one(job, report)

        return done

    return {kind: after(one) if kind in kinds else one for kind, one in work.items()}


def on_cards(pipeline: "PipelineManager") -> bool:
    """Whether the program computes on a graphics card, of whatever make."""
    return pipeline.models.device.place.type != "cpu"


class TrainingDesk:
    """What the form asks. Implements `server.training.Desk`."""

    def __init__(self, runs: Runs, pipeline: "PipelineManager", folders: Folders) -> None:
        self.runs, self.pipeline, self.folders = runs, pipeline, folders
        self.pictures = PictureFacts(folders.data / "cache" / "datasets.json")
        self.library = Library(folders.data)
        self.trials = Trials(folders.data / "trainings" / ".trials", runs.around.launch)

    @property
    def kept(self) -> "Presets":
        """The presets, in a folder of files that can be given to others."""
        from modules.training.planning.presets import Presets

        return Presets(self.folders.data / "training-presets")

    # The form

    def form(self) -> dict[str, Any]:
        """The form's fields in groups, their defaults and the lists that they choose from."""
        library, chosen = self.pipeline.library, self.pipeline.chosen()
        own, groups = [], []
        for name, field in TrainingRequest.model_fields.items():
            kind = field.annotation
            if isinstance(kind, type) and issubclass(kind, Options):
                fields = [described(each, one) for each, one in kind.model_fields.items()]
                groups.append({"name": name, "title": field.title, "help": (kind.__doc__ or "").partition("\n")[0], "fields": fields})
            else:
                own.append(described(name, field))
        return {
            "fields": own,
            "groups": groups,
            "defaults": TrainingRequest().model_dump(mode="json"),
            "lists": {
                "checkpoint": [entry.title for entry in self.pipeline.checkpoints() if entry.problem is None],
                "lora": [entry.name for entry in library.loras.entries()],
                "sampler": [entry.name for entry in self.pipeline.samplers()],
            },
            "chosen": chosen.title if chosen else "",
            "devices": cards(),
        }

    # Before it starts

    def advise(self, request: TrainingRequest, *, here: bool) -> dict[str, Any]:
        """Every value decided, each with its reason."""
        advice = self.advice(request, self.scanned(request, here=here))
        return {"request": advice.request.model_dump(mode="json"), "reasons": dict(advice.reasons)}

    def check(self, request: TrainingRequest, *, here: bool) -> dict[str, Any]:
        """What stands in its way: of the data, the name, the checkpoint, the disk."""
        findings = [*self.of_the_rest(request)]
        checked: dict[str, Any] = {}
        try:
            found = self.scanned(request, here=here)
            decided = self.advice(request, found).request if not red(findings) else request
            data = check(found, decided, own=self.own(request), batch=max(1, decided.steps.batch), count_tokens=self.tokens)
            checked = data.as_json()
            findings = [*findings, *checked.pop("findings", [])]
            if not red(findings):
                findings += self.of_the_disk(decided, found)
        except WebuiError as error:
            findings.append(finding("red", error))
        levels = {one["level"] for one in findings}
        level = "red" if "red" in levels else "amber" if "amber" in levels else "green"
        return {"level": level, "findings": findings, "facts": checked}

    def add(self, request: TrainingRequest, *, here: bool, first: bool = False) -> str:
        """Put a training into the queue; its id. Raises BadRequest with what stands in its way."""
        answer = self.check(request, here=here)
        if answer["level"] == "red":
            wrong = [one for one in answer["findings"] if one["level"] == "red"]
            raise BadRequest(" ".join(str(one["text"]) for one in wrong[:3]), str(wrong[0].get("hint") or ""))
        advice = self.advice(request, self.scanned(request, here=here))
        run = self.runs.add(advice.request, first=first)
        write_whole(run.path / "reasons.json", json.dumps(dict(advice.reasons), ensure_ascii=False).encode())
        return run.id

    def try_out(self, request: TrainingRequest, *, here: bool) -> str:
        """Take a few steps of a training to see what it will take; the trial's id. Raises BadRequest, TooBusy."""
        if self.runs.running() is not None and on_cards(self.pipeline):
            raise TooBusy("A training is running; what is measured beside it would say little.", "Pause it first.")
        return self.trials.begin(self.advice(request, self.scanned(request, here=here)).request)

    def trial(self, id: str) -> dict[str, Any]:
        """How far a trial is, what it has found, and where memory is short what would need less of it. Raises NotFound."""
        found = self.trials.state(id)
        result = found["result"] or {}
        short = bool(found["short"]) or (result.get("memory") or 0) > ALMOST * (result.get("memory_all") or math.inf)
        request = self.trials.get(id).request()
        return {**found, "rungs": offered(request, self.machine(request)) if short else []}

    def end_trial(self, id: str) -> None:
        """Take a trial back. Raises NotFound."""
        self.trials.remove(id)

    def ladder(self, id: str) -> dict[str, Any]:
        """What a training that failed for want of memory may change, in the order in which to try it. Raises NotFound, BadRequest."""
        run = self.runs.get(id)
        short, step, request = run.status().short_of_memory, newest_step(run), run.request()
        rungs = offered(request, self.machine(request), step=step or 0) if short and "resume" in self.runs.can(run) else []
        return {"short": short, "step": step, "rungs": rungs, "tried": tried(run)}

    def climb(self, id: str, rung: str) -> dict[str, Any] | None:
        """Have it go on with one of them; or the request of another training, where this one cannot. Raises NotFound, BadRequest."""
        asked = climb(self.runs, id, rung, self.machine(self.runs.get(id).request()))
        return None if asked is None else asked.model_dump(mode="json")

    def machine(self, request: TrainingRequest) -> Machine:
        """What a training can do to need less memory here."""
        try:
            entry = self.checkpoint(request)
        except WebuiError:  # it was removed: then only the figures are missing
            entry = None
        return machine_of(entry, self.pipeline.models.device)

    def commands(self, id: str) -> list[str]:
        """What is typed on further machines."""
        run = self.runs.get(id)
        return launch.commands(run, run.request().devices, on_cards=on_cards(self.pipeline))

    def scanned(self, request: TrainingRequest, *, here: bool) -> Scan:
        """The pictures. Raises BadRequest, NotFound; also for a folder that a stranger may not name."""
        if not here:
            for folder in (*(each.folder for each in request.data.folders), request.prior.folder):
                if folder:
                    self.library.allowed(folder)
        return scan(request.data.folders, facts=self.pictures)

    def advice(self, request: TrainingRequest, found: Scan) -> "Advice":
        """Every value decided. Raises NotFound, BadRequest for the checkpoint."""
        from modules.training.planning.advice import advise

        request = request.model_copy(update={"checkpoint": self.checkpoint(request).title})
        advice = advise(request, self.facts(request, found))
        return replace(advice, request=self.with_size(advice.request))

    def with_size(self, request: TrainingRequest) -> TrainingRequest:
        """A request whose pictures on the way have a size."""
        side, samples = request.data.resolution, request.samples
        decided = samples.model_copy(update={"width": samples.width or side, "height": samples.height or side})
        return request.model_copy(update={"samples": decided})

    def checkpoint(self, request: TrainingRequest) -> ModelEntry:
        """The checkpoint that is trained on. Raises NotFound."""
        entry = self.pipeline.find(request.checkpoint) if request.checkpoint else self.pipeline.chosen()
        if entry is None:
            raise NotFound("There is no checkpoint to train on.", "Put one into the folder of checkpoints, and press refresh.")
        return entry

    def own(self, request: TrainingRequest) -> int:
        """The resolution of the checkpoint, in pixels a side."""
        return native_side(self.checkpoint(request))

    def facts(self, request: TrainingRequest, found: Scan) -> "Facts":
        """What advice is drawn from. Raises NotFound, BadRequest."""
        name = request.network.continue_from if request.makes == "lora" else ""
        network = self.pipeline.library.loras.find(name).path if name else None
        return facts_of(self.checkpoint(request), self.pipeline.models.device, found, network)

    def tokens(self, text: str) -> int:
        """How many tokens a caption takes."""
        return self.pipeline.count_tokens(text, 20).used

    # What is looked at beside the data

    def of_the_rest(self, request: TrainingRequest) -> list[dict[str, Any]]:
        """What is wrong with the name, the checkpoint and all that is called by a name."""
        from modules.training.methods.words import check_name
        from modules.training.runs.publish import checked_name

        def try_it(what: Callable[[], object]) -> None:
            try:
                what()
            except WebuiError as error:
                findings.append(finding("red", error))

        findings: list[dict[str, Any]] = []
        try_it(lambda: checked_name(request.name))
        if request.makes == "embedding" and request.name:
            try_it(lambda: check_name(request.name))
        try_it(lambda: self.usable(self.checkpoint(request)))
        try_it(lambda: launch.launch_of(RunFolder(Path("x")), request.devices, on_cards=on_cards(self.pipeline)))
        if request.network.continue_from and request.makes == "lora":
            try_it(lambda: self.pipeline.library.loras.find(request.network.continue_from))
        if request.samples.on:
            try_it(lambda: self.sampler(request.samples.sampler))
        if request.name and self.taken(request):
            overwritten = request.makes == "embedding" and request.embedding.overwrite
            text = f"There is a file called {request.name} already; " + ("it is replaced." if overwritten else "this one gets a number.")
            findings.append({"level": "amber", "kind": "name", "text": text, "hint": "", "files": [], "repairs": []})
        return findings

    def usable(self, entry: ModelEntry) -> None:
        """Raise BadRequest for a checkpoint that cannot be trained on."""
        from modules.families.load import variant_of

        if entry.problem:
            raise BadRequest(f"The checkpoint {entry.title} cannot be used.", entry.problem)
        variant = variant_of(entry.path, entry.config)
        if variant.inputs != "plain" or variant.family == "sdxl-refiner":
            kind = "a refiner" if variant.family == "sdxl-refiner" else f"for {'inpainting' if variant.inputs == 'inpaint' else 'editing'}"
            raise BadRequest(f"The checkpoint {entry.title} is {kind}, which cannot be trained here.", "Choose one that draws from words.")

    def sampler(self, name: str) -> None:
        """Raise NotFound for a sampler that there is not."""
        from modules.sampling.registry import resolve

        resolve(name)

    def taken(self, request: TrainingRequest) -> bool:
        """Whether there is a file of that name where this one will go."""
        from modules.training_process import homes_of

        return (homes_of(self.pipeline)[request.makes] / f"{request.name}.safetensors").exists()

    def of_the_disk(self, request: TrainingRequest, found: Scan) -> list[dict[str, Any]]:
        """Whether what will be written has room."""
        from modules.training.planning.memory import disk_forecast

        self.runs.folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.runs.folder).free
        facts = self.facts(request, found)
        forecast = disk_forecast(request, facts.family, facts.pictures, parameters=facts.parameters)
        if forecast.wanted <= free:
            return []
        text = f"The training will write some {forecast.total / 2**30:.1f} GB, and {free / 2**30:.1f} GB are free."
        hint = "Keep fewer states, write files less often, or make room."
        level = "red" if forecast.total > free else "amber"
        return [{"level": level, "kind": "disk", "text": text, "hint": hint, "files": [], "repairs": []}]

    # What comes out, and what goes in

    def publish(self, id: str, step: int, name: str = "") -> dict[str, Any]:
        """Put the file of a step among the models."""
        from modules.training.runs.publish import publish
        from modules.training_process import homes_of

        run = self.runs.get(id)
        makes = run.request().makes
        place = publish(run, step, homes_of(self.pipeline), name)
        self.runs.around.published()
        title = self.pipeline.find(place.name).title if makes == "checkpoint" else ""
        prompt = {"lora": f"<lora:{place.stem}:1>", "embedding": place.stem, "checkpoint": ""}[makes]
        return {"name": place.stem, "kind": makes, "file": f"{place.parent.name}/{place.name}", "prompt": prompt, "checkpoint": title}

    def from_file(self, name: str) -> dict[str, Any]:
        """The settings that a LoRA says it was trained with."""
        from modules.training.files.from_file import request_from_file

        loaded = request_from_file(self.pipeline.library.loras.find(name).path)
        return {"request": loaded.request.model_dump(mode="json"), "notes": list(loaded.notes)}

    def presets(self) -> list[dict[str, Any]]:
        """All presets."""
        return [asdict(preset) for preset in self.kept.all()]

    def preset(self, name: str) -> bytes:
        """A preset's file. Raises NotFound."""
        return self.kept.read(name).as_file()

    def keep_preset(self, name: str, text: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        """Keep values under a name; all presets. Raises BadRequest."""
        self.kept.write(name, values, text)
        return self.presets()

    def add_preset(self, name: str, data: bytes) -> list[dict[str, Any]]:
        """Keep a preset's file; all presets. Raises BadRequest."""
        self.kept.add(name, data)
        return self.presets()

    def remove_preset(self, name: str) -> list[dict[str, Any]]:
        """Take a preset away; all that are left. Raises NotFound."""
        self.kept.remove(name)
        return self.presets()


def finding(level: str, error: WebuiError) -> dict[str, Any]:
    """An error as a finding of the check."""
    return {"level": level, "kind": "request", "text": error.message, "hint": error.hint, "files": [], "repairs": []}


def red(findings: list[dict[str, Any]]) -> bool:
    """Whether something must be mended first."""
    return any(one["level"] == "red" for one in findings)
