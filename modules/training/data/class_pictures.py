"""Pictures of the class, for prior preservation: those that a person gives, and missing ones made with the checkpoint itself.

Ruiz et al. 2022, arXiv:2208.12242, section 3.2.
"""

import io
from collections.abc import Callable
from pathlib import Path

from modules.contract.errors import BadRequest, WebuiError
from modules.contract.files import write_whole
from modules.contract.request import LARGEST_SEED, GenerationRequest, Size
from modules.contract.result import GenerationResult
from modules.contract.training import DatasetFolder, TrainingRequest
from modules.datasets.scan import Item, scan
from modules.training.data.plan import number
from modules.training.runs.run_folder import Phase, RunFolder

Generate = Callable[[GenerationRequest], GenerationResult]
Tell = Callable[[Phase, int, int], None]


def class_folder(folder: RunFolder) -> Path:
    """Where the pictures lie that a training made itself."""
    return folder.path / "class"


def made(request: TrainingRequest, folder: RunFolder, generate: Generate, tell: Tell) -> list[Path]:
    """Make the class pictures that are missing, and return those of this training's own.

    `generate` must work with the checkpoint as it is, nothing trained in it yet. `tell` is told before each picture and may raise: what
    is made stays. The resolution must be decided. Each picture's seed comes from its number and the training's seed. Raises WebuiError
    for a picture that is not made.
    """
    wanted = [class_folder(folder) / f"{place:05d}.png" for place in range(missing(request))]
    todo = [path for path in wanted if not path.is_file()]
    for count, path in enumerate(todo):
        tell("class pictures", len(wanted) - len(todo) + count, len(wanted))
        result = generate(picture_request(request, int(path.stem)))
        if not result.images:
            raise WebuiError("No class picture was made.", "Look into the training's log, or give a folder of class pictures.")
        kept = io.BytesIO()
        result.images[0].image.convert("RGB").save(kept, "PNG")
        write_whole(path, kept.getvalue())
    if todo:
        tell("class pictures", len(wanted), len(wanted))
    return wanted


def missing(request: TrainingRequest) -> int:
    """How many class pictures a person's own folder leaves to be made; 0 without prior preservation."""
    return max(request.prior.count - len(given(request)), 0) if request.prior.on else 0


def given(request: TrainingRequest) -> list[Item]:
    """The class pictures that a person gives, no more than are wanted. Raises BadRequest, NotFound for a folder that is not there."""
    prior = request.prior
    if not prior.on or not prior.folder.strip():
        return []
    return list(scan([DatasetFolder(folder=prior.folder)]).usable[: prior.count])


def known(request: TrainingRequest, folder: RunFolder) -> list[Item]:
    """The class pictures that there are: the given ones, then those made. Raises BadRequest where there are none though some are wanted."""
    if not request.prior.on:
        return []
    own = class_folder(folder)
    made = scan([DatasetFolder(folder=str(own.resolve()))]).usable[: missing(request)] if own.is_dir() else ()
    found = [*given(request), *made]
    if not found:
        raise BadRequest("Prior preservation is on, and there are no class pictures.", "They are made when the training begins.")
    return found


def picture_request(request: TrainingRequest, place: int) -> GenerationRequest:
    """What makes the class picture of a number."""
    side = request.data.resolution
    return GenerationRequest(
        prompt=request.prior.prompt,
        size=Size(side, side),
        steps=request.samples.steps,
        sampler=request.samples.sampler,
        guidance=request.samples.guidance,
        seed=number(request.steps.seed, "class", place) % (LARGEST_SEED + 1),
        save=False,
        save_grid=False,
    )
