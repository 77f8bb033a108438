"""All trainings: the queue of those that wait, the one that runs, and what a person may ask of each.

A training is a folder, and a process of its own while it runs; this part only starts processes, asks them by files in `control/`, and
notices when one is gone. So a server that ends takes no training with it, and the next one finds them all.
"""

import json
import logging
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from modules.contract.errors import BadRequest, NotFound, WebuiError
from modules.contract.files import remove_temporaries, write_whole
from modules.contract.progress import Reporter
from modules.contract.training import TrainingRequest
from modules.training.runs import launch
from modules.training.runs.launch import Launch
from modules.training.runs.run_folder import Asked, RunFolder, State, Status, free_folder

log = logging.getLogger(__name__)
LIVE: tuple[State, ...] = ("starting", "running", "pausing", "stopping")
TO_GO_ON: tuple[State, ...] = ("paused", "stopped", "failed", "lost")
Can = Literal["pause", "resume", "stop", "sample", "save", "remove", "move"]
EVERY = 0.5  # seconds between two looks at what runs
PATIENCE = 20.0  # seconds that nothing else may have been done for, before the device is taken again
CONTROLS: tuple[Asked, ...] = ("stop", "pause", "sample", "save")


def nothing(*_: object) -> None:
    """For those whom nobody told what to do."""


@dataclass(frozen=True)
class Around:
    """What trainings need of the rest of the program.

    `launch` is the command of a training, and raises WebuiError where it cannot be. `busy`: pictures are being made or wait to be.
    `shares`: they may be made while a training runs. `make_room` gives the device's memory back before one begins. `changed(id)` is
    called when a training's state has changed, `published()` when it has put a file among the models.
    """

    launch: Callable[[RunFolder], Launch]
    busy: Callable[[], bool] = lambda: False
    shares: Callable[[], bool] = lambda: True
    make_room: Callable[[], None] = nothing
    changed: Callable[[str], None] = nothing
    published: Callable[[], None] = nothing
    patience: Callable[[], float] = lambda: PATIENCE


