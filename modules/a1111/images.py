"""Pictures in A1111's requests, base64, data URI or address, to the bytes of a picture file, and pictures back to base64."""

import base64
import binascii
from collections.abc import Callable, Mapping

from PIL import Image

from modules.contract.errors import BadRequest
from modules.imaging import metadata
from modules.imaging.opening import open_image
from modules.settings.groups import Saving

Fetch = Callable[[str, str], bytes]  # (address, what the picture is called in errors) -> the file


def picture(text: str, name: str, fetch: Fetch) -> bytes:
    """The bytes of a picture file; it has been opened once, so it is one. Raises BadRequest with a sentence that begins with `name`."""
    if is_address(text):
        data = fetch(text, name)
    else:
        bare = text.partition(",")[2] if text.startswith("data:") else text
        try:
            data = base64.b64decode("".join(bare.split()), validate=True)
        except (binascii.Error, ValueError):
            raise BadRequest(f"{name} is not a picture in base64.", "Give the base64 of a PNG, JPEG or WEBP file, or a data URI.") from None
    open_image(data, name=name)
    return data


def is_address(text: str) -> bool:
    """Whether a picture is to be fetched."""
    return text[:8].lower().startswith(("http://", "https://"))


def as_text(image: Image.Image, saving: Saving, *, infotext: str | None, extra: Mapping[str, str] | None = None) -> str:
    """A picture as base64 of a file in the format of the settings, its infotext and the texts of `extra` inside."""
    quality = {"quality": saving.jpeg_quality, "lossless": saving.lossless_webp}
    return base64.b64encode(metadata.encode(image, format=saving.format, infotext=infotext, extra=extra or {}, **quality)).decode()
