"""The extensions of this installation: those that come with the program and those that a person added, loaded or switched off."""

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from modules.contract.errors import BadRequest, NotFound, NotSupported
from modules.plugins.discover import folders
from modules.plugins.loader import Loaded, Origin, load, switched_off
from modules.plugins.registry import Registry
from modules.plugins.startup import DEATHS_UNTIL_ALL_OFF, DEATHS_UNTIL_SAFE, Startup
from modules.plugins.state import Mode, Record, SafeMode, State, StateFile

log = logging.getLogger(__name__)
BUNDLED_LIST = "bundled.txt"
OFF = "It is switched off."
OFF_TOGETHER = {"extra": "Extensions that were added are switched off together.", "all": "All extensions are switched off together."}


@dataclass(frozen=True)
class Place:
    """A folder with an extension in it."""

    folder: Path
    origin: Origin


class Installation:
    """Finds, loads and switches extensions; `registry` has those of the moment.

    `bundled` is the folder that comes with the program, `data` the person's own, whose extensions/ holds the added ones. Both may
    be the same: the names in bundled.txt tell which came along. `forced` is the command line's word on what stays off.
    """

    def __init__(self, bundled: Path, data: Path, *, forced: Mode = "none") -> None:
        self.bundled = bundled
        self.data = data
        self.added = data / "extensions"
        self.forced: Mode = forced
        self.state = StateFile(data / "extensions.json")
        self.registry = Registry()
        self.lock = threading.RLock()
        self.imported: dict[str, Loaded] = {}
        self.twins: list[Loaded] = []  # of a name that is taken

    @classmethod
    def loaded(cls, bundled: Path, data: Path, *, forced: Mode = "none") -> "Installation":
        """One whose extensions are loaded. If loading killed the program twice in a row, the added ones stay off until a person decides."""
        found = cls(bundled, data, forced=forced)
        startup = Startup(data / "cache" / "extensions-starting.json")
        if startup.deaths >= DEATHS_UNTIL_SAFE:
            mode: Mode = "all" if startup.deaths >= DEATHS_UNTIL_ALL_OFF else "extra"
            log.warning("Safe mode: the program ended %d times while it loaded %s.", startup.deaths, startup.culprit or "extensions")
            found.state.update(mode=mode, safe_mode=SafeMode(culprit=startup.culprit, deaths=startup.deaths))
        with startup:
            found.refresh(startup)
        return found

    # What is there

    @property
    def mode(self) -> Mode:
        """What is off together; the command line and the page can only switch more off than the other."""
        chosen: tuple[Mode, Mode] = (self.forced, self.state.current.mode)
        return "all" if "all" in chosen else "extra" if "extra" in chosen else "none"

    def places(self) -> list[Place]:
        """All folders with extensions, the bundled ones first."""
        names = bundled_names(self.bundled)
        found = [Place(folder, "bundled" if folder.name in names else "added") for folder in folders(self.bundled)]
        if not same(self.bundled, self.added):
            found += [Place(folder, "added") for folder in folders(self.added)]
        return sorted(found, key=lambda place: (place.origin != "bundled", place.folder.name))

    def rows(self) -> list[Loaded]:
        """All extensions, also those that cannot be used, the bundled ones first."""
        with self.lock:
            return sorted([*self.registry.extensions(), *self.twins], key=lambda row: (row.origin != "bundled", row.title.lower()))

    def row(self, name: str) -> Loaded:
        """Raises NotFound."""
        rows = {row.name: row for row in self.registry.extensions()}
        if name not in rows:
            raise NotFound.among("extension", name, rows)
        return rows[name]

    def added_row(self, name: str) -> Loaded:
        """The row of one that was added. Raises NotFound, and BadRequest for one that came with the program."""
        row = self.row(name)
        if row.origin == "bundled":
            raise BadRequest(f"{row.title} comes with the program; it can be switched off.")
        return row

    def folder_of(self, name: str) -> Path:
        """Where an added extension lies. Raises NotFound, and BadRequest for one that does not lie in the data folder."""
        row = self.added_row(name)
        folder = row.folder
        assert folder is not None
        if not same(folder.parent, self.added):
            raise BadRequest(f"{row.title} lies in the program's own folder, {folder}.", "It can be switched off here, and deleted there.")
        return folder

    def record_of(self, name: str) -> Record | None:
        """What is remembered of an added extension; None for a folder that somebody put there."""
        return self.state.current.records.get(name)

    def facts(self) -> list[dict[str, Any]]:
        """What A1111's API tells of each: name, version, remote, branch, commit_hash, commit_date, enabled."""
        found: list[dict[str, Any]] = []
        for row in self.registry.extensions():
            record = self.record_of(row.name) if row.origin == "added" else None
            known: dict[str, Any] = {"name": row.name, "version": row.version, "enabled": row.enabled}
            if record:
                source = record.source
                known |= {"remote": source.url, "branch": source.branch, "commit_hash": source.commit, "commit_date": source.date}
            found.append(known)
        return found

    # What changes

    def refresh(self, startup: Startup | None = None, *, fresh: Iterable[str] = ()) -> None:
        """Look at the folders again, load what is new and should be on, and have the registry hold just what is there.

        `fresh` are names whose files were changed: they are imported anew.
        """
        with self.lock:
            places: dict[str, Place] = {}
            self.twins = []
            for place in self.places():
                taken = places.setdefault(place.folder.name, place)
                if taken is not place:
                    self.twins.append(twin(place, taken))
            for name in fresh:
                self.imported.pop(name, None)
            self.imported = {name: row for name, row in self.imported.items() if name in places and row.folder == places[name].folder}
            again = {*fresh}
            self.registry.replace([self.standing(name, place, startup, name in again) for name, place in places.items()])

    def standing(self, name: str, place: Place, startup: Startup | None, fresh: bool) -> Loaded:
        """The row of one: switched off, loaded before, or loaded now."""
        why = self.why_off(name, place.origin, self.state.current)
        if why:
            return switched_off(place.folder, place.origin, why)
        if name not in self.imported:
            if startup:
                startup.loading(name)
            self.imported[name] = load(place.folder, origin=place.origin, fresh=fresh or startup is None)
        return self.imported[name]

    def why_off(self, name: str, origin: Origin, state: State) -> str:
        """The sentence that says why an extension is not loaded; empty if it is to be."""
        if self.mode == "all" or (self.mode == "extra" and origin == "added"):
            return OFF_TOGETHER[self.mode]
        return OFF if name in state.disabled else ""

    def switch(self, name: str, on: bool) -> Loaded:
        """Switch an extension on or off, from the next run on; the row as it is then. Raises NotFound."""
        with self.lock:
            row = self.row(name)
            if on:  # one that failed is tried again
                self.imported = {key: value for key, value in self.imported.items() if key != name or value.extension}
            record = self.record_of(name)
            if on and record and not record.reviewed:
                self.state.record(name, record.model_copy(update={"reviewed": True}))
            self.state.switch(row.name, on)
            self.refresh()
            return self.row(name)

    def retry(self, name: str) -> Loaded:
        """Import an extension anew, after its files or packages changed. Raises NotFound."""
        with self.lock:
            self.row(name)
            self.refresh(fresh=[name])
            self.registry.ledger.forget(name)
            return self.row(name)

    def set_mode(self, mode: Mode) -> None:
        """Switch off together: none, those that were added, or all. Raises NotSupported where the command line says more."""
        if self.forced != "none" and mode != self.forced:
            flag = "--disable-all-extensions" if self.forced == "all" else "--disable-extra-extensions"
            raise NotSupported(f"The program was started with {flag}, which decides that.", "Start it without that flag.")
        with self.lock:
            self.state.update(mode=mode, safe_mode=None)
            self.refresh()

    def leave_safe_mode(self, *, without_culprit: bool) -> None:
        """End what a bad start began; the extension that was being loaded then stays off if so wanted."""
        with self.lock:
            safe = self.state.current.safe_mode
            if safe and safe.culprit and without_culprit:
                self.state.switch(safe.culprit, False)
            self.set_mode("none")


def bundled_names(folder: Path) -> set[str]:
    """The extensions that came with the program, by the list that lies beside them."""
    try:
        return set((folder / BUNDLED_LIST).read_text("utf8").split())
    except FileNotFoundError:
        return set()


def same(one: Path, other: Path) -> bool:
    """Whether two paths name one folder."""
    return one.resolve() == other.resolve()


def twin(place: Place, taken: Place) -> Loaded:
    """The row of an extension whose name another one has."""
    row = switched_off(place.folder, place.origin, "")
    whose = "comes with the program" if taken.origin == "bundled" else "was added, too"
    taken_by = f"Another extension has the name '{place.folder.name}', which {whose};"
    problem = f"{taken_by} rename this one's folder, and its name in extension.toml."
    return replace(row, problem=problem)
