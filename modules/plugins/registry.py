"""What is loaded, in which order, and how a run gets instances of it."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from modules.contract.errors import BadRequest, ExtensionFailed, NotFound, NotSupported, WebuiError
from modules.contract.request import GenerationRequest
from modules.pipeline.relay import Relay
from modules.pipeline.run import Run
from modules.plugins.discover import folders
from modules.plugins.extension import Extension
from modules.plugins.host import Host
from modules.plugins.infotext import read_extensions
from modules.plugins.ledger import Ledger, Note
from modules.plugins.loader import Loaded, load
from modules.plugins.script import Names, Script, checked, described, options_from
from modules.screening.detectors import Detector
from modules.settings.store import ENTRIES, EXTENSIONS, entries_on

log = logging.getLogger(__name__)
Hosts = Callable[[Loaded, Mapping[str, Any]], Host | None]  # what an extension is given; a request's own settings go on top of the others
PLAIN = str | int | float | None
FAMILIES = {"sd1": "Stable Diffusion 1", "sd2": "Stable Diffusion 2", "sdxl": "SDXL", "sdxl-refiner": "the refiner of SDXL"}


@dataclass(frozen=True)
class ScriptEntry:
    """An extension as a script of one of A1111's tabs."""

    loaded: Loaded
    kind: type[Extension]
    script: Script
    tab: str

    @property
    def extension(self) -> str:
        """Its key in `GenerationRequest.extensions`."""
        return self.loaded.name

    @property
    def title(self) -> str:
        return self.script.title

    @property
    def always_on(self) -> bool:
        return self.script.always_on

    def options(self, args: Sequence[object], names: Names) -> dict[str, Any] | None:
        """Its options for A1111's positional list; None if it is switched off. Raises BadRequest, NotFound."""
        options = options_from(self.script, self.kind.Options, args, tab=self.tab, names=names)
        return None if options is None else options.model_dump(mode="json")

    def describe(self, names: Names) -> list[dict[str, Any]]:
        """Its arguments as A1111's /sdapi/v1/script-info lists them. Raises ExtensionFailed."""
        try:
            return described(self.script, self.kind.Options, tab=self.tab, names=names)
        except (Exception, SystemExit) as error:  # choices may be a function of its own
            raise ExtensionFailed(f"{self.title} failed while it was described: {type(error).__name__}: {error}") from error


class Registry:
    """The extensions of a program, in the order in which their hooks are called.

    They can be replaced while it runs: in one step, so that each run has those of one moment, and keeps them until it ends.
    """

    def __init__(self, found: Sequence[Loaded] = (), ledger: Ledger | None = None) -> None:
        self.rows = usable_together(found)
        self.ledger = ledger or Ledger()
        self.hosts: Hosts = lambda row, settings: None
        self.watchers: list[Callable[[], None]] = []
        self.screening: dict[type[Extension], Sequence[Detector]] = {}

    def replace(self, found: Sequence[Loaded]) -> None:
        """Have other extensions from now on."""
        self.rows = usable_together(found)
        self.screening = {}
        for changed in self.watchers:
            changed()

    def watch(self, changed: Callable[[], None]) -> None:
        """Have a function called now, and each time the extensions are others. It must not raise."""
        self.watchers.append(changed)
        changed()

    @classmethod
    def of(cls, root: Path) -> "Registry":
        """Those in the folders under `root`."""
        return cls([load(folder) for folder in folders(root)])

    def extensions(self) -> Sequence[Loaded]:
        """All, also those that cannot be used."""
        return self.rows

    def scripts(self, tab: str) -> list[ScriptEntry]:
        """The scripts of a tab, "txt2img" or "img2img": those to choose by title, then those that are always on."""
        found = [
            ScriptEntry(row, row.extension, row.extension.script, tab)
            for row in self.rows
            if row.extension and row.extension.script and tab in row.extension.script.tabs
        ]
        return sorted(found, key=lambda entry: (entry.always_on, entry.title.lower()))

    def script(self, title: str, tab: str, always_on: bool = False) -> ScriptEntry:
        """The script of a title, in any case. Raises NotFound."""
        known = {entry.title: entry for entry in self.scripts(tab) if entry.always_on == always_on}
        for name, entry in known.items():
            if name.lower() == title.lower():
                return entry
        raise NotFound.among(f"script in {tab}", title, known)

    def instances(self, request: GenerationRequest) -> Relay:
        """One instance of each extension that a request names, and of each observer.

        Raises NotFound for a name that is none, NotSupported for an extension that could not be loaded, and what is wrong
        with its options.
        """
        rows, hosts, note = self.rows, self.hosts, self.ledger.notes(request)
        known = {row.name: row for row in rows}
        for name in request.extensions:
            if name not in known:
                raise NotFound.among("extension", name, known)
            if known[name].extension is None:
                raise NotSupported(f"The extension {known[name].title} cannot be used.", known[name].problem or "")
        found = [one for row in rows if (one := instance(row, request, hosts, note)) is not None]
        return Relay(found, note, join=taking_part)

    def detectors(self) -> list[Detector]:
        """What extensions look at pictures with for the content screen, each asked once.

        Raises ExtensionFailed for one that cannot say: then no picture passes.
        """
        found: list[Detector] = []
        for row in self.rows:
            kind = row.extension
            host = self.hosts(row, {}) if kind is not None else None
            if kind is None or host is None:
                continue
            if kind not in self.screening:
                try:
                    self.screening[kind] = tuple(kind.detectors(host))
                except BaseException as error:
                    self.ledger.note(row.name, "detectors", 0.0, error)
                    message = f"{row.title} could not say what it looks at pictures with: {type(error).__name__}: {error}"
                    raise ExtensionFailed(message, "Switch it off, or switch the content screen off.") from error
            found += self.screening[kind]
        return found

    def read_notes(self, notes: Mapping[str, str], tab: str = "") -> tuple[dict[str, dict[str, Any]], set[str]]:
        """The options in an infotext's pairs, by extension, and the labels that they took; see `read_extensions`."""
        return read_extensions(self.rows, notes, tab)


