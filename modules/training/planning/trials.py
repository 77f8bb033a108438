"""A few steps of a training before it begins, in a process of their own, to see what it will take."""

import json
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from modules.contract.errors import NotFound, TooBusy
from modules.contract.training import TrainingRequest
from modules.training.runs import launch
from modules.training.runs.launch import Launch
from modules.training.runs.queue import last_line
from modules.training.runs.run_folder import RunFolder, free_folder

TRY = "--try"
TRIED = "tried.json"


class Trials:
    """The trials below a folder, one at a time; each is gone when the next begins. `command` is that of a training."""

    def __init__(self, folder: Path, command: Callable[[RunFolder], Launch]) -> None:
        self.folder, self.command = folder, command
        self.lock = threading.Lock()
        self.running: tuple[str, subprocess.Popen[bytes]] | None = None

    def begin(self, request: TrainingRequest) -> str:
        """Begin to try out a request whose values are decided; its id. Raises TooBusy while another is tried out."""
        with self.lock:
            if self.running is not None and self.running[1].poll() is None:
                raise TooBusy("Another training is being tried out.", "It takes some seconds; try again then.")
            shutil.rmtree(self.folder, ignore_errors=True)
            run = free_folder(self.folder, request.name)
            run.write_request(request)
            command = self.command(run)
            process = launch.begin(run, replace(command, arguments=(*command.arguments, TRY)))
            self.running = (run.id, process)
            return run.id

    def state(self, id: str) -> dict[str, Any]:
        """How far it is: "running", "done" or "failed"; with the result, or with what is wrong and a hint. Raises NotFound.

        "short": whether memory was what it failed for; "perhaps" where its process was ended from outside.
        """
        run = self.get(id)
        try:
            found = json.loads((run.path / TRIED).read_text("utf8"))
        except (OSError, ValueError):
            with self.lock:
                process = self.running[1] if self.running and self.running[0] == id else None
                code = process.poll() if process else 1
            if code is None:
                return {"state": "running", "phase": run.status().phase, "error": "", "hint": "", "short": "", "result": None}
            short = "perhaps" if code < 0 else ""
            return {"state": "failed", "error": f"It ended early: {last_line(run) or code}", "hint": "", "short": short, "result": None}
        state = "failed" if found.get("error") else "done"
        short = "yes" if found.get("short") else ""
        told = {"error": found.get("error", ""), "hint": found.get("hint", "")}
        return {"state": state, **told, "short": short, "result": found.get("result")}

    def remove(self, id: str) -> None:
        """End it and forget it. Raises NotFound."""
        run = self.get(id)
        launch.end(run, at_once=True)
        with self.lock:
            if self.running and self.running[0] == id:
                self.running[1].wait()
                self.running = None
        shutil.rmtree(run.path, ignore_errors=True)

    def get(self, id: str) -> RunFolder:
        """Raises NotFound."""
        path = self.folder / id
        if not id or path.name != id or not (path / "request.json").is_file():
            raise NotFound(f"There is no trial '{id}'.", "A newer one may have taken its place.")
        return RunFolder(path)
