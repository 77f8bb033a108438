"""A1111's controls, and the table of modules/frontend/README.md that says where ours are."""

import json
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from tests.golden import KEPT

README = Path(__file__).parents[2] / "modules" / "frontend" / "README.md"
HEADING = "| A1111 | Ours | |"
SPAN = re.compile(r"`([^`]+)`")
TABS = ("txt2img", "img2img")


@dataclass(frozen=True)
class Control:
    """A control of A1111's page: its id, or the empty text; the titles of the tabs that it is in; its kind; its label."""

    id: str
    tab: str
    kind: str
    label: str

    @property
    def name(self) -> str:
        """The id; without one, where it is and what is written on it."""
        return self.id or f"{self.tab}: {self.label or self.kind}"


@dataclass(frozen=True)
class Row:
    """A row of the table: patterns for names of controls, our selectors, and words; those without a selector say why."""

    patterns: tuple[str, ...]
    selectors: tuple[str, ...]
    words: str

    def means(self, control: Control, *, in_full: bool) -> bool:
        """Whether the control is one of the row's: named in full, or by a pattern with a `*`."""
        return any(control.name in each if in_full else matches(control.name, each) for each in map(spread, self.patterns))

    def ours(self, control: Control) -> list[str]:
        """Where ours are."""
        tab = next((tab for tab in TABS if tab in control.name), "")
        return [each.replace("{id}", control.id).replace("{tab}", tab) for each in self.selectors]


def spread(pattern: str) -> list[str]:
    """A pattern for each of the two tabs, where it names them."""
    return [pattern.replace("{tab}", tab) for tab in TABS] if "{tab}" in pattern else [pattern]


def matches(name: str, patterns: list[str]) -> bool:
    """Whether one of the patterns with a `*` fits. Ids hold no `?` or `[`, which would mean more."""
    return any("*" in each and fnmatchcase(name, each) for each in patterns)


@cache
def controls() -> list[Control]:
    """All controls of A1111's page, in its order."""
    rows = json.loads((KEPT / "api" / "controls.json").read_text("utf8"))
    return [Control(row["id"] or "", row["tab"], row["type"], row["label"] or "") for row in rows]


@cache
def table() -> list[Row]:
    """The rows of all parts of the table."""
    found: list[Row] = []
    inside = False
    for line in README.read_text("utf8").splitlines():
        inside = line == HEADING or (inside and line.startswith("|"))
        if inside and "`" in line:
            first, second, words = (cell.strip() for cell in line.strip("|").split("|"))
            found.append(Row(tuple(SPAN.findall(first)), tuple(SPAN.findall(second)), words))
    return found


def rows_of(control: Control) -> list[Row]:
    """The rows that mean a control: those that name it in full, otherwise those with a `*`."""
    named = [row for row in table() if row.means(control, in_full=True)]
    return named or [row for row in table() if row.means(control, in_full=False)]


def selectors() -> dict[str, str]:
    """Every selector of the table as it is on the page, and a control of A1111's that is there."""
    pairs = ((selector, control.name) for control in controls() for row in rows_of(control) for selector in row.ours(control))
    return dict(pairs)


def missing() -> list[Control]:
    """The controls that the table says we have not."""
    return [control for control in controls() if not any(row.selectors for row in rows_of(control))]


def idle_patterns() -> list[str]:
    """What the table names and A1111 has not."""
    names = {control.name for control in controls()}
    every = (each for row in table() for pattern in row.patterns for each in spread(pattern))
    return [each for each in every if each not in names and not any(matches(name, [each]) for name in names)]
