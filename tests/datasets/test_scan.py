"""Folders of pictures: what is found in them, how it is read, and into which sizes it goes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.contract.errors import BadRequest, NotFound
from modules.contract.request import Size
from modules.contract.training import DataOptions, DatasetFolder
from modules.datasets.buckets import Rules, bucket_of, bucket_sizes, lost, table
from modules.datasets.captions import effective
from modules.datasets.duplicates import dhash, groups
from modules.datasets.facts import Facts
from modules.datasets.pictures import cover, cover_mask, open_mask, open_picture, transparency, upright
from modules.datasets.scan import fingerprint, scan
from tests.datasets.test_check import SIDE, picture, written


def folder(path: Path, **more: Any) -> tuple[DatasetFolder, ...]:
    return (DatasetFolder(folder=str(path), **more),)


def test_kohyas_folders_say_how_often_and_what(tmp_path: Path) -> None:
    for name in ("10_red hat/a.png", "10_red hat/more/b.png", "plain/c.png", "d.png", ".hidden/e.png", "masks/d.png"):
        written(tmp_path, name, picture(1), None)
    found = scan(folder(tmp_path, repeats=2))
    assert {item.short: (item.repeats, item.words) for item in found.items} == {
        "d.png": (2, ""), "10_red hat/a.png": (20, "red hat"), "10_red hat/more/b.png": (20, "red hat"), "plain/c.png": (2, ""),
    }  # fmt: skip
    assert [item.name for item in found.items if item.mask] == ["0/d.png"]
    written(tmp_path / "5_cat", "a.png", picture(1), None)
    assert scan(folder(tmp_path / "5_cat")).items[0].repeats == 5


def test_a_picture_without_a_caption_is_called_as_is_asked() -> None:
    assert effective("told", "01_cat", "", "trigger", "xyz") == "told"
    assert effective("", "01_cat", "", "trigger", "xyz") == ""
    assert effective(None, "01_cat", "red hat", "trigger", "xyz") == "red hat"
    assert effective(None, "01_cat", "", "trigger", "xyz") == "xyz"
    assert effective(None, "01_cat", "", "file name", "xyz") == "cat"
    assert effective(None, "01_cat", "", "empty", "xyz") == ""


def test_folders_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no folder"):
        scan(folder(tmp_path / "missing"))
    for name in ("", "relative/folder"):
        with pytest.raises(BadRequest):
            scan((DatasetFolder(folder=name),))


def test_what_was_decoded_is_remembered_until_the_file_changes(tmp_path: Path) -> None:
    path = written(tmp_path / "p", "a.png", picture(1))
    kept = tmp_path / "facts.json"
    first = scan(folder(tmp_path / "p"), facts=Facts(kept)).items[0]
    again = Facts(kept)
    assert again.of(path) == first.facts and not again.changed
    picture(2).save(path)
    assert again.of(path) != first.facts
    kept.write_text("{broken")
    assert Facts(kept).of(path) == again.of(path)


def test_the_fingerprint_changes_with_any_picture_caption_or_mask(tmp_path: Path) -> None:
    written(tmp_path, "a.png", picture(1))
    marks = [fingerprint(scan(folder(tmp_path)))]
    (tmp_path / "a.txt").write_text("another thing")
    marks.append(fingerprint(scan(folder(tmp_path))))
    Image.new("L", (SIDE, SIDE), 255).save(tmp_path / "a-mask.png")
    marks.append(fingerprint(scan(folder(tmp_path))))
    picture(2).save(tmp_path / "a.png")
    marks += [fingerprint(scan(folder(tmp_path))), fingerprint(scan(folder(tmp_path, repeats=2)))]
    assert len(set(marks)) == 5 and marks[-1] == fingerprint(scan(folder(tmp_path, repeats=2)))


def test_progress_may_end_a_scan(tmp_path: Path) -> None:
    for seed in range(6):
        written(tmp_path, f"{seed}.png", picture(seed))

    def stop(done: int, total: int) -> None:
        assert total == 6
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan(folder(tmp_path), progress=stop)


def test_pictures_come_upright_and_opaque(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (4, 2), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (0, 0, 2, 2))
    clear.save(tmp_path / "a.png")
    shown = np.asarray(open_picture(tmp_path / "a.png", "#00ff00"))
    assert shown[0].tolist() == [[0, 0, 255]] * 2 + [[0, 255, 0]] * 2
    alpha = transparency(tmp_path / "a.png")
    assert alpha is not None and np.asarray(alpha)[0].tolist() == [255, 255, 0, 0]
    sideways = Image.Exif()
    sideways[0x0112] = 8
    picture(1, (60, 40)).save(tmp_path / "b.jpg", exif=sideways)
    assert upright(tmp_path / "b.jpg").size == (40, 60)
    Image.new("I;16", (3, 3), 65535).save(tmp_path / "deep.png")
    assert np.asarray(open_picture(tmp_path / "deep.png")).min() == 255


def test_a_mask_of_another_size_is_cut_where_the_picture_is(tmp_path: Path) -> None:
    mask = Image.new("L", (100, 50), 0)
    mask.paste(255, (50, 0, 100, 50))
    mask.save(tmp_path / "m.png")
    image = Image.new("RGB", (400, 200), "black")
    image.paste("white", (200, 0, 400, 200))
    for focus in ((0.0, 0.5), (0.5, 0.5), (1.0, 0.5)):
        cut = cover(image, Size(64, 64), focus)
        assert cut.scaled == Size(128, 64) and cut.crop == (0, round(64 * focus[0]))
        there = np.asarray(cover_mask(open_mask(tmp_path / "m.png"), Size(400, 200), Size(64, 64), focus), int)
        assert np.abs(there - np.asarray(cut.image.convert("L"), int)).mean() < 6


def test_buckets_have_about_the_same_number_of_pixels_and_sides_in_steps() -> None:
    rules = Rules(512)
    sizes = bucket_sizes(rules)
    assert Size(512, 512) in sizes and len(set(sizes)) == len(sizes)
    assert all(width % 64 == height % 64 == 0 and min(width, height) >= 256 and width * height <= 512**2 for width, height in sizes)
    assert all(width * height > 0.75 * 512**2 for width, height in sizes)
    assert bucket_of(Size(1000, 1000), rules) == Size(512, 512)
    assert bucket_of(Size(600, 800), rules) == Size(448, 576)
    assert bucket_of(Size(1600, 900), rules) == Size(640, 384)
    assert bucket_of(Size(4000, 100), rules) == Size(1024, 256)


def test_without_buckets_all_are_squares_and_small_ones_may_stay_small() -> None:
    assert bucket_of(Size(600, 200), Rules(500, on=False)) == Size(496, 496)
    assert bucket_of(Size(300, 300), Rules(512, enlarge=False)) == Size(256, 256)
    assert bucket_of(Size(700, 700), Rules(512, enlarge=False)) == Size(512, 512)
    assert bucket_of(Size(30, 30), Rules(512, enlarge=False)) == Size(64, 64)
    assert Rules.of(DataOptions(), 768) == Rules(768, 64, 384, 1536)
    assert Rules.of(DataOptions(resolution=512, bucket_least=320), 768) == Rules(512, 64, 320, 1024)


def test_the_table_counts_pictures_and_showings(tmp_path: Path) -> None:
    written(tmp_path, "3_x/a.png", picture(1), None)
    written(tmp_path, "b.png", picture(2), None)
    written(tmp_path, "c.png", picture(3, (512, 128)), None)
    found = table(scan(folder(tmp_path)).items, Rules(256, 64, 128, 512))
    assert [(one.size, one.pictures, one.shown) for one in found] == [(Size(256, 256), 2, 4), (Size(512, 128), 1, 1)]
    assert lost(Size(512, 256), Size(256, 256)) == 0.5 and lost(Size(100, 100), Size(256, 256)) == 0


def test_the_look_of_a_picture_survives_resizing_and_compression_only(tmp_path: Path) -> None:
    one = picture(1)
    changed = one.resize((100, 90)).convert("RGB")
    changed.save(tmp_path / "a.jpg", quality=40)
    near = (dhash(one) ^ dhash(Image.open(tmp_path / "a.jpg"))).bit_count()
    far = min((dhash(one) ^ dhash(picture(seed))).bit_count() for seed in range(2, 12))
    assert near <= 6 < far
    assert groups([dhash(one), dhash(picture(5)), dhash(changed)]) == [[0, 2]]


def test_a_thousand_looks_are_compared_at_once() -> None:
    looks = np.random.default_rng(0).integers(0, 2**63, 3000, np.uint64).tolist()
    looks[2500] = looks[3] ^ 0b111
    assert groups(looks) == [[3, 2500]]
