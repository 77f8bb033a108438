"""Bringing an extension here: into a folder of its own first, examined there, and only then, switched off, to the others."""

import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from modules.contract.errors import BadRequest, NotFound, NotSupported
from modules.plugins.addresses import checked, fetched
from modules.plugins.archives import unpack
from modules.plugins.examine import Examined, examine, files_of
from modules.plugins.git import Git
from modules.plugins.installation import Installation
from modules.plugins.loader import Loaded
from modules.plugins.state import Record, Source

STAGING, PREVIOUS, TRASH = ".staging", ".previous", ".trash"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Staged:
    """An extension that is here and not yet among the others. `subjects` are those of the commits that are new, the newest first."""

    folder: Path
    examined: Examined
    source: Source
    subjects: Sequence[str] = ()


@dataclass(frozen=True)
class Removed:
    """An extension in the trash; `id` brings it back. `when` is Unix time."""

    id: str
    name: str
    when: float


def quiet(text: str) -> None:
    """Tells nobody."""


class Installer:
    """Puts extensions into the folder of the added ones, and takes them out again."""

    def __init__(self, installation: Installation, *, git: Callable[[bool], Git] = lambda local: Git(local=local)) -> None:
        self.installation = installation
        self.root = installation.added
        self.git = git
        shutil.rmtree(self.root / STAGING, ignore_errors=True)  # what a killed program left
        self.put_back_what_a_crash_moved()

    # From where

    def stage_folder(self, path: Path) -> Staged:
        """A copy of a folder on this machine. Raises BadRequest."""
        if not path.is_absolute() or not path.is_dir():
            raise BadRequest(f"There is no folder {path}.", "Give its whole path.")
        if path.resolve().is_relative_to(self.root.resolve()):
            raise BadRequest("This folder is among the extensions already.", "Press 'Look again' to have it loaded.")

        def copy(folder: Path) -> Source:
            for file in files_of(path):
                target = folder / file.relative_to(path)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
            return Source(kind="folder", url=str(path))

        return self.staged(copy)

    def stage_zip(self, data: bytes, url: str = "", expected: str = "") -> Staged:
        """An archive's files. Raises BadRequest, also where the SHA-256 is not the `expected` one."""
        found = hashlib.sha256(data).hexdigest()
        if expected and found != expected.lower():
            raise BadRequest("The archive is not the one that the index names: its SHA-256 is another.", "Nothing of it was kept.")

        def unpacked(folder: Path) -> Source:
            unpack(data, folder)
            return Source(kind="zip", url=url, sha256=found)

        return self.staged(unpacked)

    def stage_url(
        self, url: str, *, local: bool, branch: str = "", commit: str = "", expected: str = "", since: str = "", say: Say = quiet
    ) -> Staged:
        """What stands at an address: a zip archive, or else a git repository. `since` is the commit that is here already.

        Raises BadRequest, Unavailable without a network, NotSupported without git.
        """
        url = checked(url, local=local)
        if url.lower().endswith(".zip"):
            say(f"Fetching {url}")
            return self.stage_zip(fetched(url, local=local), url, expected)
        git, subjects = self.git(local), list[str]()
        say(f"Cloning {url}")

        def clone(folder: Path) -> Source:
            repository = folder.with_name("repository")
            head = git.clone(url, repository, branch=branch, commit=commit)
            subjects.extend(git.subjects(repository, since) if since else [])
            shutil.rmtree(repository / ".git", onerror=writable)
            repository.rename(folder)
            return Source(kind="git", url=url, branch=branch, commit=head.hash, date=head.date)

        staged = self.staged(clone)
        return Staged(staged.folder, staged.examined, staged.source, subjects)

    def staged(self, fill: Callable[[Path], Source]) -> Staged:
        """A folder that `fill` makes, examined. Nothing of it stays if that fails."""
        place = self.root / STAGING / secrets.token_hex(8)
        place.mkdir(parents=True)
        try:
            source = fill(place / "extension")
            return Staged(place / "extension", examine(place / "extension"), source)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise

    # To the others

    def install(self, staged: Staged) -> Loaded:
        """Put an examined extension to the others, switched off. Raises NotSupported for what cannot be used, or a name that is taken."""
        try:
            name = self.free_name(staged.examined)
            self.remember(name, staged)
            staged.folder.rename(self.root / name)
        finally:
            self.drop(staged)
        self.installation.refresh(fresh=[name])
        return self.installation.row(name)

    def link(self, path: Path) -> Loaded:
        """Have an extension used where it lies, for who writes one. Raises as `install` does."""
        if not path.is_absolute() or not path.is_dir():
            raise BadRequest(f"There is no folder {path}.", "Give its whole path.")
        staged = Staged(path, examine(path), Source(kind="link", url=str(path)))
        name = self.free_name(staged.examined)
        self.root.mkdir(parents=True, exist_ok=True)
        self.remember(name, staged)
        try:
            (self.root / name).symlink_to(path, target_is_directory=True)
        except OSError as error:
            self.installation.state.record(name, None)
            raise NotSupported(f"This system refuses to link folders ({error.strerror}).", "Have it copied instead.") from None
        self.installation.refresh(fresh=[name])
        return self.installation.row(name)

    def free_name(self, examined: Examined) -> str:
        """The name of an examined extension. Raises NotSupported if it has a problem, or the name is taken."""
        if examined.problem:
            raise NotSupported(examined.problem)
        name = examined.name
        rows = {row.name: row for row in self.installation.rows()}
        if name in rows or os.path.lexists(self.root / name):
            title = rows[name].title if name in rows else name
            raise NotSupported(f"There is an extension named '{name}' already: {title}.", "Update that one, or remove it first.")
        return name

    def remember(self, name: str, staged: Staged) -> None:
        """Write down where an extension comes from and that it is off, before it is there."""
        state = self.installation.state
        state.switch(name, False)
        state.record(name, Record(source=staged.source, version=staged.examined.version, installed=time.time()))

    def drop(self, staged: Staged) -> None:
        """Clear away what was staged."""
        shutil.rmtree(staged.folder.parent, ignore_errors=True)

    # Out again

    def remove(self, name: str) -> Removed:
        """Put an added extension into the trash. Raises NotFound, BadRequest for a bundled one."""
        folder = self.installation.folder_of(name)
        record = self.installation.record_of(name)
        when = time.time()
        place = self.root / TRASH / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}-{name}"
        place.mkdir(parents=True)
        kept = {"record": record.model_dump(mode="json") if record else None, "on": name not in self.installation.state.current.disabled}
        (place / "record.json").write_text(json.dumps(kept), "utf8")
        shutil.move(folder, place / name)  # a rename, unless they are on two disks
        self.installation.state.record(name, None)
        self.installation.state.switch(name, True)
        self.installation.refresh()
        self.installation.registry.ledger.forget(name)
        return Removed(place.name, name, when)

    def removed(self) -> list[Removed]:
        """What the trash holds, the newest first."""
        places = [path for path in (self.root / TRASH).glob("*-*-*-*") if (path / "record.json").exists()]
        found = [Removed(path.name, path.name.split("-", 3)[3], path.stat().st_mtime) for path in places]
        return sorted(found, key=lambda one: one.id, reverse=True)

    def bring_back(self, id: str) -> Loaded:
        """Take an extension out of the trash. Raises NotFound, NotSupported if its name is taken by now."""
        found = next((one for one in self.removed() if one.id == id), None)
        if found is None:
            raise NotFound("This extension is not in the trash any more.")
        place, name = self.root / TRASH / found.id, found.name
        if os.path.lexists(self.root / name):
            raise NotSupported(f"There is an extension named '{name}' again.", "Remove that one first.")
        kept = json.loads((place / "record.json").read_text("utf8"))
        if kept["record"]:
            try:
                self.installation.state.record(name, Record.model_validate(kept["record"]))
            except ValidationError:
                self.installation.state.record(name, None)
        self.installation.state.switch(name, bool(kept["on"]))
        (place / name).rename(self.root / name)
        shutil.rmtree(place, ignore_errors=True)
        self.installation.refresh(fresh=[name])
        return self.installation.row(name)

    def empty_trash(self) -> int:
        """Delete what was removed for good; how many those were."""
        found = self.removed()
        for one in found:
            shutil.rmtree(self.root / TRASH / one.id, ignore_errors=True)
        return len(found)

    def put_back_what_a_crash_moved(self) -> None:
        """An update moves the old version away before it moves the new one in; between the two there is none."""
        records = self.installation.state.current.records
        for place in (self.root / PREVIOUS).glob("*"):
            if re.fullmatch(r"[a-z][a-z0-9_]*", place.name) and place.name in records and not os.path.lexists(self.root / place.name):
                (place / place.name).rename(self.root / place.name)
                self.installation.refresh(fresh=[place.name])


def writable(remove: Callable[[str], object], path: str, error: object) -> None:
    """Delete a file that is read-only, as git's are on Windows."""
    Path(path).chmod(0o600)
    remove(path)
