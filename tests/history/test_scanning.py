"""The list follows the files: what is new, changed, moved, gone, and what a stopped look leaves."""

import os
import shutil
import time

import pytest

from modules.history import scanning
from modules.history.scanning import Stopped
from tests.history.pictures import Place, draw, infotext, paths


def test_a_folder_of_another_program_is_listed_with_its_infotexts(place: Place) -> None:
    draw(place.outputs / "txt2img-images" / "2024-05-01" / "00001-7.png", infotext("a lake", seed=7), made=1_714_550_400)
    draw(place.outputs / "img2img-images" / "00002.png", infotext(more=", Denoising strength: 0.5"))
    draw(place.outputs / "txt2img-grids" / "grid-0001.png", infotext())
    draw(place.outputs / "photo.jpg")
    (place.outputs / "notes.txt").write_text("no picture")
    history = place.history()
    history.scan()
    rows = {row.path: row for row in history.rows(history.search("").ids)}
    assert {path: row.kind for path, row in rows.items()} == {
        "txt2img-images/2024-05-01/00001-7.png": "txt2img", "img2img-images/00002.png": "img2img",
        "txt2img-grids/grid-0001.png": "grid", "photo.jpg": "other"}  # fmt: skip
    lake = rows["txt2img-images/2024-05-01/00001-7.png"]
    assert (lake.width, lake.height, lake.title, lake.made) == (64, 48, "a lake", 1_714_550_400)
    assert history.infotext(lake.id) == infotext("a lake", seed=7)


def test_a_text_file_beside_a_picture_speaks_for_it(place: Place) -> None:
    draw(place.outputs / "a.png").with_suffix(".txt").write_text(infotext("a quiet sea"))
    history = place.history()
    history.scan()
    assert paths(history, "quiet") == ["a.png"]


def test_a_second_look_lists_nothing_that_has_not_changed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = draw(place.outputs / "deep" / "er" / "a.png").parent
    for each in (folder, folder.parent, place.outputs):
        os.utime(each, (1000, 1000))
    history = place.history()
    history.scan()
    monkeypatch.setattr(scanning.Scan, "listed", lambda *_: pytest.fail("listed again"))
    history.scan()
    assert paths(history) == ["deep/er/a.png"]


