"""Wildcard files: lines to draw from, in .txt, .yaml and .json files of some folders."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from modules.contract.errors import BadRequest, NotFound
from modules.contract.files import write_whole
from modules.weights.config import read_config

from . import grammar

SUFFIXES = (".txt", ".yaml", ".yml", ".json")
LARGEST = 8_000_000  # bytes of a file
MOST_FILES = 5_000
WEIGHT = re.compile(r"^\s*(\d+(?:\.\d*)?|\.\d+)::")
NAME = re.compile(r"[^\s/\\{}|$()<>:\"?*]+(?:/[^\s/\\{}|$()<>:\"?*]+)*")


def texts_of(value: Any, name: str) -> Iterator[tuple[str, list[str]]]:
    """The lists of lines in a YAML or JSON file, by their names: those of the keys that lead to them."""
    if isinstance(value, Mapping):
        for key, inner in value.items():  # pyright: ignore[reportUnknownVariableType]
            yield from texts_of(inner, f"{name}/{key}" if name else str(key))  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, list):
        yield name, [one for one in value if isinstance(one, str)] + [str(one) for one in value if isinstance(one, int | float)]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    elif isinstance(value, str):
        yield name, [value]


def lines_of(text: str) -> list[str]:
    """The lines of a .txt file without empty ones and comments."""
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def read_lists(path: Path, name: str) -> dict[str, list[str]]:
    """The lists in a file, by wildcard name. Raises BadRequest."""
    try:
        if path.stat().st_size > LARGEST:
            raise BadRequest(f"The wildcard file {path.name} is larger than {LARGEST // 1_000_000} MB.")
        if path.suffix == ".txt":
            return {name: lines_of(path.read_text("utf-8-sig"))}
        value: Any = json.loads(path.read_text("utf-8-sig")) if path.suffix == ".json" else read_config(path)
    except (OSError, ValueError, RecursionError) as error:
        raise BadRequest(f"The wildcard file {path.name} cannot be read: {error}.") from None
    found = dict(texts_of(value, ""))
    # A file is found by its own keys, as the original does, and below its own name, too.
    whole = found.pop("", [])
    return {**({name: whole} if whole else {}), **found, **{f"{name}/{key}": lines for key, lines in found.items()}}


@dataclass
class Wildcards:
    """The wildcards of some folders, looked up while a template is drawn. Read anew for each; problems are sentences about files."""

    folders: Sequence[Path]
    problems: list[str] = field(default_factory=list[str])
    read: dict[str, list[str]] | None = None
    trees: dict[str, list[tuple[grammar.Sequence, float]]] = field(default_factory=dict[str, list[tuple[grammar.Sequence, float]]])

    def files(self) -> Iterator[tuple[str, Path]]:
        """The files by name, those of the first folder before others of their name."""
        seen: set[str] = set()
        for folder in self.folders:
            found = sorted(one for one in folder.rglob("*") if one.suffix.lower() in SUFFIXES and one.is_file()) if folder.is_dir() else []
            for path in found[:MOST_FILES]:
                name = path.relative_to(folder).with_suffix("").as_posix()
                if name not in seen and path.resolve().is_relative_to(folder.resolve()):
                    seen.add(name)
                    yield name, path

    @property
    def lists(self) -> Mapping[str, list[str]]:
        """All lists by name."""
        if self.read is None:
            self.read = {}
            for name, path in self.files():
                try:
                    for key, lines in read_lists(path, name).items():
                        self.read.setdefault(key, lines)
                except BadRequest as error:
                    self.problems.append(str(error))
        return self.read

    def matching(self, name: str) -> list[str]:
        """The names of the lists that a name or pattern stands for: `*` is anything within a folder, `**` anything at all."""
        if name in self.lists:
            return [name]
        if not any(one in name for one in "*?["):
            lowered = name.lower()
            return [one for one in self.lists if one.lower() == lowered][:1]
        depth = name.count("/")
        return sorted(one for one in self.lists if fnmatchcase(one, name) and ("**" in name or one.count("/") == depth))

    def lines(self, name: str) -> list[tuple[grammar.Sequence, float]]:
        """The lines of a name or pattern as trees, with their weights (`3::line`). Raises BadRequest for a line that cannot be read."""
        if name not in self.trees:
            found: list[tuple[grammar.Sequence, float]] = []
            for one in self.matching(name):
                for line in self.lists[one]:
                    weight = WEIGHT.match(line)
                    found.append((grammar.parse(line[weight.end() :] if weight else line), float(weight.group(1)) if weight else 1.0))
            self.trees[name] = found if any(weight for _, weight in found) else []
        return self.trees[name]


@dataclass(frozen=True)
class Shelf:
    """The folder that a person edits wildcard files in."""

    folder: Path

    def path(self, name: str) -> Path:
        """The place of a file, by its name with suffix. Raises BadRequest for one that leads elsewhere."""
        suffix = Path(name).suffix
        stem = name.removesuffix(suffix)
        if (
            suffix not in SUFFIXES
            or not NAME.fullmatch(stem)
            or any(part.startswith(".") for part in stem.split("/"))
            or len(name) > 200
            or name.endswith("/")
        ):
            raise BadRequest(
                f"A wildcard file cannot be named '{name}'.",
                f"Letters, numbers, - and _, folders by /, and at the end {', '.join(SUFFIXES)}.",
            )
        path = self.folder / name
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise BadRequest(f"The wildcard file '{name}' would lie outside of {self.folder}.")
        return path

    def text(self, name: str) -> str:
        """A file's text. Raises NotFound, BadRequest."""
        path = self.path(name)
        if not path.is_file():
            raise NotFound(f"There is no wildcard file '{name}'.")
        try:
            return path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise BadRequest(f"The wildcard file {name} cannot be read: {error}.") from None

    def save(self, name: str, text: str) -> None:
        """Write a file whole, if its lines can be drawn from. Raises BadRequest."""
        path = self.path(name)
        if path.suffix == ".json":
            try:
                json.loads(text)
            except ValueError as error:
                raise BadRequest(f"{name} is not JSON: {error}.") from None
        for line in lines_of(text) if path.suffix == ".txt" else ():
            grammar.parse(line)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode("utf8"))

    def remove(self, name: str) -> None:
        """Move a file aside as `.bak`, over an older one. Raises NotFound, BadRequest."""
        path = self.path(name)
        if not path.is_file():
            raise NotFound(f"There is no wildcard file '{name}'.")
        path.replace(path.with_name(path.name + ".bak"))
