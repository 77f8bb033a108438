"""Units whose picture changes from one generation to the next: the pictures of a folder in turn, or the last result again."""

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from modules.contract.errors import BadRequest, WebuiError
from modules.contract.files import write_whole
from modules.contract.request import GenerationRequest
from modules.contract.result import GeneratedImage, GenerationResult
from modules.plugins import Drive, Host, as_source, gathered, pictures

from .units import Unit

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif")
MOST = 2000  # pictures of a folder: each gets a generation


class Folders:
    """The folders that units may take pictures from: those that a person at this machine has named, kept in a file of the extension's.

    A request can come from anywhere, so that it names a folder is not enough to read it.
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self.lock = threading.Lock()

    @property
    def file(self) -> Path:
        """Where their list is."""
        return self.host.data / "folders.json"

    def named(self) -> list[str]:
        """Their whole paths."""
        try:
            found = json.loads(self.file.read_text("utf-8"))
        except (OSError, ValueError):
            return []
        return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []

    def name(self, folder: str, label: str = "Batch folder") -> tuple[str, int]:
        """Let units read a folder: its whole path, and how many pictures it has. `label`: the field's. Raises BadRequest."""
        path = Path(folder.strip()).expanduser()
        if not folder.strip() or not path.is_absolute() or not path.is_dir():
            raise BadRequest(f"{label} is {folder!r}; it must be the whole path of a folder of the machine that the program runs on.")
        whole = str(path.resolve())
        count = len(pictures_in(whole))
        with self.lock:
            write_whole(self.file, json.dumps(sorted({*self.named(), whole}), ensure_ascii=False).encode())
        return whole, count

    def pictures(self, folder: str, title: str, kind: str = "batch") -> list[Path]:
        """The pictures of a folder, by name. Raises BadRequest for one that nobody named, or that has none; `title` is the unit's.

        `kind`: what the folder is to the unit, batch or mask.
        """
        whole = str(Path(folder).resolve())
        if whole not in self.named():
            message = f"{title}: the {kind} folder {folder!r} was not named on this machine."
            raise BadRequest(message, "Write its path into the unit, in a browser there.")
        return pictures_in(whole, kind)

    def masks(self, folder: str, pictures: Sequence[Path], title: str) -> list[Path]:
        """The mask of each of a unit's pictures, in their order: those named as they are, or, where no name is the same, one each in
        the order of the names. Raises BadRequest for a picture without a mask, a wrong number of masks, and as `pictures` does.
        """
        found = self.pictures(folder, title, "mask")
        by_name = {path.stem: path for path in reversed(found)}
        lacking = next((one for one in pictures if one.stem not in by_name), None)
        if lacking is None:
            return [by_name[one.stem] for one in pictures]
        if any(one.stem in by_name for one in pictures):
            raise BadRequest(f"{title}: its mask folder has no mask named as '{lacking.name}' is.")
        if len(found) != len(pictures):
            message = f"{title}: its mask folder has {len(found)} masks for {len(pictures)} pictures, and none is named as a picture is."
            raise BadRequest(message, "Name the masks as the pictures are, or have one for each, in the same order.")
        return found


def pictures_in(folder: str, kind: str = "batch") -> list[Path]:
    """The pictures of a folder, by name. Raises BadRequest if it is gone, has none, or too many. `kind`: batch or mask."""
    try:
        found = sorted(one for one in Path(folder).iterdir() if one.suffix.lower() in SUFFIXES and one.is_file())
    except OSError as error:
        raise BadRequest(f"The {kind} folder {folder!r} cannot be read: {error.strerror or error}.") from None
    if not found:
        raise BadRequest(f"There are no pictures in {folder!r}.", f"Their names end in {', '.join(SUFFIXES)}.")
    if len(found) > MOST:
        raise BadRequest(f"There are {len(found)} pictures in {folder!r}; a batch may have {MOST}.")
    return found


