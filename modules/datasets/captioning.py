"""Captions made by something: the file's name, a template, a network that describes pictures, a tagger."""

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from PIL import Image

from modules.contract.errors import BadRequest, NotFound, NotSupported
from modules.datasets.captions import joined, tags_of, words_of_name
from modules.datasets.edits import once
from modules.datasets.pictures import open_picture
from modules.datasets.scan import Item
from modules.perception.onnx_facts import onnx_facts
from modules.perception.runtimes import Runs, opened

FOLDER = "taggers"  # below the models: taggers/NAME/model.onnx with selected_tags.csv
GENERAL, CHARACTER, RATING = 0, 4, 9  # the kinds of tags in such a list
FIELDS = ("name", "folder", "caption", "trigger", "number")

Where = Literal["missing", "replace", "front", "end"]


class Captioner(Protocol):
    """Something that says what is in a picture. `why`: a sentence why it cannot be used now; empty if it can."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def why(self) -> str: ...

    def caption(self, item: Item, number: int) -> str:
        """What it says. `number` counts the pictures from 1. Raises WebuiErrors."""
        ...


@dataclass(frozen=True)
class ByName:
    """The words of the file's name."""

    name: str = "file name"
    title: str = "The file's name"
    why: str = ""

    def caption(self, item: Item, number: int) -> str:
        return words_of_name(item.path.stem)


@dataclass(frozen=True)
class ByTemplate:
    """A text in which {name}, {folder}, {caption}, {trigger} and {number} are filled in."""

    template: str
    trigger: str = ""
    name: str = "template"
    title: str = "A template"
    why: str = ""

    def caption(self, item: Item, number: int) -> str:
        """The filled text. Raises BadRequest for a field that there is not."""
        values = {
            "name": words_of_name(item.path.stem),
            "folder": item.words or words_of_name(item.path.parent.name),
            "caption": item.caption or "",
            "trigger": self.trigger,
            "number": str(number),
        }

        def filled(match: re.Match[str]) -> str:
            if match[1] not in values:
                raise BadRequest(f"The template has {{{match[1]}}}; there are " + ", ".join(f"{{{field}}}" for field in FIELDS) + ".")
            return values[match[1]]

        return re.sub(r"\{([^{}]*)\}", filled, self.template).strip().strip(",").strip()


@dataclass(frozen=True)
class ByNetwork:
    """A network of the program that describes a picture; `describe` may raise WebuiErrors."""

    name: str
    title: str
    describe: Callable[[Image.Image], str]
    why: str = ""

    def caption(self, item: Item, number: int) -> str:
        return self.describe(open_picture(item.path))


class ByTagger:
    """A tagger in an .onnx file with its list of tags beside it, as the WD taggers are: RGB or BGR decides the file's own training.

    Input (1, side, side, 3): blue first, 0..255, the picture on a white square. Output: a share 0..1 for each tag of the list.
    """

    def __init__(self, folder: Path, threshold: float = 0.35, character: float = 0.85) -> None:
        self.folder = folder
        self.name = f"tagger {folder.name}"
        self.title = f"Tagger {folder.name}"
        self.why = ""
        self.limits = {GENERAL: threshold, CHARACTER: character}
        self.network: Runs | None = None
        self.side = 0
        self.tags: list[tuple[str, int]] = []

    def load(self) -> Runs:
        """The network, opened once. Raises NotSupported."""
        if self.network is None:
            path = self.folder / "model.onnx"
            shapes = list(onnx_facts(path).inputs.values())
            if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][3] != 3:
                raise NotSupported(f"{path.name} in {self.folder.name} is no tagger: its input is not one picture.")
            self.side = shapes[0][1] or 448
            self.tags = read_tags(self.folder / "selected_tags.csv")
            self.network = opened(path)
        return self.network

    def caption(self, item: Item, number: int) -> str:
        network = self.load()
        shares = np.asarray(network(seen_by(open_picture(item.path), self.side))[0], np.float32).ravel()
        if len(shares) != len(self.tags):
            raise NotSupported(f"{self.folder.name} answers with {len(shares)} numbers for {len(self.tags)} tags; its list is another's.")
        found = [(float(share), tag) for share, (tag, kind) in zip(shares, self.tags, strict=True) if share >= self.limits.get(kind, 2.0)]
        return joined(tag for _, tag in sorted(found, key=lambda pair: -pair[0]))


def seen_by(image: Image.Image, side: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """A picture as a tagger sees it: (1, side, side, 3), blue first, 0..255, in the middle of a white square."""
    longest = max(image.size)
    square = Image.new("RGB", (longest, longest), "white")
    square.paste(image, ((longest - image.width) // 2, (longest - image.height) // 2))
    values = np.asarray(square.resize((side, side), Image.Resampling.BICUBIC), np.float32)
    return np.ascontiguousarray(values[None, :, :, ::-1])


def read_tags(path: Path) -> list[tuple[str, int]]:
    """A tagger's tags and their kinds, in the order of its answers; names with spaces for underscores. Raises NotSupported."""
    try:
        with path.open(encoding="utf8", newline="") as file:
            rows = [(row["name"], int(row["category"])) for row in csv.DictReader(file)]
    except (OSError, KeyError, ValueError) as error:
        raise NotSupported(f"The list of tags {path.name} in {path.parent.name} cannot be read ({error}).") from None
    return [(name if len(name) <= 3 else name.replace("_", " "), kind) for name, kind in rows]  # short ones are faces such as ^_^


def taggers(models: Path) -> list[Path]:
    """The folders of taggers below the models."""
    return sorted(path.parent for path in (models / FOLDER).glob("*/model.onnx") if (path.parent / "selected_tags.csv").is_file())


def chosen(captioners: "dict[str, Captioner]", name: str) -> Captioner:
    """A captioner by its name. Raises NotFound, NotSupported."""
    if name not in captioners:
        raise NotFound.among("captioner", name, captioners)
    if captioners[name].why:
        raise NotSupported(captioners[name].why)
    return captioners[name]


def combined(before: str | None, said: str, where: Where, separator: str = ",") -> str:
    """A caption with what a captioner said: in its place, or its tags in front or behind, each once."""
    if where in ("missing", "replace") or not before:
        return said
    old, new = tags_of(before, separator), tags_of(said, separator)
    return joined(once([*new, *old] if where == "front" else [*old, *new]), separator)
