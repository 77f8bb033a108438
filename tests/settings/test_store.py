"""Settings survive everything that happens to their file."""

import json
from pathlib import Path

import pytest

from modules.contract.errors import BadRequest, NotFound
from modules.settings.groups import Settings
from modules.settings.store import ENTRIES, SettingsStore, entries, flat
from tests.golden import golden_json


def test_settings_are_kept(tmp_path: Path) -> None:
    SettingsStore(tmp_path / "settings.json").update({"randn_source": "NV", "CLIP_stop_at_last_layers": 2})
    kept = SettingsStore(tmp_path / "settings.json").current
    assert (kept.model.random_source, kept.model.clip_skip) == ("NV", 2)


def test_an_override_changes_a_copy_only(tmp_path: Path) -> None:
    store = SettingsStore(tmp_path / "settings.json")
    assert store.snapshot({"randn_source": "CPU"}).model.random_source == "CPU"
    assert store.current == Settings()
    assert not store.path.exists()


def test_all_or_nothing_is_changed(tmp_path: Path) -> None:
    store = SettingsStore(tmp_path / "settings.json")
    with pytest.raises(BadRequest, match="'Clip skip' is 99"):
        store.update({"randn_source": "NV", "CLIP_stop_at_last_layers": 99})
    with pytest.raises(NotFound, match="randn_source"):
        store.update({"randn_sorce": "NV"})
    assert store.current == Settings()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe\x00", b"null", b'{"model": 5}', b'{"model": {"clip_skip": "many"}}', b"{}" * 2]
)
def test_any_damaged_file_starts_with_defaults_and_is_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    assert SettingsStore(path).current == Settings()
    assert any(file.read_bytes() == content for file in tmp_path.iterdir())


def test_settings_of_another_version_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"future": {"a": 1}, "model": {"novel": 2, "clip_skip": 3}}))
    store = SettingsStore(path)
    assert store.current.model.clip_skip == 3
    store.update({"randn_source": "CPU"})
    written = json.loads(path.read_text())
    assert (written["future"], written["model"]["novel"], written["model"]["random_source"]) == ({"a": 1}, 2, "CPU")


def test_every_setting_has_a_label_and_a_key_of_its_own() -> None:
    listed = list(entries())
    assert len(ENTRIES) == len(listed)
    assert all(entry.field.title for entry in listed)


def test_defaults_are_a1111s_where_it_has_the_setting() -> None:
    recorded = golden_json("pure/default_options.json") or {}
    differing = {key: (value, recorded[key]) for key, value in flat(Settings()).items() if key in recorded and value != recorded[key]}
    unset = {"sd_model_checkpoint", "upscaler_for_img2img"}  # A1111 says null where a text says none
    ours = {"show_progress_type", "api_enable_requests"}  # no network for previews; nothing is fetched unasked
    assert set(differing) <= unset | ours, differing
