"""Settings of extensions: pages that come and go, and values that stay."""

import json
from pathlib import Path

import pytest

from modules.a1111.options import ApiOptions
from modules.contract.errors import BadRequest, NotFound
from modules.plugins import Options, Slider, Text
from modules.plugins.registry import Registry
from modules.server.settings import pages
from modules.settings.importing import imported
from modules.settings.store import Page, SettingsStore, flat
from tests.a1111.pretended import PretendedModels
from tests.plugins.writing import extension


class Mine(Options):
    """Of an extension."""

    size: int = Slider(3, 1, 9, "Size of it")
    token: str = Text("", "Token", key="mine_special", local=True)


PAGES = {"mine": Page("My tool", Mine)}


@pytest.fixture
def store(tmp_path: Path) -> SettingsStore:
    made = SettingsStore(tmp_path / "settings.json")
    made.extend(PAGES)
    return made


def test_they_are_read_and_changed_like_the_program_s(store: SettingsStore) -> None:
    store.update({"mine_size": 5, "jpeg_quality": 90})
    assert store.current.extensions["mine"] == Mine(size=5) and flat(store.current)["mine_size"] == 5
    assert store.snapshot({"mine_size": 7}).extensions["mine"] == Mine(size=7) and flat(store.current)["mine_size"] == 5
    with pytest.raises(BadRequest, match=r"The setting 'Size of it' is 11; it must be between 1 and 9."):
        store.update({"mine_size": 11})
    with pytest.raises(NotFound, match=r"mine_sise.*Did you mean mine_size"):
        store.update({"mine_sise": 1})


def test_they_stay_in_the_file_while_the_extension_is_away(store: SettingsStore) -> None:
    store.update({"mine_size": 5})
    store.extend({})
    with pytest.raises(NotFound):
        store.update({"mine_size": 6})
    store.update({"jpeg_quality": 77})
    again = SettingsStore(store.path)
    assert json.loads(store.path.read_text())["extensions"]["mine"]["size"] == 5 and "mine_size" not in flat(again.current)
    again.update({"jpeg_quality": 78})
    again.extend(PAGES)
    assert again.current.extensions["mine"] == Mine(size=5)
    store.extend(PAGES)
    assert store.current.extensions["mine"] == Mine(size=5)


def test_a_kept_value_that_cannot_be_any_more_falls_back_alone(store: SettingsStore) -> None:
    store.path.write_text(json.dumps({"extensions": {"mine": {"size": 99, "token": "t", "gone": 1}, "odd": 7}}))
    again = SettingsStore(store.path)
    again.extend(PAGES)
    assert again.current.extensions["mine"] == Mine(token="t")


def test_they_are_a_page_of_the_tab_under_its_title(store: SettingsStore) -> None:
    page = pages({}, store.pages)[-1]
    assert (page["name"], page["title"], page["heading"]) == ("extension-mine", "My tool", "Extensions")
    assert [field["key"] for field in page["fields"]] == ["mine_size", "mine_special"]
    found = imported({"mine_size": 4, "mine_special": "x"}, store.current)
    assert found.taken == {"mine_size": 4, "mine_special": "x"} and not found.unknown


def test_a1111_s_clients_find_and_override_them(store: SettingsStore, tmp_path: Path) -> None:
    options = ApiOptions(store, PretendedModels(tmp_path, store))
    assert options.all()["mine_size"] == 3
    options.change({"mine_size": 4})
    assert store.current.extensions["mine"] == Mine(size=4)
    assert options.overrides({"mine_size": 8}).settings == {"mine_size": 8}
    with pytest.raises(Exception, match="cannot be changed over the API"):
        options.change({"mine_special": "x"})
    store.extend({})
    with pytest.raises(NotFound):
        options.change({"mine_size": 5})


def test_a_key_that_is_taken_is_the_row_s_reason(tmp_path: Path) -> None:
    code = (
        "from modules.plugins import Extension, Options, Slider\nclass Mine(Extension):\n"
        "    class Settings(Options):\n        x: int = Slider(1, 0, 2, 'X', key='{key}')"
    )
    extension(tmp_path, "keys_a", code.format(key="jpeg_quality"))
    extension(tmp_path, "keys_b", code.format(key="shared_key"))
    extension(tmp_path, "keys_c", code.format(key="shared_key"))
    rows = {row.name: row for row in Registry.of(tmp_path).extensions()}
    assert "'jpeg_quality' has a name that the program has" in str(rows["keys_a"].problem) and rows["keys_a"].extension is None
    assert rows["keys_b"].problem is None and "that Keys B has" in str(rows["keys_c"].problem)
