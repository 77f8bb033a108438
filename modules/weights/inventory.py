"""All model files on disk, of every kind: what each is, what is wrong with it, and what to do.

Listing looks at names only and is done at once; headers are read in the background, each once as long as its file stays the same.
"""

import hashlib
import json
import logging
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from modules.contract.errors import BadRequest, NotFound, WebuiError
from modules.contract.files import write_whole
from modules.contract.services import ModelFile
from modules.weights import kinds
from modules.weights.catalogue import PICTURES, files_below, is_vae
from modules.weights.hashes import HashCache, Stamp, stamp_of
from modules.weights.recognition import contents, recognize
from modules.weights.shelves import Shelf, Shelves

log = logging.getLogger(__name__)
BIG = 2**20  # a file of another kind is worth showing from this size on
WEIGHTS = frozenset({".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".onnx", ".engine", ".part", ".crdownload"})
READABLE = frozenset({".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".onnx"}) | PICTURES
SAVE_EVERY = 1000
WORDS = {"inpaint": "inpainting", "edit": "instruct-pix2pix"}
# In whose folder which files are at home though they are of another kind.
FRIENDS = {("upscaler", "face"), ("face", "upscaler"), ("caption", "text encoder"), ("preview", "vae")}
SPOKEN = {"unet": "a U-Net alone", "text encoder": "a text encoder", "sd3": "Stable Diffusion 3", "flux": "Flux"}
VERSION = 2  # of what is kept; raised whenever `examine` says more or other things


class VariantLike(Protocol):
    """Which model a checkpoint holds; see families.variant."""

    @property
    def family(self) -> str: ...
    @property
    def inputs(self) -> str: ...
    @property
    def prediction(self) -> str: ...
    @property
    def zero_snr(self) -> bool: ...


@dataclass(frozen=True)
class Findings:
    """What was read from a file's header."""

    family: str | None = None
    details: tuple[str, ...] = ()
    problem: str | None = None
    hint: str = ""
    belongs: str | None = None


class Inventory:
    """The files. `variant_of(path)` tells which model a checkpoint is, and raises a WebuiError for one that cannot be used.

    `under_way()` are the paths of files that are being fetched, which do not count yet.
    """

    def __init__(
        self, shelves: Shelves, hashes: HashCache, cache: Path, variant_of: Callable[[Path], VariantLike],
        under_way: Callable[[], Collection[Path]] = tuple,
    ) -> None:  # fmt: skip
        self.shelves, self.hashes, self.variant_of, self.under_way = shelves, hashes, variant_of, under_way
        self.cache = FindingsCache(cache)
        self.lock = threading.Lock()
        self.listed: dict[str, ModelFile] = {}
        self.stamps: dict[str, Stamp] = {}
        self.waiting: dict[str, None] = {}
        self.version = 0
        self.worker: threading.Thread | None = None

    def refresh(self) -> None:
        """Look at the folders again, and read the headers of what is new."""
        found: dict[str, ModelFile] = {}
        stamps: dict[str, Stamp] = {}
        for path, shelf, problem in self.walk():
            try:
                stamp, status = stamp_of(path), path.stat()
                size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else status.st_size
            except OSError:
                continue
            identifier = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
            stamps[identifier] = stamp
            found[identifier] = ModelFile(
                id=identifier, name=path.name, folder=self.shelves.shown(path.parent), kind=shelf.kind if shelf else "other", path=path,
                size=size, modified=status.st_mtime, created=getattr(status, "st_birthtime", status.st_ctime), title=titled(path, shelf),
                problem=problem, known=problem is not None, used=bool(shelf and shelf.used and problem is None),
            )  # fmt: skip
        with self.lock:
            self.listed, self.stamps = found, stamps
            self.waiting = {one.id: None for one in found.values() if not one.known and self.cache.get(one.path, stamps[one.id]) is None}
            self.version += 1
            if self.waiting and self.worker is None:
                self.worker = threading.Thread(target=self.read_headers, name="model headers", daemon=True)
                self.worker.start()

    @property
    def pending(self) -> int:
        """How many headers are still to be read."""
        return len(self.waiting)

    def files(self) -> list[ModelFile]:
        """All files with what is known of each by now."""
        with self.lock:
            rows = [self.filled(one) for one in self.listed.values()]
        return with_twins(rows)

    def get(self, identifier: str) -> ModelFile:
        """Raises NotFound."""
        with self.lock:
            one = self.listed.get(identifier)
        if one is None or not one.path.exists():
            raise NotFound("This file is not there any more.", "Look at the folders again.")
        return self.filled(one)

    def home_of(self, one: ModelFile) -> Path:
        """The folder that a file belongs into. Raises BadRequest for one that lies right."""
        if one.belongs is None:
            raise BadRequest(f"{one.name} lies where it belongs, as far as can be told.")
        return self.shelves.of(one.belongs).home

    def filled(self, one: ModelFile) -> ModelFile:
        """A file with its hash and what its header says."""
        stamp = self.stamps.get(one.id)
        sha256 = self.hashes.known(one.path, stamp=stamp) if one.path.suffix and stamp else None
        findings = None if one.known else self.cache.get(one.path, stamp)
        if findings is None:
            return replace(one, sha256=sha256)
        title = f"{one.title} [{sha256[:10]}]" if sha256 and one.kind == "checkpoint" else one.title
        return replace(one, **vars(findings), sha256=sha256, known=True, title=title)

    def walk(self) -> Iterator[tuple[Path, Shelf | None, str | None]]:
        """Every file with its shelf; those that nothing here looks at have none, or a problem."""
        seen: set[Path] = set()
        busy = set(self.under_way())
        for shelf in self.shelves.all:
            kind = kinds.Kind(shelf.noun, shelf.suffixes | WEIGHTS, folders=shelf.kind == "checkpoint")
            for folder in shelf.folders:
                for found in files_below(folder, kind):
                    path = found.path
                    part = path.suffix.lower() == ".part"
                    if path in seen or path in busy or (part and path.with_suffix("") in busy):
                        continue
                    seen.add(path)
                    if path.suffix.lower() in PICTURES and (preview_name(path) or has_model(path)):
                        continue
                    beside = shelf.kind == "checkpoint" and is_vae(path)
                    yield path, self.shelves.of("vae") if beside else shelf, None if found.is_folder else unreadable(path)
        yield from ((path, None, unreadable(path)) for path in self.strays(seen | busy))

    def strays(self, seen: Collection[Path]) -> Iterator[Path]:
        """Weights and other large files below the models folder that belong to no kind."""
        for place, folders, files in os.walk(self.shelves.models):
            folders[:] = [name for name in folders if not name.startswith(".") and (Path(place) / name) not in seen]
            for name in files:
                path = Path(place) / name
                try:
                    counts = path.suffix.lower() in WEIGHTS or path.stat().st_size > BIG
                except OSError:
                    continue
                if (
                    counts
                    and path not in seen
                    and not name.startswith(".")
                    and path.suffix.lower() not in PICTURES | {".jpg", ".jpeg", ".gif"}
                ):
                    yield path

    def read_headers(self) -> None:
        """Read the headers that are not known yet, and keep what they say."""
        done = 0
        while True:
            with self.lock:
                identifier = next(iter(self.waiting), None)
                one = self.listed.get(identifier) if identifier else None
                stamp = self.stamps.get(identifier) if identifier else None
                if identifier is None:
                    self.worker = None  # while nobody else looks: what is added from here on gets a thread of its own
                    break
            if one is not None and stamp is not None:
                self.cache.put(one.path, stamp, examine(one, self.shelves, self.variant_of))
                done += 1
            with self.lock:
                self.waiting.pop(identifier, None)
                self.version += 1
            if done % SAVE_EVERY == SAVE_EVERY - 1:
                self.cache.save()
        self.cache.tidy()
        self.cache.save()


def examine(one: ModelFile, shelves: Shelves, variant_of: Callable[[Path], VariantLike]) -> Findings:
    """What a file's header says, and whether that fits where it lies."""
    if one.path.suffix.lower() in PICTURES | {".onnx"}:
        return Findings(details=("picture",) if one.path.suffix.lower() in PICTURES else ("ONNX",))
    try:
        if one.path.is_dir():
            return with_variant(Findings(details=("diffusers folder",)), variant_of(one.path))
        nature = recognize(contents(one.path))
        findings = Findings(nature.family, nature.details)
        if nature.kind and nature.kind != one.kind and (one.kind, nature.kind) not in FRIENDS:
            return misplaced(findings, nature.kind, one, shelves)
        if one.kind == "other":
            return replace(findings, problem="Nothing here looks into this folder.", hint="It may be for another program.")
        suffixes = shelves.of(one.kind).suffixes
        if one.path.suffix.lower() not in suffixes:
            return replace(findings, problem=f"Files of this folder end in {', '.join(sorted(suffixes - PICTURES))}.")
        if one.kind == "checkpoint":
            return with_variant(findings, variant_of(one.path))
        if one.kind == "lora" and nature.family in ("flux", "sd3"):
            said = f"It is for {SPOKEN[nature.family]}, and no model of that family can be used."
            return replace(findings, problem=said, hint="Delete it, or keep it for another program.")
    except WebuiError as error:
        return Findings(problem=without_name(error.message, one.name), hint=error.hint)
    except OSError as error:
        return Findings(problem=f"It cannot be read ({error.strerror}).")
    except Exception:
        log.exception("The header of %s could not be read.", one.path.name)
        return Findings(problem="It cannot be read; the log says where it went wrong.")
    return findings


def without_name(message: str, name: str) -> str:
    """Why a file cannot be used, where its name stands beside it already."""
    for start in (f"{name} cannot be used: ", f"{name} is ", f"{name} has "):
        if message.startswith(start):
            rest = message.removeprefix(start)
            return f"It {start.split()[-1]} {rest}" if start.endswith(("is ", "has ")) else rest[:1].upper() + rest[1:]
    return message


def misplaced(findings: Findings, kind: str, one: ModelFile, shelves: Shelves) -> Findings:
    """The findings of a file that lies among those of another kind."""
    lying = next((f"among the {shelf.plural}" for shelf in shelves.all if shelf.kind == one.kind), "where nothing looks for it")
    shelf = next((shelf for shelf in shelves.all if shelf.kind == kind), None)
    if shelf is None or one.path.suffix.lower() not in shelf.suffixes:
        return replace(
            findings, problem=f"It is {SPOKEN.get(kind, f'a {kind}')}, and cannot be used here.", hint="Get the whole model as one file."
        )
    article = "an" if shelf.noun[0] in "aeiou" else "a"
    home = shelves.shown(shelf.home)
    return replace(findings, problem=f"It is {article} {shelf.noun}, and lies {lying}.", hint=f"Move it to {home}.", belongs=kind)


def with_variant(findings: Findings, variant: VariantLike) -> Findings:
    """The findings with what the loader says of a checkpoint."""
    words = [WORDS[variant.inputs]] if variant.inputs in WORDS else []
    words += ["v-prediction"] if variant.prediction == "v" else []
    words += ["zero terminal SNR"] if variant.zero_snr else []
    return replace(findings, family=variant.family, details=(*words, *findings.details))


def titled(path: Path, shelf: Shelf | None) -> str:
    """The name by which a checkpoint is chosen: from its folder on; "" for other kinds."""
    if shelf is None or shelf.kind != "checkpoint":
        return ""
    folder = next((folder for folder in shelf.folders if folder in path.parents), path.parent)
    return path.relative_to(folder).as_posix()


def unreadable(path: Path) -> str | None:
    """Why a file is none that anything here reads, by its suffix alone."""
    suffix = path.suffix.lower()
    if suffix in (".part", ".crdownload"):
        return "It is the beginning of a download that did not end."
    if suffix == ".gguf":
        return "GGUF files cannot be used here."
    return None if suffix in READABLE else "Nothing here reads files of this kind."


def preview_name(path: Path) -> bool:
    """Whether a picture is named as one that only shows a model."""
    return path.with_suffix("").suffix.lower() == ".preview"


def has_model(path: Path) -> bool:
    """Whether a model of a picture's name lies beside it."""
    return any(path.with_suffix(suffix).exists() for suffix in (".safetensors", ".pt", ".bin"))


def with_twins(rows: Sequence[ModelFile]) -> list[ModelFile]:
    """The files, each with those that are the same, or may be."""
    by_hash: dict[str, list[ModelFile]] = defaultdict(list)
    by_size: dict[int, list[ModelFile]] = defaultdict(list)
    for one in rows:
        if one.sha256:
            by_hash[one.sha256].append(one)
        by_size[one.size].append(one)

    def names(others: Sequence[ModelFile], one: ModelFile) -> tuple[str, ...]:
        return tuple(f"{other.folder}/{other.name}" for other in others if other.id != one.id)

    found: list[ModelFile] = []
    for one in rows:
        same = names(by_hash[one.sha256], one) if one.sha256 else ()
        alike = [other for other in by_size[one.size] if not (one.sha256 and other.sha256)] if one.size > BIG else []
        found.append(replace(one, same_as=same, maybe_same=names(alike, one)) if same or alike else one)
    return found


class FindingsCache:
    """What headers said, by path, as long as a file's size, time and number stay the same. A damaged cache is only slow."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: dict[str, Any] = {}
        try:
            loaded = json.loads(path.read_text("utf8"))
            self.entries = loaded["files"] if loaded["version"] == VERSION else {}
        except (OSError, ValueError, KeyError, TypeError):
            self.entries = {}

    def get(self, path: Path, stamp: Stamp | None) -> Findings | None:
        """What is known of a file in this state."""
        entry = self.entries.get(str(path))
        if not entry or entry[0] != stamp:
            return None
        family, details, problem, hint, belongs = entry[1]
        return Findings(family, tuple(details), problem, hint, belongs)

    def put(self, path: Path, stamp: Stamp, found: Findings) -> None:
        """Keep what a header said."""
        self.entries[str(path)] = [stamp, [found.family, list(found.details), found.problem, found.hint, found.belongs]]

    def tidy(self) -> None:
        """Forget files that are gone."""
        self.entries = {path: entry for path, entry in self.entries.items() if os.path.lexists(path)}

    def save(self) -> None:
        """Write it to the disk."""
        write_whole(self.path, json.dumps({"version": VERSION, "files": self.entries}).encode("utf8", "backslashreplace"))
