"""A training, from its first step to its last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from modules.contract.training import TrainingRequest
from modules.families.base import Components
from modules.training.parts import Album, Batch, Sampler, Trainable
from modules.training.runs.run_folder import RunFolder
from modules.training.steps.control import Wish
from modules.training.steps.noise import stream_seed
from modules.training.steps.outlook import do_what_is_due, export, first_look, fulfil, look_at_captions
from modules.training.steps.processes import Ranks
from modules.training.steps.recovery import retried
from modules.training.steps.returning import begin, roll_back, save
from modules.training.steps.session import Metadata, Session


@dataclass(frozen=True)
class End:
    """How a training ended. `file`: the newest for people; None where it only paused. `text`: why it ended early."""

    state: Literal["done", "stopped", "paused"]
    step: int
    file: Path | None
    best_step: int | None
    loss: float | None
    text: str = ""


def says_nothing(step: int) -> Mapping[str, str]:
    """No metadata."""
    return {}


def train(
    request: TrainingRequest,
    folder: RunFolder,
    components: Components,
    trainable: Trainable,
    album: Album,
    sampler: Sampler,
    ranks: Ranks,
    *,
    metadata: Metadata = says_nothing,
    accept_changed: bool = False,
) -> End:
    """Train to the last step, or until it is asked to stop or to pause; goes on from the newest state in the folder.

    Every process that trains together calls it with the same request. `metadata`: what the file of a step says of itself.
    `accept_changed`: go on though the pictures are not those that the state was made with.

    Raises WebuiError with what went wrong: values that do not fit together, memory, the disk, numbers that fail again and again. The
    newest state is whole then.
    """
    session = Session(request, folder, components, trainable, album, sampler=sampler, ranks=ranks, metadata=metadata)
    with session.running():
        step = begin(session, accept_changed=accept_changed)
        if not session.resumed:
            first_look(session)
        while step < session.steps and not session.enough:
            wishes = Wish(ranks.agree(session.control.wishes()))
            fulfil(session, wishes, step)
            if wishes.ends:
                return end(session, step, "stopped" if wishes & Wish.STOP else "paused")
            learn(session, step)
            step += 1
            if session.watch.known.failing:
                step = roll_back(session, step)
            else:
                do_what_is_due(session, step)
        return end(session, step, "done")


def learn(session: Session, step: int) -> None:
    """One step: the gradients of its pictures on all processes, one change, one look at how it went."""
    batches = session.album.batches(step, session.ranks.rank, session.ranks.world)
    session.prepare(step)
    loss = retried(lambda: gradients(session, batches, step), session.update.forget_gradients)
    loss = session.ranks.add_gradients(session.update.trained, loss)
    broken = session.update.step()
    session.trainable.after_step()
    if session.average:
        session.average.follow(session.tensors, step)
    session.watch.add(step + 1, loss, broken)
    session.meter.step(session.album.per_step, sum(map(session.operations, batches)))
    session.read_losses()


def gradients(session: Session, batches: Sequence[Batch], step: int) -> Tensor:
    """This process's part of a step's loss, (), its gradient added to the parameters'."""
    total = torch.zeros((), device=session.components.device)
    session.picture_losses.begin(step)
    for batch in batches:
        torch.manual_seed(stream_seed(session.request.steps.seed, step, batch.slots[0], name="dropout"))
        losses = session.objective.losses(batch, step)
        loss = losses.sum() / session.album.per_step
        (loss * session.update.scale).backward()
        total += loss.detach()
        session.picture_losses.add(step, batch, losses)
    return total


def end(session: Session, step: int, state: Literal["done", "stopped", "paused"]) -> End:
    """Keep the state and, unless it is to go on, write the file."""
    save(session, step, must=True)
    if state == "done":
        look_at_captions(session, step)
    file = None if state == "paused" else export(session, step)
    session.control.answered(Wish.STOP | Wish.PAUSE)
    text = "It ended early, for it only learned by heart." if step < session.steps and state == "done" else ""
    return End(state, step, file, session.best_step, session.watch.known.mean, text)
