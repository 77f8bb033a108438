"""What lies in folders of pictures: every picture decoded, with its caption, its mask and how often it is shown."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from modules.contract.errors import BadRequest, NotFound
from modules.contract.request import Size
from modules.contract.training import DatasetFolder
from modules.datasets import captions
from modules.datasets.facts import Facts, PictureFacts, Problem
from modules.datasets.pictures import OTHER_SUFFIXES, SUFFIXES

KOHYA = re.compile(r"(\d{1,4})_(.*)")  # a folder whose pictures are shown so often, and what they show
MASKS = "masks"
MASK_ENDING = "-mask"
MOST_PICTURES = 100_000


@dataclass(frozen=True)
class Item:
    """A picture file and what belongs to it.

    `name` is the number of its folder among the given ones, then its path below it with "/": "0/10_cat/a.png". It is known by that
    everywhere. `words`: what kohya's folder name says behind the number. `caption` None: it has none; `encoding`: "" for UTF-8, else
    what the caption seems to have. `facts`: what decoding found.
    """

    path: Path
    name: str
    folder: int
    repeats: int
    words: str
    held_out: bool
    facts: PictureFacts
    caption: str | None = None
    encoding: str = ""
    mask: Path | None = None
    mask_facts: PictureFacts | None = None

    @property
    def size(self) -> Size:
        """Upright, pixels; both 0 where it cannot be read."""
        return Size(self.facts.width, self.facts.height)

    @property
    def mask_size(self) -> Size:
        return Size(self.mask_facts.width, self.mask_facts.height) if self.mask_facts else Size(0, 0)

    @property
    def problem(self) -> Problem:
        """Why it cannot be trained on; empty if it can."""
        return self.facts.problem

    @property
    def usable(self) -> bool:
        return not self.facts.problem

    @property
    def digest(self) -> str:
        return self.facts.digest

    @property
    def look(self) -> int:
        return self.facts.look

    @property
    def colors(self) -> str:
        return self.facts.colors

    @property
    def short(self) -> str:
        """Its name for people: without the folder's number."""
        return self.name.partition("/")[2]


@dataclass(frozen=True)
class Scan:
    """All pictures of some folders in order, captions that belong to no picture, and the folders themselves."""

    items: tuple[Item, ...]
    orphans: tuple[str, ...]
    roots: tuple[Path, ...]

    @property
    def usable(self) -> tuple[Item, ...]:
        """Those that can be trained on."""
        return tuple(item for item in self.items if item.usable)


def silent(done: int, total: int) -> None:
    """Tells nobody."""


def scan(
    folders: Sequence[DatasetFolder],
    *,
    facts: Facts | None = None,
    progress: Callable[[int, int], None] = silent,
    workers: int = 4,
) -> Scan:
    """Look through folders and decode all pictures in full. `progress` is told how many are done of how many; it may raise to end this.

    Raises NotFound, BadRequest for a folder that is not there or cannot be read.
    """
    kept = facts or Facts()
    roots = tuple(root_of(folder.folder) for folder in folders)
    found = [one for number, folder in enumerate(folders) for one in files_of(roots[number], number, folder)]
    if len(found) > MOST_PICTURES:
        raise BadRequest(f"There are {len(found)} pictures; at most {MOST_PICTURES} can be used.", "Give a folder with fewer.")
    decoded: dict[Path, PictureFacts] = {}
    wanted = list(dict.fromkeys([item.path for item in found if item.usable] + [item.mask for item in found if item.mask]))
    with ThreadPoolExecutor(workers, thread_name_prefix="pictures") as pool:
        tasks = {pool.submit(kept.of, path): path for path in wanted}
        try:
            for number, task in enumerate(as_completed(tasks), 1):
                decoded[tasks[task]] = task.result()
                progress(number, len(wanted))
        finally:
            pool.shutdown(cancel_futures=True)
    kept.save()
    items = tuple(completed(item, decoded, roots[item.folder]) for item in found)
    return Scan(items, tuple(orphans_of(roots, items)), roots)


def root_of(folder: str) -> Path:
    """A folder as it really lies. Raises BadRequest, NotFound."""
    if not folder.strip():
        raise BadRequest("A folder of pictures is missing.", "Give the folder that they lie in.")
    path = Path(folder).expanduser()
    if not path.is_absolute():
        raise BadRequest(f"The folder '{folder}' is not a whole path.", "Give it from the beginning, such as /home/me/pictures.")
    if not path.is_dir():
        raise NotFound(f"There is no folder {folder}.")
    return path.resolve()


