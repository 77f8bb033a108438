"""Pictures as they are trained on: upright, opaque, of the size of their bucket; and the masks beside them."""

from pathlib import Path
from typing import NamedTuple

from PIL import Image

from modules.contract.errors import BadRequest
from modules.contract.request import Size
from modules.imaging.inpainting import flattened
from modules.imaging.masks import mask_from
from modules.imaging.metadata import eight_bits
from modules.imaging.opening import open_image
from modules.imaging.resize import LANCZOS, resampled

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif"})
OTHER_SUFFIXES = frozenset({".bmp", ".tif", ".tiff", ".heic", ".heif", ".jxl", ".psd", ".svg", ".tga"})  # known, and not opened here
LARGEST_FILE = 512 * 2**20  # bytes: more than an uncompressed picture of the most pixels that may be opened


class Fitted(NamedTuple):
    """A picture in its bucket. `scaled`: the size of the whole before it was cut; `crop`: where in that the cut begins, (top, left)."""

    image: Image.Image
    scaled: Size
    crop: tuple[int, int]


def content_of(path: Path) -> bytes:
    """The bytes of a picture file. Raises BadRequest where it cannot be read, is empty or very large."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadRequest(f"{path.name} is larger than {LARGEST_FILE // 2**20} MB.")
        data = path.read_bytes()
    except OSError as error:
        raise BadRequest(f"{path.name} cannot be read ({error.strerror or error}).") from None
    if not data:
        raise BadRequest(f"{path.name} is empty.")
    return data


def upright(path: Path) -> Image.Image:
    """The first frame of a file, turned as its EXIF says, in whatever mode it is. Raises BadRequest."""
    return open_image(content_of(path), name=path.name)


def open_picture(path: Path, background: str = "#ffffff") -> Image.Image:
    """A file as it is trained on: RGB, upright, what is transparent laid on a colour (#rrggbb). Raises BadRequest."""
    return opaque(upright(path), background)


def opaque(image: Image.Image, background: str = "#ffffff") -> Image.Image:
    """A picture of any mode as RGB, laid on a colour where it is transparent."""
    return flattened(eight_bits(image), background)


def transparency(path: Path) -> Image.Image | None:
    """How opaque a picture is at each place, mode L, white = opaque; None where nothing is transparent. Raises BadRequest."""
    return transparency_of(upright(path))


def transparency_of(image: Image.Image) -> Image.Image | None:
    """The same of an opened picture."""
    if not image.has_transparency_data:
        return None
    alpha = image.convert("RGBA").getchannel("A")
    return None if alpha.getextrema() == (255, 255) else alpha


def open_mask(path: Path) -> Image.Image:
    """A mask file, mode L, white = counts: its alpha where it has one, else its brightness. Raises BadRequest."""
    image = upright(path)
    return mask_from(eight_bits(image), rounded=False)


def cover(image: Image.Image, size: Size, focus: tuple[float, float] = (0.5, 0.5)) -> Fitted:
    """A picture brought to exactly `size`: resized to cover it, and what stands over cut away.

    `focus`: the shares of what stands over that are cut away on the left and at the top, each 0..1.
    """
    scaled = covering(Size(*image.size), size)
    left, top = (round(share * over) for share, over in zip(focus, (scaled.width - size.width, scaled.height - size.height), strict=True))
    whole = image if image.size == tuple(scaled) else resampled(image, scaled, LANCZOS)
    return Fitted(whole.crop((left, top, left + size.width, top + size.height)), scaled, (top, left))


def cover_mask(mask: Image.Image, picture: Size, size: Size, focus: tuple[float, float] = (0.5, 0.5)) -> Image.Image:
    """A mask of any size, cut as `cover` cuts the picture that it belongs to, which has the size `picture`."""
    same = mask if mask.size == tuple(picture) else mask.resize(picture, Image.Resampling.BILINEAR)
    return cover(same, size, focus).image


def covering(size: Size, wanted: Size) -> Size:
    """The smallest size of the same proportions, to a pixel, that covers another."""
    scale = max(wanted.width / size.width, wanted.height / size.height)
    return Size(max(wanted.width, round(size.width * scale)), max(wanted.height, round(size.height * scale)))
