"""Operations on finished pictures: enlarged, faces restored, cut, mirrored, described. One job for all pictures of a request."""

import hashlib
import itertools
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from modules.contract.errors import BadRequest, NotFound, NotSupported
from modules.contract.extras import Enlarging, ExtrasImage, ExtrasRequest, ExtrasResult, FaceRestoring, NamedPicture
from modules.contract.files import sync_folder, write_beside
from modules.contract.progress import Filed, Interrupt, Reporter, Skip
from modules.contract.request import Size
from modules.imaging import cropping, metadata, saving
from modules.imaging.naming import safe_part
from modules.imaging.opening import open_image
from modules.infotext.write import quoted
from modules.pipeline.caption import Captions
from modules.pipeline.faces import Faces
from modules.pipeline.signing import signed
from modules.pipeline.upscale import Upscalers
from modules.screening import Screen
from modules.settings.groups import Settings
from modules.settings.store import SettingsStore

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif"}
PLAIN_STEPS = 1  # what a picture counts beside its tiles


@dataclass(frozen=True)
class Piece:
    """A picture on its way. `notes` are the pairs of its text, `tag` ends its file's name."""

    image: Image.Image
    notes: dict[str, object] = field(default_factory=dict[str, object])
    tag: str = ""
    caption: str | None = None
    finished: bool = False  # no further operation

    def made(self, image: Image.Image, notes: dict[str, object] | None = None) -> "Piece":
        """The piece after an operation."""
        return replace(self, image=image, notes={**self.notes, **(notes or {})})


