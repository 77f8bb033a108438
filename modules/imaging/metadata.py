"""The infotext in a picture file: PNG's `parameters` chunk, EXIF's UserComment elsewhere."""

import io

from PIL import Image, PngImagePlugin

from modules.imaging.opening import open_image

KEY = "parameters"
EXIF_POINTER, USER_COMMENT = 0x8769, 0x9286
UNICODE = b"UNICODE\0"


def encode(image: Image.Image, *, format: str, infotext: str | None, quality: int = 80) -> bytes:
    """A picture file's bytes. `format`: png, jpg or webp; `infotext` None leaves the metadata out."""
    buffer = io.BytesIO()
    if format == "png":
        chunks = PngImagePlugin.PngInfo()
        if infotext is not None:
            chunks.add_text(KEY, infotext)  # tEXt where Latin-1 holds it, iTXt where not
        image.save(buffer, "PNG", pnginfo=chunks)
        return buffer.getvalue()
    exif = Image.Exif()
    if infotext is not None:
        exif.get_ifd(EXIF_POINTER)[USER_COMMENT] = UNICODE + infotext.encode("utf-16-be", "replace")
    image.convert("RGB").save(buffer, {"jpg": "JPEG", "webp": "WEBP"}[format], quality=quality, exif=exif)
    return buffer.getvalue()


def read_infotext(data: bytes) -> str:
    """The infotext in a picture file; empty if it has none. Raises BadRequest for what is no picture."""
    image = open_image(data)
    text = image.info.get(KEY)
    if isinstance(text, str):
        return text
    comment = image.getexif().get_ifd(EXIF_POINTER).get(USER_COMMENT)
    if isinstance(comment, bytes) and comment.startswith(UNICODE):
        return comment.removeprefix(UNICODE).decode("utf-16-be", "replace")
    return ""
