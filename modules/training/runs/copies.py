"""Whether a sample is nearly one of the pictures that were trained on, by what both look like in very small.

A picture no nearer to one of them than half way to another could be a new one in between; nearer than that, it is told as a copy. The
idea of measuring nearness by what is usual among the training pictures is that of Carlini et al. 2023, arXiv:2301.13188, section 4.2.

Measured on the sets of `modules.demo.lessons`: all 58 pictures of four of them were known again when smaller by an eighth, as JPEG and
cut by up to 4 %, and 52 when cut by 6 %. In the fifth all are nearly one picture, so that nearness says little: 8 of 8 uncut, 2 of 8 cut by
2 %. Of 400 new drawings of the things that two sets show 20 were told, all among the 107 whose colour and ground a drawing of the set
has; of 1600 drawings of other things none, and of 36 samples of the bundled LoRA that was trained on one of the sets none.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from modules.contract.errors import BadRequest
from modules.contract.files import write_whole
from modules.contract.request import Size
from modules.datasets.duplicates import MEAN_LEVELS, MOST_BITS, MOST_LEVELS, levels, look_of
from modules.datasets.pictures import cover, covering, open_picture
from modules.datasets.scan import Item
from modules.imaging.metadata import encode
from modules.training.runs.run_folder import RunFolder

NEAR = MEAN_LEVELS / 2  # of 255 on average: half way to what still counts as alike
SAME = 2.0  # levels: below it two training pictures are one picture twice, which says nothing of how near others are
HALF = 0.5


@dataclass(frozen=True)
class Shown:
    """A picture as it is trained on: of what file, at what size, called what."""

    item: Item
    size: Size
    caption: str


@dataclass(frozen=True)
class Copy:
    """What a sample is nearly. `levels`: by how many of 255 they differ on average; `allowed`: below that it is told; `bits`: of 64."""

    picture: str
    levels: float
    allowed: float
    bits: int


class Copies:
    """Compares samples with the pictures of a training. What each looks like is found out once, at the first look.

    `background`: what lies behind transparent pictures; `mirrored`: whether they are shown mirrored too.
    """

    def __init__(self, run: RunFolder, shown: Sequence[Shown], *, background: str, mirrored: bool) -> None:
        self.run, self.shown, self.background, self.mirrored = run, shown, background, mirrored

    def check(self, step: int, number: int, prompt: str, image: Image.Image) -> Copy | None:
        """Whether the sample of a prompt is nearly a picture whose caption the prompt is not, and was not before the training.

        Tells it once, and keeps the picture as it was shown beside the sample.
        """
        found = self.of(image) if step else None
        if found is None or plain(self.shown[found[0]].caption) == plain(prompt):
            return None
        place, copy = found
        before = self.run.samples / f"{0:08}-{number}.png"
        if before.is_file() and (as_before := self.of(open_picture(before))) is not None and as_before[0] == place:
            return None
        try:
            fitted = self.fitted(self.shown[place])
        except BadRequest:  # it was taken away meanwhile
            return None
        write_whole(self.run.copies / f"{step:08}-{number}.png", encode(fitted, format="png", infotext=""))
        if not any(event["kind"] == "copied" for event in self.run.events(0, 1 << 30)[0]):
            text = f"A sample is nearly {self.shown[place].item.short}, which it was trained on: it may be learning by heart."
            self.run.tell("copied", step=step, prompt=number, text=text)
        return copy

    def of(self, image: Image.Image) -> tuple[int, Copy] | None:
        """The place of the picture that an RGB picture is nearly, and how nearly; None if it is none of them."""
        places, looks, colors = self.known
        if not len(places):
            return None
        look, small = look_of(image.convert("RGB"))
        bits = np.bitwise_count(looks ^ np.uint64(look))
        mean, most = levels(colors, small)
        near = (bits <= MOST_BITS) & (mean <= NEAR) & (most <= MOST_LEVELS)
        for one in sorted(np.flatnonzero(near).tolist(), key=lambda one: float(mean[one])):
            allowed = min(NEAR, HALF * self.apart(one))
            if mean[one] <= allowed:
                place = int(places[one])
                return place, Copy(self.shown[place].item.name, round(float(mean[one]), 2), round(allowed, 2), int(bits[one]))
        return None

    def apart(self, one: int) -> float:
        """How far the nearest other picture is from one, in levels; without another, as far as may be."""
        places, _, colors = self.known
        mean, _ = levels(colors, colors[one])
        others = mean[(places != places[one]) & (mean > SAME)]
        return float(others.min()) if len(others) else float("inf")

    @cached_property
    def known(self) -> tuple[NDArray[np.intp], NDArray[np.uint64], NDArray[np.int16]]:
        """Of each look: the place of its picture, its hash, its colours (N, 192). A picture that cannot be read any more has none."""
        found: list[tuple[int, int, str]] = []
        kept = Kept(self.run.cache / "looks.json")
        for place, one in enumerate(self.shown):
            for mirrored in (False, True)[: 1 + self.mirrored]:
                try:
                    look, small = self.look(one, mirrored, kept)
                except BadRequest:
                    continue
                found.append((place, look, small))
        kept.save()
        small = np.array([list(bytes.fromhex(one)) for _, _, one in found], np.int16)
        return np.array([one for one, _, _ in found], np.intp), np.array([one for _, one, _ in found], np.uint64), small

    def look(self, one: Shown, mirrored: bool, kept: "Kept") -> tuple[int, str]:
        """What a picture looks like as it is shown: as the scan has it where nothing is cut away. Raises BadRequest."""
        item = one.item
        whole = covering(item.size, one.size) == one.size and not mirrored
        if whole and not (item.facts.transparent and self.background != "#ffffff"):
            return item.look, item.colors

        def seen() -> tuple[int, str]:
            fitted = self.fitted(one)
            return look_of(ImageOps.mirror(fitted) if mirrored else fitted)

        return kept.get(f"{item.digest} {one.size} {self.background} {mirrored}", seen)

    def fitted(self, one: Shown) -> Image.Image:
        """A picture as it is shown. Raises BadRequest."""
        return cover(open_picture(one.item.path, self.background), one.size).image


class Kept:
    """Looks by a key, in a file."""

    def __init__(self, file: Path) -> None:
        self.file, self.fresh = file, False
        try:
            self.values = {str(key): (int(look), str(small)) for key, (look, small) in json.loads(file.read_bytes()).items()}
        except (OSError, ValueError, TypeError, AttributeError):
            self.values: dict[str, tuple[int, str]] = {}

    def get(self, key: str, make: Callable[[], tuple[int, str]]) -> tuple[int, str]:
        """The look of a key, made if it is not kept."""
        if key not in self.values:
            self.values[key], self.fresh = make(), True
        return self.values[key]

    def save(self) -> None:
        """Write what is new."""
        if self.fresh:
            write_whole(self.file, json.dumps(self.values).encode())
        self.fresh = False


def plain(text: str) -> str:
    """A prompt without what makes no other picture."""
    return " ".join(text.casefold().replace(",", " ").split())


def told(run: RunFolder) -> str:
    """How many of its samples are copies, as a sentence behind others; empty if none are."""
    samples = [event for event in run.events(0, 1 << 30)[0] if event["kind"] == "sample" and event.get("step")]
    copied = sum(bool(event.get("copy")) for event in samples)
    return f" {copied} of its {len(samples)} samples are nearly pictures that it was trained on." if copied else ""


def values(copy: Copy | None) -> dict[str, object]:
    """A copy as its sample's event has it."""
    return {"copy": asdict(copy)} if copy else {}
