"""The texts in a picture file: PNG's chunks, EXIF's UserComment elsewhere, GIF's comment."""

import io
import struct
from collections.abc import Mapping
from typing import NamedTuple

from PIL import Image, PngImagePlugin

from modules.contract.errors import BadRequest
from modules.imaging.opening import open_image

KEY = "parameters"
EXIF_POINTER, USER_COMMENT = 0x8769, 0x9286
UNICODE = b"UNICODE\0"
CODES = {b"ASCII\0\0\0": "ascii", b"JIS\0\0\0\0\0": "shift_jis", bytes(8): "utf-8"}
LONGEST_SIDES = {"JPEG": 65535, "WEBP": 16383, "GIF": 65535, "AVIF": 32768}
LONGEST_JPEG_COMMENT = 32_000  # UTF-16 units: EXIF is one segment of 64 KiB
LONGEST_KEY = 79  # of a PNG chunk
FORMATS = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP", "avif": "AVIF", "gif": "GIF"}

# What Pillow tells of a file beside the texts that someone wrote into it; A1111's list.
TECHNICAL = frozenset(
    ("jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi", "exif", "loop", "background", "timestamp", "duration",
     "progressive", "progression", "icc_profile", "chromaticity", "photoshop")
)  # fmt: skip


class Info(NamedTuple):
    """The infotext of a picture file, empty if it has none, and all other texts in it by their names."""

    infotext: str
    items: dict[str, str]


def encode(
    image: Image.Image,
    *,
    format: str,
    infotext: str | None,
    quality: int = 80,
    lossless: bool = False,
    extra: Mapping[str, str] | None = None,
) -> bytes:
    """A picture file's bytes. `format`: png, jpg, jpeg, webp, avif or gif; `infotext` None leaves the metadata out.

    `lossless` is for WEBP; for AVIF it means its best quality. `extra` are further texts by name, which only PNG can hold.
    Raises BadRequest for an unknown format, and for a picture or an infotext that is too large for it: see `fits`.
    """
    if format not in FORMATS:
        raise BadRequest(f"The picture format is '{format}'; it must be one of {', '.join(FORMATS)}.")
    if not fits(image.size, format, infotext):
        raise BadRequest(f"A picture of {image.width}x{image.height} or its infotext is too large for {FORMATS[format]}.", "Use PNG.")
    buffer = io.BytesIO()
    text = None if infotext is None else infotext.encode("utf-8", "replace").decode()  # no half characters
    if format == "png":
        image.save(buffer, "PNG", pnginfo=chunks({**(extra or {}), **({KEY: text} if text is not None else {})}))
    elif format == "gif":
        image.save(buffer, "GIF", comment=(text or "").encode())
    elif format in ("jpg", "jpeg"):
        opaque(image).save(buffer, "JPEG", quality=quality, exif=comment(text))
    elif format == "webp":
        eight_bits(image).save(buffer, "WEBP", quality=quality, lossless=lossless, exif=comment(text))
    else:
        best = {"quality": 100, "subsampling": "4:4:4"} if lossless else {"quality": quality}
        eight_bits(image).save(buffer, "AVIF", exif=comment(text), **best)
    return buffer.getvalue()


def fits(size: tuple[int, int], format: str, infotext: str | None) -> bool:
    """Whether a format can hold a picture of that size with that infotext. PNG can hold all."""
    if max(size) > LONGEST_SIDES.get(FORMATS[format], max(size)):
        return False
    return FORMATS[format] != "JPEG" or len((infotext or "").encode("utf-16-be", "replace")) <= 2 * LONGEST_JPEG_COMMENT


def chunks(texts: Mapping[str, str]) -> PngImagePlugin.PngInfo:
    """PNG's text chunks: tEXt where Latin-1 holds a text, iTXt where not. Names that PNG cannot have are left out."""
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        if 0 < len(name) <= LONGEST_KEY and name.isascii() and name.isprintable():
            info.add_text(name, text.encode("utf-8", "replace").decode())
    return info


def comment(text: str | None) -> bytes:
    """EXIF with a text as its UserComment; empty for None. As bytes, for Pillow takes an Exif without a main entry for an empty one."""
    if text is None:
        return b""
    exif = Image.Exif()
    exif.get_ifd(EXIF_POINTER)[USER_COMMENT] = UNICODE + text.encode("utf-16-be")
    return exif.tobytes()


def eight_bits(image: Image.Image) -> Image.Image:
    """A picture in RGB, or RGBA if it has transparent parts; one of 16 bits is scaled down."""
    if image.mode.startswith("I;16"):
        return image.point(lambda value: value / 256).convert("L").convert("RGB")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def opaque(image: Image.Image) -> Image.Image:
    """A picture in RGB, its transparency left out."""
    return eight_bits(image).convert("RGB")


def read_infotext(data: bytes) -> str:
    """The infotext in a picture file; empty if it has none. Raises BadRequest for what is no picture."""
    return read_info(data).infotext


def read_info(picture: bytes | Image.Image) -> Info:
    """The texts in a picture file, or in one that was opened. Raises BadRequest for bytes that are no picture.

    The infotext is what stands in EXIF's UserComment, else in GIF's comment, else in PNG's `parameters`, as A1111 has it.
    What other programs write is among the items: `modules.infotext.foreign` reads it.
    """
    image = open_image(picture) if isinstance(picture, bytes) else picture
    texts = {str(name): text for name, value in image.info.items() if (text := text_of(value)) is not None}
    infotext = texts.pop(KEY, "")
    if "exif" in image.info:
        infotext = user_comment(image) or infotext
    elif "comment" in texts:
        infotext = texts["comment"]
    return Info(infotext, {name: text for name, text in texts.items() if name not in TECHNICAL})


def text_of(value: object) -> str | None:
    """A text, or bytes as one; None for what is neither."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "ignore")
    return str(value) if isinstance(value, str) else None


def user_comment(image: Image.Image) -> str:
    """The text in EXIF's UserComment; empty if there is none, or if the EXIF is damaged."""
    try:
        value = image.getexif().get_ifd(EXIF_POINTER).get(USER_COMMENT)
    except (struct.error, SyntaxError, ValueError, TypeError, KeyError, OSError, IndexError):
        return ""
    if not isinstance(value, bytes):
        return value if isinstance(value, str) else ""
    code, text = value[:8], value[8:]
    if code == UNICODE:  # big-endian by the standard; some programs write the other order, which shows in where the zeros are
        return text.decode("utf-16-le" if text[1::2].count(0) > text[::2].count(0) else "utf-16-be", "replace")
    return (text.decode(CODES[code], "ignore") if code in CODES else value.decode("utf-8", "ignore")).strip("\0")
