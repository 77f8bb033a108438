"""Enlarging pictures by upscalers of a name, and latents by interpolation."""

import re
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from modules.contract.errors import BadRequest, NotFound
from modules.contract.progress import Reporter
from modules.contract.request import LARGEST_SIDE, Size
from modules.imaging import tiles
from modules.imaging.resize import resampled
from modules.settings.groups import Upscaling
from modules.weights.spandrel import PictureNetwork, read_upscaler

LANCZOS, NEAREST = Image.Resampling.LANCZOS, Image.Resampling.NEAREST
FOLDERS = ("ESRGAN", "RealESRGAN", "BSRGAN", "SwinIR", "DAT", "HAT", "ScuNET")  # below the models folder, as A1111 names them
SUFFIXES = {".safetensors", ".pth", ".pt", ".ckpt"}
MOST_PASSES = 3
SMALLEST_TILE = 64  # where memory runs out tiles are halved down to this
LARGEST_RESULT = 4 * LARGEST_SIDE  # pixels a side
SCALE_IN_NAME = re.compile(r"(?:^|[^0-9a-z])(?:x([1-8])|([1-8])x)(?![0-9])", re.IGNORECASE)
# Files that A1111 fetches, and what its lists and its users' requests call them.
KNOWN_FILES = {
    "ESRGAN": "ESRGAN_4x",
    "RealESRGAN_x4plus": "R-ESRGAN 4x+",
    "RealESRGAN_x4plus_anime_6B": "R-ESRGAN 4x+ Anime6B",
    "RealESRGAN_x2plus": "R-ESRGAN 2x+",
    "realesr-general-x4v3": "R-ESRGAN General 4xV3",
    "realesr-general-wdn-x4v3": "R-ESRGAN General WDN 4xV3",
    "realesr-animevideov3": "R-ESRGAN AnimeVideo",
    "DAT_x2": "DAT x2",
    "DAT_x3": "DAT x3",
    "DAT_x4": "DAT x4",
    "scunet_color_real_gan": "ScuNET GAN",
    "scunet_color_real_psnr": "ScuNET PSNR",
    "003_realSR_BSRGAN_DFOWMFC_s64w8_SwinIR-L_x4_GAN": "SwinIR 4x",
    "SwinIR_4x": "SwinIR 4x",
}
# Name: how torch interpolates, and whether it averages where it shrinks.
LATENT_MODES: dict[str, tuple[str, bool]] = {
    "Latent": ("bilinear", False),
    "Latent (antialiased)": ("bilinear", True),
    "Latent (bicubic)": ("bicubic", False),
    "Latent (bicubic antialiased)": ("bicubic", True),
    "Latent (nearest)": ("nearest", False),
    "Latent (nearest-exact)": ("nearest-exact", False),
}


def latent_upscale(latents: Tensor, size: tuple[int, int], mode: str) -> Tensor:
    """Latents (B, C, h, w) at another `size` (h, w), by one of LATENT_MODES. Raises NotFound."""
    if mode not in LATENT_MODES:
        raise NotFound.among("latent upscaler", mode, LATENT_MODES)
    kind, antialias = LATENT_MODES[mode]
    return torch.nn.functional.interpolate(latents.float(), size=size, mode=kind, antialias=antialias).to(latents.dtype)


@dataclass(frozen=True)
class UpscalerEntry:
    """An upscaler as a list shows it. `path` and `model_name` are None for what needs no file; `scale` is what its name says."""

    name: str
    model_name: str | None = None
    path: Path | None = None
    url: str | None = None
    scale: float = 4.0


