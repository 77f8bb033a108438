"""All that the page does with data sets, over a library of folders; what other parts of the program do for it is handed in."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from modules.contract.errors import BadRequest, NotFound
from modules.contract.training import DatasetFolder, TrainingRequest
from modules.datasets.buckets import Rules, table
from modules.datasets.captioning import ByName, ByTagger, ByTemplate, Captioner, Where, chosen, combined, taggers
from modules.datasets.captions import caption_file
from modules.datasets.check import check
from modules.datasets.crops import parts
from modules.datasets.edits import CaptionEdit, Difference, differences
from modules.datasets.journal import Change, Journal, below
from modules.datasets.library import Library, Shelf
from modules.datasets.pictures import SUFFIXES, upright
from modules.datasets.repair import NAMES, Enlarge, RepairOptions, Ways, box_for, changes_of, proportions
from modules.datasets.scan import Item, Scan, scan
from modules.datasets.statistics import statistics
from modules.datasets.tasks import Tasks, Tell

MOST_SHOWN = 500  # differences and cuts that are shown before they are made


@dataclass(frozen=True)
class Doors:
    """What the rest of the program does for data sets.

    `count`: the tokens of a text. `networks`: what describes pictures. `enlarge`: an upscaler, None where there is none. `models`: the
    folder below which taggers lie.
    """

    count: Callable[[str], int] | None = None
    networks: Callable[[], Sequence[Captioner]] = tuple[Captioner, ...]
    enlarge: Callable[[], Enlarge | None] = lambda: None
    models: Path | None = None


@dataclass(frozen=True)
class CaptionWish:
    """By what pictures are captioned, and what becomes of captions that they have."""

    by: str
    template: str = ""
    trigger: str = ""
    where: Where = "missing"
    threshold: float = 0.35
    separator: str = ","


@dataclass(frozen=True)
class Desk:
    """Operations by a data set's id. Each raises NotFound for one that is not there, and BadRequest for what cannot be."""

    library: Library
    doors: Doors = field(default_factory=Doors)
    tasks: Tasks = field(default_factory=Tasks)

    # What there is

    def shelves(self) -> list[dict[str, Any]]:
        """All data sets."""
        return [shown(shelf) for shelf in self.library.shelves()]

    def scan(self, id: str) -> str:
        """Look through a folder; the task's id. What it finds is remembered, so that `contents` is quick then."""
        path = self.library.open(id)

        def run(tell: Tell) -> None:
            scan([DatasetFolder(folder=str(path))], facts=self.library.facts, progress=tell)

        return self.tasks.start(id, "Looking at the pictures", run)

    def contents(self, id: str, separator: str = ",") -> dict[str, Any]:
        """All pictures with their captions, the numbers, and what can be taken back."""
        path = self.library.open(id)
        found = self.library.scan(path)
        return {
            "id": id,
            "name": path.name,
            "folder": str(path),
            "pictures": [picture(item) for item in found.items],
            "lone": [name.partition("/")[2] for name in found.orphans],
            "statistics": statistics(found, separator).as_json(),
            **self.history(id),
        }

    def history(self, id: str) -> dict[str, Any]:
        """What can be taken back and made again."""
        journal = self.journal(id)
        undo, redo = journal.undoable(), journal.redoable()
        return {"undo": undo and asdict(undo), "redo": redo and asdict(redo), "edits": [asdict(edit) for edit in journal.edits()]}

    def file(self, id: str, name: str) -> Path:
        """A picture's file by its name. Raises NotFound for what is no picture of the folder, links out of it among them."""
        root = self.library.open(id)
        missing = NotFound(f"There is no picture '{name}' in this data set.")
        try:
            path = below(root, name).resolve(strict=True)
        except (BadRequest, OSError, RuntimeError):
            raise missing from None
        if not path.is_relative_to(root) or path.suffix.lower() not in SUFFIXES or not path.is_file():
            raise missing
        return path

    def checked(self, id: str, request: TrainingRequest, own: int, batch: int = 1) -> dict[str, Any]:
        """What is wrong with it; names are those of `contents`."""
        result = check(self.library.scan(self.library.open(id)), request, own=own, batch=batch, count_tokens=self.doors.count).as_json()
        for one in [*result["findings"], *result["buckets"]]:
            for key in ("files", "names"):
                if key in one:
                    one[key] = [name.partition("/")[2] for name in one[key]]
        for one in result["findings"]:
            one["groups"] = [[name.partition("/")[2] for name in group] for group in one["groups"]]
        return result

    def buckets(self, id: str, rules: Rules) -> list[dict[str, Any]]:
        """Into which sizes the pictures go."""
        found = table(self.library.scan(self.library.open(id)).usable, rules)
        return [
            {"width": one.size.width, "height": one.size.height, "pictures": one.pictures, "shown": one.shown,
             "names": [name.partition("/")[2] for name in one.names]}
            for one in found
        ]  # fmt: skip

    # Captions

    def edit(self, id: str, names: Sequence[str], edit: CaptionEdit, *, dry: bool) -> dict[str, Any]:
        """Change captions, or with `dry` only say how; no names mean all pictures. Those that cannot be used are left alone."""
        root, found = self.found(id)
        items = [item for item in picked(found, names) if item.usable]
        changed = differences({item.short: item.caption for item in items}, edit)
        if not dry and changed:
            what = f"{EDITS[edit.kind]} ({len(changed)})"
            self.library.journal(root).edit(what, written(changed, items, root))
        return {"changed": len(changed), "differences": [one._asdict() for one in changed[:MOST_SHOWN]], **self.history(id)}

    def captioners(self) -> dict[str, Captioner]:
        """All that can caption, by name; some say why they cannot now."""
        folders = taggers(self.doors.models) if self.doors.models else []
        every: list[Captioner] = [ByName(), ByTemplate(""), *self.doors.networks(), *(ByTagger(folder) for folder in folders)]
        return {one.name: one for one in every}

    def caption(self, id: str, names: Sequence[str], wish: CaptionWish, *, dry: bool) -> str:
        """Caption pictures; the task's id. Its result are the differences, which `dry` only shows."""
        captioner = self.captioner(wish)
        root, found = self.found(id)
        items = [item for item in picked(found, names) if item.usable and (wish.where != "missing" or not item.caption)]

        def run(tell: Tell) -> dict[str, Any]:
            changed = list(said(items, captioner, wish, tell))
            if not dry and changed:
                self.library.journal(root).edit(f"Captions by {captioner.title} ({len(changed)})", written(changed, items, root))
            return {"changed": len(changed), "differences": [one._asdict() for one in changed[:MOST_SHOWN]]}

        return self.tasks.start(id, "Captioning", run)

    def captioner(self, wish: CaptionWish) -> Captioner:
        """What is asked for. Raises NotFound, NotSupported, BadRequest."""
        every = self.captioners()
        found = chosen(every, wish.by)
        if isinstance(found, ByTemplate):
            if not wish.template.strip():
                raise BadRequest("The template is empty.", "Write one, such as: a photo of {trigger}, {name}.")
            return ByTemplate(wish.template, wish.trigger)
        return ByTagger(found.folder, wish.threshold) if isinstance(found, ByTagger) else found

    # Pictures

    def repair(self, id: str, work: str, names: Sequence[str], options: RepairOptions) -> str:
        """Mend pictures, one change that can be taken back; the task's id."""
        root, found = self.found(id)
        lone = {name.partition("/")[2] for name in found.orphans}.intersection(names)
        items = picked(found, [name for name in names if name not in lone]) if len(lone) < len(names) else []
        ways = Ways(options, self.doors.enlarge() if work == "upscale" else None, self.doors.count)
        if work not in NAMES:
            raise BadRequest(f"'{work}' is no repair; there are {', '.join(NAMES)}.")

        def run(tell: Tell) -> dict[str, Any]:
            def changes() -> Iterator[Change]:
                yield from ((name, None) for name in sorted(lone) if work == "drop")
                for number, item in enumerate(items):
                    tell(number, len(items))
                    yield from changes_of([item], root, work, ways)

            edit = self.library.journal(root).edit(f"{NAMES[work]} ({len(items) + len(lone)})", changes())
            return {"changed": edit.files if edit else 0}

        return self.tasks.start(id, NAMES[work], run)

    def cuts(self, id: str, work: str, names: Sequence[str], options: RepairOptions) -> dict[str, list[tuple[int, int, int, int]]]:
        """Where "crop" or "split" would cut pictures, in their own upright pixels."""
        _, found = self.found(id)
        ways = Ways(options)
        answer: dict[str, list[tuple[int, int, int, int]]] = {}
        for item in picked(found, names)[:MOST_SHOWN]:
            if item.usable:
                boxes = parts(item.size, proportions(item, ways)) if work == "split" else [box_for(item, upright(item.path), ways)]
                answer[item.short] = [(box.left, box.top, box.right, box.bottom) for box in boxes]
        return answer

    # Back and forth

    def undo(self, id: str) -> dict[str, Any]:
        """Take the last change back."""
        self.journal(id).undo()
        return self.history(id)

    def redo(self, id: str) -> dict[str, Any]:
        """Make it again."""
        self.journal(id).redo()
        return self.history(id)

    def forget(self, id: str) -> dict[str, Any]:
        """Delete what is kept for taking changes back."""
        return {"freed": self.journal(id).forget(), **self.history(id)}

    def journal(self, id: str) -> Journal:
        return self.library.journal(self.library.open(id))

    def found(self, id: str) -> tuple[Path, Scan]:
        """A data set's folder and what lies in it."""
        root = self.library.open(id)
        return root, self.library.scan(root)


