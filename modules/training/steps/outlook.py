"""What is done between steps, so that a person sees how it goes: the probe, the file of a step, its pictures."""

from contextlib import nullcontext
from pathlib import Path

from modules.contract.errors import WebuiError
from modules.training.runs import copies
from modules.training.steps import checkpoint
from modules.training.steps.caption_fit import caption_fits, levels
from modules.training.steps.control import Wish
from modules.training.steps.probe import Probed, probe_every
from modules.training.steps.returning import save
from modules.training.steps.session import Session

SAMPLES = 10  # in all, where nobody said how many


def first_look(session: Session) -> None:
    """Before the first step: what the checkpoint does by itself. It is the state of step 0 too, unless that would be a whole model."""
    look(session, 0)
    if session.request.samples.on:
        sample(session, 0)
    if session.request.makes != "checkpoint":
        save(session, 0)


def do_what_is_due(session: Session, step: int) -> None:
    """After a step, in this order: the probe, which may say that it is the best; its file; its pictures; the state."""
    request, last = session.request, session.steps
    sampling = request.samples.every or max(last // SAMPLES, 1)
    export_every = request.saving.export_every or sampling
    if due(step, probe_every(request, session.trainable, session.probe.pictures), last):
        look(session, step)
    if request.samples.on and due(step, sampling, last):
        sample(session, step)
    if due(step, export_every, last):
        export(session, step)
    if request.saving.state_every and step % request.saving.state_every == 0:
        save(session, step)


def due(step: int, every: int, last: int) -> bool:
    """Whether something is due after a step that comes `every` so many and after the last."""
    return step == last or step % every == 0


def fulfil(session: Session, wishes: Wish, step: int) -> None:
    """Do what was asked for and does not end the training."""
    if wishes & Wish.SAMPLE:
        sample(session, step)
    if wishes & Wish.SAVE:
        save(session, step)
        export(session, step)
    session.control.answered(wishes & (Wish.SAMPLE | Wish.SAVE))


def look(session: Session, step: int) -> None:
    """The losses on pictures that are trained on and on those that are not; the best step's file is kept."""
    if not session.probe.pictures:
        return
    session.read_losses(now=True)
    with session.report.phase("probing"):
        if session.average:
            with session.average.in_place_of(session.tensors):
                seen = session.probe.look(step)
        else:
            seen = session.probe.look(step)
    tell(session, seen)


def look_at_captions(session: Session, step: int) -> None:
    """At the end: how much each trained picture's caption helps to find it in noise."""
    times = levels(session.request, session.trainable, session.album.pictures)
    if not times:
        return
    weights = session.average.in_place_of(session.tensors) if session.average else nullcontext()
    with session.report.phase("finishing"), weights, session.unmoved():
        fits = caption_fits(session.album, session.objective, session.ranks, times, session.request.steps.seed)
    session.picture_losses.fits = fits
    session.picture_losses.write(now=True)


def tell(session: Session, seen: Probed) -> None:
    """Say what a probe saw, and what follows from it."""
    session.report.tell("probe", seen.step, train=seen.train, held_out=seen.held_out)
    if session.best_step == seen.step and seen.step:
        export(session, seen.step)
        session.report.update(best_step=seen.step)
        session.report.tell("best", seen.step, loss=seen.held_out)
    if session.probe.history.overfit:
        text = "The loss on pictures that it does not see has risen twice in a row, while that on the others falls: it learns by heart."
        session.report.tell("warning", seen.step, text=text + copies.told(session.folder))


def sample(session: Session, step: int) -> None:
    """The pictures of a step, of the file as people use it. What goes wrong with them is told, and the training goes on."""
    session.read_losses(now=True)
    file = export(session, step) if step else None
    with session.report.phase("sampling"):
        if session.ranks.first:
            try:
                session.sampler.sample(step, file)
            except WebuiError as error:
                session.report.tell("warning", step, text=f"No pictures were made of step {step}. {error}")
        session.ranks.wait()


def export(session: Session, step: int) -> Path:
    """The file of a step, written unless it is there."""
    path = file_of(session, step)
    if session.ranks.first and session.exported != step:
        with session.report.phase("saving"):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                session.trainable.export(path, session.average.values if session.average else session.tensors, session.metadata(step))
            except OSError as error:
                raise checkpoint.DiskFull(f"{path.name} could not be written: {error.strerror or error}.", "Make room.") from error
        session.report.tell("exported", step, file=path.name)
        if session.request.makes == "checkpoint":  # gigabytes each
            for other in path.parent.glob("*.safetensors"):
                if other not in (path, file_of(session, session.best_step or step)):
                    other.unlink()
    session.exported = step
    return path


def file_of(session: Session, step: int) -> Path:
    """Where the file of a step lies; its name calls it in prompts until it is published."""
    return session.folder.files / f"{session.request.name or 'training'}-{step:06d}.safetensors"
