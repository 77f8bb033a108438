"""What mends pictures, captions and masks: each repair of `check` as changes to files, which a `Journal` makes and takes back."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from PIL import Image
from pydantic import Field

from modules.contract.errors import BadRequest
from modules.contract.request import Frozen, Size
from modules.datasets import captions
from modules.datasets.buckets import Rules, bucket_of
from modules.datasets.captions import caption_file, joined, tags_of
from modules.datasets.check import CHUNK, LABELS, Action, with_trigger
from modules.datasets.crops import How, crop_box, faces_in, parts
from modules.datasets.journal import Change
from modules.datasets.pictures import covering, opaque, open_mask, upright
from modules.datasets.scan import Item
from modules.imaging.masks import Box
from modules.imaging.metadata import eight_bits
from modules.imaging.resize import LANCZOS, resampled

Work = Literal[Action, "flip"]
Enlarge = Callable[[Image.Image, float], Image.Image]  # a picture larger by a factor

JPEG_QUALITY, AVIF_QUALITY = 95, 90
NAMES: dict[str, str] = {**LABELS, "flip": "Add mirrored copies"}


class RepairOptions(Frozen):
    """How pictures are mended. `width` and `height`: the proportions that are cut to; 0: those of each picture's bucket."""

    resolution: int = Field(default=512, ge=8, le=4096)
    step: int = Field(default=64, ge=8, le=128)
    width: int = Field(default=0, ge=0, le=16_384)
    height: int = Field(default=0, ge=0, le=16_384)
    how: How = "focal"
    boxes: dict[str, tuple[int, int, int, int]] = Field(default_factory=dict[str, tuple[int, int, int, int]])
    background: str = Field(default="#ffffff", pattern="^#[0-9a-fA-F]{6}$")
    trigger: str = Field(default="", max_length=1000)
    separator: str = Field(default=",", max_length=10)


@dataclass(frozen=True)
class Ways:
    """What repairs ask of the rest of the program. `enlarge` None: by Lanczos; `count` gives the tokens of a text."""

    options: RepairOptions
    enlarge: Enlarge | None = None
    count: Callable[[str], int] | None = None


def changes_of(items: Sequence[Item], root: Path, work: str, ways: Ways) -> Iterator[Change]:
    """The changes that mend some pictures of one folder, made one after the other. Raises BadRequest."""
    if work not in get_args(Action) and work != "flip":
        raise BadRequest(f"'{work}' is no repair; there are {', '.join(NAMES)}.")
    if work == "caption":
        raise BadRequest("Captions are not made by a repair.", "Choose by what they are to be made.")
    mend = MENDING[work]
    for item in items:
        yield from mend(item, root, ways)


