"""What files say, read without unpacking them."""

import zlib
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from modules.history.reading import LARGEST_TEXT, facts_of, told
from modules.imaging.metadata import encode
from tests.history.pictures import draw, infotext


@pytest.mark.parametrize("format", ["png", "jpg", "webp", "avif", "gif"])
def test_the_infotext_and_the_size_are_found_in_every_format(tmp_path: Path, format: str) -> None:
    text = infotext("ein Schloß, 城")
    (tmp_path / f"a.{format}").write_bytes(encode(Image.new("RGB", (40, 20)), format=format, infotext=text))
    facts = facts_of(tmp_path / f"a.{format}")
    assert (facts.width, facts.height, facts.infotext, facts.problem) == (40, 20, text, None)


@pytest.mark.parametrize("packed", [False, True])
def test_packed_and_international_texts_are_read(tmp_path: Path, packed: bool) -> None:
    info = PngInfo()
    info.add_itxt("parameters", "城 " + "x" * 3000, zip=packed)
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", pnginfo=info)
    assert facts_of(tmp_path / "a.png").infotext.startswith("城 xxx")


def test_a_text_behind_the_pixels_is_read(tmp_path: Path) -> None:
    data = draw(tmp_path / "a.png").read_bytes()
    chunk = b"tEXtparameters\0late"
    end = data.index(b"IEND") - 4
    late = (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(data[:end] + late + data[end:])
    assert facts_of(tmp_path / "a.png").infotext == "late"


def test_a_text_that_unpacks_to_very_much_stops_at_the_limit(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("parameters", "a" * (4 * LARGEST_TEXT), zip=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", pnginfo=info)
    assert len(facts_of(tmp_path / "a.png").infotext) <= LARGEST_TEXT


@pytest.mark.parametrize("cut", [0, 5, 20, 30, 45])
def test_a_file_that_ends_early_is_damaged(tmp_path: Path, cut: int) -> None:
    file = draw(tmp_path / "a.png", infotext())
    file.write_bytes(file.read_bytes()[:cut])
    assert facts_of(file).problem


def test_what_the_extras_tab_made_says_so(tmp_path: Path) -> None:
    facts = facts_of(draw(tmp_path / "a.png", "Postprocess upscale by: 2", chunk="postprocessing"))
    assert facts.postprocessed and facts.infotext == "Postprocess upscale by: 2"


def test_equal_files_have_equal_fingerprints_and_others_have_not(tmp_path: Path) -> None:
    one = draw(tmp_path / "a.png", infotext())
    (tmp_path / "b.png").write_bytes(one.read_bytes())
    other = draw(tmp_path / "c.png", infotext(seed=2))
    prints = [facts_of(file).fingerprint for file in (one, tmp_path / "b.png", other)]
    assert prints[0] == prints[1] != prints[2]


def test_what_an_infotext_says_is_taken_apart() -> None:
    said = told(infotext("a (red:1.2) cat <lora:a:1> <lora:b:0.5>", negative="bad", more=', Lora hashes: "c: 12, a: 34"'))
    assert (said.seed, said.model, said.model_hash) == ("1", "demo", "0123456789")
    assert (said.sampler, said.steps, said.guidance) == ("Euler a", 20, 7.0)
    assert said.loras == ("a", "b", "c")
    assert "lora" not in said.prompt and "1.2" not in said.prompt
    assert told("").seed is None