class Upscalers:
    """The upscalers there are: three that only resize, and the network files in A1111's folders below `models`.

    `place` says where networks run, `half` whether they may run in 16 bits there. The network used last stays in memory.
    """

    def __init__(
        self,
        models: Path,
        place: Callable[[], torch.device],
        *,
        half: Callable[[], bool] = lambda: True,
        further: Sequence[Path] = (),
    ) -> None:
        self.folders = [*(models / name for name in FOLDERS), *further]
        self.place = place
        self.half = half
        self.lock = threading.Lock()
        self.kept: tuple[tuple[Path, int, int], PictureNetwork] | None = None

    def entries(self) -> list[UpscalerEntry]:
        """All of them; None, Lanczos and Nearest first, then by name. The folders are looked at each time."""
        found: dict[str, UpscalerEntry] = {}
        for path in self.files():
            name = KNOWN_FILES.get(path.stem, path.stem)
            if name in found:
                name = f"{name} ({path.parent.name})"
            found.setdefault(name, UpscalerEntry(name, name, path, None, scale_in(path.stem)))
        plain = [UpscalerEntry(name) for name in ("None", "Lanczos", "Nearest")]
        return plain + sorted(found.values(), key=lambda entry: entry.name.lower())

    def files(self) -> Iterator[Path]:
        """The network files, hidden ones left out."""
        for folder in self.folders:
            for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
                if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file():
                    yield path

    def find(self, name: str, *, also: Iterable[str] = ()) -> UpscalerEntry:
        """The upscaler of a name, or of a file's name, in any case. `also` are further names for the hint. Raises NotFound."""
        entries = self.entries()
        for wanted, fold in ((name, str), (name.lower(), str.lower)):
            for entry in entries:
                names = [entry.name, *([entry.path.stem, entry.path.name] if entry.path else [])]
                if wanted in map(fold, names):
                    return entry
        raise NotFound.among("upscaler", name, [*(entry.name for entry in entries), *also])

    def check(self, name: str, *, also: Iterable[str] = ()) -> str:
        """The name under which the upscaler is listed. Raises NotFound."""
        return self.find(name, also=also).name

    def upscale(
        self, image: Image.Image, name: str, scale: float, *, settings: Upscaling, report: Reporter | None = None, counted: bool = False
    ) -> Image.Image:
        """A picture about `scale` times as large: its sides are cut down to multiples of 8, as in A1111.

        A network is used again until its result is large enough, three times at most; Lanczos does what is left. `report` is asked
        between tiles whether to stop; `counted` makes each tile a step of its job (see `steps`). Networks give RGB.
        Raises NotFound, BadModel, BadRequest, and what the reporter raises.
        """
        entry = self.find(name)
        target = target_size(Size(*image.size), scale)
        for number in range(MOST_PASSES):
            if image.width >= target.width and image.height >= target.height and (number > 0 or scale != 1):
                break
            before = image.size
            image = self.once(image, entry, scale, settings, report, counted)
            if image.size == before:
                break
        return image if image.size == target else resampled(image, target, LANCZOS)

    def once(
        self, image: Image.Image, entry: UpscalerEntry, scale: float, settings: Upscaling, report: Reporter | None, counted: bool
    ) -> Image.Image:
        """A picture through an upscaler one time."""
        if entry.path is None:
            kinds = {"Lanczos": LANCZOS, "Nearest": NEAREST}
            size = int(image.width * scale), int(image.height * scale)
            return resampled(image, size, kinds[entry.name]) if entry.name in kinds else image
        with self.network(entry.path) as network:
            return through(network, image.convert("RGB"), settings, report, counted)

    def steps(self, size: Size, name: str, scale: float, settings: Upscaling) -> int:
        """How many tiles an upscaler's networks will work on; 0 for one without a network."""
        entry = self.find(name)
        if entry.path is None:
            return 0
        target, count = target_size(size, scale), 0
        with self.network(entry.path, moved=False) as network:
            for number in range(MOST_PASSES):
                if size.width >= target.width and size.height >= target.height and (number > 0 or scale != 1):
                    break
                count += len(grid_for(size, settings.tile, settings.tile_overlap))
                if network.scale == 1:
                    break
                size = Size(size.width * network.scale, size.height * network.scale)
        return count

    @contextmanager
    def network(self, path: Path, *, moved: bool = True) -> Generator[PictureNetwork]:
        """The network of a file, where and as it is to run; back in main memory afterwards. One user at a time."""
        status = path.stat()
        key = (path, status.st_size, status.st_mtime_ns)
        with self.lock:
            if self.kept is None or self.kept[0] != key:
                self.kept = None  # before the next is read: they need not both fit
                self.kept = (key, read_upscaler(path))
            network = self.kept[1]
            place = self.place()
            if not moved or place.type == "cpu":
                yield network
                return
            try:
                network.move(place, half=self.half())
                yield network
            finally:
                network.move(torch.device("cpu"))

    def release(self) -> None:
        """Give back the memory of the network that is kept."""
        with self.lock:
            self.kept = None


