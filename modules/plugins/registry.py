"""What is loaded, in which order, and how a run gets instances of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from modules.contract.errors import BadRequest, ExtensionFailed, NotFound, NotSupported, WebuiError
from modules.contract.request import GenerationRequest
from modules.pipeline.relay import Relay
from modules.plugins.discover import folders
from modules.plugins.extension import Extension
from modules.plugins.host import Host
from modules.plugins.ledger import Ledger, Note
from modules.plugins.loader import Loaded, load
from modules.plugins.script import Names, Script, checked, described, options_from


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
        """Its arguments as A1111's /sdapi/v1/script-info lists them."""
        return described(self.script, self.kind.Options, tab=self.tab, names=names)


class Registry:
    """The extensions of a program, in the order in which their hooks are called.

    They can be replaced while it runs: in one step, so that each run has those of one moment, and keeps them until it ends.
    """

    def __init__(self, found: Sequence[Loaded] = (), ledger: Ledger | None = None) -> None:
        self.rows = ordered(found)
        self.ledger = ledger or Ledger()
        self.hosts: Callable[[Loaded], Host | None] = lambda row: None

    def replace(self, found: Sequence[Loaded]) -> None:
        """Have other extensions from now on."""
        self.rows = ordered(found)

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
        return Relay([one for row in rows if (one := instance(row, request, hosts(row), note)) is not None], note)


def instance(row: Loaded, request: GenerationRequest, host: Host | None, note: Note) -> Extension | None:
    """A loaded extension's instance for a request; None if it takes no part."""
    kind = row.extension
    if kind is None or not (kind.observer or row.name in request.extensions):
        return None
    if kind.script and request.source is None and "txt2img" not in kind.script.tabs:
        raise BadRequest(f"{row.title} works on a picture, and txt2img has none.", "Use it in img2img.")
    options = checked(kind.Options, request.extensions.get(row.name, {}), row.title)
    try:
        return kind(options, name=row.name, title=row.title, host=host)
    except WebuiError:
        raise
    except (Exception, SystemExit) as error:  # a constructor of its own
        note(row.name, "__init__", 0.0, error)
        if kind.observer:  # which nobody chose
            return None
        raise ExtensionFailed(f"{row.title} could not be begun: {type(error).__name__}: {error}", "The Extensions tab has more.") from error


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
