"""The one place that opens pictures from outside: five formats, by content; weighed before they are unpacked; turned upright."""

import io

from PIL import Image, ImageOps, UnidentifiedImageError

from modules.contract.errors import BadRequest

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "AVIF")
MOST_PIXELS = 64_000_000
LONGEST_SIDE = 16_384
ALLOWED = f"at most {MOST_PIXELS // 10**6} million, {LONGEST_SIDE} a side, can be used"


def open_image(data: bytes, *, name: str = "The picture") -> Image.Image:
    """The picture in some bytes, loaded, its first frame, turned as its EXIF says; its text stays in `info`. Raises BadRequest."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise BadRequest(f"{name} has too many pixels; {ALLOWED}.") from None
    except (UnidentifiedImageError, OSError, ValueError):
        raise BadRequest(f"{name} is not a PNG, JPEG, WEBP, GIF or AVIF picture.") from None
    width, height = image.size
    if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
        raise BadRequest(f"{name} has {width}x{height} pixels; {ALLOWED}.")
    try:
        image.load()
        info = dict(image.info)
        upright = ImageOps.exif_transpose(image)
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise BadRequest(f"{name} is damaged ({error}).") from None
    upright.info = info
    return upright


def header_of(data: bytes) -> Image.Image:
    """A picture as far as its header says: mode, format, frames, EXIF; not decoded and not turned. Raises as Pillow does."""
    return Image.open(io.BytesIO(data), formats=FORMATS)