class Extras:
    """All that the Extras tab does. `root` is where output folders begin; `readable` are folders that pictures may be taken from."""

    def __init__(
        self,
        settings: SettingsStore,
        root: Path,
        upscalers: Upscalers,
        faces: Faces,
        captions: Captions,
        screen: Screen,
        *,
        readable: Callable[[], Sequence[Path]] = tuple[Path, ...],
    ) -> None:
        self.settings = settings
        self.root = root
        self.upscalers = upscalers
        self.faces = faces
        self.captions = captions
        self.screen = screen
        self.readable = readable
        self.made: OrderedDict[tuple[object, ...], Image.Image] = OrderedDict()

    def check(self, request: ExtrasRequest) -> ExtrasRequest:
        """The request, refused before it is queued where a name, a file or a folder is missing.

        Raises NotFound, NotSupported, BadRequest.
        """
        if not request.pictures and not request.folder:
            raise BadRequest("There is no picture to work on.", "Give one, or a folder.")
        self.screen.check(self.settings.snapshot(request.settings))
        if request.folder:
            self.folder_of(request)
        if request.output_folder:
            self.inside(request.output_folder, [self.root])
        if request.gfpgan and request.gfpgan.visibility:
            self.faces.check("GFPGAN")
        if request.codeformer and request.codeformer.visibility:
            self.faces.check("CodeFormer")
        for kind in request.captions:
            self.captions.check(kind)
        if (request.splitting or request.focal_crop) and request.enlarging is None:
            raise BadRequest("Cutting pictures to a size needs that size.", "Turn on Upscale, and give it there.")
        return request.model_copy(update={"enlarging": self.named(request.enlarging)}) if request.enlarging else request

    def named(self, enlarging: Enlarging) -> Enlarging:
        """The operation with its upscalers called as they are listed. Raises NotFound."""
        first, second = (self.upscalers.check(name) for name in (enlarging.upscaler, enlarging.second))
        return enlarging.model_copy(update={"upscaler": first, "second": second})

    def run(self, request: ExtrasRequest, report: Reporter) -> ExtrasResult:
        """All pictures of a request. A picture that fails stops the job, unless it comes from a folder. Raises WebuiErrors, Cancel."""
        started = time.perf_counter()
        settings = self.settings.snapshot(request.settings)
        request = self.check(request)
        sources = list(self.sources(request))
        report.start(PLAIN_STEPS * len(sources))
        images: list[ExtrasImage] = []
        warnings: list[str] = []
        interrupted = False
        total = PLAIN_STEPS * len(sources)
        for read in sources:
            try:
                report.check_between()
                picture = read()
                total += self.tiles(picture, request, settings)
                report.start(total)
                images += self.finished(picture, request, settings, report, len(images))
                report.step()
            except BadRequest as error:
                if not request.folder:
                    raise
                warnings.append(str(error))
                report.warn(str(error))
            except Skip:
                continue
            except Interrupt:
                interrupted = True
                break
        shown = tuple(images) if request.show else ()
        return ExtrasResult(shown, tuple(warnings), time.perf_counter() - started, interrupted)

    # Pictures in

    def sources(self, request: ExtrasRequest) -> Iterator[Callable[[], NamedPicture]]:
        """The request's pictures, each read when its turn comes."""
        if not request.folder:
            yield from (lambda picture=picture: picture for picture in request.pictures)
            return
        for path in sorted(self.folder_of(request).iterdir()):
            if path.suffix.lower() in SUFFIXES and path.is_file():
                yield lambda path=path: NamedPicture(data=path.read_bytes(), name=path.name)

    def folder_of(self, request: ExtrasRequest) -> Path:
        folder = self.inside(request.folder, [self.root, *self.readable()])
        if not folder.is_dir():
            raise NotFound(f"There is no folder {folder}.")
        return folder

    def inside(self, folder: str, allowed: Sequence[Path]) -> Path:
        """A folder by its name, seen from the root. Raises BadRequest if it is not inside one of the allowed ones."""
        path = (self.root / folder).resolve()
        if not any(path.is_relative_to(place.resolve()) for place in allowed):
            raise BadRequest(f"The folder '{folder}' is outside of {', '.join(str(place) for place in allowed)}.", "Give one inside.")
        return path

    def tiles(self, picture: NamedPicture, request: ExtrasRequest, settings: Settings) -> int:
        """How many tiles the upscalers' networks will work on for a picture."""
        if request.enlarging is None:
            return 0
        size = Size(*open_image(picture.data, name=picture.name or "The picture").size)
        enlarging = request.enlarging
        names = [enlarging.upscaler, *([enlarging.second] if enlarging.second_visibility else [])]
        scale = scale_for(enlarging, size)
        return sum(self.upscalers.steps(size, name, scale, settings.upscaling) for name in names if name != "None")

    # Operations

    def finished(
        self, picture: NamedPicture, request: ExtrasRequest, settings: Settings, report: Reporter, number: int
    ) -> list[ExtrasImage]:
        """What a picture becomes, saved if it is to be. `number` is that of the first result in the whole request."""
        image = open_image(picture.data, name=picture.name or "The picture")
        infotext, texts = metadata.read_info(image)
        pieces = [Piece(image if image.mode in ("RGB", "RGBA") else image.convert("RGB"))]
        for operation in self.operations(request, settings, report, Size(*image.size)):
            pieces = [new for piece in pieces for new in ([piece] if piece.finished else operation(piece))]
        results: list[ExtrasImage] = []
        for index, piece in enumerate(pieces):
            text = ", ".join(key if key == value else f"{key}: {quoted(value)}" for key, value in piece.notes.items())
            name = Path(picture.name).stem + piece.tag
            screened = self.screen.passed(piece.image, settings)
            if screened.verdict:
                text += f", Content filter: {screened.note}"
                report.warn(f"{screened.verdict}: the picture was {screened.note.rpartition('/')[2]}.")
            result = ExtrasImage(screened.image, text, infotext, name, None, piece.caption)
            path = self.save(result, texts, request, settings, report, number + index) if request.save else None
            results.append(replace(result, path=str(path) if path else None))
        return results

    def operations(
        self, request: ExtrasRequest, settings: Settings, report: Reporter, size: Size
    ) -> Iterator[Callable[[Piece], list[Piece]]]:
        """What is to be done to each piece, in A1111's order; each makes one or several of one. `size` is the picture's."""
        enlarging = request.enlarging
        target = self.target(enlarging, size) if enlarging else None
        if enlarging and enlarging.upscaler != "None":
            yield lambda piece: [self.enlarge(piece, enlarging, settings, report)]
        for name, restoring in (("GFPGAN", request.gfpgan), ("CodeFormer", request.codeformer)):
            if restoring and restoring.visibility:
                yield lambda piece, name=name, restoring=restoring: [self.restore(piece, name, restoring, report)]
        if request.splitting and target:
            splitting = request.splitting
            yield lambda piece: [
                piece.made(part) for part in cropping.split_oversized(piece.image, target, splitting.threshold, splitting.overlap)
            ]
        if request.focal_crop and target:
            yield lambda piece: self.around_focus(piece, target, request)
        if request.sized_crop:
            crop = request.sized_crop
            yield lambda piece: [piece.made(cropping.sized_crop(piece.image, crop) or piece.image)]
        if request.flips:
            yield lambda piece: [piece, *(piece.made(copy) for copy in cropping.flipped(piece.image, request.flips))]
        if request.captions:
            yield lambda piece: [self.describe(piece, request, report)]

    def target(self, enlarging: Enlarging, size: Size) -> Size:
        """The size that a picture is meant to have."""
        if enlarging.size is not None:
            return enlarging.size
        return limited(size.width * enlarging.scale, size.height * enlarging.scale, enlarging.longest_side)

    def enlarge(self, piece: Piece, enlarging: Enlarging, settings: Settings, report: Reporter) -> Piece:
        """A piece enlarged by one upscaler, or by two and blended."""
        image, notes = self.enlarged(piece.image, enlarging.upscaler, enlarging, settings, report)
        notes["Postprocess upscaler"] = enlarging.upscaler
        if enlarging.second != "None" and enlarging.second_visibility > 0:
            other, _ = self.enlarged(piece.image, enlarging.second, enlarging, settings, report)
            image = Image.blend(image, other.convert(image.mode), enlarging.second_visibility)
            notes["Postprocess upscaler 2"] = enlarging.second
        return piece.made(image, notes)

    def enlarged(
        self, image: Image.Image, upscaler: str, enlarging: Enlarging, settings: Settings, report: Reporter
    ) -> tuple[Image.Image, dict[str, object]]:
        """A picture enlarged by one upscaler and cropped as wanted, and the pairs of its text."""
        notes: dict[str, object] = {}
        scale = scale_for(enlarging, Size(*image.size))
        if enlarging.size is not None:
            notes["Postprocess upscale to"] = enlarging.size
        else:
            notes["Postprocess upscale by"] = enlarging.scale
            if scale != enlarging.scale:
                notes["Max side length"] = enlarging.longest_side
        image = self.remembered(image, upscaler, scale, settings, report)
        if enlarging.size is not None and enlarging.crop:
            width, height = enlarging.size
            cropped = Image.new("RGB", enlarging.size)
            cropped.paste(image, (width // 2 - image.width // 2, height // 2 - image.height // 2))
            image = cropped
            notes["Postprocess crop to"] = enlarging.size
        return image, notes

    def remembered(self, image: Image.Image, upscaler: str, scale: float, settings: Settings, report: Reporter) -> Image.Image:
        """A picture through an upscaler; the last ones are kept, for those who then try another blend or crop."""
        options = settings.upscaling
        key = (hashlib.sha256(image.tobytes()).digest(), image.mode, image.size, upscaler, scale, options.tile, options.tile_overlap)
        made = self.made.pop(key, None)
        if made is None:
            made = self.upscalers.upscale(image, upscaler, scale, settings=options, report=report, counted=True)
        self.made[key] = made
        while len(self.made) > options.cached:
            self.made.popitem(last=False)
        return made

    def restore(self, piece: Piece, name: str, restoring: FaceRestoring, report: Reporter) -> Piece:
        """A piece with its faces restored, blended with the piece by the visibility."""
        restored = self.faces.restore(piece.image, name, weight=restoring.weight, report=report).convert(piece.image.mode)
        image = restored if restoring.visibility == 1 else Image.blend(piece.image, restored, restoring.visibility)
        notes: dict[str, object] = {f"{name} visibility": round(restoring.visibility, 3)}
        if name == "CodeFormer":
            notes["CodeFormer weight"] = round(restoring.weight, 3)
        return piece.made(image, notes)

    def around_focus(self, piece: Piece, target: Size, request: ExtrasRequest) -> list[Piece]:
        """A piece cut around what catches the eye, and, if wanted, a picture of what was found."""
        options = request.focal_crop
        assert options is not None
        cut, shown = cropping.focal_crop(piece.image, target, options, self.faces_in)
        return [piece.made(cut), *([replace(piece, image=shown, tag="-focal-crop-debug", finished=True)] if options.show else [])]

    def faces_in(self, image: Image.Image) -> list[cropping.Point]:
        """The middles of the faces in a picture; none where there is nothing that finds faces."""
        try:
            return [cropping.Point(x, y) for x, y in self.faces.middles(image)]
        except NotSupported:
            return []

    def describe(self, piece: Piece, request: ExtrasRequest, report: Reporter) -> Piece:
        """A piece with its description."""
        told = [self.captions.caption(piece.image, kind, report=report) for kind in ("Deepbooru", "BLIP") if kind in request.captions]
        return replace(piece, caption=", ".join(text for text in told if text))

    # Pictures out

    def save(
        self, result: ExtrasImage, texts: dict[str, str], request: ExtrasRequest, settings: Settings, report: Reporter, number: int
    ) -> Path:
        """Write one result, never over another file, with what it came with in its metadata; its caption beside it."""
        options = settings.saving
        data = metadata.encode(
            result.image,
            format=options.format,
            infotext=(result.infotext or None) if options.infotext_in_file else None,
            quality=options.jpeg_quality,
            lossless=options.lossless_webp,
            extra={**texts, "postprocessing": result.text} if options.infotext_in_file else None,
        )
        data = signed(data, options.format, root=self.root, settings=settings, warn=report.warn)
        folder = self.inside(request.output_folder, [self.root]) if request.output_folder else (self.root / options.extras_folder).resolve()
        place = saving.Destination(folder, safe_part(result.name) if result.name else "picture", options.format)
        write = save_by_name if request.keep_names and result.name else saving.save
        path = write(data, place, announce=lambda filed: report.filing(number, filed))
        if result.caption is not None:
            saving.save_text(path, result.caption)
        return path


def scale_for(enlarging: Enlarging, size: Size) -> float:
    """How much a picture of some size is enlarged."""
    if enlarging.size is not None:
        return max(enlarging.size.width / size.width, enlarging.size.height / size.height)
    if enlarging.longest_side and max(size) * enlarging.scale > enlarging.longest_side:
        wanted = limited(size.width * enlarging.scale, size.height * enlarging.scale, enlarging.longest_side)
        return max(wanted.width / size.width, wanted.height / size.height)
    return enlarging.scale


def limited(width: float, height: float, longest: int) -> Size:
    """A size whose longer side is at most `longest`, in the same proportions; 0 is no limit."""
    if longest and max(width, height) > longest:
        width, height = (longest * width // height, longest) if height > width else (longest, longest * height // width)
    return Size(int(width), int(height))


def save_by_name(data: bytes, place: saving.Destination, *, announce: saving.Announce) -> Path:
    """Write a picture file under the name of its place, or, where that is taken, that name and a number."""
    temporary = write_beside(place.folder / "picture", data)
    digest = hashlib.sha256(data).hexdigest()
    try:
        for number in itertools.count():
            path = place.folder / f"{place.name}{f'-{number}' if number else ''}.{place.suffix}"
            announce(Filed(str(path), digest))
            with suppress(FileExistsError):
                saving.link(temporary, path)
                sync_folder(place.folder)
                return path
    finally:
        temporary.unlink(missing_ok=True)
    raise AssertionError  # the count has no end
