"""The cells of a plot: where each lies, what is asked for it, and how all of them look together."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from PIL import Image

from modules.contract.errors import BadRequest
from modules.contract.request import GenerationRequest
from modules.imaging.grid import GridStyle, Label, cell_size, image_grid, with_legend

from .axes import NOTHING, Axis
from .values import Value


class Place(NamedTuple):
    """The column, the row and the sheet of a cell."""

    x: int
    y: int
    z: int


@dataclass(frozen=True)
class Scale:
    """An axis with the values along it, and the text that they came from."""

    axis: Axis
    values: tuple[Value, ...]
    text: str

    @property
    def labels(self) -> list[list[Label]]:
        return [[Label(self.axis.shown(self.axis, value))] for value in self.values]

    def pairs(self, letter: str, *, fixed: bool) -> dict[str, object]:
        """What the infotext says of it; `fixed`: with the seeds that were drawn for it."""
        if self.axis is NOTHING:
            return {}
        seeds = {f"Fixed {letter} Values": ", ".join(map(str, self.values))} if fixed and self.axis.label in SEEDS else {}
        return {f"{letter} Type": self.axis.label, f"{letter} Values": self.text, **seeds}


SEEDS = ("Seed", "Var. seed")
LATE = {  # pairs that A1111 asks the settings for when it writes a grid's infotext, and has taken the request's own back by then
    "randn_source": "RNG",
    "CLIP_stop_at_last_layers": "Clip skip",
    "eta_noise_seed_delta": "ENSD",
    "token_merging_ratio": "Token merging ratio",
    "token_merging_ratio_hr": "Token merging ratio hr",
}
Scales = tuple[Scale, Scale, Scale]


@dataclass(frozen=True)
class Plot:
    """Three scales. Cells are numbered row by row, sheet by sheet."""

    scales: Scales

    @property
    def counts(self) -> Place:
        return Place(*(len(scale.values) for scale in self.scales))

    def __len__(self) -> int:
        x, y, z = self.counts
        return x * y * z

    def number(self, place: Place) -> int:
        """A cell's number."""
        across, down, _ = self.counts
        return place.x + across * (place.y + down * place.z)

    def places(self) -> Iterator[Place]:
        """All cells in the order in which they are made: the costliest change the least often, then sheet by sheet, row by row."""
        order = sorted((2, 1, 0), key=lambda index: -self.scales[index].axis.cost)
        for found in product(*(range(self.counts[index]) for index in order)):
            at = dict(zip(order, found, strict=True))
            yield Place(at[0], at[1], at[2])

    def request(self, request: GenerationRequest, place: Place) -> GenerationRequest:
        """What is asked for a cell."""
        both = sorted(zip(self.scales, place, strict=True), key=lambda pair: pair[0].axis.label != "Refiner checkpoint")
        for scale, index in both:
            request = scale.axis.apply(request, scale.values[index], scale.values)
        return request

    def requests(self, request: GenerationRequest) -> dict[Place, GenerationRequest]:
        """What is asked for every cell. Raises BadRequest for an axis that changes nothing."""
        found = {place: self.request(request, place) for place in self.places()}
        for index, scale in enumerate(self.scales):
            start = [place for place in found if place[index] == 0]
            others = [place for place in found if place[index] != 0 and scale.values[place[index]] != scale.values[0]]
            first = {without(place, index): found[place] for place in start}
            if others and all(found[place] == first[without(place, index)] for place in others):
                raise BadRequest(f"The axis '{scale.axis.label}' changes nothing in this request.", "Choose another one.")
        return found

    def sheets(self, images: Sequence[Image.Image], *, legend: bool, margin: int, style: GridStyle) -> list[Image.Image]:
        """The grid of each sheet."""
        across, down, sheets = self.counts
        found: list[Image.Image] = []
        for sheet in range(sheets):
            cells = images[sheet * across * down : (sheet + 1) * across * down]
            grid = image_grid(cells, rows=down, style=style)
            if legend:
                x, y, _ = self.scales
                grid = with_legend(grid, cell_size(cells), x.labels, y.labels, margin=margin, style=style)
            found.append(grid)
        return found

    def whole(self, sheets: Sequence[Image.Image], *, legend: bool, style: GridStyle) -> Image.Image:
        """All sheets side by side."""
        grid = image_grid(sheets, rows=1, style=style)
        return with_legend(grid, cell_size(sheets), self.scales[2].labels, [[Label()]], style=style) if legend else grid


def without(place: Place, index: int) -> tuple[int, ...]:
    return tuple(value for other, value in enumerate(place) if other != index)


def filled(images: Mapping[int, Image.Image], count: int) -> list[Image.Image]:
    """All cells, with a black picture for those that have none."""
    like = images[min(images)]
    return [images[index] if index in images else Image.new(like.mode, like.size) for index in range(count)]


def seeds_drawn(scale: Scale, seed: int) -> Scale:
    """A scale of seeds with a random one for each -1; the same ones for the same `seed`."""
    if scale.axis.label not in SEEDS:
        return scale
    source = random.Random(f"{seed} {scale.axis.label}")
    return Scale(scale.axis, tuple(source.randrange(4294967294) if value == -1 else value for value in scale.values), scale.text)


def lost_pairs(settings: Mapping[str, object]) -> list[str]:
    """The pairs that A1111's answer lacks in a grid's infotext, for a request's own settings. What is saved has them."""
    return [label for key, label in LATE.items() if key in settings]
