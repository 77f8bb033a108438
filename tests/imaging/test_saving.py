"""File names that are always possible, and files that are never half, never over another."""

import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from modules.contract.errors import BadRequest
from modules.contract.progress import Filed
from modules.imaging.metadata import encode, read_infotext
from modules.imaging.naming import name_from, values_of
from modules.imaging.opening import open_image
from modules.imaging.saving import Destination, destination, save, written
from modules.settings.groups import Saving

NOW = datetime(2026, 1, 2, 3, 4, 5)
FACTS = {"steps": 20, "cfg": 7, "width": 64, "height": 64, "sampler": "Euler a", "model_name": "demo"}


def values(prompt: str) -> dict[str, str]:
    return values_of(prompt=prompt, seed=5, facts=FACTS, now=NOW)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=400))
def test_any_prompt_gives_a_name_that_any_system_can_keep(prompt: str) -> None:
    name = name_from("[seed]-[prompt_spaces]", values(prompt), NOW)
    assert len(name.encode()) <= 200
    assert not set(name) & set('<>:"/\\|?*\0\n')
    assert name.strip(" .") == name


@pytest.mark.parametrize(
    "prompt", ["猫" * 300, "🐱" * 100, "a" * 10_000, "con", "..", "aux.png", "/etc/passwd", "..\\..\\x", "\ud800", "e\u0301" * 200]
)
def test_awkward_prompts_are_saved_and_read_back(tmp_path: Path, prompt: str) -> None:
    place = destination(tmp_path, Saving(), values(prompt), NOW)
    path = save(encode(Image.new("RGB", (8, 8)), format="png", infotext="x"), place)
    assert path.is_relative_to(tmp_path / "outputs")
    assert read_infotext(path.read_bytes()) == "x"


def test_patterns_are_filled_in_and_unknown_placeholders_stay() -> None:
    assert name_from("[seed] [sampler] [datetime<%Y>] [nope]", values("x"), NOW) == "5 Euler a 2026 [nope]"


@pytest.mark.parametrize("folder", ["../elsewhere", "outputs/../../elsewhere"])
def test_a_folder_that_leads_out_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(BadRequest, match="leads out"):
        destination(tmp_path, Saving(folder=folder), values("x"), NOW)


def test_a_subfolder_pattern_cannot_climb() -> None:
    assert destination(Path("/data"), Saving(subfolder_pattern="../../x"), values("x"), NOW).folder.parent == Path(
        "/data/outputs/txt2img-images"
    )


def test_numbers_go_on_from_the_highest_and_no_file_is_overwritten(tmp_path: Path) -> None:
    place = Destination(tmp_path, "x", "png")
    (tmp_path / "00041-old.png").write_bytes(b"old")
    (tmp_path / "00042-x.png").write_bytes(b"mine")
    assert save(b"a", place).name == "00043-x.png"
    (tmp_path / "00044-x.png").symlink_to("nowhere")
    assert save(b"b", place).name == "00045-x.png"
    assert (tmp_path / "00042-x.png").read_bytes() == b"mine"


def test_two_who_save_at_once_get_two_files(tmp_path: Path) -> None:
    place = Destination(tmp_path, "x", "png")

    def disturb(filed: Filed) -> None:
        if not Path(filed.path).exists() and not list(tmp_path.glob("*.png")):
            Path(filed.path).write_bytes(b"the other")

    path = save(b"mine", place, announce=disturb)
    assert path.read_bytes() == b"mine"
    assert sorted(file.read_bytes() for file in tmp_path.glob("*.png")) == [b"mine", b"the other"]


def test_an_announced_file_is_known_again_only_if_it_is_whole(tmp_path: Path) -> None:
    announced: list[Filed] = []
    path = save(b"content", Destination(tmp_path, "x", "png"), announce=announced.append)
    assert written(announced[0]) == b"content"
    path.write_bytes(b"other")
    assert written(announced[0]) is None
    path.unlink()
    assert written(announced[0]) is None
    assert written(None) is None


KILLED = """
import sys
from pathlib import Path
from modules.imaging.saving import Destination, save
place = Destination(Path(sys.argv[1]), "x", "png")
while True:
    save(b"z" * 300_000, place)
"""


def test_a_killed_program_leaves_no_half_picture(tmp_path: Path) -> None:
    for round in range(4):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], cwd=Path(__file__).parents[2])
        deadline = time.time() + 20
        while len(list(tmp_path.glob("*.png"))) < 5 * (round + 1) and time.time() < deadline:
            time.sleep(0.01)
        process.kill()
        process.wait()
    files = list(tmp_path.glob("*.png"))
    assert len(files) >= 20
    assert all(file.stat().st_size == 300_000 for file in files)


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"\x89PNG\r\n\x1a\n" + b"\0" * 50, b"%!PS-Adobe", b"<svg/>", b"P6 1 1 255 000"])
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(BadRequest):
        open_image(content)


@pytest.mark.parametrize(("side", "words"), [(16_000, "too many pixels"), (8_500, "8500x8500")])
def test_a_picture_that_would_unpack_to_gigabytes_is_refused_before(side: int, words: str) -> None:
    data = encode(Image.new("1", (side, side)), format="png", infotext=None)
    started = time.perf_counter()
    with pytest.raises(BadRequest, match=words):
        open_image(data)
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_exif_says(orientation: int) -> None:
    import io

    image = Image.new("RGB", (4, 2), "black")
    image.putpixel((0, 0), (255, 255, 255))
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    image.save(buffer, "PNG", exif=exif)
    upright = open_image(buffer.getvalue())
    assert upright.size == ((4, 2) if orientation < 5 else (2, 4))
    corner = {1: (0, 0), 2: (3, 0), 3: (3, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 3), 8: (0, 3)}[orientation]
    assert upright.getpixel(corner) == (255, 255, 255)