def scale_in(name: str) -> float:
    """The scale that a file's name speaks of, as in `4x-UltraSharp` or `DAT_x2`; 4 if it does not."""
    match = SCALE_IN_NAME.search(name.replace("_", " "))
    return float(match.group(1) or match.group(2)) if match else 4.0


def target_size(size: Size, scale: float) -> Size:
    """Sides `scale` times as long, cut down to multiples of 8. Raises BadRequest where nothing or far too much would be left."""
    target = Size(int(size.width * scale // 8 * 8), int(size.height * scale // 8 * 8))
    if min(target) < 8 or max(target) > LARGEST_RESULT:
        raise BadRequest(f"A picture of {size} times {scale:g} would be {target}; its sides must be between 8 and {LARGEST_RESULT} pixels.")
    return target


def grid_for(size: Size, tile: int, overlap: int) -> tiles.Grid:
    """The tiles of a picture; `tile` 0 is one tile for all of it."""
    whole = tile <= 0 or (size.width <= tile and size.height <= tile)
    return tiles.grid(size, size if whole else Size(tile, tile), 0 if whole else min(overlap, min(tile, *size) - 1))


def through(network: PictureNetwork, image: Image.Image, settings: Upscaling, report: Reporter | None, counted: bool) -> Image.Image:
    """A picture (RGB) through a network, tile by tile; in smaller tiles where the memory does not suffice."""
    tile = settings.tile
    while True:
        try:
            return tiled(network, image, grid_for(Size(*image.size), tile, settings.tile_overlap), report, counted)
        except torch.OutOfMemoryError:
            tile = (tile or max(image.size)) // 2
            if tile < SMALLEST_TILE:
                raise
            if torch.cuda.is_available():
                torch.cuda.empty_cache()


def tiled(network: PictureNetwork, image: Image.Image, grid: tiles.Grid, report: Reporter | None, counted: bool) -> Image.Image:
    """A picture of the network's answers to the tiles of a grid."""
    done: list[Image.Image] = []
    for tile in tiles.split(image, grid):
        if report is not None:
            report.check()
        done.append(enlarged(network, tile))
        if report is not None and counted:
            report.step(f"tile {len(done)} of {len(grid)}" if len(grid) > 1 else "")
    return done[0] if len(done) == 1 else tiles.combine(done, grid.scaled(done[0].width // grid.tile.width))


@torch.inference_mode()
def enlarged(network: PictureNetwork, image: Image.Image) -> Image.Image:
    """A picture (RGB) through a network in one piece. The network gets blue first, as from A1111: that shows in the last bits."""
    given: NDArray[np.uint8] = np.array(image)[:, :, ::-1]
    picture = torch.from_numpy(np.ascontiguousarray(given)).permute(2, 0, 1)[None]  # pyright: ignore[reportUnknownMemberType]
    answer = network(picture.float() / 255)[0].float().clamp(0, 1)
    made: NDArray[np.uint8] = (answer * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    return Image.fromarray(np.ascontiguousarray(made[:, :, ::-1]))
