"""A1111's scripts as its API names them: by title, with arguments by position; ours are extensions with named options."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from fastapi import HTTPException

from modules.contract.errors import BadRequest

MOST_ARGUMENTS = 100
Names = Mapping[str, Sequence[str]]  # lists that are known only while the program runs, by kind: "upscaler", "checkpoint", "sampler", ...


class ScriptEntry(Protocol):
    """One script of A1111's and the extension of ours that does its work. `always_on`: it is named in `alwayson_scripts`."""

    @property
    def title(self) -> str: ...

    @property
    def always_on(self) -> bool: ...

    @property
    def extension(self) -> str: ...

    def options(self, args: Sequence[Any], names: Names) -> dict[str, Any] | None:
        """The extension's options for positional arguments; None if they switch it off. Raises BadRequest for what cannot be."""
        ...

    def describe(self, names: Names) -> list[dict[str, Any]]:
        """The arguments as A1111 lists them: label, value, minimum, maximum, step, choices."""
        ...


class Scripts(Protocol):
    """The scripts that there are."""

    def scripts(self, tab: str) -> Sequence[ScriptEntry]:
        """Those of `txt2img` or `img2img`, in A1111's order."""
        ...


@dataclass(frozen=True)
class Argument:
    """One argument of a script that is on A1111's page. `kind` names the list that its choices are."""

    label: str
    value: Any
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: Sequence[str] | None = None
    kind: str = ""


@dataclass(frozen=True)
class PageOnly:
    """A script that acts on A1111's page only: its API takes the arguments and does nothing with them."""

    title: str
    args: tuple[Argument, ...] = ()
    always_on: bool = True
    extension: str = ""

    def options(self, args: Sequence[Any], names: Names) -> None:
        """Nothing: what is said here on the page is said in fields of the request."""

    def describe(self, names: Names) -> list[dict[str, Any]]:
        """As A1111 lists them."""
        filled = [replace(argument, choices=list(names.get(argument.kind, ()))) if argument.kind else argument for argument in self.args]
        return [{name: value for name, value in vars(argument).items() if name != "kind"} for argument in filled]


HYPERTILE = "Hypertile"  # A1111 lists it with its capital and describes it nowhere: it has no controls
FIRST: tuple[ScriptEntry, ...] = (PageOnly("extra options"), PageOnly(HYPERTILE))
LAST: tuple[ScriptEntry, ...] = (
    PageOnly(
        "refiner",
        (Argument("Refiner", False), Argument("Checkpoint", "", kind="checkpoint"), Argument("Switch at", 0.8, 0.01, 1.0, 0.01)),
    ),
    PageOnly(
        "sampler",
        (
            Argument("Sampling steps", 20, 1, 150, 1),
            Argument("Sampling method", "DPM++ 2M", kind="sampler"),
            Argument("Schedule type", "Automatic", kind="schedule"),
        ),
    ),
    PageOnly(
        "seed",
        (
            Argument("Seed", -1, step=1),
            Argument("Extra", False),
            Argument("Variation seed", -1, step=1),
            Argument("Variation strength", 0.0, 0, 1, 0.01),
            Argument("Resize seed from width", 0, 0, 2048, 8),
            Argument("Resize seed from height", 0, 0, 2048, 8),
        ),
    ),
)


def tab_of(img2img: bool) -> str:
    """The tab's name."""
    return "img2img" if img2img else "txt2img"


def listed(scripts: Scripts | None, *, img2img: bool) -> list[ScriptEntry]:
    """All scripts of a tab: those to choose, then those that are always on."""
    ours = list(scripts.scripts(tab_of(img2img))) if scripts else []
    return [*(entry for entry in ours if not entry.always_on), *FIRST, *(entry for entry in ours if entry.always_on), *LAST]


def api_name(entry: ScriptEntry) -> str:
    """A script's name in lists: its title in lower case, but for one."""
    return entry.title if entry.title == HYPERTILE else entry.title.lower()


def find(scripts: Scripts | None, name: str, *, img2img: bool) -> ScriptEntry:
    """The script of a title, in any case. Raises A1111's 422 for one that is not there."""
    known = {entry.title.lower(): entry for entry in listed(scripts, img2img=img2img)}
    if name.lower() in known:
        return known[name.lower()]
    near = difflib.get_close_matches(name.lower()[:200], known, n=3, cutoff=0.4) or list(known)[:5]
    raise HTTPException(422, f"Script '{name[:200]}' not found. Did you mean {', '.join(near)}?")


def extensions_of(
    scripts: Scripts | None, names: Names, *, name: str | None, args: Sequence[Any], always_on: Mapping[str, Any], img2img: bool
) -> dict[str, dict[str, Any]]:
    """The options of our extensions for a request's `script_name`, `script_args` and `alwayson_scripts`.

    Raises 422 for an unknown script and for one that is named in the wrong place, as A1111 does; BadRequest for wrong arguments.
    """
    asked: list[tuple[ScriptEntry, Sequence[Any]]] = []
    if name:
        entry = find(scripts, name, img2img=img2img)
        if entry.always_on:
            raise HTTPException(422, f"The script '{entry.title}' is always on: name it in alwayson_scripts, not in script_name.")
        asked.append((entry, args))
    for title, given in always_on.items():
        entry = find(scripts, title, img2img=img2img)
        if not entry.always_on:
            raise HTTPException(422, f"The script '{entry.title}' is one to choose: name it in script_name, not in alwayson_scripts.")
        asked.append((entry, arguments_of(title, given)))
    found: dict[str, dict[str, Any]] = {}
    for entry, values in asked:
        if len(values) > MOST_ARGUMENTS:
            raise BadRequest(f"The script '{entry.title}' got {len(values)} arguments; {MOST_ARGUMENTS} is the most.")
        options = entry.options(values, names)
        if options is not None:
            found[entry.extension] = options
    return found


def arguments_of(title: str, given: Any) -> Sequence[Any]:
    """The arguments in an entry of `alwayson_scripts`: `{"args": [...]}`. Raises BadRequest."""
    args = given.get("args", []) if isinstance(given, Mapping) else None
    if not isinstance(args, list):
        raise BadRequest(f"The arguments of the script '{title[:200]}' must be given as {{\"args\": [...]}}.")
    return args
