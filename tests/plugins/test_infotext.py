"""An extension's options in a picture's infotext, and back."""

from pathlib import Path
from typing import Literal

import pytest

from modules.contract.request import Picture
from modules.infotext import pasted, write
from modules.plugins import Choice, ImageField, Options, Slider, Text, Toggle, Units
from modules.plugins.infotext import label_of, notes_of, options_in
from modules.plugins.registry import Registry
from tests.plugins.writing import CODE, extension


class Unit(Options):
    """One of several."""

    weight: float = Slider(1, 0, 2, "Weight", step=0.1)
    image: Picture | None = ImageField("Picture")


class All(Options):
    """One of each kind."""

    strength: float = Slider(0.5, 0, 1, "Strength (0..1)", step=0.1)
    count: int = Slider(3, 1, 9, "Count")
    on: bool = Toggle(False, "On")
    words: str = Text("", "Words: of any kind")
    mode: Literal["One", "7"] = Choice("One", "Mode")
    parts: tuple[str, ...] = ()
    units: tuple[Unit, ...] = Units("Units")
    image: Picture | None = ImageField("Picture")


CHANGED = All(
    strength=0.7, count=5, on=True, words='a "red", star: <lora:x:1>\nand more', mode="7", parts=("a, b", "c"),
    units=(Unit(weight=0.3, image=b"png"), Unit()), image=b"png",
)  # fmt: skip


def through(options: All, title: str = "My tool, 2") -> All:
    """Options as they come back from a picture's infotext."""
    text = write("a prompt", "", {"Steps": 20, "Seed": 1, "Size": "64x64", **notes_of(options, title), "Version": "easel-1"})
    values = options_in(All, pasted(text).unknown, title)
    assert values is not None
    return All(**values)


def test_all_but_pictures_comes_back() -> None:
    found = through(CHANGED)
    assert found == CHANGED.model_copy(update={"image": None, "units": (Unit(weight=0.3), Unit())})


def test_what_was_not_changed_is_not_written_and_being_on_is_kept() -> None:
    assert notes_of(All(), "FreeU") == {"FreeU": True}
    assert through(All()) == All()
    assert options_in(All, {"Other": "x"}, "FreeU") is None


@pytest.mark.parametrize(("title", "label"), [("X/Y/Z plot", "X/Y/Z plot"), ("Tool (new): a, b", "Tool new a b"), ("文字", "文字")])
def test_a_title_is_a_label_that_can_be_read_back(title: str, label: str) -> None:
    assert label_of(title) == label
    assert through(CHANGED, title).count == 5


@pytest.mark.parametrize("text", ["True", "Count: many", "Count: 99", "Nothing: 1", "Parts: [1", ": , :::", "Count: [[[[", 'Words: "'])
def test_what_cannot_be_read_is_left_out(text: str) -> None:
    assert All(**(options_in(All, {"Tool": text}, "Tool") or {})).count == 3


def test_a_registry_reads_each_and_says_what_was_taken(tmp_path: Path) -> None:
    extension(tmp_path, "notes_good")
    extension(tmp_path, "notes_broken", CODE + '''
    @classmethod
    def options_from(cls, notes, title):
        raise RuntimeError("on purpose")
''')
    extension(tmp_path, "notes_lying", CODE + '''
    @classmethod
    def options_from(cls, notes, title):
        return {"strength": "much"}
''')
    extension(tmp_path, "notes_own", CODE + '''
    @classmethod
    def notes(cls, options, title):
        return {"Own strength": options.strength}

    @classmethod
    def options_from(cls, notes, title):
        return {"strength": notes["Own strength"]} if "Own strength" in notes else None
''')
    found, used = Registry.of(tmp_path).read_notes({"Notes Good": "Strength: 0.25", "Own strength": "0.75", "Foreign": "x"})
    assert found == {"notes_good": {"strength": 0.25}, "notes_own": {"strength": 0.75}}
    assert used == {"Notes Good", "Own strength"}
