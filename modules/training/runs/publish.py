"""Puts what was trained among the models, with a cover and the words that call it."""

import logging
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from PIL import Image

from modules.contract.errors import BadRequest, NotFound
from modules.contract.files import sync_folder, write_whole
from modules.contract.training import TrainingRequest
from modules.imaging.metadata import encode, read_info
from modules.imaging.opening import open_image
from modules.training.files.covers import cover_metadata, with_metadata
from modules.training.runs.run_folder import RunFolder
from modules.weights.model_metadata import beside, user_metadata, write_user_metadata

log = logging.getLogger(__name__)
Makes = Literal["lora", "embedding", "checkpoint"]
NAME = re.compile(r"[\w][\w .+()-]{0,99}")
COVER = 512  # pixels of the longer side of the picture beside a file


def publish(run: RunFolder, step: int, homes: Mapping[Makes, Path], name: str = "") -> Path:
    """Put the file of a step among the models under a name, the training's own if none is given; where it is then.

    A name that another file has gets a number; the same step under the same name is written anew. Raises NotFound for a step without
    a file, BadRequest for a name that cannot be.
    """
    request = run.request()
    source = file_of(run, step)
    place = free_place(run, homes[request.makes], checked_name(name or request.name))
    cover = cover_of(run, step)
    place.parent.mkdir(parents=True, exist_ok=True)
    if cover is not None and request.makes != "checkpoint":
        with_metadata(source, place, cover_metadata(cover))
    else:
        copied(source, place)
    if source.with_suffix(".pt").is_file():
        copied(source.with_suffix(".pt"), place.with_suffix(".pt"))
    write_beside(place, request, cover)
    run.tell("published", step=step, name=place.stem, file=str(place), makes=request.makes)
    return place


def write_beside(place: Path, request: TrainingRequest, cover: Image.Image | None) -> None:
    """The picture and the notes of a model; what a person has written there stays."""
    if cover is not None:
        small = cover.copy()
        small.thumbnail((COVER, COVER))
        picture = beside(place, ".preview.png")
        write_whole(picture, encode(small, format="png", infotext=read_info(cover).infotext))
        picture.chmod(place.stat().st_mode)  # whoever may read the model may see what it does
    word = place.stem if request.makes == "embedding" else request.trigger
    notes = {"activation text": word} if word and request.makes == "lora" else {}
    known = user_metadata(place)
    if notes and not known.get("activation text"):
        write_user_metadata(place, {**known, **notes})
        beside(place, ".json").chmod(place.stat().st_mode)


def checked_name(name: str) -> str:
    """A name as a file and a prompt can have it. Raises BadRequest."""
    if not NAME.fullmatch(name.strip()):
        raise BadRequest(f"The name is '{name}'; it must be 1 to 100 letters, digits, spaces or signs of _ . + - ( ).")
    return name.strip()


def file_of(run: RunFolder, step: int) -> Path:
    """The file that was written at a step. Raises NotFound."""
    files = run.written()
    if step not in files:
        hint = f"There are those of {', '.join(map(str, files))}." if files else "None was written yet."
        raise NotFound(f"The training '{run.id}' has no file of step {step}.", hint)
    return files[step]


def free_place(run: RunFolder, home: Path, name: str) -> Path:
    """Where a file of a name goes: over what this training has put there itself, else beside what has the name already."""
    own = {Path(event["file"]) for event in run.events(0, 1 << 30)[0] if event["kind"] == "published"}
    for number in range(1, 10_000):
        place = home / f"{name if number == 1 else f'{name}-{number}'}.safetensors"
        if place in own or not place.exists():
            return place
    raise BadRequest(f"There are 10,000 files called '{name}'.", "Choose another name.")


def cover_of(run: RunFolder, step: int) -> Image.Image | None:
    """The first picture of a step, or of the last step before it that has one; never that of the base."""
    pictures = [path for path in sorted(run.samples.glob("*-0.png")) if 0 < int(path.name.partition("-")[0]) <= step]
    if not pictures:
        return None
    return open_image(pictures[-1].read_bytes())


def copied(source: Path, place: Path) -> None:
    """A copy of a file, on the disk and whole, or none."""
    temporary = place.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        with source.open("rb") as reading, temporary.open("xb") as writing:
            shutil.copyfileobj(reading, writing, 1 << 22)
            writing.flush()
            os.fsync(writing.fileno())
        temporary.replace(place)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(place.parent)
