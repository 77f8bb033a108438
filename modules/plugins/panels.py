"""The extensions' options as a page shows them: one panel for each, of declared fields."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modules.contract.declare import Options
from modules.contract.schema import schema
from modules.pipeline.hooks import MARK
from modules.plugins.extension import Extension
from modules.plugins.loader import Loaded
from modules.plugins.script import Names, Script, choices_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Panel:
    """An extension on the page. One that is not `always_on` is chosen from the list of scripts, one at a time.

    `name` is its key in `GenerationRequest.extensions`; `fields` are those of `contract.schema`. `element` is the custom element of its
    own that takes the place of the generated panel; empty without one.
    """

    name: str
    title: str
    description: str
    always_on: bool
    fields: list[dict[str, Any]]
    element: str = ""


def panels(rows: Sequence[Loaded], tab: str, names: Names) -> list[Panel]:
    """The panels of "txt2img" or "img2img", by title. `names` are the lists that are known only while the program runs, by kind."""
    found = [panel for row in rows if (panel := contained(row, tab, names)) is not None]
    return sorted(found, key=lambda panel: panel.title.lower())


def contained(row: Loaded, tab: str, names: Names) -> Panel | None:
    """The same for one; None, with a line in the log, if its choices are a function that fails."""
    try:
        return panel_of(row, tab, names)
    except (Exception, SystemExit):
        log.exception("%s failed while its panel was made.", row.title)
        return None


def panel_of(row: Loaded, tab: str, names: Names) -> Panel | None:
    """An extension's panel; None for one that cannot be used, that is not for this tab, or that has nothing to be asked."""
    kind = row.extension
    if kind is None or (kind.script and tab not in kind.script.tabs):
        return None
    if kind.Options is Options and (kind.observer or not acts(kind)):
        return None
    description = row.manifest.description if row.manifest else ""
    always_on = kind.script is None or kind.script.always_on
    title = row.title if always_on or kind.script is None else kind.script.title
    fields = schema(kind.Options, choices=choices(kind, kind.script, tab, names), tab=tab)
    return Panel(row.name, title, description, always_on, fields, row.manifest.web.panel if row.manifest else "")


def acts(kind: type[Extension]) -> bool:
    """Whether an extension takes part in runs at all: one with pages or routes alone does not."""
    return any(hasattr(value, MARK) for parent in kind.__mro__ for value in vars(parent).values())


def choices(kind: type[Extension], script: Script | None, tab: str, names: Names) -> dict[str, Sequence[str]]:
    """What each option of a script may be, where that is one of a list."""
    found: dict[str, Sequence[str]] = {}
    for argument in script.arguments if script else ():
        listed = choices_of(argument, kind.Options, tab, names) if argument.option else None
        if listed:
            found[argument.option] = listed
    return found
