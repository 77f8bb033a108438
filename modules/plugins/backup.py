"""The set of extensions as one file: names, addresses, commits, what is on; written, read, and brought about again."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from modules import __version__
from modules.contract.errors import BadRequest, NotFound, WebuiError
from modules.contract.files import write_whole
from modules.plugins.git import cloned_from
from modules.plugins.install import Installer, quiet
from modules.plugins.state import Mode, Source
from modules.plugins.update import Updates

Say = Callable[[str], None]
MOST_BYTES = 2**20
KEPT_AUTOMATIC = 10


class Kept(BaseModel):
    """An extension in a saved set."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str = ""
    version: str = ""
    origin: Literal["bundled", "added"] = "added"
    enabled: bool = True
    source: Source | None = None


class Saved(BaseModel):
    """A saved set. `created` is Unix time."""

    model_config = ConfigDict(frozen=True)

    program: Literal["Easel"] = "Easel"
    version: str = ""
    name: str = ""
    created: float = 0.0
    mode: Mode = "none"
    extensions: tuple[Kept, ...] = ()


@dataclass(frozen=True)
class SavedFile:
    """A saved set as a list shows it."""

    file: str
    name: str
    created: float
    count: int
    automatic: bool


class Backups:
    """Sets in config_states/ of the data folder, where A1111 keeps its own."""

    def __init__(self, installer: Installer, updates: Updates) -> None:
        self.installer = installer
        self.installation = installer.installation
        self.updates = updates
        self.folder = self.installation.data / "config_states"

    def now(self, name: str = "") -> Saved:
        """The set as it is."""
        disabled = self.installation.state.current.disabled
        kept = [
            Kept(name=row.name, title=row.title, version=row.version, origin=row.origin, enabled=row.name not in disabled,
                 source=self.source(row.name, row.folder) if row.origin == "added" else None)
            for row in self.installation.registry.extensions()
        ]
        return Saved(version=__version__, name=name, created=time.time(), mode=self.installation.state.current.mode, extensions=tuple(kept))

    def source(self, name: str, folder: Path | None) -> Source | None:
        """Where an added extension came from, if that is known."""
        record = self.installation.record_of(name)
        if record:
            return record.source
        url, commit = cloned_from(folder) if folder else ("", "")
        return Source(kind="git", url=url, commit=commit) if url else None

    def save(self, name: str = "", *, automatic: bool = False) -> SavedFile:
        """Write the set as it is; of those that were written by themselves the last few are kept."""
        saved = self.now(name or ("before a change" if automatic else "saved"))
        words = re.sub(r"[^\w-]+", "_", saved.name).strip("_")[:60] or "saved"
        stem = f"{time.strftime('%Y_%m_%d-%H_%M_%S')}_{'auto_' if automatic else ''}{words}"
        path, number = self.folder / f"{stem}.json", 1
        while path.exists():
            number += 1
            path = self.folder / f"{stem}_{number}.json"
        write_whole(path, json.dumps(saved.model_dump(mode="json"), indent=4, ensure_ascii=False).encode())
        for old in sorted(self.folder.glob("*_auto_*.json"))[:-KEPT_AUTOMATIC]:
            old.unlink(missing_ok=True)
        return SavedFile(path.name, saved.name, saved.created, len(saved.extensions), automatic)

    def files(self) -> list[SavedFile]:
        """All that can be read, the newest first."""
        found: list[SavedFile] = []
        for path in self.folder.glob("*.json"):
            try:
                saved = read(path.read_bytes())
            except (OSError, BadRequest):  # one of A1111's, or none at all
                continue
            found.append(SavedFile(path.name, saved.name, saved.created, len(saved.extensions), "_auto_" in path.name))
        return sorted(found, key=lambda one: one.created, reverse=True)

    def saved(self, file: str) -> Saved:
        """A saved set by its file's name. Raises NotFound."""
        if file not in [one.file for one in self.files()]:
            raise NotFound(f"There is no saved set '{file}'.")
        return read((self.folder / file).read_bytes())

    def delete(self, file: str) -> None:
        """Raises NotFound."""
        self.saved(file)
        (self.folder / file).unlink()

    def restore(self, saved: Saved, *, local: bool, say: Say = quiet) -> list[str]:
        """Bring a saved set about: install what is missing, go to its commits, switch on and off. Answers with what could not be done.

        What is not in the set is switched off, never removed.
        """
        problems: list[str] = []
        self.save("before a restore", automatic=True)
        wanted = {one.name: one for one in saved.extensions}
        for one in wanted.values():
            try:
                self.bring_about(one, local=local, say=say)
            except WebuiError as error:
                problems.append(f"{one.title or one.name}: {error}")
        for row in self.installation.registry.extensions():
            if row.name not in wanted and row.name not in self.installation.state.current.disabled:
                self.installation.switch(row.name, False)
                say(f"{row.title}: switched off, since it is not in the set")
        if self.installation.forced == "none":
            self.installation.set_mode(saved.mode)
        return problems

    def bring_about(self, one: Kept, *, local: bool, say: Say) -> None:
        """One extension as a saved set has it."""
        rows = {row.name: row for row in self.installation.registry.extensions()}
        if one.name not in rows:
            if one.source is None or not one.source.url:
                raise NotFound("It is not here, and the set does not say where it came from.")
            self.bring_here(one.source, local=local, say=say)
            say(f"{one.title or one.name}: installed")
        elif one.source and one.source.kind == "git" and one.source.commit:
            have = self.source(one.name, rows[one.name].folder)
            if have and have.kind == "git" and have.commit != one.source.commit:
                self.updates.prepare(one.name, local=local, commit=one.source.commit, say=say)
                done = self.updates.apply(one.name)
                if done.problem:
                    raise BadRequest(done.problem)
                say(f"{one.title or one.name}: now at commit {one.source.commit[:8]}")
        if (one.name not in self.installation.state.current.disabled) != one.enabled:
            self.installation.switch(one.name, one.enabled)
            say(f"{one.title or one.name}: switched {'on' if one.enabled else 'off'}")

    def bring_here(self, source: Source, *, local: bool, say: Say) -> None:
        """Install from where a saved set says. Raises what installing raises."""
        if source.kind == "link" and local:
            self.installer.link(Path(source.url))
        elif source.kind == "folder" and local:
            self.installer.install(self.installer.stage_folder(Path(source.url)))
        else:
            staged = self.installer.stage_url(
                source.url, local=local, branch=source.branch, commit=source.commit, expected=source.sha256, say=say
            )
            self.installer.install(staged)


def read(data: bytes) -> Saved:
    """A saved set from its file. Raises BadRequest."""
    if len(data) > MOST_BYTES:
        raise BadRequest("The file is too large to be a saved set of extensions.")
    try:
        values: Any = json.loads(data)
        if not isinstance(values, dict) or values.get("program") != "Easel":  # pyright: ignore[reportUnknownMemberType]
            raise BadRequest("The file is not a saved set of extensions of this program.")
        return Saved.model_validate(values)
    except (ValueError, ValidationError, RecursionError):
        raise BadRequest("The file is not a saved set of extensions of this program.") from None
