"""Each repair does what it says, leaves a folder that the check lets through, and is taken back as a whole."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.contract.errors import BadRequest
from modules.contract.training import DataOptions, DatasetFolder, TrainingRequest
from modules.datasets.check import check
from modules.datasets.desk import CaptionWish, Desk, Doors
from modules.datasets.library import Library
from modules.datasets.repair import RepairOptions, Ways, changes_of
from modules.datasets.scan import Scan, scan
from modules.datasets.tasks import Tasks
from tests.datasets.test_check import SIDE, bad_folder, picture, words, written


def looked_at(root: Path) -> Scan:
    return scan([DatasetFolder(folder=str(root))])


def mended(root: Path, work: str, name: str, **options: Any) -> dict[str, bytes | None]:
    found = {item.short: item for item in looked_at(root).items}
    ways = Ways(RepairOptions(resolution=SIDE, **options), count=words)
    return dict(changes_of([found[name]], root, work, ways))


def image(data: bytes | None) -> Image.Image:
    assert data is not None
    return Image.open(io.BytesIO(data))


def test_every_bad_file_is_mended_by_the_repair_that_its_finding_offers_and_all_is_taken_back(tmp_path: Path) -> None:
    root = tmp_path / "bad"
    bad_folder(root)
    before = sorted(path.name for path in root.iterdir())
    library = Library(tmp_path / "data")
    desk = Desk(library, Doors(count=words), InTurn())
    id = library.name(str(root)).id
    data = DataOptions(folders=(DatasetFolder(folder=str(root)),), missing_captions="refuse", masked="mask files")
    request = TrainingRequest(data=data)
    rounds = 0
    while (
        found := [one for one in check(library.scan(root), request, own=SIDE, count_tokens=words).findings if one.repairs]
    ) and rounds < 40:
        rounds += 1
        names = [name.partition("/")[2] for name in found[0].files]
        if found[0].repairs[0] == "caption":
            desk.caption(id, names, CaptionWish("file name"), dry=False)
        else:
            desk.repair(id, found[0].repairs[0], names, RepairOptions(resolution=SIDE))
    left = check(library.scan(root), request, own=SIDE, count_tokens=words)
    assert [one.kind for one in left.findings] == ["mask missing"]
    assert not left.refused
    while library.journal(root).undoable():
        desk.undo(id)
    assert sorted(path.name for path in root.iterdir() if path.name != ".removed") == before


class InTurn(Tasks):
    """Does a task before it answers."""

    def start(self, place: str, what: str, run: object) -> str:
        assert callable(run)
        run(lambda done, total: None)
        return "1"


def test_a_sideways_photo_is_stored_upright_in_its_own_format(tmp_path: Path) -> None:
    sideways = Image.Exif()
    sideways[0x0112] = 6  # to be turned clockwise
    upper = Image.new("RGB", (80, 40), "black")
    upper.paste("white", (0, 0, 40, 40))
    written(tmp_path, "a.jpg", upper, exif=sideways)
    changes = mended(tmp_path, "rotate", "a.jpg")
    stored = image(changes["a.jpg"])
    assert (stored.format, stored.size, stored.getexif().get(0x0112)) == ("JPEG", (40, 80), None)
    assert np.asarray(stored.convert("L"))[:30].min() > 240


def test_a_picture_written_anew_keeps_its_caption_and_no_other_is_written_over(tmp_path: Path) -> None:
    written(tmp_path, "a.jpg", picture(1, mode="CMYK"))
    assert {name: data is None for name, data in mended(tmp_path, "encode", "a.jpg").items()} == {"a.jpg": True, "a.png": False}
    written(tmp_path, "a.png", picture(2))
    with pytest.raises(BadRequest, match=r"a\.png is there already"):
        mended(tmp_path, "encode", "a.jpg")


def test_a_caption_that_two_pictures_share_stays_when_one_is_put_aside(tmp_path: Path) -> None:
    written(tmp_path, "a.jpg", picture(1))
    written(tmp_path, "a.png", picture(2))
    assert mended(tmp_path, "drop", "a.jpg") == {"a.jpg": None}


def test_a_long_caption_keeps_its_first_tags(tmp_path: Path) -> None:
    written(tmp_path, "a.png", picture(1), ", ".join(f"tag{number}" for number in range(80)))
    text = mended(tmp_path, "shorten", "a.png", trigger="thing")["a.txt"]
    assert text is not None
    assert words(f"thing, {text.decode()}") <= 75 < words(f"thing, {text.decode()}, one")
    assert text.decode().startswith("tag0, tag1, tag2")


def test_a_crop_takes_the_mask_along(tmp_path: Path) -> None:
    written(tmp_path, "a.png", picture(1, (400, 100)))
    mask = Image.new("L", (400, 100), 0)
    mask.paste(255, (200, 0, 400, 100))
    mask.save(tmp_path / "a-mask.png")
    changes = mended(tmp_path, "crop", "a.png", boxes={"a.png": (150, 0, 250, 100)})
    assert image(changes["a.png"]).size == (100, 100)
    cut = np.asarray(image(changes["a-mask.png"]).convert("L"))
    assert cut.shape == (100, 100) and cut[:, :50].max() == 0 and cut[:, 50:].min() == 255


def test_a_cut_outside_of_the_picture_is_refused(tmp_path: Path) -> None:
    written(tmp_path, "a.png", picture(1, (400, 100)))
    with pytest.raises(BadRequest, match="not inside its 400x100 pixels"):
        mended(tmp_path, "crop", "a.png", boxes={"a.png": (350, 0, 450, 100)})


def test_a_split_covers_all_of_the_picture(tmp_path: Path) -> None:
    written(tmp_path, "a.png", picture(1, (1000, 100)))
    changes = mended(tmp_path, "split", "a.png", width=1, height=1)
    pieces = [name for name in changes if name.endswith(".png") and changes[name] is not None]
    assert changes["a.png"] is None and changes["a-1.txt"] == b"a red thing"
    assert all(image(changes[name]).size == (100, 100) for name in pieces) and len(pieces) >= 13
    whole = np.asarray(picture(1, (1000, 100)))
    assert (np.asarray(image(changes[pieces[0]])) == whole[:, :100]).all()
    assert (np.asarray(image(changes[pieces[-1]])) == whole[:, -100:]).all()


def test_a_mirrored_copy_is_mirrored(tmp_path: Path) -> None:
    written(tmp_path, "a.png", picture(1))
    changes = mended(tmp_path, "flip", "a.png")
    assert (np.asarray(image(changes["a-mirrored.png"])) == np.asarray(picture(1))[:, ::-1]).all()
    assert changes["a-mirrored.txt"] == b"a red thing"


def test_a_focal_crop_follows_what_is_there(tmp_path: Path) -> None:
    for left in (20, 320):
        plain = Image.new("RGB", (400, 100), "white")
        plain.paste(picture(3, (60, 60)), (left, 20))
        written(tmp_path, f"{left}.png", plain)
    for left in (20, 320):
        cut = np.asarray(image(mended(tmp_path, "crop", f"{left}.png", width=1, height=1)[f"{left}.png"]).convert("L"))
        assert (cut < 250).sum() > 0.8 * (np.asarray(picture(3, (60, 60)).convert("L")) < 250).sum()


def test_an_enlarged_picture_has_as_many_pixels_as_its_bucket(tmp_path: Path) -> None:
    written(tmp_path, "a.jpg", picture(1, (100, 100)))
    changes = mended(tmp_path, "upscale", "a.jpg")
    assert changes["a.jpg"] is None
    assert image(changes["a.png"]).size == (SIDE, SIDE)
