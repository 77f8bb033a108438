"""The models on disk that a person chooses from, found by listing and known by their names, titles and hashes."""

import logging
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modules.contract.errors import BadRequest, NotFound, WebuiError
from modules.contract.services import ModelEntry
from modules.weights.config import config_beside
from modules.weights.hashes import HashCache, Stamp, legacy_hash, stamp_of
from modules.weights.header import read_metadata
from modules.weights.kinds import CHECKPOINT, Kind

log = logging.getLogger(__name__)
PICTURES = {".png", ".webp", ".jxl", ".avif"}  # embeddings may lie in pictures; name.preview.png only shows one
INDEX = "model_index.json"  # makes a folder a model in diffusers' layout
NETWORKS = [
    f"{part}/diffusion_pytorch_model{flavour}.safetensors" for part in ("unet", "transformer") for flavour in ("", ".fp16")
]  # the file whose hash stands for the folder
OWN_ALIAS = "ss_output_name"  # the name that kohya's trainer gives a LoRA
BRACKETS = re.compile(r"\s*\[([^]]*)\]\s*$")
DIGITS = re.compile(r"[0-9a-f]{8,64}")


@dataclass(frozen=True)
class Listed:
    """A model that was found: its name from its folder on, as `anime/line.safetensors`, and where it is."""

    relative: str
    path: Path
    is_folder: bool = False

    @property
    def bare(self) -> str:
        """`anime/line`: the name without what tells the format."""
        return self.relative if self.is_folder else self.relative.rsplit(".", 1)[0]


@dataclass(frozen=True)
class Facts:
    """What was read from a file, as long as it stays the same."""

    stamp: Stamp
    problem: str | None
    metadata: Mapping[str, str]


