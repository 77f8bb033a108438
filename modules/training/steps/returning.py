"""How a training goes on: from the newest state after a stop, from an earlier one after its numbers failed."""

import json
import math
import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from modules.contract.errors import BadRequest, WebuiError
from modules.contract.files import remove_temporaries
from modules.training.steps import checkpoint
from modules.training.steps.checkpoint import DiskFull
from modules.training.steps.processes import Ranks
from modules.training.steps.recovery import MOST_RETURNS, Watched
from modules.training.steps.session import Session
from modules.weights.writing import DTYPES, NAMES

CALM = 1.5  # times the lowest loss: a state above is not gone back to
State = dict[str, Any]


class DataChanged(BadRequest):
    """The pictures are not those that the state was made with."""


def begin(session: Session, *, accept_changed: bool) -> int:
    """The number of steps done: those of the newest state that is whole, which is put in place, or 0.

    What a killed process left in the folder is cleared away, and what it said of later steps is forgotten. Raises DataChanged where the
    data are others than the state's.
    """
    session.ranks.wait()  # until nobody writes a file any more whose beginning would be cleared away
    found = None
    if session.ranks.first:
        checkpoint.remove_unfinished(session.folder.checkpoints)
        remove_temporaries(session.folder.path)
        found = checkpoint.newest(session.folder.checkpoints)
        if found is not None and not accept_changed:
            refuse_changes(found["fingerprint"], session.album.fingerprint)
    found = on_all(session.ranks, found)
    session.resumed = found is not None
    step = -1 if found is None else session.restore(found)
    forget_after(session, step)
    session.ranks.share(list(session.tensors.values()))  # whatever each process made of its beginning
    step = max(step, 0)
    started = session.report.status.started or time.time()
    session.report.update(phase="training", step=step, best_step=session.best_step, started=started)
    session.meter.start()
    return step


def refuse_changes(old: Mapping[str, str], new: Mapping[str, str]) -> None:
    """Raises DataChanged where the data are not those that a state was made with."""
    changed = checkpoint.changes(old, new)
    if changed:
        hint = "Put them back, go on with them as they are, or start a new training."
        raise DataChanged(f"The pictures have changed since the training stopped: {changed}.", hint)


def save(session: Session, step: int, *, must: bool = False) -> None:
    """Keep the state of a step, then let old ones go. A full disk is told and passed over, unless the state `must` be kept."""
    session.read_losses(now=True)
    session.control.saved = time.monotonic()
    if not session.ranks.first or session.newest_step() == step:
        return
    with session.report.phase("saving"):
        try:
            checkpoint.write(session.folder.checkpoints, step, session.state(step))
        except DiskFull as error:
            if must:
                raise
            session.report.tell("warning", step, text=f"{error} The training goes on; the state before is whole.")
            return
        checkpoint.prune(session.folder.checkpoints, session.request.saving.states, best=session.best_step)
    session.report.tell("saved", step)


def roll_back(session: Session, step: int) -> int:
    """Go back to the last state from before the numbers failed, with half the rate; its step. Raises WebuiError if that cannot be."""
    why = session.watch.known.failing
    rate_factor, returns = session.rate_factor / 2, session.returns + 1
    if not session.request.watch.go_on_after_nan or returns > MOST_RETURNS:
        raise WebuiError(f"The numbers failed at step {step}. {why}", "Start it again with half the learning rate.")
    found = on_all(session.ranks, calm_state(session) if session.ranks.first else None)
    if found is None:
        raise WebuiError(f"The numbers failed at step {step}, before a state was kept. {why}", "Start it again with half the rate.")
    back = session.restore(found)
    session.rate_factor, session.returns = rate_factor, returns
    forget_after(session, back)
    if session.ranks.first:  # with the new rate, so that a stop before the next state does not bring the old one back
        checkpoint.write(session.folder.checkpoints, back, session.state(back))
    text = f"{why} It goes on from step {back} with half the rate."
    session.report.tell("rolled_back", back, at_step=step, rate_factor=rate_factor, text=text)
    return back


def calm_state(session: Session) -> State | None:
    """The newest state from before gradients broke and the loss rose; without one the oldest."""
    found = None
    for step in checkpoint.steps(session.folder.checkpoints):
        state = checkpoint.read(session.folder.checkpoints, step)
        if state is None:
            continue
        found, known = state, Watched(**state["watch"])
        if not known.broken and (known.least is None or (known.mean or 0.0) <= CALM * known.least):
            break
    return found


def forget_after(session: Session, step: int) -> None:
    """Take away what the disk knows of later steps: they are trained again. -1: nothing is known."""
    session.report.losses, session.exported = [], -1
    session.picture_losses.at(max(step, 0))
    if session.ranks.first:
        checkpoint.forget_after(session.folder.checkpoints, step)
        session.folder.forget_after(max(step, 0))


def on_all(ranks: Ranks, state: State | None) -> State | None:
    """The first process's state, on all: a further machine has no folder to read it from."""
    if ranks.world == 1:
        return state
    tensors: dict[str, Tensor] = {}
    values = checkpoint.packed(state, "", tensors)
    infos = {name: [NAMES[tensor.dtype], list(tensor.shape)] for name, tensor in tensors.items()}
    told = json.loads(ranks.share_bytes(json.dumps([values, infos]).encode()))
    for name, (dtype, shape) in told[1].items():
        tensors.setdefault(name, torch.zeros(math.prod(shape), dtype=DTYPES[dtype]).reshape(shape))
    ranks.share([tensors[name] for name in told[1]])
    return checkpoint.unpacked(told[0], tensors)
