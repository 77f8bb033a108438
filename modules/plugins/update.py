"""New versions of added extensions: whether there is one, what it changes, putting it in place, and going back."""

import logging
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from modules.contract.errors import BadRequest, NotFound, NotSupported, WebuiError
from modules.plugins.examine import fingerprints
from modules.plugins.git import cloned_from
from modules.plugins.install import PREVIOUS, Installer, Staged, quiet
from modules.plugins.state import Record, Source

log = logging.getLogger(__name__)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Changes:
    """What an update would bring. `files` are "+ path", "- path" and "~ path"; `missing` are packages that are not there yet."""

    name: str
    old_version: str
    new_version: str
    old_commit: str
    new_commit: str
    commits: Sequence[str]
    files: Sequence[str]
    new_requires: Sequence[str]
    missing: Sequence[str]
    problem: str = ""


@dataclass(frozen=True)
class Updated:
    """How an update ended. `problem` says why the new version does not work; then the old one is back."""

    name: str
    version: str
    problem: str = ""


class Updates:
    """`pending` are new versions that are here, examined, and wait for a person's word."""

    def __init__(self, installer: Installer) -> None:
        self.installer = installer
        self.installation = installer.installation
        self.pending: dict[str, Staged] = {}
        self.found: dict[str, str] = {}

    def source_of(self, name: str) -> Source:
        """Where an added extension came from. Raises NotFound, and NotSupported for one that came from nowhere that can be asked."""
        folder = self.installation.folder_of(name)
        record = self.installation.record_of(name)
        if record is not None:
            source = record.source
        else:
            url, commit = cloned_from(folder)
            source = Source(kind="git", url=url, commit=commit)
        if source.kind == "link" or not source.url:
            why = "is used where it lies" if source.kind == "link" else "did not come from an address"
            raise NotSupported(f"{self.installation.row(name).title} {why}, so there is nothing to update it from.")
        return source

    def check(self, name: str, *, local: bool) -> str:
        """What is new, in a few words; empty if nothing is. Raises as `source_of` and git do."""
        source = self.source_of(name)
        if source.kind == "git":
            newest = self.installer.git(local).newest(source.url, source.branch)
            found = "" if newest == source.commit else f"commit {newest[:8]}"
        else:  # a small thing that has to be looked at to know
            changes = self.prepare(name, local=local)
            found = f"version {changes.new_version}" if changes.new_version != changes.old_version else f"{len(changes.files)} files"
            found = found if changes.files else ""
        self.found[name] = found
        return found

    def prepare(self, name: str, *, local: bool, commit: str = "", say: Say = quiet) -> Changes:
        """Fetch the newest version, or that of a commit, and say what it changes; nothing is put in place."""
        source = self.source_of(name)
        if source.kind == "folder":
            staged = self.installer.stage_folder(Path(source.url))
        else:
            staged = self.installer.stage_url(source.url, local=local, branch=source.branch, commit=commit, since=source.commit, say=say)
        self.drop(name)
        self.pending[name] = staged
        return self.changes(name, source)

    def changes(self, name: str, source: Source) -> Changes:
        """The difference between what is there and what is pending."""
        staged, row = self.pending[name], self.installation.row(name)
        assert row.folder is not None
        old, new = fingerprints(row.folder), fingerprints(staged.folder)
        files = [f"{'+' if path not in old else '-' if path not in new else '~'} {path}" for path in sorted({*old, *new})
                 if old.get(path) != new.get(path)]
        required = row.manifest.requires if row.manifest else ()
        examined = staged.examined
        problem = examined.problem
        if not problem and examined.name != name:
            problem = f"The new version calls itself '{examined.name}', so it is not a version of this one."
        return Changes(name, row.version, examined.version, source.commit, staged.source.commit, staged.subjects, files,
                       [text for text in examined.requires if text not in required], examined.missing, problem)

    def apply(self, name: str) -> Updated:
        """Put the pending version in place and load it. If it cannot be used, while the old one could, the old one comes back.

        Raises NotFound without a pending version, NotSupported for one that has a problem.
        """
        staged = self.pending.get(name)
        if staged is None:
            raise NotFound("Nothing waits to be put in place.", "Look for updates again.")
        problem = self.changes(name, self.source_of(name)).problem
        if problem or staged.examined.missing:
            raise NotSupported(problem or f"It needs {', '.join(staged.examined.missing)}, which is not installed.")
        worked = self.installation.row(name).extension is not None
        self.swap(name, staged.folder, Record(source=staged.source, version=staged.examined.version, reviewed=True,
                                              installed=staged.folder.stat().st_mtime))
        self.pending.pop(name, None)
        self.installer.drop(staged)
        row = self.installation.row(name)
        if worked and row.extension is None:
            why = row.problem or ""
            log.warning("The new version %s of %s cannot be used, so the old one is back: %s", row.version, name, why)
            return Updated(name, self.go_back(name).version, why)
        self.found.pop(name, None)
        return Updated(name, row.version, "")

    def go_back(self, name: str) -> Updated:
        """Put the version before in place of the present one, which is kept in its stead. Raises NotFound."""
        kept, record = self.previous(name), self.installation.state.current.previous.get(name)
        if kept is None:
            raise NotFound(f"There is no earlier version of {self.installation.row(name).title} any more.")
        aside = kept.with_name("back")
        kept.rename(aside)
        self.swap(name, aside, record)
        self.found.pop(name, None)
        row = self.installation.row(name)
        return Updated(name, row.version, row.problem or "")

    def previous(self, name: str) -> Path | None:
        """The folder of the version before; None if there is none."""
        kept = self.installer.root / PREVIOUS / name / name
        return kept if kept.is_dir() else None

    def swap(self, name: str, new: Path, record: Record | None) -> None:
        """Move the present version to the previous ones, the new one in its place, and load it if it is on."""
        installation, state = self.installation, self.installation.state
        folder, kept = installation.folder_of(name), self.installer.root / PREVIOUS / name / name
        if folder.is_symlink():
            raise BadRequest("An extension that is used where it lies is not replaced.")
        with installation.lock:
            if os.path.lexists(kept):
                shutil.rmtree(kept)
            kept.parent.mkdir(parents=True, exist_ok=True)
            old = installation.record_of(name)
            if old is None:  # whatever happens from here on, the start after a crash has to know it
                url, commit = cloned_from(folder)
                old = Record(source=Source(kind="git" if url else "folder", url=url, commit=commit), reviewed=True,
                             version=installation.row(name).version)
                state.record(name, old)
            shutil.move(folder, kept)  # renames, unless they are on two disks
            shutil.move(new, folder)
            state.update(previous={**state.current.previous, name: old})
            state.record(name, record)
            installation.retry(name)

    def drop(self, name: str) -> None:
        """Clear away a pending version."""
        staged = self.pending.pop(name, None)
        if staged:
            self.installer.drop(staged)

    def check_all(self, *, local: bool, say: Say = quiet) -> dict[str, str]:
        """What is new for each added extension that has somewhere to be asked; what could not be asked is said."""
        for row in self.installation.rows():
            if row.origin == "bundled":
                continue
            try:
                say(f"{row.title}: {self.check(row.name, local=local) or 'nothing new'}")
            except WebuiError as error:
                self.found.pop(row.name, None)
                say(f"{row.title}: {error}")
        return {name: words for name, words in self.found.items() if words}
