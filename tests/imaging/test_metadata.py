"""Infotexts in picture files, written and read."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from modules.contract.errors import BadRequest
from modules.imaging.metadata import EXIF_POINTER, FORMATS, USER_COMMENT, encode, fits, read_info, read_infotext
from modules.imaging.opening import open_image

TEXT = "a cat é 猫 🐱\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7"
PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (16, 24, 3), dtype=np.uint8))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "LA"])
@pytest.mark.parametrize("format", FORMATS)
def test_an_infotext_comes_back_from_every_format(format: str, mode: str) -> None:
    assert read_infotext(encode(PICTURE.convert(mode), format=format, infotext=TEXT)) == TEXT


@pytest.mark.parametrize("format", FORMATS)
def test_without_an_infotext_there_is_none(format: str) -> None:
    assert read_infotext(encode(PICTURE, format=format, infotext=None)) == ""


@given(st.text(max_size=100), st.sampled_from(["png", "jpg", "webp"]))
@settings(max_examples=60, deadline=None)
def test_any_text_comes_back_but_for_halves_of_characters(text: str, format: str) -> None:
    written = text.encode("utf-8", "replace").decode()
    found = read_infotext(encode(PICTURE, format=format, infotext=text))
    assert found == written if "\0" not in text else True  # a zero ends a text in PNG and EXIF


def test_png_takes_further_texts_and_leaves_out_names_that_it_cannot_have() -> None:
    extra = {"postprocessing": "Postprocess upscale by: 2", "extras": "é 猫", "\0": "x", "": "x", "n" * 80: "x", "猫": "x"}
    info = read_info(encode(PICTURE, format="png", infotext=TEXT, extra=extra))
    assert info.infotext == TEXT
    assert info.items == {"postprocessing": "Postprocess upscale by: 2", "extras": "é 猫"}


@pytest.mark.parametrize("format", ["png", "webp"])
def test_lossless_is_lossless(format: str) -> None:
    image = open_image(encode(PICTURE, format=format, infotext=None, lossless=True))
    assert np.array_equal(np.asarray(image.convert("RGB")), np.asarray(PICTURE))


@pytest.mark.parametrize("format", ["webp", "avif"])
def test_transparency_stays_where_the_format_has_it(format: str) -> None:
    picture = PICTURE.convert("RGBA")
    picture.putalpha(0)
    assert not np.asarray(open_image(encode(picture, format=format, infotext=None)).convert("RGBA"))[..., 3].any()


def test_sixteen_bits_become_eight() -> None:
    grey = Image.fromarray(np.full((8, 8), 40_000, np.uint16))
    value = open_image(encode(grey, format="jpg", infotext=None, quality=100)).convert("L").getpixel((4, 4))
    assert value == pytest.approx(40_000 / 256, abs=2)  # JPEG rounds


@pytest.mark.parametrize(("format", "size"), [("jpg", (65536, 1)), ("webp", (1, 16384))])
def test_a_picture_too_large_for_a_format_is_refused(format: str, size: tuple[int, int]) -> None:
    with pytest.raises(BadRequest, match="Use PNG"):
        encode(Image.new("L", size), format=format, infotext=None)
    assert fits(size, "png", None)
    assert not fits(size, format, None)


def test_an_infotext_too_long_for_jpeg_is_refused_and_the_longest_is_not() -> None:
    assert read_infotext(encode(PICTURE, format="jpg", infotext="猫" * 32_000)) == "猫" * 32_000
    with pytest.raises(BadRequest, match="Use PNG"):
        encode(PICTURE, format="jpg", infotext="猫" * 32_001)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(BadRequest, match="tiff"):
        encode(PICTURE, format="tiff", infotext=None)


def with_comment(value: bytes) -> bytes:
    """A JPEG file with these bytes as its UserComment."""
    exif = Image.Exif()
    exif.get_ifd(EXIF_POINTER)[USER_COMMENT] = value
    buffer = io.BytesIO()
    PICTURE.save(buffer, "JPEG", exif=exif.tobytes())
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"UNICODE\0" + "Schön".encode("utf-16-be"), "Schön"),
        (b"UNICODE\0" + "Schön".encode("utf-16-le"), "Schön"),
        (b"ASCII\0\0\0plain", "plain"),
        (bytes(8) + "é".encode(), "é"),
        (b"no code at all", "no code at all"),
        (b"ASCII\0\0\0" + bytes(40), ""),
        (b"", ""),
    ],
)
def test_comments_of_other_programs_are_read(value: bytes, expected: str) -> None:
    assert read_infotext(with_comment(value)) == expected


def test_exif_goes_before_the_chunk_as_in_a1111() -> None:
    buffer = io.BytesIO()
    open_image(encode(PICTURE, format="png", infotext="chunk")).save(
        buffer, "PNG", exif=open_image(with_comment(b"exif here")).getexif().tobytes()
    )
    assert read_infotext(buffer.getvalue()) == "exif here"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def damaged_png(data: bytes) -> bytes:
    png = encode(PICTURE, format="png", infotext=None)
    return png[:33] + chunk(b"eXIf", data) + png[33:]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize(
    "data", [b"MM\0*\0\0\0\x08\xff\xff", b"II*\0" + b"\xff" * 40, b"MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\xff\xff\xff\xff"]
)
def test_damaged_exif_is_no_infotext(data: bytes) -> None:
    assert read_infotext(damaged_png(data)) == ""


def test_the_items_are_the_texts_and_not_the_technical_values() -> None:
    buffer = io.BytesIO()
    PICTURE.save(buffer, "PNG", dpi=(72, 72), exif=open_image(with_comment(b"x")).getexif().tobytes())
    assert read_info(buffer.getvalue()).items == {}


def test_a_picture_that_is_open_is_read_too() -> None:
    assert read_info(open_image(encode(PICTURE, format="webp", infotext=TEXT))).infotext == TEXT


@pytest.mark.parametrize("read", [read_info, read_infotext])
def test_what_is_no_picture_is_refused(read: Callable[[bytes], object]) -> None:
    with pytest.raises(BadRequest):
        read(b"no picture")
