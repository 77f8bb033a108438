"""Changes to a folder of files that can be taken back, also after the program was started anew or was killed in the middle of one.

What a change replaces is kept in the folder's own `.removed`, a folder for each change:

.removed/0007/change.json   what was done, when, to which files, and how far it is
.removed/0007/before/       the files as they were
.removed/0007/after/        the files as they had become, while the change is taken back
"""

import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from modules.contract.errors import BadRequest
from modules.contract.files import remove_temporaries, sync_folder, write_whole

KEPT = ".removed"
LINES = "files.jsonl"
READABLE = 0o644  # other programs and people read data sets too; write_whole makes files for their owner alone

State = Literal["open", "done", "undoing", "undone", "redoing"]
Change = tuple[str, bytes | None]  # a file's path below the folder with "/", and its new bytes; None takes it away


@dataclass(frozen=True)
class Edit:
    """A change that was made. `what` is a sentence for people; `files`: how many it concerned."""

    number: int
    what: str
    at: float
    state: State
    files: int


@dataclass(frozen=True)
class Line:
    """A file of a change: the SHA-256 of its bytes before and behind; None where it was not there."""

    name: str
    before: str | None
    after: str | None


class Journal:
    """The changes of one folder, one at a time. Making one of these finishes what a killed program left half done. Thread-safe."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.kept = root / KEPT
        self.lock = threading.RLock()
        with self.lock:
            self.recover()

    # What there is

    def edits(self) -> list[Edit]:
        """All changes that are known, the oldest first; those that were taken back stand last."""
        found = [edit for path in sorted(self.kept.glob("[0-9]*")) if (edit := read(path)) is not None]  # no lock: a change may take long
        return sorted(found, key=lambda edit: edit.number)

    def undoable(self) -> Edit | None:
        """The change that `undo` would take back."""
        return next((edit for edit in reversed(self.edits()) if edit.state == "done"), None)

    def redoable(self) -> Edit | None:
        """The change that `redo` would make again."""
        return next((edit for edit in self.edits() if edit.state == "undone"), None)

    # What can be done

    def edit(self, what: str, changes: Iterable[Change], progress: Callable[[int], None] = lambda done: None) -> Edit | None:
        """Write and take away files as one change; None if that changes nothing. Taken back as a whole if anything goes wrong.

        `changes` may be made while they are written; `progress` is told how many are done, and may raise to take all back.
        """
        with self.lock:
            for old in [edit for edit in self.edits() if edit.state == "undone"]:  # another way was taken
                shutil.rmtree(self.place(old.number))
            number = max((edit.number for edit in self.edits()), default=0) + 1
            place = self.place(number)
            place.mkdir(parents=True)
            edit = Edit(number, what, time.time(), "open", 0)
            write(place, edit)
            try:
                done = self.write_all(place, changes, progress)
            except BaseException:
                self.take_back(place, self.lines(place))
                shutil.rmtree(place)
                raise
            if not done:
                shutil.rmtree(place)
                return None
            edit = replace(edit, state="done", files=done)
            write(place, edit)
            return edit

    def undo(self) -> Edit:
        """Take the last change back. Raises BadRequest if there is none, or if its files were changed by something else since."""
        with self.lock:
            edit = self.undoable()
            if edit is None:
                raise BadRequest("There is no change to take back.")
            lines = self.lines(self.place(edit.number))
            self.refuse_changed(edit, {line.name: line.after for line in lines})
            return self.turn(edit, "undoing", "undone")

    def redo(self) -> Edit:
        """Make the change again that was taken back last. Raises BadRequest as `undo`."""
        with self.lock:
            edit = self.redoable()
            if edit is None:
                raise BadRequest("There is no change to make again.")
            lines = self.lines(self.place(edit.number))
            self.refuse_changed(edit, {line.name: line.before for line in lines})
            return self.turn(edit, "redoing", "done")

    def forget(self) -> int:
        """Delete all that is kept for taking changes back; the bytes that were freed."""
        with self.lock:
            freed = sum(path.lstat().st_size for path in self.kept.rglob("*") if path.is_file()) if self.kept.is_dir() else 0
            shutil.rmtree(self.kept, ignore_errors=True)
            return freed

    # How

    def place(self, number: int) -> Path:
        return self.kept / f"{number:04}"

    def lines(self, place: Path) -> list[Line]:
        """The files of a change."""
        try:
            text = (place / LINES).read_text("utf8")
        except FileNotFoundError:
            return []
        return [Line(**json.loads(line)) for line in text.splitlines() if line.endswith("}")]

    def write_all(self, place: Path, changes: Iterable[Change], progress: Callable[[int], None]) -> int:
        """Make the changes; each is noted before it is made. How many files were changed."""
        done = 0
        with (place / LINES).open("a", encoding="utf8") as notes:
            for name, data in changes:
                path = below(self.root, name)
                before, after = digest_of(path), None if data is None else hashlib.sha256(data).hexdigest()
                if before == after:
                    continue
                notes.write(json.dumps({"name": name, "before": before, "after": after}) + "\n")
                notes.flush()
                if before is not None:
                    moved(path, place / "before" / name)
                if data is not None:
                    write_whole(path, data)
                    path.chmod(READABLE)
                done += 1
                progress(done)
        return done

    def turn(self, edit: Edit, way: Literal["undoing", "redoing"], end: State) -> Edit:
        """Exchange the files of a change for those on its other side."""
        place = self.place(edit.number)
        write(place, replace(edit, state=way))
        lines = self.lines(place)
        if way == "undoing":
            self.take_back(place, lines)
        else:
            self.put_again(place, lines)
        turned = replace(edit, state=end)
        write(place, turned)
        return turned

    def take_back(self, place: Path, lines: list[Line]) -> None:
        """Put files back as they were. May be done again where it was interrupted."""
        for line in reversed(lines):
            path, old, new = self.root / line.name, place / "before" / line.name, place / "after" / line.name
            if line.after is not None and not there(new) and there(path) and (line.before is None or there(old)):
                moved(path, new)
            if line.before is not None and there(old):
                moved(old, path)

    def put_again(self, place: Path, lines: list[Line]) -> None:
        """The other way round. May be done again where it was interrupted."""
        for line in lines:
            path, old, new = self.root / line.name, place / "before" / line.name, place / "after" / line.name
            if line.before is not None and not there(old) and there(path) and (line.after is None or there(new)):
                moved(path, old)
            if line.after is not None and there(new):
                moved(new, path)

    def refuse_changed(self, edit: Edit, wanted: dict[str, str | None]) -> None:
        """Raise BadRequest where files are not as the change left them."""
        other = [name for name, digest in wanted.items() if digest_of(self.root / name) != digest]
        if other:
            raise BadRequest(
                f"'{edit.what}' cannot be taken back or made again: {other[0]} was changed by something else since"
                + (f", and {len(other) - 1} more." if len(other) > 1 else "."),
                f"What was there before lies in {self.place(edit.number)}.",
            )

    def recover(self) -> None:
        """Finish what a killed program left: a change that was not whole is taken back."""
        for path in self.kept.glob("[0-9]*") if self.kept.is_dir() else ():
            edit = read(path)
            if edit is None:
                continue
            if edit.state == "open":
                self.take_back(path, self.lines(path))
                shutil.rmtree(path)
                remove_temporaries(self.root)
            elif edit.state == "undoing":
                self.turn(edit, "undoing", "undone")
            elif edit.state == "redoing":
                self.turn(edit, "redoing", "done")


def read(place: Path) -> Edit | None:
    """A change's facts; None for a folder that is none."""
    try:
        values: dict[str, Any] = json.loads((place / "change.json").read_text("utf8"))
        return Edit(**values)
    except (OSError, ValueError, TypeError):
        return None


