"""Detectors that extensions add to the content screen."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from modules.contract.errors import ExtensionFailed, WebuiError
from modules.plugins.registry import Registry
from modules.screening import Screen
from modules.settings.groups import Settings
from tests.plugins.writing import extension

RED = """
from modules.plugins import Extension

class Red:
    name, version = "red", "1"

    def __init__(self, folder): self.folder = folder

    def score(self, image):
        {score}
        return {{"red": image.convert("RGB").resize((1, 1)).getpixel((0, 0))[0] / 255}}

class Looking(Extension):
    asked = 0

    @classmethod
    def detectors(cls, host):
        {first}
        cls.asked += 1
        return [Red(host.folder)]
"""
SETTINGS = Settings().model_copy(update={"screening": Settings().screening.model_copy(update={"mode": "Block", "limits": "red: 0.5"})})


def screen(tmp_path: Path, name: str, *, first: str = "pass", score: str = "pass") -> tuple[Screen, Registry]:
    extension(tmp_path, name, RED.format(first=first, score=score))
    loaded = Registry.of(tmp_path)
    given: Any = SimpleNamespace(folder=tmp_path)
    loaded.hosts = lambda row, settings: given
    return Screen(loaded.detectors), loaded


def test_what_an_extension_minds_is_blocked(tmp_path: Path) -> None:
    guard, loaded = screen(tmp_path, "looking")
    assert guard.passed(Image.new("RGB", (8, 8), (255, 0, 0)), SETTINGS).note == "red/1/blocked"
    assert guard.passed(Image.new("RGB", (8, 8), (0, 0, 255)), SETTINGS).note == ""
    assert [getattr(row.extension, "asked", 0) for row in loaded.extensions()] == [1]


@pytest.mark.parametrize(("name", "error"), [("lost", "raise ValueError('lost')"), ("gone", "import sys; sys.exit(3)")])
def test_one_that_cannot_say_lets_nothing_pass_and_is_named(tmp_path: Path, name: str, error: str) -> None:
    guard, loaded = screen(tmp_path, name, first=error)
    with pytest.raises(ExtensionFailed, match=f"{name.title()} could not say what it looks at pictures with"):
        guard.passed(Image.new("RGB", (8, 8)), SETTINGS)
    assert loaded.ledger.of(name).failures[-1].hook == "detectors"


def test_one_that_fails_while_it_looks_lets_nothing_pass(tmp_path: Path) -> None:
    guard, _ = screen(tmp_path, "blind", score="raise ValueError('blind')")
    with pytest.raises(WebuiError, match="no picture passes it unseen"):
        guard.passed(Image.new("RGB", (8, 8)), SETTINGS)
