"""Named values of the fields."""

from pathlib import Path

import pytest

from modules.contract.errors import BadRequest, NotFound
from modules.settings.presets import Preset, Presets

QUICK = Preset("Quick", "txt2img", {"steps": 8})


def test_presets_are_found_again_after_a_restart(tmp_path: Path) -> None:
    Presets(tmp_path / "presets.json").keep(QUICK)
    assert Presets(tmp_path / "presets.json").all() == [QUICK]


def test_a_preset_takes_the_place_of_its_namesake_in_the_same_tab_only(tmp_path: Path) -> None:
    presets = Presets(tmp_path / "presets.json")
    presets.keep(QUICK)
    presets.keep(Preset("Quick", "img2img", {"steps": 4}))
    presets.keep(Preset("Quick", "txt2img", {"steps": 9}))
    assert {(one.tab, one.values["steps"]) for one in presets.all()} == {("txt2img", 9), ("img2img", 4)}


def test_a_checkpoint_begins_with_one_preset(tmp_path: Path) -> None:
    presets = Presets(tmp_path / "presets.json")
    presets.keep(Preset("one", "txt2img", {}, "demo.safetensors"))
    presets.keep(Preset("two", "txt2img", {}, "demo.safetensors"))
    assert [one.name for one in presets.all()] == ["two"]


def test_a_preset_that_is_not_there_cannot_be_taken_away(tmp_path: Path) -> None:
    presets = Presets(tmp_path / "presets.json")
    presets.keep(QUICK)
    with pytest.raises(NotFound, match="Quck"):
        presets.remove("txt2img", "Quck")
    assert presets.remove("txt2img", "Quick") == []


def test_values_without_end_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="200000 characters"):
        Presets(tmp_path / "presets.json").keep(Preset("long", "txt2img", {"prompt": "x" * 200_001}))


def test_a_file_that_cannot_be_read_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / "presets.json").write_text('[{"nam')
    assert Presets(tmp_path / "presets.json").all() == []
    assert (tmp_path / "presets.unreadable.json").read_text() == '[{"nam'
