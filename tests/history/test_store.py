"""The list on disk: versions, damage, favourites that outlive it."""

import sqlite3
from pathlib import Path

import pytest

from modules.contract.errors import WebuiError
from modules.history import store
from modules.history.favourites import Favourites
from modules.history.store import HistoryStore
from tests.history.pictures import Place, draw, infotext, paths


def damaged(path: Path) -> None:
    """Overwrite the middle of a file."""
    data = bytearray(path.read_bytes())
    data[200 : len(data) - 200] = bytes(range(256)) * ((len(data) - 400) // 256) + bytes((len(data) - 400) % 256)
    path.write_bytes(data)


def test_a_damaged_list_is_put_aside_and_made_anew_with_its_favourites(place: Place) -> None:
    for number in range(20):
        draw(place.outputs / f"{number}.png", infotext(seed=number), color=(number, 0, 0))
    history = place.history()
    history.scan()
    history.favour(history.search("seed:3").ids, favourite=True)
    history.stop()
    damaged(place.data / "history.sqlite3")
    history = place.history()
    assert "kept as history.unreadable.sqlite3" in (history.problem or "")
    history.scan()
    assert len(paths(history)) == 20
    assert paths(history, "is:favourite") == ["3.png"]
    assert history.state().problem == history.problem
    assert (place.data / "history.unreadable.sqlite3").is_file()


def test_favourites_find_their_pictures_elsewhere_after_the_list_was_lost(place: Place) -> None:
    draw(place.outputs / "a.png", infotext())
    history = place.history()
    history.scan()
    history.favour(history.search("").ids, favourite=True)
    history.stop()
    (place.data / "history.sqlite3").unlink()
    (place.outputs / "a.png").rename(place.outputs / "b.png")
    history = place.history()
    history.scan()
    assert paths(history, "is:favourite") == ["b.png"]


def test_a_favourite_that_is_none_any_more_stays_none(place: Place) -> None:
    draw(place.outputs / "a.png", infotext())
    history = place.history()
    history.scan()
    ids = history.search("").ids
    history.favour(ids, favourite=True)
    history.favour(ids, favourite=False)
    assert Favourites(place.data / "history-favourites.json").paths == {}
    assert paths(history, "is:favourite") == []


def test_a_damaged_file_of_favourites_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text("{")
    assert Favourites(tmp_path / "f.json").paths == {}
    assert (tmp_path / "f.unreadable.json").read_text() == "{"


def test_a_list_of_a_newer_version_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    HistoryStore(path).close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE schema SET version = 99")
    connection.commit()
    connection.close()
    made = HistoryStore(path)
    assert "newer version" in (made.problem or "")
    assert made.read("SELECT count(*) FROM pictures") == [(0,)]


def test_an_older_list_is_copied_and_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "history.sqlite3"
    HistoryStore(path).close()
    monkeypatch.setattr(store, "MIGRATIONS", (*store.MIGRATIONS, ("ALTER TABLE pictures ADD COLUMN note TEXT",)))
    made = HistoryStore(path)
    assert made.problem is None
    assert made.read("SELECT note FROM pictures") == []
    assert (tmp_path / "history.before-format-2.sqlite3").is_file()


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "history.sqlite3").mkdir()
    with pytest.raises(WebuiError, match="cannot be"):
        HistoryStore(tmp_path / "history.sqlite3")


def test_readers_go_on_while_somebody_writes(tmp_path: Path) -> None:
    made = HistoryStore(tmp_path / "history.sqlite3")
    with made.writing() as connection:
        connection.execute("INSERT INTO roots (path) VALUES ('x')")
        assert made.read("SELECT count(*) FROM roots") == [(0,)]
    assert made.read("SELECT count(*) FROM roots") == [(1,)]


def test_only_its_owner_may_read_the_list(tmp_path: Path) -> None:
    HistoryStore(tmp_path / "history.sqlite3").close()
    assert (tmp_path / "history.sqlite3").stat().st_mode & 0o077 == 0
