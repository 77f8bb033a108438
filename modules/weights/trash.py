"""Model files put aside, with what belongs to them, so that deleting one can be undone."""

import json
import os
import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modules.contract.errors import BadRequest, NotFound, WebuiError
from modules.contract.files import write_whole

FOLDER = ".trash"
ORIGIN = "origin.json"
MODELS = frozenset({".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".onnx"})
BELONGINGS = frozenset({".json", ".yaml", ".txt", ".png", ".jpg", ".jpeg", ".webp", ".gif", ".info"})


@dataclass(frozen=True)
class Thrown:
    """Something in the trash. `path` is where it came from; `thrown` when, in seconds since 1970; `size` in bytes with all."""

    id: str
    path: Path
    thrown: float
    size: int


class NotMoved(WebuiError):
    """The system does not let a file be moved."""

    status = 409


def belongings(path: Path) -> list[Path]:
    """What lies beside a model under its name: notes, yaml, pictures. Nothing where another model file has the same name too."""
    if path.is_dir():
        return []
    beside = [one for one in path.parent.iterdir() if one != path and one.name.startswith(f"{path.stem}.") and one.is_file()]
    if any(one.stem == path.stem and one.suffix.lower() in MODELS for one in beside):
        return []
    middles = {"", ".preview", ".description", ".civitai"}
    return [one for one in beside if one.suffix.lower() in BELONGINGS and Path(one.name.removeprefix(path.stem)[1:]).stem in
            {middle.removeprefix(".") for middle in middles} | {one.suffix[1:]}]  # fmt: skip


def move(path: Path, folder: Path) -> Path:
    """Put a model and what belongs to it into another folder; its new path. Raises BadRequest where the name is taken, NotMoved."""
    goods = [path, *belongings(path)]
    taken = next((one.name for one in goods if (folder / one.name).exists()), None)
    if taken:
        raise BadRequest(f"{folder.name} has a {taken} already.", "Rename one of the two first.")
    folder.mkdir(parents=True, exist_ok=True)
    done: list[Path] = []
    try:
        for one in goods:
            shift(one, folder / one.name)
            done.append(one)
    except OSError as error:
        for one in reversed(done):
            shift(folder / one.name, one)
        raise NotMoved(f"{path.name} could not be moved ({error.strerror}).", "Another program may be using it.") from None
    return folder / path.name


def shift(source: Path, target: Path) -> None:
    """Rename, or on another disk copy and then delete."""
    try:
        source.rename(target)
    except OSError as error:
        if not isinstance(error, PermissionError) and error.errno == 18:  # EXDEV: another disk
            shutil.move(source, target)
            return
        raise


def throw(path: Path, root: Path) -> Thrown:
    """Put a model and what belongs to it into the trash of its root. Raises NotMoved."""
    identifier = secrets.token_hex(8)
    folder = root / FOLDER / identifier
    folder.mkdir(parents=True)
    origin = {"path": path.relative_to(root).as_posix(), "thrown": time.time()}
    write_whole(folder / ORIGIN, json.dumps(origin).encode("utf8", "surrogatepass"))
    try:
        move(path, folder)
    except WebuiError:
        shutil.rmtree(folder)
        raise
    return found_in(folder, root)


def thrown_in(roots: Sequence[Path]) -> list[Thrown]:
    """All that is in the trash, newest first."""
    found: list[Thrown] = []
    for root in roots:
        for folder in sorted((root / FOLDER).iterdir()) if (root / FOLDER).is_dir() else ():
            try:
                found.append(found_in(folder, root))
            except (OSError, ValueError, KeyError, TypeError):
                continue  # not ours
    return sorted(found, key=lambda one: -one.thrown)


def found_in(folder: Path, root: Path) -> Thrown:
    """One thing in the trash. Raises OSError, ValueError, KeyError for what is none."""
    origin = json.loads((folder / ORIGIN).read_text("utf8"))
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return Thrown(folder.name, inside(root, origin["path"]), float(origin["thrown"]), size)


def inside(root: Path, relative: str) -> Path:
    """A path of the trash's own notes. Raises ValueError if it leads out of the root."""
    path = Path(os.path.normpath(root / relative))
    if root not in path.parents:
        raise ValueError(relative)
    return path


def restore(identifier: str, roots: Sequence[Path]) -> Path:
    """Put something back where it was; its path. Raises NotFound, BadRequest where the name is taken, NotMoved."""
    one, folder = looked_up(identifier, roots)
    path = move(folder / one.path.name, one.path.parent)
    shutil.rmtree(folder)
    return path


def empty(roots: Sequence[Path], identifier: str | None = None) -> int:
    """Delete what is in the trash, or one thing in it, for good; the bytes that it took."""
    wanted = thrown_in(roots) if identifier is None else [looked_up(identifier, roots)[0]]
    for one in wanted:
        shutil.rmtree(looked_up(one.id, roots)[1], ignore_errors=True)
    return sum(one.size for one in wanted)


def looked_up(identifier: str, roots: Sequence[Path]) -> tuple[Thrown, Path]:
    """A thing in the trash and its folder there. Raises NotFound."""
    for root in roots:
        for one in thrown_in([root]):
            if one.id == identifier:
                return one, root / FOLDER / identifier
    raise NotFound("This is not in the trash any more.")
