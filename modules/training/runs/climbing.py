"""What a training that failed for want of memory may change, and how it goes on with that."""

from dataclasses import dataclass
from typing import Any, Literal

from modules.contract.errors import BadRequest
from modules.contract.training import TrainingRequest
from modules.training.planning.memory import saved
from modules.training.runs.listing import reasons
from modules.training.runs.queue import Runs
from modules.training.runs.tried import newest_step, remember
from modules.training.steps.ladder import Rung, climbed, rungs


@dataclass(frozen=True)
class Machine:
    """What a ladder stands on.

    `family`: the checkpoint's, "" where its size is none whose memory can be reckoned. `half`: the 16 bits that the device computes in.
    `eight_bit`: whether the optimizer that keeps its numbers in 8 bits can be used.
    """

    family: str = ""
    half: Literal["bf16", "fp16"] = "bf16"
    eight_bit: bool = False


def offered(request: TrainingRequest, machine: Machine, *, step: int = 0) -> list[dict[str, Any]]:
    """The rungs that are left, as the page takes them: "kind", "changes", "resumes", and "saves", bytes or None."""
    return [
        {
            "kind": rung.kind,
            "changes": rung.changes,
            "resumes": rung.resumes,
            "saves": saved(request, climbed(request, rung), machine.family) if machine.family else None,
        }
        for rung in left(request, machine, step)
        if rung.kind
    ]


def left(request: TrainingRequest, machine: Machine, step: int) -> list[Rung]:
    """The rungs that are left on this machine."""
    return rungs(request, step=step, half=machine.half, eight_bit=machine.eight_bit)


def climb(runs: Runs, id: str, kind: str, machine: Machine) -> TrainingRequest | None:
    """Take a rung with a training that failed for want of memory. It goes on from its last state with the change; None then.

    Where it cannot, the request of another training is given, and nothing begins. Raises NotFound, BadRequest.
    """
    with runs.lock:
        run = runs.allowed(id, "resume")
        if not run.status().short_of_memory:
            raise BadRequest(f"The training '{id}' did not fail for want of memory.", "Resume goes on with it as it is.")
        request, step = run.request(), newest_step(run) or 0
        rung = next((one for one in left(request, machine, step) if one.kind == kind), None)
        if rung is None:
            raise BadRequest(f"There is nothing left to change called '{kind}' in the training '{id}'.", "Reload the page.")
        remember(run, request, rung, step=step)
        changed = climbed(request, rung, reasons(run))
        if not rung.resumes:
            return changed
        run.write_request(changed)
        run.tell("changed", step=step, text=f"Memory ran out. From here on: {rung.text}.", rung=rung.kind)
        runs.resume(id)
        return None
