"""Trainings as lists and pages show them: values that JSON can hold."""

import hashlib
import json
from typing import Any

from modules.contract.errors import WebuiError
from modules.contract.training import TrainingRequest
from modules.training.runs.queue import Runs
from modules.training.runs.run_folder import RunFolder

LONGEST = 1 << 20  # bytes of a log at once


class Listing:
    """What pages are told of trainings. What lies in the files of one is read again only when they have changed."""

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        self.requests: dict[str, tuple[int, TrainingRequest]] = {}

    def all(self) -> dict[str, Any]:
        """All trainings, the newest first; `version` changes with anything that is shown."""
        waiting = [run.id for run in self.runs.waiting()]
        lines = [line for run in self.runs.all() if (line := self.line(run, waiting)) is not None]
        busy = next((line["id"] for line in lines if "save" in line["can"] or line["status"]["state"] in ("pausing", "stopping")), None)
        version = hashlib.sha256(repr(lines).encode()).hexdigest()[:16]
        return {"runs": lines, "version": version, "busy": busy, "aside": self.runs.aside}

    def line(self, run: RunFolder, waiting: list[str] | None = None) -> dict[str, Any] | None:
        """A training as a line of the list; None where its request cannot be read."""
        try:
            request = self.request(run)
        except WebuiError:
            return None
        waiting = [one.id for one in self.runs.waiting()] if waiting is None else waiting
        status = run.status()
        pictures = sorted(run.samples.glob("*-0.png"))
        return {
            "id": run.id,
            "name": request.name,
            "method": request.method,
            "goal": request.goal,
            "makes": request.makes,
            "checkpoint": request.checkpoint,
            "trigger": request.trigger,
            "created": status.queued_at,
            "status": {**status.model_dump(mode="json"), "state": self.runs.state(run)},
            "position": waiting.index(run.id) + 1 if run.id in waiting else None,
            "has_samples": bool(pictures),
            "cover": f"samples/{pictures[-1].name}" if pictures else None,
            "can": self.runs.can(run),
        }

    def request(self, run: RunFolder) -> TrainingRequest:
        """What it is to train. Raises BadRequest where that cannot be read."""
        path = run.path / "request.json"
        try:
            changed = path.stat().st_mtime_ns
        except OSError:
            changed = 0
        known = self.requests.get(run.id)
        if known is None or known[0] != changed:
            self.requests[run.id] = known = (changed, run.request())
        return known[1]

    def details(self, run: RunFolder, *, here: bool) -> dict[str, Any]:
        """All of a training but its curves. `here`: whether its folder may be named. Raises BadRequest."""
        request = self.request(run)
        events = run.events(0, 1 << 30)[0]
        published: dict[int, str] = {}
        for event in events:
            if event["kind"] == "published":
                published[int(event["step"])] = str(event["name"])
        samples = {(event["step"], event["prompt"]): event for event in events if event["kind"] == "sample"}
        best = run.status().best_step
        return {
            **(self.line(run) or {}),
            "request": request.model_dump(mode="json"),
            "reasons": reasons(run),
            "files": [
                {"step": step, "name": path.name, "size": path.stat().st_size, "best": step == best, "published": published.get(step, "")}
                for step, path in run.written().items()
            ],
            "samples": [{name: event.get(name) for name in SAMPLE} for _, event in sorted(samples.items())],
            "folder": str(run.path) if here else None,
        }


SAMPLE = ("step", "prompt", "text", "file", "seed", "infotext", "copy")


def reasons(run: RunFolder) -> dict[str, str]:
    """Why values were decided as they were, by the field's path; empty for a training that nobody gave advice."""
    try:
        kept = json.loads((run.path / "reasons.json").read_text("utf8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(text) for name, text in kept.items()} if isinstance(kept, dict) else {}


def log_after(run: RunFolder, after: int) -> dict[str, Any]:
    """What its processes have said from a byte on, and the byte behind it; of a long log only the end, at first."""
    try:
        with run.log.open("rb") as file:
            size = file.seek(0, 2)
            start = max(after, size - LONGEST) if after <= size else 0
            file.seek(start)
            block = file.read(LONGEST)
    except OSError:
        return {"text": "", "next": 0}
    return {"text": block.decode("utf8", "replace"), "next": start + len(block)}
