"""Deleting and bringing back: files, their text files, their rows; also across a crash."""

import os
from pathlib import Path

import pytest

from modules.contract.errors import WebuiError
from modules.history import trash
from modules.history.history import History
from tests.history.pictures import Place, draw, infotext, paths

FOLDER = Path("txt2img-images") / "2026-11-22"


def one(place: Place) -> tuple[History, int, Path]:
    file = draw(place.outputs / FOLDER / "00001-5.png", infotext())
    file.with_suffix(".txt").write_text("beside")
    history = place.history()
    history.scan()
    return history, history.search("").ids[0], file


def test_a_deleted_picture_lies_in_the_trash_with_its_text_file_and_comes_back(place: Place) -> None:
    history, id, file = one(place)
    history.favour([id], favourite=True)
    assert history.throw_away([id]).ids == [id]
    assert not file.exists() and not file.with_suffix(".txt").exists()
    assert history.search("").ids == []
    assert history.search("castle", trash=True).ids == [id]
    root, inner = history.place(id)
    assert (root / inner).is_file() and inner == (FOLDER / file.name).as_posix()
    assert root.parent == place.outputs / ".trash"
    assert history.bring_back([id]).ids == [id]
    assert file.exists() and file.with_suffix(".txt").read_text() == "beside"
    assert history.row(id).favourite
    assert not list((place.outputs / ".trash").iterdir())


def test_bringing_back_writes_over_nothing(place: Place) -> None:
    history, id, file = one(place)
    history.throw_away([id])
    draw(file, infotext("another one"), color="blue")
    history.scan()
    other = history.search("").ids
    assert history.bring_back([id]).problems == []
    assert paths(history, "castle") == [f"{FOLDER.as_posix()}/00001-5-2.png"]
    assert history.search("another").ids == other


def test_a_picture_comes_back_to_where_another_went_missing(place: Place) -> None:
    history, id, file = one(place)
    history.throw_away([id])
    draw(file, infotext("another one"), color="blue")
    history.scan()
    file.unlink()
    history.scan()
    assert history.bring_back([id]).problems == []
    assert paths(history) == [f"{FOLDER.as_posix()}/{file.name}"]


def test_a_crash_after_the_file_was_moved_loses_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    history, id, _ = one(place)

    class Killed(Exception):
        pass

    def killed(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(trash, "move", killed)
    with pytest.raises(Killed):
        history.throw_away([id])
    monkeypatch.undo()
    history.stop()
    history = place.history()
    history.scan()
    assert history.search("").ids == []
    assert history.search("", trash=True).ids == [id]
    assert history.bring_back([id]).ids == [id]


def test_the_trash_survives_the_loss_of_the_list(place: Place) -> None:
    history, id, file = one(place)
    history.throw_away([id])
    deleted = history.row(id).trashed
    history.stop()
    (place.data / "history.sqlite3").unlink()
    history = place.history()
    history.scan()
    found = history.search("", trash=True).ids
    row = history.row(found[0])
    assert row.kind == "txt2img"
    assert row.trashed == deleted and deleted is not None
    history.bring_back(found)
    assert file.is_file()


def test_emptying_deletes_what_is_in_the_trash_and_nothing_else(place: Place) -> None:
    history, id, file = one(place)
    kept = draw(place.outputs / "kept.png", color="blue")
    history.scan()
    other = next(each for each in history.search("").ids if each != id)
    assert history.destroy([other]).problems == ["'kept.png' is not in the trash."]
    history.throw_away([id])
    assert history.destroy().ids == [id]
    assert kept.is_file() and not file.exists()
    assert list((place.outputs / ".trash").rglob("*")) == []
    assert history.search("", trash=True).ids == []


def test_one_that_cannot_be_moved_is_named_and_the_others_go_on(place: Place) -> None:
    history, id, file = one(place)
    other = draw(place.outputs / "b.png", color="blue")
    history.scan()
    ids = history.search("").ids
    file.unlink()
    moved = history.throw_away([*ids, 999])
    assert set(moved.ids) == set(ids) - {id}
    assert len(moved.problems) == 2 and file.name in " ".join(moved.problems)
    assert not other.exists()


def test_two_deletions_of_the_same_name_are_both_kept(place: Place) -> None:
    history, id, file = one(place)
    history.throw_away([id])
    draw(file, infotext("second"), color="blue")
    history.scan()
    history.throw_away(history.search("").ids)
    assert len(history.search("", trash=True).ids) == 2
    assert len(list((place.outputs / ".trash").iterdir())) == 2


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything may be written")
def test_a_folder_that_may_not_be_written_is_said(place: Place) -> None:
    history, id, file = one(place)
    file.parent.chmod(0o500)
    try:
        assert "could not be moved" in history.throw_away([id]).problems[0]
    finally:
        file.parent.chmod(0o700)


def test_only_the_trash_is_ever_deleted_from(place: Place) -> None:
    _, _, file = one(place)
    found = trash.Found(1, FOLDER.as_posix(), file.name, 0, 0)
    with pytest.raises(WebuiError, match="not in the trash"):
        trash.destroy(place.outputs, found)
    assert file.exists()