def test_a_folder_that_changed_just_now_is_looked_at_again(place: Place) -> None:
    draw(place.outputs / "a.png")
    history = place.history()
    history.scan()
    stamp = place.outputs.stat()
    draw(place.outputs / "b.png", color="blue")
    os.utime(place.outputs, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # within the same tick of the disk's clock
    history.scan()
    assert len(paths(history)) == 2


def test_a_picture_that_was_moved_stays_a_favourite(place: Place) -> None:
    draw(place.outputs / "one" / "a.png", infotext())
    history = place.history()
    history.scan()
    id = history.search("").ids[0]
    history.favour([id], favourite=True)
    (place.outputs / "two").mkdir()
    shutil.move(place.outputs / "one" / "a.png", place.outputs / "two" / "b.png")
    history.scan()
    row = history.row(id)
    assert (row.path, row.favourite) == ("two/b.png", True)
    assert history.search("name:b").ids == [id]


def test_a_folder_that_was_renamed_keeps_its_pictures(place: Place) -> None:
    for number in range(3):
        draw(place.outputs / "old" / "in" / f"{number}.png", color=(number, 0, 0))
    history = place.history()
    history.scan()
    before = history.search("", sort="name").ids
    (place.outputs / "old").rename(place.outputs / "new")
    history.scan()
    assert history.search("", sort="name").ids == before
    assert paths(history, sort="name") == ["new/in/0.png", "new/in/1.png", "new/in/2.png"]


def test_a_deleted_picture_goes_and_comes_back_with_its_file(place: Place) -> None:
    file = draw(place.outputs / "a.png", infotext())
    history = place.history()
    history.scan()
    id = history.search("").ids[0]
    history.favour([id], favourite=True)
    kept = file.read_bytes()
    file.unlink()
    history.scan()
    assert history.search("").ids == []
    file.write_bytes(kept)
    history.scan()
    assert history.search("is:favourite").ids == [id]


def test_a_changed_picture_is_read_again(place: Place) -> None:
    draw(place.outputs / "a.png", infotext("a castle"))
    history = place.history()
    history.scan()
    draw(place.outputs / "b.png", infotext("a bridge"), size=(32, 32)).replace(place.outputs / "a.png")
    history.scan()
    assert paths(history, "castle") == []
    assert paths(history, "bridge size:32x32") == ["a.png"]


def test_a_damaged_picture_is_listed_and_said_to_be(place: Place) -> None:
    file = draw(place.outputs / "a.png")
    file.write_bytes(file.read_bytes()[:40])
    (place.outputs / "b.webp").write_bytes(b"RIFF1234WEBP")
    history = place.history()
    history.scan()
    assert sorted(paths(history, "is:damaged")) == ["a.png", "b.webp"]


def test_hidden_files_and_links_are_left_alone(place: Place, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = draw(tmp_path_factory.mktemp("outside") / "secret.png")
    draw(place.outputs / ".hidden.png")
    draw(place.outputs / ".folder" / "a.png")
    (place.outputs / "link.png").symlink_to(outside)
    (place.outputs / "linked").symlink_to(outside.parent)
    history = place.history()
    history.scan()
    assert paths(history) == []


def test_a_folder_that_cannot_be_reached_keeps_its_pictures(place: Place) -> None:
    elsewhere = draw(place.data / "disk" / "a.png").parent
    history = place.history()
    history.change_folders([str(elsewhere)])
    history.scan()
    elsewhere.rename(place.data / "gone")
    history.scan()
    assert paths(history) == ["a.png"]
    assert history.state().unreachable == [str(elsewhere)]


def test_a_folder_that_is_not_listed_any_more_takes_its_pictures_along(place: Place) -> None:
    draw(place.data / "disk" / "a.png")
    draw(place.outputs / "b.png", color="blue")
    history = place.history()
    history.change_folders([str(place.data / "disk")])
    history.scan()
    assert sorted(paths(history)) == ["a.png", "b.png"]
    history.change_folders([])
    history.scan()
    assert paths(history) == ["b.png"]
    history.change_folders([str(place.data / "disk")])
    history.scan()
    assert sorted(paths(history)) == ["a.png", "b.png"]


def test_a_stopped_look_keeps_what_it_has_and_goes_on_later(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(120):
        draw(place.outputs / f"{number}.png", color=(number, 0, 0), size=(8, 8))
    history = place.history()
    real = history.check

    def stop_soon() -> None:
        if history.progress and history.progress.done >= scanning.BATCH:
            history.cancel_scan()
        real()

    monkeypatch.setattr(history, "check", stop_soon)
    with pytest.raises(Stopped):
        history.scan()
    assert len(paths(history)) == scanning.BATCH
    monkeypatch.undo()
    history.scan()
    assert len(paths(history)) == 120


def test_the_thread_finds_what_appears_and_searching_goes_on_meanwhile(place: Place) -> None:
    for number in range(150):
        draw(place.outputs / f"{number}.png", color=(number, 0, 0), size=(8, 8))
    history = place.history()
    history.start()
    try:
        end, slowest = time.monotonic() + 20, 0.0
        while len(history.search("").ids) < 150 and time.monotonic() < end:
            begun = time.perf_counter()
            history.search("castle")
            slowest = max(slowest, time.perf_counter() - begun)
        draw(place.outputs / "new.png", color="blue")
        history.scan_soon()
        while len(history.search("").ids) < 151 and time.monotonic() < end:
            time.sleep(0.01)
        assert len(history.search("").ids) == 151
        assert slowest < 1  # a write holds others up for a batch of 50 at most: some 50 ms, much more on a busy machine
    finally:
        history.stop()


def test_a_finished_jobs_pictures_are_there_at_once(place: Place) -> None:
    history = place.history()
    file = draw(place.outputs / "txt2img-images" / "a.png", infotext("a tower"))
    history.note([str(file), None, str(place.data / "elsewhere.png"), str(place.outputs / "missing.png")])
    assert paths(history, "tower") == ["txt2img-images/a.png"]
    history.scan()
    assert len(paths(history)) == 1


def test_a_file_name_that_is_no_text_is_listed(place: Place) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    try:
        draw(place.outputs / "a.png").rename(place.outputs / name)
    except OSError:
        pytest.skip("this disk takes text only")
    history = place.history()
    history.scan()
    row = history.rows(history.search("").ids)[0]
    assert row.name == name
    root, inner = history.place(row.id)
    assert (root / inner).read_bytes()[:4] == b"\x89PNG"