def from_folders(unit: Unit, title: str, folders: Folders, name: str) -> dict[str, Any]:
    """What a unit's folders give at the door: in img2img's batch, whose picture has a `name`, the picture of that name and its mask.

    Raises BadRequest for folders that nobody named, and for what they lack.
    """
    if not unit.batch_folder:
        if unit.mask_folder:
            raise BadRequest(f"{title} has a mask folder and no batch folder.", "Name the folder of the pictures that the masks belong to.")
        return {}
    found = folders.pictures(unit.batch_folder, title)
    masks = folders.masks(unit.mask_folder, found, title) if unit.mask_folder else []
    if not name:
        return {}
    place = next((place for place, path in enumerate(found) if path.stem == Path(name).stem), None)
    if place is None:
        raise BadRequest(f"{title}: its batch folder has no picture named as '{name}' is.")
    mask = {"mask": read(masks[place]), "mask_folder": ""} if masks else {}
    return {"image": read(found[place]), "batch_folder": "", **mask}


def read(path: Path) -> bytes:
    """A file's bytes. Raises BadRequest."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadRequest(f"{path.name} cannot be read: {error.strerror or error}.") from None


class Turns:
    """The generations of a request with such units. `numbered` are those that act, `options` those of the extension named `name`."""

    def __init__(self, name: str, options: Any, numbered: Sequence[tuple[int, Unit]], folders: Folders, *, increment: bool) -> None:
        self.name, self.options, self.increment = name, options, increment
        self.found: dict[int, list[Path]] = {}
        self.masks: dict[int, list[Path]] = {}
        for number, unit in numbered:
            title = f"ControlNet unit {number}"
            if unit.batch_folder:
                self.found[number] = folders.pictures(unit.batch_folder, title)
                if unit.mask_folder:
                    self.masks[number] = folders.masks(unit.mask_folder, self.found[number], title)

    def result(self, request: GenerationRequest, drive: Drive) -> GenerationResult:
        """A generation for each picture of the folders, the shortest deciding; without folders one for each batch of the request.

        A picture that fails is left out with a warning.
        """
        count = min(map(len, self.found.values()), default=request.batch_count)
        if len(set(map(len, self.found.values()))) > 1:
            drive.report.warn(f"ControlNet's batch folders have different numbers of pictures; the first {count} of each are used.")
        one = request.replace(save_grid=False, **({} if self.found else {"batch_count": 1}))
        drive.expect([self.request(one, 0, None)] * count)
        results: list[GenerationResult] = []
        made: list[GeneratedImage] = []
        for turn in range(count):
            try:
                results.append(drive.generate(self.request(one, turn, made[-1].image if made else None)))
            except WebuiError as error:
                if not self.found:
                    raise
                names = " and ".join(found[turn].name for found in self.found.values())
                drive.report.warn(f"{names} was left out: {error}")
                continue
            made += pictures(results[-1])
            if results[-1].interrupted:
                break
        return gathered(results, made)

    def request(self, request: GenerationRequest, turn: int, last: Image.Image | None) -> GenerationRequest:
        """The request of a turn, whose units have plain pictures. `last` is the last result; None before the first. Raises BadRequest."""
        sourced = request.source is not None
        units = [self.unit(number, unit, turn, last, has_source=sourced) for number, unit in enumerate(self.options.units)]
        options = self.options.model_copy(update={"units": tuple(units)}).model_dump(mode="json")
        seeded = later(request, turn if self.increment else 0) if self.found else later(request, turn * request.batch_size)
        return seeded.replace(extensions={**request.extensions, self.name: options})

    def unit(self, number: int, unit: Unit, turn: int, last: Image.Image | None, *, has_source: bool) -> Unit:
        """A unit in a turn. One with loopback and nothing to begin with rests until there is a result."""
        changes: dict[str, Any] = {"batch_folder": "", "mask_folder": "", "loopback": False}
        if unit.loopback and last is not None:
            changes |= {"image": as_source(last), "images": ()}
        elif number in self.found:
            changes["image"] = read(self.found[number][turn])
            if number in self.masks:
                changes["mask"] = read(self.masks[number][turn])
        elif unit.loopback and unit.image is None and not has_source:
            changes["enabled"] = False
        return unit.model_copy(update=changes)


def later(request: GenerationRequest, count: int) -> GenerationRequest:
    """A request with the seeds that its pictures would have `count` pictures later."""
    if request.variation and request.variation.strength:
        variation: Mapping[str, Any] = {**dict(request.variation), "seed": request.variation.seed + count}
        return request.replace(variation=variation)
    return request.replace(seed=request.seed + count)