def instance(row: Loaded, request: GenerationRequest, hosts: Hosts, note: Note) -> Extension | None:
    """A loaded extension's instance for a request; None if it takes no part."""
    kind = row.extension
    if kind is None or not (kind.observer or row.name in request.extensions):
        return None
    if kind.script and request.source is None and "txt2img" not in kind.script.tabs:
        raise BadRequest(f"{row.title} works on a picture, and txt2img has none.", "Use it in img2img.")
    options = checked(kind.Options, request.extensions.get(row.name, {}), row.title)
    begun = time.perf_counter()
    try:
        made = kind(options, name=row.name, title=row.title, host=hosts(row, request.settings))
        made.families = row.manifest.families if row.manifest else ()
        return made
    except WebuiError:
        raise
    except BaseException as error:  # a constructor of its own
        note(row.name, "__init__", time.perf_counter() - begun, error)
        if kind.observer:  # which nobody chose
            return None
        raise ExtensionFailed(f"{row.title} could not be begun: {type(error).__name__}: {error}", "The Extensions tab has more.") from error


def taking_part(one: Extension, run: Run) -> bool:
    """Whether an extension is for a run's model; if it is, its pairs of the infotext are in the run. Raises BadRequest for one that a
    person chose."""
    family = run.components.variant.family
    if one.families and family not in one.families:
        if one.name not in run.request.extensions:
            return False
        works = " and ".join(FAMILIES[each] for each in one.families)
        model = f"{run.loaded.entry.name} is {FAMILIES[family]}"
        raise BadRequest(f"{one.title} works with {works} only; {model}.", "Switch it off, or choose another model.")
    if one.name in run.request.extensions:
        try:
            notes = type(one).notes(one.options, one.title)
            run.script_notes.update({str(label): value if isinstance(value, PLAIN) else str(value) for label, value in notes.items()})
        except (Exception, SystemExit) as error:
            run.warn(f"{one.title} could not say what it did, so the infotext lacks it: {type(error).__name__}: {error}")
            log.exception("%s failed while it wrote its infotext.", one.title)
    return True


def usable_together(found: Sequence[Loaded]) -> list[Loaded]:
    """Extensions in order; those that cannot be used beside the others get a problem."""
    taken = dict.fromkeys(ENTRIES, "the program")
    rows = ordered(found)
    for index, row in enumerate(rows):
        keys = [entry.key for entry in entries_on(f"{EXTENSIONS}.{row.name}", row.extension.Settings)] if row.extension else []
        clash = next((key for key in keys if key in taken), None)
        if clash is None:
            taken.update(dict.fromkeys(keys, row.title))
        else:
            problem = f"Its setting '{clash}' has a name that {taken[clash]} has for one; give it another key."
            rows[index] = replace(row, problem=problem, extension=None)
    return rows


def ordered(found: Sequence[Loaded]) -> list[Loaded]:
    """Extensions in the order that their `before` and `after` ask for, by name where they do not. Those of a circle get a problem."""
    rows = {row.name: row for row in sorted(found, key=lambda row: row.name)}
    while True:
        earlier: dict[str, set[str]] = {name: set() for name in rows}
        for name, row in rows.items():
            if row.manifest and row.problem is None:
                earlier[name] |= {other for other in row.manifest.after if other in rows}
                for other in row.manifest.before:
                    earlier.get(other, set[str]()).add(name)
        try:
            return [rows[name] for name in by_name(TopologicalSorter(earlier))]
        except CycleError as error:
            circle = sorted(set(error.args[1]))
            for name in circle:
                problem = f"{' and '.join(circle)} each want to be called before the other; see before and after in their extension.toml."
                rows[name] = replace(rows[name], problem=problem, extension=None)


def by_name(sorter: TopologicalSorter[str]) -> list[str]:
    """All names, each as soon as those before it are through, the first in the alphabet first. Raises CycleError."""
    sorter.prepare()
    found, ready = list[str](), list[str]()
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()])
        found.append(ready.pop(0))
        sorter.done(found[-1])
    return found
