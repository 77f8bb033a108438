"""Presets: kept as files, passed on, put over a request; what belongs to one training stays out of them."""

import json
from pathlib import Path

import pytest

from modules.contract.errors import BadRequest, NotFound
from modules.contract.training import training_request_from
from modules.training.planning.presets import Presets, applied


def test_those_that_come_with_the_program_can_all_be_used(tmp_path: Path) -> None:
    presets = Presets(tmp_path).all()
    assert len(presets) >= 6
    for preset in presets:
        base = training_request_from({"name": "cat", "trigger": "sks", "prior": {"prompt": "a photo of a cat"}})
        request = applied(base, preset)
        assert preset.bundled and preset.text.endswith(".") and (request.name, request.trigger) == ("cat", "sks")


def test_a_preset_is_written_listed_read_and_removed(tmp_path: Path) -> None:
    presets = Presets(tmp_path)
    request = training_request_from({"name": "cat", "trigger": "sks", "network": {"rank": 4}, "data": {"folders": [{"folder": "/secret"}]}})
    presets.write("mine", request.model_dump(mode="json"), "For cats.")
    assert "secret" not in (tmp_path / "mine.json").read_text() and "sks" not in (tmp_path / "mine.json").read_text()
    preset = Presets(tmp_path).read("mine")
    assert (preset.text, preset.bundled, preset.values["network"]["rank"]) == ("For cats.", False, 4)
    other = training_request_from({"name": "dog", "data": {"folders": [{"folder": "/dogs"}]}})
    assert applied(other, preset).network.rank == 4 and applied(other, preset).data.folders[0].folder == "/dogs"
    presets.remove("mine")
    with pytest.raises(NotFound, match="no preset named 'mine'"):
        presets.read("mine")


def test_a_preset_is_passed_on_as_a_file(tmp_path: Path) -> None:
    first, second = Presets(tmp_path / "a"), Presets(tmp_path / "b")
    first.write("quick", {"steps": {"steps": 50}})
    assert second.add("quick", first.read("quick").as_file()).values == {"steps": {"steps": 50}}


def test_a_preset_with_prior_preservation_waits_for_its_class_prompt(tmp_path: Path) -> None:
    preset = Presets(tmp_path).write("prior", {"prior": {"on": True, "count": 7}})
    assert applied(training_request_from({"prior": {"prompt": "a dog"}}), preset).prior.count == 7
    with pytest.raises(BadRequest, match="class prompt"):
        applied(training_request_from({}), preset)


@pytest.mark.parametrize("name", ["", "../up", "a/b", "a\\b", ".hidden", "x" * 81, "ta\tb"])
def test_names_that_are_no_files_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadRequest, match="cannot be called"):
        Presets(tmp_path).write(name, {})
    assert not list(tmp_path.rglob("*"))


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"format": "easel training preset"}', b'{"format": "other", "values": {}}', b"\xff\xfe", b"[" * 100_000]
)
def test_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BadRequest, match="not a preset"):
        Presets(tmp_path).add("x", data)
    (tmp_path / "broken.json").write_bytes(data)
    assert "broken" not in {preset.name for preset in Presets(tmp_path).all()}


def test_values_that_cannot_be_are_refused(tmp_path: Path) -> None:
    for values in ({"steps": {"steps": -1}}, {"nonsense": 1}, {"steps": {"nonsense": 1}}, {"steps": 3}):
        with pytest.raises(BadRequest):
            Presets(tmp_path).add("x", json.dumps({"format": "easel training preset", "values": values}).encode())


def test_a_bundled_one_stays_and_can_be_replaced(tmp_path: Path) -> None:
    presets = Presets(tmp_path)
    name = presets.all()[0].name
    with pytest.raises(BadRequest, match="comes with the program"):
        presets.remove(name)
    presets.write(name, {"steps": {"steps": 5}})
    assert presets.read(name).values == {"steps": {"steps": 5}}
    presets.remove(name)
    assert presets.read(name).bundled