def local(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def aside(item: Item, root: Path, ways: Ways) -> Iterator[Change]:
    """The picture, its caption and its mask go."""
    yield local(item.path, root), None
    yield from caption_aside(item, root)
    if item.mask is not None:
        yield local(item.mask, root), None


def caption_aside(item: Item, root: Path) -> Iterator[Change]:
    """The caption goes, unless another picture has the same name."""
    others = [path for path in item.path.parent.glob(f"{item.path.stem}.*") if path.suffix not in captions.SUFFIXES and path != item.path]
    file = caption_file(item.path)
    if not [path for path in others if path.stem == item.path.stem] and file.is_file():
        yield local(file, root), None


def turned(item: Item, root: Path, ways: Ways) -> Iterator[Change]:
    """The pixels are stored upright, and EXIF has nothing more to say."""
    yield from replaced(item, root, upright(item.path), item.path.suffix)


def anew(item: Item, root: Path, ways: Ways) -> Iterator[Change]:
    """The first frame, upright, as an RGB PNG; what is transparent is laid on the background."""
    yield from replaced(item, root, opaque(upright(item.path), ways.options.background), ".png")


def enlarged(item: Item, root: Path, ways: Ways) -> Iterator[Change]:
    """As large as its bucket wants it, as PNG."""
    image = eight_bits(upright(item.path))
    wanted = covering(item.size, bucket_of(item.size, rules(ways)))
    if wanted.width <= image.width:
        return
    if ways.enlarge is not None:
        image = ways.enlarge(image.convert("RGB"), wanted.width / image.width)
    yield from replaced(item, root, image if image.size == tuple(wanted) else resampled(image, wanted, LANCZOS), ".png")


def as_utf8(item: Item, root: Path, ways: Ways) -> Iterator[Change]:
    """The caption, in the encoding that it seems to have, becomes UTF-8."""
    if item.caption is not None:
        yield local(caption_file(item.path), root), item.caption.encode()


def shortened(item: Item, root: Path, ways: Ways) -> Iterator[Change]:
    """Tags go from the end until the text encoder reads all at once; of a sentence, words."""
    count, separator = ways.count, ways.options.separator
    if count is None or not item.caption:
        return
    tags = tags_of(item.caption, separator)
    words = len(tags) < 2
    pieces = item.caption.split() if words else tags

    def text(number: int) -> str:
        return " ".join(pieces[:number]) if words else joined(pieces[:number], separator)

    least, most = 1, len(pieces)  # halving: a long caption is counted a few times, not once for each of its tags
    while least < most:
        middle = (least + most + 1) // 2
        fits = count(with_trigger(text(middle), ways.options.trigger, separator)) <= CHUNK
        least, most = (middle, most) if fits else (least, middle - 1)
    yield local(caption_file(item.path), root), text(least).encode()


def mask_fitted(item: Item, root: Path, ways: Ways) -> Iterator[Change]:
    """The mask gets the picture's size."""
    if item.mask is None:
        return
    fitting = open_mask(item.mask).resize(item.size, Image.Resampling.BILINEAR)
    path = item.mask.with_suffix(".png")
    if path != item.mask:
        yield local(item.mask, root), None
    yield local(path, root), png(fitting)


def mask_aside(item: Item, root: Path, ways: Ways) -> Iterator[Change]:
    """The mask goes."""
    if item.mask is not None:
        yield local(item.mask, root), None


def cut(item: Item, root: Path, ways: Ways) -> Iterator[Change]:
    """The part that has the wanted proportions; the mask is cut likewise."""
    image = upright(item.path)
    box = box_for(item, image, ways)
    if box != Box(0, 0, *image.size):
        yield from replaced(item, root, image.crop(box), item.path.suffix)
        yield from mask_cut(item, root, box)


def box_for(item: Item, image: Image.Image, ways: Ways) -> Box:
    """Where a picture is cut: where a person said so, else by the wanted proportions. Raises BadRequest."""
    if given := ways.options.boxes.get(item.short):
        box = Box(*given)
        if not (0 <= box.left < box.right <= image.width and 0 <= box.top < box.bottom <= image.height):
            raise BadRequest(f"The part {given} of {item.short} is not inside its {image.width}x{image.height} pixels.")
        return box
    return crop_box(image, proportions(item, ways), ways.options.how, faces_in)


def mask_cut(item: Item, root: Path, box: Box) -> Iterator[Change]:
    if item.mask is not None:
        mask = open_mask(item.mask).resize(item.size, Image.Resampling.BILINEAR).crop(box)
        path = item.mask.with_suffix(".png")
        if path != item.mask:
            yield local(item.mask, root), None
        yield local(path, root), png(mask)


def split(item: Item, root: Path, ways: Ways) -> Iterator[Change]:
    """Several that overlap, each with the caption; the whole is put aside."""
    boxes = parts(item.size, proportions(item, ways))
    if len(boxes) < 2:
        return
    image = upright(item.path)
    caption = caption_file(item.path).read_bytes() if item.caption is not None else None
    for number, box in enumerate(boxes, 1):
        data, suffix = encoded(image.crop(box), item.path.suffix)
        path = free(item.path.with_name(f"{item.path.stem}-{number}{suffix}"))
        yield local(path, root), data
        if caption is not None:
            yield local(path.with_suffix(caption_file(item.path).suffix), root), caption
        if item.mask is not None:
            mask = open_mask(item.mask).resize(item.size, Image.Resampling.BILINEAR).crop(box)
            yield local(path.with_name(f"{path.stem}-mask.png"), root), png(mask)
    yield from aside(item, root, ways)


def mirrored(item: Item, root: Path, ways: Ways) -> Iterator[Change]:
    """A copy, left and right exchanged, with the same caption."""
    flip = Image.Transpose.FLIP_LEFT_RIGHT
    data, suffix = encoded(upright(item.path).transpose(flip), item.path.suffix)
    path = free(item.path.with_name(f"{item.path.stem}-mirrored{suffix}"))
    yield local(path, root), data
    if item.caption is not None:
        file = caption_file(item.path)
        yield local(path.with_suffix(file.suffix), root), file.read_bytes()
    if item.mask is not None:
        yield local(path.with_name(f"{path.stem}-mask.png"), root), png(open_mask(item.mask).transpose(flip))


MENDING: dict[str, Callable[[Item, Path, Ways], Iterator[Change]]] = {
    "drop": aside, "dedupe": aside, "rotate": turned, "encode": anew, "upscale": enlarged, "utf8": as_utf8, "shorten": shortened,
    "mask": mask_fitted, "unmask": mask_aside, "crop": cut, "split": split, "flip": mirrored,
}  # fmt: skip


def rules(ways: Ways) -> Rules:
    """The buckets that pictures are brought to."""
    side = ways.options.resolution
    return Rules(side, ways.options.step, side // 2, side * 2)


def proportions(item: Item, ways: Ways) -> Size:
    """What a picture is cut to."""
    options = ways.options
    return Size(options.width, options.height) if options.width and options.height else bucket_of(item.size, rules(ways))


def replaced(item: Item, root: Path, image: Image.Image, suffix: str) -> Iterator[Change]:
    """A picture in place of another; the name's ending follows the format, and no other file is written over."""
    data, suffix = encoded(image, suffix)
    path = item.path if item.path.suffix.lower() == suffix else item.path.with_suffix(suffix)
    if path != item.path:
        if path.exists():
            raise BadRequest(f"{path.name} is there already, so that {item.path.name} cannot be written as that.", "Rename one of them.")
        yield local(item.path, root), None
    yield local(path, root), data


def encoded(image: Image.Image, suffix: str) -> tuple[bytes, str]:
    """A picture as a file of the same format where that keeps it well, else as PNG; and the ending that belongs to it."""
    suffix = suffix.lower()
    plain = eight_bits(image)
    if suffix in (".jpg", ".jpeg") and plain.mode == "RGB":
        return saved(plain, "JPEG", quality=JPEG_QUALITY, subsampling=0), suffix
    if suffix == ".webp":
        return saved(plain, "WEBP", lossless=True), suffix
    if suffix == ".avif":
        return saved(plain, "AVIF", quality=AVIF_QUALITY), suffix
    return png(plain), ".png"


def saved(image: Image.Image, format: str, **how: object) -> bytes:
    buffer = io.BytesIO()
    profile = image.info.get("icc_profile") or b""
    if profile[16:20] == b"RGB ":  # not that of the colours for print that it had
        how["icc_profile"] = profile
    clean = image.copy()
    clean.info = {}  # EXIF would turn it again
    clean.save(buffer, format, **how)  # pyright: ignore[reportArgumentType]
    return buffer.getvalue()


def png(image: Image.Image) -> bytes:
    """A picture as PNG, and nothing that its old file said."""
    return saved(image, "PNG")


def free(path: Path) -> Path:
    """A path that is not taken, with a number where it is."""
    number, one = 2, path
    while one.exists():
        one = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return one