def write(place: Path, edit: Edit) -> None:
    write_whole(place / "change.json", json.dumps(asdict(edit)).encode())


def below(root: Path, name: str) -> Path:
    """A file by its path below a folder. Raises BadRequest for one that would lie elsewhere or among what is kept."""
    path = root / name
    parts = Path(name).parts
    inner = (name and not path.is_absolute()) or path.is_relative_to(root)
    if not parts or not inner or ".." in parts or any(part.startswith(".") for part in parts) or "\0" in name:
        raise BadRequest(f"'{name}' is no file of this folder.")
    if not path.parent.resolve().is_relative_to(root.resolve()):
        raise BadRequest(f"'{name}' lies behind a link that leads out of the folder.")
    return path


def digest_of(path: Path) -> str | None:
    """The SHA-256 of a file, or of where a link leads; None where there is nothing."""
    if path.is_symlink():
        return hashlib.sha256(os.fsencode(path.readlink())).hexdigest()
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def there(path: Path) -> bool:
    """Whether there is a file or a link."""
    return path.is_symlink() or path.exists()


def moved(path: Path, to: Path) -> None:
    """Move a file or a link, not what it leads to."""
    to.parent.mkdir(parents=True, exist_ok=True)
    path.replace(to)
    sync_folder(to.parent)