def files_of(root: Path, number: int, folder: DatasetFolder) -> Iterator[Item]:
    """The picture files below a folder in the order of their names, not decoded yet."""
    own = KOHYA.fullmatch(root.name)
    start = (int(own[1]), own[2]) if own else (1, "")
    for place, repeats, words in folders_below(root, start):
        try:
            names = sorted(path.name for path in place.iterdir())
        except OSError as error:
            raise BadRequest(f"The folder {place} cannot be read ({error.strerror or error}).") from None
        pictures = [name for name in names if is_picture(place / name)]
        stems = {Path(name).stem for name in pictures}
        for name in pictures:
            stem = Path(name).stem
            if stem.endswith(MASK_ENDING) and stem.removesuffix(MASK_ENDING) in stems:
                continue
            path = place / name
            shown = f"{number}/{path.relative_to(root).as_posix()}"
            outside = PictureFacts(problem="outside", detail=f"{name} is a link that leads out of the folder, or to nothing.")
            facts = PictureFacts() if inside(path, root) else outside
            mask = mask_of(path, root) if inside(path, root) else None
            yield Item(path, shown, number, max(1, repeats) * folder.repeats, words, folder.held_out, facts, mask=mask)


def folders_below(place: Path, inherited: tuple[int, str]) -> Iterator[tuple[Path, int, str]]:
    """A folder and those inside it, each with how often its pictures are shown and what kohya's name says of them."""
    yield place, *inherited
    try:
        inner = sorted(path for path in place.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError:
        return
    for path in inner:
        if path.name.startswith(".") or path.name == MASKS:
            continue
        match = KOHYA.fullmatch(path.name)
        yield from folders_below(path, (int(match[1]), match[2].strip()) if match else inherited)


def is_picture(path: Path) -> bool:
    """Whether a file is meant as a picture, by its name. A link counts wherever it leads, so that it is not passed over in silence."""
    if path.name.startswith("."):
        return False
    if path.suffix.lower() in SUFFIXES | OTHER_SUFFIXES:
        return path.is_symlink() or path.is_file()
    return path.is_symlink() and path.is_dir()  # a folder's pictures are not found through a link


def inside(path: Path, root: Path) -> bool:
    """Whether a file really lies below a folder."""
    try:
        return path.resolve(strict=True).is_relative_to(root) and not (path.is_symlink() and path.is_dir())
    except (OSError, RuntimeError):  # a link to nothing, a circle of links
        return False


def mask_of(picture: Path, root: Path) -> Path | None:
    """The mask of a picture: NAME-mask beside it, or masks/NAME."""
    for stem in (picture.parent / f"{picture.stem}{MASK_ENDING}", picture.parent / MASKS / picture.stem):
        for suffix in sorted(SUFFIXES):
            path = stem.parent / f"{stem.name}{suffix}"
            if path.is_file() and inside(path, root):
                return path
    return None


def completed(item: Item, decoded: dict[Path, PictureFacts], root: Path) -> Item:
    """A picture with what decoding found, and its caption."""
    facts = item.facts if item.problem else decoded[item.path]
    caption, encoding = caption_of(item.path, root)
    mask_facts = decoded[item.mask] if item.mask else None
    return Item(item.path, item.name, item.folder, item.repeats, item.words, item.held_out, facts, caption, encoding, item.mask, mask_facts)


def caption_of(picture: Path, root: Path) -> tuple[str | None, str]:
    """A picture's caption and what encoding it seems to have; None without a file, and for a link that leads out of the folder."""
    file = captions.caption_file(picture)
    if not inside(file, root):
        return None, ""
    try:
        with file.open("rb") as opened:
            text, encoding = captions.decode(opened.read(captions.LARGEST))
    except OSError:
        return None, ""
    return text.strip(), encoding


def orphans_of(roots: Sequence[Path], items: Sequence[Item]) -> Iterator[str]:
    """The captions that belong to no picture."""
    stems = {item.path.with_suffix("") for item in items}
    for number, root in enumerate(roots):
        for place, _, _ in folders_below(root, (1, "")):
            for path in sorted(place.glob("*.txt")):
                if path.with_suffix("") not in stems and not path.name.startswith("."):
                    yield f"{number}/{path.relative_to(root).as_posix()}"


def fingerprint(found: Scan) -> str:
    """A name for the data as they are: names, pictures, captions, masks, how often each is shown. It changes when any of them does."""
    state = hashlib.sha256()
    for item in found.items:
        mask = item.mask_facts.digest if item.mask_facts else ""
        state.update("\0".join((item.name, item.digest, repr(item.caption), mask, str(item.repeats), str(item.held_out), "\n")).encode())
    return state.hexdigest()
