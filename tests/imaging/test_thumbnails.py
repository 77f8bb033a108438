"""Small copies of pictures: made once, right, bounded."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from modules.contract.errors import BadRequest, NotFound
from modules.imaging import thumbnails
from modules.imaging.opening import open_image
from modules.imaging.thumbnails import Thumbnails


def picture(path: Path, size: tuple[int, int] = (400, 200), color: str = "red", mode: str = "RGB") -> Path:
    Image.new(mode, size, color).save(path)
    return path


def test_a_copy_fits_its_square_and_keeps_the_shape(tmp_path: Path) -> None:
    small = Thumbnails(tmp_path / "small").of(picture(tmp_path / "a.png"), 100)
    image = open_image(small.read_bytes())
    assert image.size == (100, 50)
    red, green, blue = image.convert("RGB").getpixel((50, 25))  # type: ignore[misc]
    assert red > 240 and max(green, blue) < 15  # WebP at quality 80 moves a plain red by a few levels


def test_a_copy_is_never_larger_than_its_picture(tmp_path: Path) -> None:
    small = Thumbnails(tmp_path / "small").of(picture(tmp_path / "a.png", (20, 10)), 256)
    assert open_image(small.read_bytes()).size == (20, 10)


def test_transparent_parts_stay_transparent(tmp_path: Path) -> None:
    small = Thumbnails(tmp_path / "small").of(picture(tmp_path / "a.png", color="#ff000000", mode="RGBA"), 64)
    assert open_image(small.read_bytes()).convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]


def test_a_picture_of_16_bits_and_one_with_a_palette_have_copies(tmp_path: Path) -> None:
    made = Thumbnails(tmp_path / "small")
    Image.new("I;16", (50, 50), 40_000).save(tmp_path / "deep.png")
    Image.new("P", (50, 50), 3).save(tmp_path / "palette.gif")
    for name in ("deep.png", "palette.gif"):
        assert open_image(made.of(tmp_path / name, 32).read_bytes()).size == (32, 32)


def test_a_copy_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Thumbnails(tmp_path / "small")
    first = made.of(picture(tmp_path / "a.png"), 64)
    monkeypatch.setattr(thumbnails, "shrunk", lambda *_: pytest.fail("made twice"))
    assert made.of(tmp_path / "a.png", 64) == first


def test_a_changed_picture_gets_a_new_copy(tmp_path: Path) -> None:
    made = Thumbnails(tmp_path / "small")
    first = made.of(picture(tmp_path / "a.png"), 64)
    picture(tmp_path / "a.png", color="blue")
    os.utime(tmp_path / "a.png", ns=(1, 1))
    second = made.of(tmp_path / "a.png", 64)
    assert first != second
    assert open_image(second.read_bytes()).convert("RGB").getpixel((10, 10))[2] > 200  # type: ignore[index]


def test_many_who_want_the_same_copy_make_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, real, calls = Thumbnails(tmp_path / "small"), thumbnails.shrunk, []

    def slow(path: Path, side: int) -> bytes:
        calls.append(path)
        time.sleep(0.05)
        return real(path, side)

    monkeypatch.setattr(thumbnails, "shrunk", slow)
    path = picture(tmp_path / "a.png")
    with ThreadPoolExecutor(8) as pool:
        files = set(pool.map(lambda _: made.of(path, 64), range(16)))
    assert len(files) == 1
    assert len(calls) == 1
    assert made.making == {}


def test_the_copies_not_used_for_longest_go_when_there_are_too_many(tmp_path: Path) -> None:
    made = Thumbnails(tmp_path / "small", most_bytes=1000)
    files = [made.of(picture(tmp_path / f"{n}.png", color=f"#{n:02x}0000"), 64) for n in range(20)]
    for age, file in enumerate(files):
        os.utime(file, (1000 - age, 1000 - age))
    made.trim()
    left = [file for file in files if file.exists()]
    assert left == files[: len(left)]
    assert 0 < sum(file.stat().st_size for file in left) <= 1000


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    made = Thumbnails(tmp_path / "small")
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(BadRequest, match=r"a\.png is not a"):
        made.of(tmp_path / "a.png", 64)
    with pytest.raises(NotFound):
        made.of(tmp_path / "b.png", 64)
    with pytest.raises(BadRequest, match="between 16 and 1024"):
        made.of(tmp_path / "a.png", 4096)
    assert made.making == {}