class Catalogue:
    """The models of one kind in some folders, and single files beside them. Of one name in several folders, the first folder's counts.

    `check(path)` raises a WebuiError for a file that cannot be used; such a file stays in the list with its `problem`. `beside`
    are folders of something else, in which only files named `name.vae.*` count: VAEs among checkpoints.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        files: Sequence[Path],
        hashes: HashCache,
        check: Callable[[Path], None] = lambda path: None,
        *,
        kind: Kind = CHECKPOINT,
        beside: Sequence[Path] = (),
    ) -> None:
        self.folders = [folder.absolute() for folder in folders]
        self.files = [file.absolute() for file in files]
        self.beside = [folder.absolute() for folder in beside]
        self.hashes = hashes
        self.check = check
        self.kind = kind
        self.lock = threading.Lock()
        self.facts: dict[Path, Facts] = {}
        self.legacy: dict[Path, tuple[Stamp, str]] = {}
        self.found: list[Listed] = []
        self.refresh()

    def refresh(self) -> None:
        """Look at the folders again."""
        listed = [Listed(file.name, file) for file in self.files if file.is_file()]
        for folder in self.folders:
            listed += sorted(self.models_below(folder), key=self.order)
        for folder in self.beside:
            listed += sorted((one for one in files_below(folder, self.kind) if is_vae(one.path)), key=self.order)
        found: dict[str, Listed] = {}
        seen: set[Path] = set()
        for one in listed:
            if one.relative not in found and one.path not in seen:
                found[one.relative] = one
                seen.add(one.path)
        with self.lock:
            self.found = list(found.values())
        self.facts = {path: facts for path, facts in self.facts.items() if facts.problem is None}

    def models_below(self, folder: Path) -> Iterator[Listed]:
        """What one of our folders holds of the kind."""
        for one in files_below(folder, self.kind):
            preview = one.path.suffix.lower() in PICTURES and one.path.with_suffix("").suffix.lower() == ".preview"
            if not preview and not (self.kind is CHECKPOINT and is_vae(one.path)):
                yield one

    def order(self, one: Listed) -> list[tuple[int, str]]:
        """What the list is sorted by: checkpoints letter by letter, others with numbers as numbers, both as A1111."""
        return [(0, one.relative.lower())] if self.kind is CHECKPOINT else natural(one.relative)

    def entries(self) -> list[ModelEntry]:
        """All of them, by name."""
        with self.lock:
            found = list(self.found)
        return [entry for one in found if (entry := self.entry(one)) is not None]

    def entry(self, one: Listed) -> ModelEntry | None:
        """How a model shows; None if it is not there any more."""
        try:
            stamp = stamp_of(one.path)
        except OSError:
            return None
        facts = self.facts_of(one, stamp)
        hashed = hashed_file(one.path) if one.is_folder else one.path
        sha256 = self.hashes.known(hashed, stamp=None if one.is_folder else stamp) if hashed else None
        short = sha256[:10] if sha256 else None
        return ModelEntry(
            title=f"{one.relative} [{short}]" if short and self.kind.titled else one.relative,
            name=one.path.name if self.kind.with_suffix or one.is_folder else one.path.stem,
            path=one.path,
            short_hash=short,
            sha256=sha256,
            config=config_beside(one.path),
            problem=facts.problem,
            alias=facts.metadata.get(OWN_ALIAS) or None,
            metadata=facts.metadata,
        )

    def facts_of(self, one: Listed, stamp: Stamp) -> Facts:
        """What a file says of itself, and why it cannot be used; looked for once, as long as it stays the same."""
        known = self.facts.get(one.path)
        if known is not None and known.stamp == stamp:
            return known
        problem, metadata = None, dict[str, str]()
        try:
            if self.kind.described and one.path.suffix.lower() == ".safetensors":
                metadata = read_metadata(one.path)
            self.check(one.path)
        except WebuiError as error:
            problem = str(error)
            log.warning("%s", error)
        self.facts[one.path] = facts = Facts(stamp, problem, metadata)
        return facts

    def hashed(self, entry: ModelEntry, check: Callable[[], None] = lambda: None) -> ModelEntry:
        """The entry with its hash; reads the whole file the first time. `check` is called meanwhile and may raise to stop."""
        one = next((one for one in self.found if one.path == entry.path), Listed(entry.path.name, entry.path, entry.path.is_dir()))
        file = hashed_file(entry.path) if one.is_folder else entry.path
        if entry.sha256 or file is None:
            return entry
        self.hashes.sha256(file, check)
        return self.entry(one) or entry

    def find(self, name: str) -> ModelEntry:
        """The one entry of a title, file name, name, alias or hash (its first 8 digits or more), or that contains the text.

        Names as written come before names in another case, and whole names before parts of them. Raises NotFound with near
        names, BadRequest when the text may mean several.
        """
        with self.lock:
            listed = list(self.found)
        known = [(one, entry) for one in listed if (entry := self.entry(one)) is not None]
        bare = BRACKETS.sub("", name)
        for fold in (str, str.casefold):
            wanted = {fold(name), fold(bare)} - {""}
            for names in zip(*(names_of(one, entry) for one, entry in known), strict=True):
                matching = [entry for text, (_, entry) in zip(names, known, strict=True) if text and fold(text) in wanted]
                if matching:
                    return self.only(name, matching)
        brackets = BRACKETS.search(name)
        for digits in (name.lower(), brackets.group(1).lower() if brackets else ""):
            matching = self.with_hash(digits, [entry for _, entry in known]) if DIGITS.fullmatch(digits) else []
            if matching:
                return self.only(name, matching)
        containing = [entry for _, entry in known if bare and bare.casefold() in entry.title.casefold()]
        if containing and self.kind.guessed:
            return self.only(name, containing)
        raise NotFound.among(self.kind.noun, name, [entry.name for _, entry in known])

    def only(self, name: str, matching: Sequence[ModelEntry]) -> ModelEntry:
        """The one that matches. Raises BadRequest for several, unless they are copies of one file."""
        if len(matching) == 1 or (matching[0].sha256 and len({entry.sha256 for entry in matching}) == 1):
            return matching[0]
        raise BadRequest(f"'{name}' may be {' or '.join(entry.title for entry in matching[:5])}.", "Give more of the name.")

    def with_hash(self, digits: str, entries: Sequence[ModelEntry]) -> list[ModelEntry]:
        """The entries of a hash, or of its first digits; of 8 digits also in the old sense."""
        matching = [entry for entry in entries if entry.sha256 and entry.sha256.startswith(digits)]
        if not matching and len(digits) == 8 and self.kind.titled:
            matching = [entry for entry in entries if self.legacy_hash(entry) == digits]
        return matching

    def legacy_hash(self, entry: ModelEntry) -> str | None:
        """The hash that A1111 showed before 2023, 8 digits; None for a folder, and for a file that cannot be read."""
        try:
            stamp = stamp_of(entry.path)
            known = self.legacy.get(entry.path)
            if known is None or known[0] != stamp:
                self.legacy[entry.path] = known = (stamp, legacy_hash(entry.path))
        except OSError:
            return None
        return known[1]


def hashed_file(folder: Path) -> Path | None:
    """The file whose hash stands for a model in diffusers' layout: its network's. None where that is in parts."""
    return next((folder / name for name in NETWORKS if (folder / name).is_file()), None)


def names_of(one: Listed, entry: ModelEntry) -> tuple[str | None, ...]:
    """What a model may be called, the surest names first. `anime_line` is what A1111's API calls `anime/line.safetensors`."""
    bare = one.bare
    name = one.path.name
    return entry.title, one.relative, name, bare, entry.name, one.path.stem, bare.replace("/", "_"), entry.alias, entry.sha256


def files_below(folder: Path, kind: Kind) -> Iterator[Listed]:
    """The files of a kind in a folder and those below it, links to folders too; nothing that is hidden.

    A folder in diffusers' layout counts as one model where the kind has such, and is passed over otherwise.
    """
    visited: set[str] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in visited:  # a link that leads back
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(place)
        if INDEX in files and here != folder:
            folders.clear()
            if kind.folders:
                yield Listed(here.relative_to(folder).as_posix(), here, is_folder=True)
            continue
        for name in files:
            path = here / name
            if path.suffix.lower() in kind.suffixes and not name.startswith(".") and path.is_file():
                yield Listed(path.relative_to(folder).as_posix(), path)


def is_vae(path: Path) -> bool:
    """Whether a file is named as a VAE beside a checkpoint: `name.vae.pt`."""
    return path.with_suffix("").suffix.lower() == ".vae"


def natural(text: str) -> list[tuple[int, str]]:
    """What sorts `a2` before `a10`: texts and numbers in turn."""
    parts = re.split(r"(\d+)", text.lower())
    return [(int(part[:15]) if number % 2 else 0, part) for number, part in enumerate(parts)]
