"""A folder with every kind of bad file is refused before anything starts, each named with what repairs it."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from modules.contract.training import DataOptions, DatasetFolder, TrainingRequest, training_request_from
from modules.datasets.check import Checked, Finding, check
from modules.datasets.scan import scan

SIDE = 256


def picture(seed: int, size: tuple[int, int] = (SIDE, SIDE), mode: str = "RGB") -> Image.Image:
    """A picture that looks like no other: large soft spots."""
    noise = np.random.default_rng(seed).integers(0, 255, (6, 6, 3), np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).convert(mode)


def written(folder: Path, name: str, image: Image.Image, caption: str | bytes | None = "a red thing", **how: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **how)
    if caption is not None:
        path.with_suffix(".txt").write_bytes(caption if isinstance(caption, bytes) else caption.encode())
    return path


def bad_folder(folder: Path) -> None:
    """Two sound pictures, and one or two of each kind that is not."""
    written(folder, "sound-1.png", picture(1))
    written(folder, "sound-2.jpg", picture(2))
    whole = written(folder, "truncated.jpg", picture(3)).read_bytes()
    (folder / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "text.png").write_text("These are words.")
    written(folder, "tiny.png", picture(4, (16, 16)))
    frames = [picture(seed, mode="P") for seed in (5, 6, 7)]
    written(folder, "moving.gif", frames[0], save_all=True, append_images=frames[1:])
    written(folder, "print.jpg", picture(8, mode="CMYK"))
    sideways = Image.Exif()
    sideways[0x0112] = 6
    written(folder, "sideways.jpg", picture(9, (SIDE, SIDE - 32)), exif=sideways)
    clear = picture(10, mode="RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    written(folder, "clear.png", clear)
    twin = written(folder, "twin-1.png", picture(11), "a red thing, twice")
    (folder / "twin-2.png").write_bytes(twin.read_bytes())
    (folder / "twin-2.txt").write_text("a red thing")
    written(folder, "near-1.png", picture(12))
    written(folder, "near-2.jpg", picture(12).resize((SIDE - 8, SIDE - 8)), quality=60)
    written(folder, "latin.png", picture(13), "ein grünes Ding".encode("latin-1"))
    written(folder, "long.png", picture(14), ", ".join(f"word{number}" for number in range(90)))
    written(folder, "blank.png", picture(15), "")
    written(folder, "silent.png", picture(16), None)
    written(folder, "masked.png", picture(17))
    Image.new("L", (99, 50), 255).save(folder / "masked-mask.png")
    (folder / "empty.webp").touch()
    (folder / "other.tiff").write_bytes(b"II*\0")
    written(folder, "panorama.png", picture(18, (1600, 200)))
    outside = written(folder.parent / "elsewhere", "secret.png", picture(19), None)
    (folder / "link.png").symlink_to(outside)
    (folder / "lost.txt").write_text("a caption without a picture")


def words(text: str) -> int:
    """Tokens, as far as a test needs them."""
    return len(text.replace(",", " , ").split())


def checked(folder: Path, **values: Any) -> Checked:
    data = DataOptions(folders=(DatasetFolder(folder=str(folder)),), **values)
    request = TrainingRequest(data=data)
    return check(scan(data.folders), request, own=SIDE, count_tokens=words)


def of_kind(result: Checked, kind: str) -> Finding:
    [found] = [finding for finding in result.findings if finding.kind == kind]
    return found


EXPECTED = {
    "damaged": ("red", ["truncated.jpg"], "drop"),
    "not a picture": ("red", ["text.png"], "drop"),
    "tiny": ("red", ["tiny.png"], "upscale"),
    "animated": ("amber", ["moving.gif"], "encode"),
    "cmyk": ("amber", ["print.jpg"], "encode"),
    "sideways": ("green", ["sideways.jpg"], "rotate"),
    "transparent": ("green", ["clear.png"], "encode"),
    "identical": ("amber", ["twin-2.png"], "dedupe"),
    "alike": ("amber", ["near-2.jpg"], "dedupe"),
    "encoding": ("red", ["latin.png"], "utf8"),
    "long caption": ("amber", ["long.png"], "shorten"),
    "empty caption": ("amber", ["blank.png"], "caption"),
    "no caption": ("red", ["silent.png"], "caption"),
    "mask size": ("red", ["masked.png"], "mask"),
    "empty file": ("red", ["empty.webp"], "drop"),
    "other format": ("red", ["other.tiff"], "drop"),
    "outside": ("red", ["link.png"], "drop"),
    "long": ("amber", ["panorama.png"], "split"),
    "lone caption": ("green", ["lost.txt"], "drop"),
}


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    folder = tmp_path_factory.mktemp("data") / "bad"
    bad_folder(folder)
    return checked(folder, missing_captions="refuse", masked="mask files")


@pytest.mark.parametrize("kind", EXPECTED)
def test_each_kind_of_bad_file_is_named_with_its_repair(result: Checked, kind: str) -> None:
    level, files, repair = EXPECTED[kind]
    finding = of_kind(result, kind)
    assert (finding.level, [name.partition("/")[2] for name in finding.files], finding.repairs[0]) == (level, files, repair)
    assert all(name in finding.text for name in ([] if kind == "few" else [files[0]]))


def test_the_folder_is_refused_and_sound_files_are_not_named(result: Checked) -> None:
    assert result.refused
    assert {finding.kind for finding in result.findings} - set(EXPECTED) == {"mask missing"}
    named = {name for finding in result.findings if finding.kind != "mask missing" for name in finding.files}
    assert not [name for name in named if "sound" in name]


def test_a_sound_folder_is_let_through_without_a_word(tmp_path: Path) -> None:
    for seed in range(4):
        written(tmp_path, f"{seed}.png", picture(seed), f"thing {seed}")
    assert checked(tmp_path).findings == ()


def test_an_empty_folder_and_none_at_all_are_refused(tmp_path: Path) -> None:
    assert [finding.kind for finding in checked(tmp_path).findings] == ["nothing"]
    nothing = check(scan(()), TrainingRequest(), own=SIDE)
    assert nothing.refused and "No folder" in nothing.findings[0].text


def test_drawings_of_different_things_on_white_are_not_taken_for_copies(tmp_path: Path) -> None:
    for number, corner in enumerate([(60, 60), (80, 120), (120, 60), (100, 140)]):
        image = Image.new("RGB", (SIDE, SIDE), "white")
        ImageDraw.Draw(image).ellipse((*corner, corner[0] + 50, corner[1] + 50), fill=(200, 40 * number, 0))
        written(tmp_path, f"{number}.png", image)
    assert not [finding for finding in checked(tmp_path).findings if finding.kind in ("alike", "identical")]


def test_pictures_that_are_held_out_and_trained_on_are_a_leak(tmp_path: Path) -> None:
    for seed in range(4):
        written(tmp_path / "a", f"{seed}.png", picture(seed))
    written(tmp_path / "b", "known.jpg", picture(2), quality=70)
    folders = (DatasetFolder(folder=str(tmp_path / "a")), DatasetFolder(folder=str(tmp_path / "b"), held_out=True))
    found = check(scan(folders), TrainingRequest(data=DataOptions(folders=folders)), own=SIDE)
    assert of_kind(found, "leak").files == ("0/2.png", "1/known.jpg")


def test_a_trigger_with_brackets_is_told_as_it_is(tmp_path: Path) -> None:
    for seed in range(3):
        written(tmp_path, f"{seed}.png", picture(seed), None)
    data = {"folders": [{"folder": str(tmp_path)}], "missing_captions": "trigger"}
    request = training_request_from({"trigger": "{x} thing", "data": data})
    found = check(scan(request.data.folders), request, own=SIDE)
    assert "called '{x} thing'" in of_kind(found, "no caption").text
    assert not found.refused


def test_a_damaged_end_is_seen_although_the_header_is_sound(tmp_path: Path) -> None:
    data = io.BytesIO()
    picture(1).save(data, "PNG")
    (tmp_path / "half.png").write_bytes(data.getvalue()[:-2000])
    assert Image.open(tmp_path / "half.png").size == (SIDE, SIDE)
    assert of_kind(checked(tmp_path), "damaged").files == ("0/half.png",)
