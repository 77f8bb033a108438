"""What was changed in a training for want of memory, kept in its folder (ladder.json), so that nothing of it is forgotten."""

import json
import re
import time
from typing import Any

from modules.contract.files import write_whole
from modules.contract.training import TrainingRequest
from modules.training.runs.run_folder import RunFolder
from modules.training.steps.ladder import Rung

FILE = "ladder.json"


def kept(run: RunFolder) -> dict[str, Any]:
    """What the folder remembers: "begun", the batch and the accumulation before any change, and "tried", the rungs in their order."""
    try:
        found = json.loads((run.path / FILE).read_text("utf8"))
        return {"begun": dict(found["begun"]), "tried": [dict(one) for one in found["tried"]]}
    except (OSError, ValueError, KeyError, TypeError):
        return {"begun": {}, "tried": []}


def tried(run: RunFolder) -> list[dict[str, Any]]:
    """The rungs that were tried, the first first: "kind", "changes" by group, "step", "at" in seconds since 1970, "resumed"."""
    return kept(run)["tried"]


def remember(run: RunFolder, request: TrainingRequest, rung: Rung, *, step: int) -> None:
    """Write down that a rung is tried. `request`: as it was before; `step`: of the newest state."""
    known = kept(run)
    begun = known["begun"] or {"batch": request.steps.batch, "accumulation": request.steps.accumulation}
    one = {"kind": rung.kind, "changes": rung.changes, "step": step, "at": round(time.time(), 3), "resumed": rung.resumes}
    write_whole(run.path / FILE, json.dumps({"begun": begun, "tried": [*known["tried"], one]}).encode())


def planned_batch(run: RunFolder, request: TrainingRequest) -> int:
    """How many pictures of one size the plan puts together: the batch that the training began with.

    One that has taken fewer at once since then shows the same pictures at each step, only one after the other.
    """
    begun = kept(run)["begun"]
    try:
        batch, steps = int(begun["batch"]), request.steps
        same = batch >= steps.batch and batch * int(begun["accumulation"]) == steps.batch * steps.accumulation
        return batch if same and batch % steps.batch == 0 else steps.batch
    except (KeyError, ValueError, TypeError):
        return request.steps.batch


def newest_step(run: RunFolder) -> int | None:
    """The step of the newest state that it can go on from; None without one. A state is there as a whole or not at all."""
    names = [path.parent.name for path in run.checkpoints.glob("step-*/manifest.json")]
    return max((int(name[5:]) for name in names if re.fullmatch(r"step-\d{8}", name)), default=None)
