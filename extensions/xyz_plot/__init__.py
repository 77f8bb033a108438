"""X/Y/Z plot: a grid of pictures whose requests differ along up to three axes."""

from modules.contract.declare import declared
from modules.contract.errors import BadRequest, NotFound, WebuiError
from modules.contract.request import GenerationRequest
from modules.contract.result import GeneratedImage, GenerationResult
from modules.plugins import (
    Argument,
    Drive,
    RandomSeeds,
    Script,
    Slider,
    Text,
    Toggle,
    composed,
    drawn,
    gathered,
    hook,
    told,
    with_pairs,
    without_pairs,
)

from .axes import AXES, NOTHING, labels
from .plot import Place, Plot, Scale, filled, lost_pairs, seeds_drawn
from .values import joined, split, values

MOST_CELLS = 4096


def listed(letter: str) -> dict[str, object]:
    """When an axis's values are chosen from a list, and from which."""
    choices = {label: list(axis.listed) if isinstance(axis.listed, tuple) else axis.listed for label, axis in AXES.items() if axis.listed}
    return {"on": f"{letter}_type", "choices": choices, "unless": "text_inputs"}


def written(letter: str) -> dict[str, object]:
    """When they are written by hand."""
    choices: dict[str, object] = {label: [] for label, axis in AXES.items() if not axis.listed and axis is not NOTHING}
    return {"on": f"{letter}_type", "choices": choices, "unless": "text_inputs"}