EDITS = {
    "write": "Captions written", "add": "Tags added", "remove": "Tags removed", "replace": "Tag replaced", "sort": "Tags sorted",
    "tidy": "Tags tidied", "find": "Text replaced",
}  # fmt: skip


def shown(shelf: Shelf) -> dict[str, Any]:
    """A data set in the list."""
    return {"id": shelf.id, "name": shelf.name, "folder": str(shelf.path), "own": shelf.own}


def picture(item: Item) -> dict[str, Any]:
    """A picture as the page shows it. `stamp` changes when its file does."""
    return {
        "name": item.short,
        "width": item.size.width,
        "height": item.size.height,
        "caption": item.caption,
        "encoding": item.encoding,
        "repeats": item.repeats,
        "words": item.words,
        "mask": item.mask is not None,
        "problem": item.problem,
        "detail": item.facts.detail,
        "frames": item.facts.frames,
        "turned": item.facts.turned,
        "transparent": item.facts.transparent,
        "bytes": item.facts.bytes,
        "stamp": item.digest[:12],
    }


def picked(found: Scan, names: Sequence[str]) -> list[Item]:
    """Pictures by their names, all where no names are given. Raises NotFound for one that is not there."""
    if not names:
        return list(found.items)
    known = {item.short: item for item in found.items}
    for name in names:
        if name not in known:
            raise NotFound(f"There is no picture '{name}' in this data set.", "Look at the folder again.")
    return [known[name] for name in dict.fromkeys(names)]


def said(items: Sequence[Item], captioner: Captioner, wish: CaptionWish, tell: Tell) -> Iterator[Difference]:
    """The captions that become others."""
    for number, item in enumerate(items):
        tell(number, len(items))
        after = combined(item.caption, captioner.caption(item, number + 1), wish.where, wish.separator)
        if after != item.caption:
            yield Difference(item.short, item.caption, after)


def written(changed: Sequence[Difference], items: Sequence[Item], root: Path) -> Iterator[Change]:
    """Differences as changes to the caption files."""
    paths = {item.short: item.path for item in items}
    for one in changed:
        yield caption_file(paths[one.name]).relative_to(root).as_posix(), one.after.encode()