class Runs:
    """The trainings below a folder. Thread-safe; `start` begins to look after them."""

    def __init__(self, folder: Path, around: Around, *, every: float = EVERY) -> None:
        self.folder = folder
        self.around = around
        self.every = every
        self.lock = threading.RLock()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.killed: set[str] = set()
        self.seen: dict[str, tuple[State, str]] = {}
        self.order, self.aside = self.read_queue()
        self.quiet_since = time.monotonic()
        self.wake, self.ended = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.work, name="trainings", daemon=True)

    def start(self) -> None:
        """Begin to look after them, first after those that an earlier server started."""
        self.thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Look after them no more; what runs goes on."""
        self.ended.set()
        self.wake.set()
        if self.thread.is_alive():
            self.thread.join(seconds)

    # What there is

    def all(self) -> list[RunFolder]:
        """All of them, the newest first."""
        found = [RunFolder(path.parent) for path in self.folder.glob("*/request.json") if not path.parent.name.startswith(".")]
        return sorted(found, key=lambda run: (run.status().queued_at, run.id), reverse=True)

    def get(self, id: str) -> RunFolder:
        """Raises NotFound."""
        path = self.folder / id
        if not id or path.name != id or id.startswith(".") or not (path / "request.json").is_file():
            raise NotFound(f"There is no training '{id}'.", "It may have been removed from the list.")
        return RunFolder(path)

    def waiting(self) -> list[RunFolder]:
        """Those that wait, in the order in which they will begin."""
        queued = {run.id: run for run in reversed(self.all()) if run.status().state == "queued"}
        ordered = [id for id in self.order if id in queued]
        return [queued[id] for id in [*ordered, *(id for id in queued if id not in ordered)]]

    def running(self) -> RunFolder | None:
        """The one that runs."""
        return next((run for run in self.all() if run.status().state in LIVE), None)

    def state(self, run: RunFolder) -> State:
        """Its state, with what it has been asked for and has not come to yet."""
        state = run.status().state
        if state in ("starting", "running"):
            return "stopping" if run.asked("stop") else "pausing" if run.asked("pause") else state
        return state

    def can(self, run: RunFolder) -> list[Can]:
        """What may be asked of it now."""
        state = self.state(run)
        if state == "queued":
            return ["pause", "stop", "remove", "move"]
        if state in ("starting", "running"):
            return ["pause", "stop", "sample", "save"]
        if state in ("pausing", "stopping"):
            return ["stop"]
        if state == "paused":
            return ["resume", "stop", "remove"]
        return ["resume", "remove"] if state in TO_GO_ON else ["remove"]

    # What a person asks

    def add(self, request: TrainingRequest, *, first: bool = False) -> RunFolder:
        """Put a training at the end of the queue, or before all others. It begins by itself when none runs."""
        with self.lock:
            run = free_folder(self.folder, request.name)
            run.write_status(Status(state="queued", queued_at=time.time(), steps=request.steps.steps))
            run.write_request(request)
            self.enqueue(run.id, first=first)
        self.tell(run.id)
        return run

    def pause(self, id: str) -> RunFolder:
        """Have it write its state and give the device back; one that waits will not begin. Raises NotFound, BadRequest."""
        run = self.allowed(id, "pause")
        if run.status().state == "queued":
            self.put(run, "paused")
        else:
            run.ask("pause")
        self.tell(id)
        return run

    def resume(self, id: str, *, changed: bool = False) -> RunFolder:
        """Have it go on from its last state, before all that wait; `changed`: though its pictures are others.

        Raises NotFound, BadRequest.
        """
        run = self.allowed(id, "resume")
        if changed:
            run.ask("changed")
        with self.lock:
            if self.aside == id:
                self.aside = None
            self.put(run, "queued")
            self.enqueue(id, first=True)
        self.tell(id)
        return run

    def stop_run(self, id: str, *, now: bool = False) -> RunFolder:
        """Have it end with its state and its file written. `now`: end its processes, with what was written last. Raises NotFound,
        BadRequest."""
        run = self.allowed(id, "stop")
        if run.status().state not in LIVE:
            self.put(run, "stopped")
        elif now:
            with self.lock:
                self.killed.add(id)
            launch.end(run, at_once=True)
        else:
            run.ask("stop")
        self.tell(id)
        return run

    def ask(self, id: str, what: Literal["sample", "save"]) -> RunFolder:
        """Ask for pictures, or for a state and a file, of the step that it is at. Raises NotFound, BadRequest."""
        run = self.allowed(id, what)
        run.ask(what)
        return run

    def remove(self, id: str) -> None:
        """Delete it with all that lies in its folder; what it has put among the models stays. Raises NotFound, BadRequest."""
        with self.lock:
            run = self.allowed(id, "remove")
            gone = self.folder / f".removed-{id}-{time.time_ns()}"
            run.path.rename(gone)
            self.order = [other for other in self.order if other != id]
            self.seen.pop(id, None)
            self.write_queue()
        shutil.rmtree(gone, ignore_errors=True)
        self.tell(id)

    def move(self, id: str, before: str | None) -> list[str]:
        """Have one that waits begin before another, or last of all; the new order. Raises NotFound, BadRequest."""
        with self.lock:
            self.allowed(id, "move")
            order = [run.id for run in self.waiting() if run.id != id]
            if before is not None and before not in order:
                raise BadRequest(f"The training '{before}' does not wait.", "It may have begun.")
            order.insert(len(order) if before is None else order.index(before), id)
            self.order = order
            self.write_queue()
        self.tell(id)
        return order

    def allowed(self, id: str, what: Can) -> RunFolder:
        """The training, if that may be asked of it. Raises NotFound, BadRequest."""
        run = self.get(id)
        if what not in self.can(run):
            raise BadRequest(f"The training '{id}' is {self.state(run)}, so that nobody can {what} it.")
        return run

    # Room for pictures

    def make_way(self, report: Reporter) -> None:
        """Called before pictures are made: has a training that does not share the device pause, and waits for it. It goes on by
        itself when nothing else has been done for a while. Raises what `report.check` raises."""
        self.quiet_since = time.monotonic()
        with self.lock:
            run = self.running()
            if run is None or self.around.shares():
                return
            self.aside = run.id
            self.write_queue()
            run.ask("pause")
        self.tell(run.id)
        while run.status().state in LIVE:
            report.check()
            time.sleep(self.every / 5)
            self.look()

    def quiet(self) -> bool:
        """Whether the device may be taken."""
        if self.around.busy():
            self.quiet_since = time.monotonic()
            return False
        return self.aside is None or time.monotonic() - self.quiet_since >= self.around.patience()

    # Looking after them

    def work(self) -> None:
        """Look, and begin what waits, until stopped."""
        self.tidy()
        while not self.ended.is_set():
            try:
                self.look()
                self.go_on()
            except Exception:  # a full disk, a folder that cannot be read: the next look may do better
                log.exception("The trainings could not be looked after.")
            self.wake.wait(self.every)
            self.wake.clear()

    def tidy(self) -> None:
        """Clear away what an earlier server left half-done."""
        for gone in self.folder.glob(".removed-*"):
            shutil.rmtree(gone, ignore_errors=True)
        for run in self.all():
            if run.status().state not in LIVE:
                remove_temporaries(run.path)

    def look(self) -> None:
        """Notice which processes are gone, and tell what has changed."""
        with self.lock:
            runs = [(run, run.status()) for run in self.all()]
            for run, status in runs:
                if status.state in LIVE:
                    self.look_at(run)
            news = [one for run, _ in runs for one in self.news(run.id, run.status())]
        for id, published in news:
            if published:
                self.around.published()
            self.around.changed(id)

    def news(self, id: str, status: Status) -> Iterator[tuple[str, bool]]:
        """The id, if its state or what it has published is not as it was; and whether a file has come."""
        now: tuple[State, str] = (status.state, status.published)
        before = self.seen.get(id)
        self.seen[id] = now
        if before is not None and now != before:
            yield id, bool(status.published) and status.published != before[1]

    def look_at(self, run: RunFolder) -> None:
        """Write down the end of one whose process is gone without a word."""
        process, code = self.processes.get(run.id), None
        if process is not None:
            code = process.poll()
            if code is None:
                return
            del self.processes[run.id]
        elif launch.process_of(run) is not None:
            return
        status = run.status()  # after its process is gone, so that this is its last word
        if status.state in LIVE:
            last = self.last_word(run, status, code)
            run.write_status(last)
            run.tell("ended", state=last.state, text=last.error, step=last.step)
        self.killed.discard(run.id)

    def last_word(self, run: RunFolder, status: Status, code: int | None) -> Status:
        """The status of one that ended without saying so. `code`: its exit status, None where another server had started it."""
        over = {"process": None, "process_started": None, "ended": time.time(), "seconds_left": None}
        if run.id in self.killed:
            return status.model_copy(update={**over, "state": "stopped", "text": "Ended at once; what was saved last is there."})
        if code:
            said = f"Its process ended with status {code}" + (f": {words}" if (words := last_line(run)) else ".")
            killed = "Something ended it from outside; perhaps memory ran out. " if code < 0 else ""
            state: State = "lost" if code < 0 else "failed"
            hint = f"{killed}Resume goes on from the last state; its log has the rest."
            short = "perhaps" if code < 0 else ""
            return status.model_copy(update={**over, "state": state, "error": said, "hint": hint, "short_of_memory": short})
        lost = {"error": "Its process is gone.", "hint": "The machine may have been switched off. Resume goes on from the last state."}
        return status.model_copy(update={**over, "state": "lost", **lost})

    def go_on(self) -> None:
        """Begin the next, if none runs and the device may be taken."""
        with self.lock:
            if (not self.waiting() and self.aside is None) or self.running() is not None or not (self.around.shares() or self.quiet()):
                return
            if self.aside is not None:
                aside, self.aside = self.aside, None
                self.write_queue()
                if (self.folder / aside).is_dir() and self.get(aside).status().state == "paused":
                    self.resume(aside)
            if waiting := self.waiting():
                self.begin(waiting[0])

    def begin(self, run: RunFolder) -> None:
        """Start its process, or write down why it cannot be."""
        for what in CONTROLS:
            run.answered(what)
        fresh: dict[str, Any] = {"error": "", "hint": "", "text": "", "data_changed": False, "short_of_memory": ""}
        fresh |= {"ended": None, "process": None, "process_started": None, "seconds_left": None}
        status = run.status().model_copy(update={**fresh, "state": "starting", "phase": "loading", "started": time.time()})
        self.order = [id for id in self.order if id != run.id]
        self.write_queue()
        try:
            command = self.around.launch(run)
            self.around.make_room()
            run.write_status(status)
            self.processes[run.id] = launch.begin(run, command)
        except (WebuiError, OSError) as error:
            message, hint = (error.message, error.hint) if isinstance(error, WebuiError) else (f"It cannot be started ({error}).", "")
            run.write_status(status.model_copy(update={"state": "failed", "error": message, "hint": hint, "ended": time.time()}))
        self.tell(run.id)

    # The queue on the disk

    def enqueue(self, id: str, *, first: bool) -> None:
        others = [other for other in self.order if other != id]
        self.order = [id, *others] if first else [*others, id]
        self.write_queue()

    def put(self, run: RunFolder, state: State) -> None:
        """Set the state of one that does not run."""
        run.write_status(run.status().model_copy(update={"state": state, "error": "", "hint": ""}))

    def read_queue(self) -> tuple[list[str], str | None]:
        """The order of those that wait, and the one that has stepped aside."""
        try:
            kept = json.loads((self.folder / "queue.json").read_text("utf8"))
            aside = kept.get("aside")
            return [str(id) for id in kept["order"]], str(aside) if aside else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return [], None

    def write_queue(self) -> None:
        write_whole(self.folder / "queue.json", json.dumps({"order": self.order, "aside": self.aside}).encode())

    def tell(self, id: str) -> None:
        """Have it be looked at, and let it be known."""
        self.wake.set()
        self.around.changed(id)


def last_line(run: RunFolder) -> str:
    """The last line that its processes wrote, at most 300 characters."""
    try:
        with run.log.open("rb") as file:
            file.seek(max(0, run.log.stat().st_size - 4000))
            lines = [line.strip() for line in file.read().decode("utf8", "replace").splitlines()]
    except OSError:
        return ""
    return next((line[:300] for line in reversed(lines) if line), "")