class XYZPlot(RandomSeeds):
    """See README.md."""

    class Options(RandomSeeds.Options):
        """The axes, their values, and how the grid looks."""

        x_type: str = declared("Seed", "X type", control="choice", choices=labels)
        x_values: str = Text("", "X values", depends=written("x"))
        x_chosen: tuple[str, ...] = declared((), "X values", control="names", depends=listed("x"))
        y_type: str = declared("Nothing", "Y type", control="choice", choices=labels)
        y_values: str = Text("", "Y values", depends=written("y"))
        y_chosen: tuple[str, ...] = declared((), "Y values", control="names", depends=listed("y"))
        z_type: str = declared("Nothing", "Z type", control="choice", choices=labels)
        z_values: str = Text("", "Z values", depends=written("z"))
        z_chosen: tuple[str, ...] = declared((), "Z values", control="names", depends=listed("z"))
        legend: bool = Toggle(True, "Draw legend")
        sub_images: bool = Toggle(False, "Include Sub Images")
        sub_grids: bool = Toggle(False, "Include Sub Grids")
        keep_random: bool = Toggle(False, "Keep -1 for seeds")
        vary_x: bool = Toggle(False, "Vary seeds for X")
        vary_y: bool = Toggle(False, "Vary seeds for Y")
        vary_z: bool = Toggle(False, "Vary seeds for Z")
        margin: int = Slider(0, 0, 500, "Grid margins (px)", step=2)
        text_inputs: bool = Toggle(False, "Use text inputs instead of dropdowns")

    script = Script(
        "X/Y/Z plot",
        (
            *(
                argument
                for letter in "xyz"
                for argument in (
                    Argument(f"{letter}_type", choices=labels),
                    Argument(f"{letter}_values"),
                    Argument(f"{letter}_chosen", choices=lambda tab: ()),
                )
            ),
            *map(Argument, ("legend", "sub_images", "sub_grids", "keep_random", "vary_x", "vary_y", "vary_z", "margin", "text_inputs")),
        ),
    )
    options: Options

    @hook.drive
    def plot(self, request: GenerationRequest, drive: Drive) -> GenerationResult:
        """The grid; behind it the sheets and the pictures, as far as they are wanted."""
        plot = Plot((self.scale("x", request), self.scale("y", request), self.scale("z", request)))
        if len(plot) > MOST_CELLS:
            raise BadRequest(f"The plot has {len(plot)} cells; at most {MOST_CELLS} can be made.")
        if not drive.settings.grids.show:
            request = request.replace(batch_size=1)
        requests = {place: self.seeded(one, plot, place) for place, one in plot.requests(request).items()}
        refuse_too_large(requests, drive.settings.grids.largest)
        drive.expect(list(requests.values()))
        results: list[GenerationResult] = []
        found: dict[int, GeneratedImage] = {}
        for place, one in requests.items():
            try:
                results.append(drive.generate(one))
            except WebuiError as error:
                drive.report.warn(f"Cell {place.x + 1}, {place.y + 1}, {place.z + 1} of the plot stays empty: {error}")
                continue
            found |= dict(zip([plot.number(place)], results[-1].images, strict=False))
            if results[-1].interrupted:
                break
        if not found:
            return gathered(results, [])
        return self.result(request, drive, plot, results, dict(sorted(found.items())))

    def scale(self, letter: str, request: GenerationRequest) -> Scale:
        """An axis with its values. Raises BadRequest, NotFound."""
        tab = "img2img" if request.source else "txt2img"
        label: str = getattr(self.options, f"{letter}_type")
        if label not in labels(tab):
            raise NotFound.among(f"axis in {tab}", label, labels(tab))
        axis = AXES[label]
        if axis is NOTHING:
            return Scale(axis, ("",), "")
        text: str = getattr(self.options, f"{letter}_values")
        chosen: tuple[str, ...] = getattr(self.options, f"{letter}_chosen")
        if axis.listed and chosen and not self.options.text_inputs:
            text = joined(chosen)
        found = values(label, axis.kind, split(text))
        if not found:
            raise BadRequest(f"The {letter.upper()} axis, {label}, has no values.", "Write at least one, or choose Nothing.")
        scale = Scale(axis, tuple(found), text)
        return scale if self.options.keep_random else seeds_drawn(scale, request.seed)

    def seeded(self, request: GenerationRequest, plot: Plot, place: Place) -> GenerationRequest:
        """The request of a cell with the cell's seed."""
        o, (across, down, _) = self.options, plot.counts
        if request.seed == -1 or (o.keep_random and o.seed_was_random and all(scale.axis.label != "Seed" for scale in plot.scales)):
            request = request.replace(seed=drawn(request.seed, *place))
        wide = across if o.vary_x else 1
        tall = down if o.vary_y else 1
        more = place.x * o.vary_x + place.y * wide * o.vary_y + place.z * wide * tall * o.vary_z
        return request.replace(seed=request.seed + more) if more else request

    def result(
        self, request: GenerationRequest, drive: Drive, plot: Plot, results: list[GenerationResult], found: dict[int, GeneratedImage]
    ) -> GenerationResult:
        """The grids and the pictures behind them."""
        pictures = list(found.values())
        grids = self.grids(request, drive, plot, found)
        lost = lost_pairs(plot.request(request, Place(0, 0, 0)).settings)
        texts = [*(without_pairs(grid.infotext, lost) for grid in grids), *(image.infotext for image in pictures)]
        shown = [*grids, *pictures] if self.options.sub_images else grids
        return gathered(results, shown, grids=len(grids), info={**told(pictures), "infotexts": texts, "index_of_first_image": 1})

    def grids(self, request: GenerationRequest, drive: Drive, plot: Plot, found: dict[int, GeneratedImage]) -> list[GeneratedImage]:
        """The whole plot, and its sheets if they are wanted; saved."""
        style, legend = drive.settings.grids, self.options.legend
        cells = filled({number: image.image for number, image in found.items()}, len(plot))
        sheets = plot.sheets(cells, legend=legend, margin=self.options.margin, style=style)
        whole = plot.whole(sheets, legend=legend, style=style)
        first, fixed = next(iter(found.values())), not self.options.keep_random
        xy = {"Script": self.title} | plot.scales[0].pairs("X", fixed=fixed) | plot.scales[1].pairs("Y", fixed=fixed)
        text = with_pairs(first.infotext, xy | plot.scales[2].pairs("Z", fixed=fixed))
        grids = [composed(whole, first, infotext=text, path=drive.keep(whole, text, request=request, grid="xyz_grid"), kind="grid")]
        if self.options.sub_grids:
            across, down, _ = plot.counts
            for index, sheet in enumerate(sheets):
                like = found.get(index * across * down, first)
                text = with_pairs(like.infotext, xy)
                path = drive.keep(sheet, text, request=request, grid="xyz_grid") if len(sheets) > 1 else None
                grids.append(composed(sheet, like, infotext=text, path=path, kind="grid"))
        return grids


def refuse_too_large(requests: dict[Place, GenerationRequest], largest: float) -> None:
    """Raise BadRequest if the grid would have more than `largest` megapixels."""
    width = max(one.size.width for one in requests.values())
    height = max(one.size.height for one in requests.values())
    megapixels = round(len(requests) * width * height / 1e6)
    if megapixels >= largest:
        raise BadRequest(
            f"The grid would have {megapixels} megapixels; it must be less than {largest:g}.",
            "Take fewer values or a smaller size, or allow more in Settings, Grids.",
        )
