"""Regional prompts: other words for other parts of a picture, by cross-attention or by predictions of their own. See README.md."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

import torch
from fastapi import APIRouter
from torch import Tensor

from extensions.regional_prompts import a1111
from extensions.regional_prompts.canvas import Canvases, painted_alone
from extensions.regional_prompts.layout import Layout, layouts_of
from extensions.regional_prompts.maps import at_layer
from modules.contract.errors import BadRequest
from modules.contract.request import GenerationRequest, Picture
from modules.families.attention_changes import Attended, changed_attention
from modules.families.networks import Wanted
from modules.plugins import (
    Choice,
    Conditioning,
    Extension,
    Guidance,
    Host,
    ImageField,
    Loaded,
    Options,
    Pass,
    Prompts,
    Run,
    Script,
    Slider,
    Step,
    Text,
    Toggle,
    Weighted,
    hook,
)  # fmt: skip
from modules.sampling.guidance import Call, Condition, Network, level_with

Contexts = dict[tuple[str, int], list[list[Condition]]]  # by role and region: the conditions of each picture


class RegionalPrompts(Extension):
    """See README.md."""

    class Options(Options):
        """How the picture is divided, and how its parts are kept apart."""

        calc: Literal["Attention", "Latent"] = Choice(
            "Attention", "Generation mode", help="Attention: fast, flows together; Latent: one prediction for each region, LoRAs of its own"
        )
        divide: Literal["Columns", "Rows", "Mask"] = Choice("Columns", "Divide into", help="Mask: the colours of a picture")
        ratios: str = Text("", "Ratios", help="Empty: equal parts; 1,2 or, for a grid, 1,1,1;2,1,1: each group begins with its own share")
        base_ratio: str = Text("0.2", "Base ratio", help="How much the base prompt counts in the regions: one number, or one for each")
        use_base: bool = Toggle(False, "Use base prompt", help="The first part is the base, as if ADDBASE stood behind it")
        use_common: bool = Toggle(False, "Use common prompt", help="The first part is added to all others, as if ADDCOMM stood behind it")
        use_common_negative: bool = Toggle(False, "Use common negative prompt")
        alone: float = Slider(
            1.0, 0, 1, "Own canvas until", step=0.05, help="Latent: share of the steps in which regions do not see one another"
        )
        softness: float = Slider(0, 0, 128, "Soft borders", step=4, help="In pixels")
        mask: Picture | None = ImageField("Mask of colours", help="Region 1 red, 2 blue, 3 green, 4 yellow, 5 purple, 6 cyan, and so on")

    script = Script("Regional Prompter", a1111.ARGUMENTS, always_on=True, parse=a1111.parsed)
    options: Options

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.layouts: dict[bool, list[Layout]] = {}  # of the first pass and of the second: one for each picture
        self.maps: list[list[Tensor]] = []  # of the present pass, for each picture: the base's map (h, w), then those of its regions
        self.regional: dict[int, Conditioning] = {}  # the texts of each region
        self.rows: list[tuple[str, int]] = []  # role and picture of each row of the present call
        self.now: Contexts = {}
        self.small: dict[tuple[int, int], list[list[Tensor]]] = {}
        self.sets: dict[int, tuple[Wanted, ...]] = {}  # networks of the regions that have some of their own; 0: those of all
        self.owners: dict[int, tuple[int, float]] = {}  # the region and the plain weight of a condition's weight, by its id
        self.canvases = Canvases()

    @classmethod
    def notes(cls, options: Any, title: str) -> dict[str, object]:
        """The pairs that A1111's extension writes."""
        return a1111.notes(options)

    @classmethod
    def options_from(cls, notes: Mapping[str, str], title: str) -> dict[str, Any] | None:
        """From those pairs."""
        return a1111.options_from(notes)

    @classmethod
    def routes(cls, router: APIRouter, host: Host) -> None:
        """What the panel shows: where the regions of a prompt lie."""

        @router.post("/template")
        def template(asked: a1111.Asked) -> dict[str, Any]:
            return a1111.template(asked)

    @property
    def attends(self) -> bool:
        return self.options.calc == "Attention"

    @hook.request
    def refuse(self, request: GenerationRequest) -> None:
        """Say at the door what cannot be done."""
        if self.options.divide == "Mask" and self.options.mask is None:
            raise BadRequest("Regional prompts are to follow a mask, and there is none.", "Paint one in the panel, or divide into columns.")
        if "tiled_diffusion" not in request.extensions:
            return
        if self.attends:
            raise BadRequest(
                "Regional prompts in attention mode cannot be used with tiled diffusion: a tile does not see where it lies.",
                "Use the latent mode.",
            )
        if "<lora:" in request.prompt.lower():
            raise BadRequest(
                "Regions with LoRAs of their own cannot be used with tiled diffusion: both take the place of the network's calls.",
                "Leave the LoRAs out, or switch one of the two off.",
            )

    @hook.batch
    def divide(self, run: Run) -> None:
        """Take the prompts apart before anything is encoded: what is encoded as the prompt is the base."""
        for second in (False, True) if run.request.hires else (False,):
            texts = run.hires_texts if second else run.texts
            layouts = layouts_of(texts.positive, texts.negative, self.options, networks=run.request.networks)
            if all(len(layout.regions) < 2 and not layout.divided.base for layout in layouts):
                run.warn("The prompt has no regions: put ADDCOL, ADDROW or BREAK between them.")
                continue
            self.layouts[second] = layouts
            own = run.hires_prompts if second else run.prompts
            tags = tuple(layouts[0].common_tags) if not self.attends else own.tags
            changed = Prompts(tuple(one.background for one in layouts), tuple(one.negative_background for one in layouts), tags)
            if second:
                run.hires_prompts = changed
            else:
                run.prompts = changed

    @hook.conditioning
    def encode(self, run: Run, passing: Pass, conditioning: Conditioning) -> Conditioning | None:
        """Encode each region's texts; in latent mode each becomes a condition of its own, weighted by its map."""
        layouts = self.layouts.get(passing.second)
        self.regional, self.maps, self.small, self.sets, self.owners = {}, [], {}, {}, {}
        self.canvases = Canvases()
        if layouts is None:
            return None
        _, height, width = passing.noise.shape
        soft = self.options.softness / passing.loaded.components.latents.downscale
        self.maps = [[one.to(run.device) for one in layout.maps(height, width, soft)] for layout in layouts]
        self.find_networks(run, passing, layouts)
        for number in range(max(len(layout.regions) for layout in layouts)):
            with self.under(passing.loaded, number + 1):
                self.regional[number + 1] = passing.encode_texts(passing.loaded, region_prompts(layouts, number))
        if self.attends:
            self.refuse_parts()
            return None
        return replace(conditioning, positive=[self.weighted(picture, parts) for picture, parts in enumerate(conditioning.positive)])

    def refuse_parts(self) -> None:
        """Attention knows one text for each region. Raises BadRequest."""
        if any(len(parts) > 1 for one in self.regional.values() for parts in one.positive):
            raise BadRequest("AND within a region cannot be used in attention mode.", "Use the latent mode, or leave the AND out.")

    def weighted(self, picture: int, base: Sequence[Weighted]) -> list[Weighted]:
        """The base's parts and those of all regions of a picture, with their maps."""
        texts = {0: base, **{number: one.positive[picture] for number, one in self.regional.items()}}
        shown = [(number, one) for number, one in enumerate(self.maps[picture]) if bool(one.any())]
        found: list[Weighted] = []
        for number, one in shown:
            for part in texts[number]:
                found.append(Weighted(part.encoding, part.weight * one))
                self.owners[id(found[-1].weight)] = number, float(part.weight)
        return found

    def find_networks(self, run: Run, passing: Pass, layouts: Sequence[Layout]) -> None:
        """In latent mode, read the networks of the regions that have some of their own: those of the first picture, as in A1111."""
        own = {number + 1: region.tags for number, region in enumerate(layouts[0].regions) if region.tags}
        if self.attends or not own:
            return
        self.sets = {number: run.tools.wanted_networks(run, [*passing.tags, *tags]) for number, tags in own.items()}
        self.sets[0] = run.tools.wanted_networks(run, passing.tags)

    @contextmanager
    def under(self, loaded: Loaded, number: int) -> Iterator[None]:
        """For a while, have a region's own networks in the model."""
        if number not in self.sets:
            yield
            return
        loaded.patches.applied(self.sets[number])
        try:
            yield
        finally:
            loaded.patches.applied(self.sets[0])

    @hook.denoising
    @contextmanager
    def divert(self, run: Run, passing: Pass) -> Iterator[None]:
        """In attention mode, have each place look at the text of its region."""
        if not self.regional or not self.attends:
            yield
            return
        with changed_attention(passing.loaded.components.unet, self.attend):
            yield

    @hook.evaluate
    def note(self, run: Run, step: Step, call: Call) -> Call | None:
        """Know the rows of a call, and the texts that hold in it; show each region its own canvas while it has one."""
        self.rows = [(condition.role, condition.picture) for condition in call.conditions]
        if self.attends and self.regional:
            self.now = contexts_at(self.regional, step.call)
        if not self.paints_alone(step):
            return None
        x = call.x.clone()
        for row, condition in enumerate(call.conditions):
            number, _ = self.owners.get(id(condition.weight), (0, 1.0))
            if number and condition.role == "positive":
                x[row] = self.canvases.seen(step, (number, condition.picture), self.maps[condition.picture][number])
        return replace(call, x=x)

    def paints_alone(self, step: Step) -> bool:
        """Whether regions do not see one another yet."""
        return not self.attends and bool(self.regional) and step.share < self.options.alone

    def attend(self, attended: Attended) -> Tensor | None:
        """The layer's answers to all regions' texts, each where its map says so."""
        if not attended.layer.cross or attended.context is None or len(self.rows) != len(attended.hidden):
            return None
        size = (attended.height, attended.width)
        if size not in self.small:
            self.small[size] = [at_layer(maps, *size) for maps in self.maps]
        answer = torch.zeros_like(attended.hidden)
        for number in range(len(self.regional) + 1):
            rows = [row for row, (role, picture) in enumerate(self.rows) if self.looks(role, picture, number, size)]
            if not rows:
                continue
            context = attended.context[rows]
            if number and any(self.rows[row][0] == "positive" or self.negated for row in rows):
                context = torch.stack([self.text(row, number, attended.context[row]) for row in rows])
            weights = torch.stack([self.weight(row, number, size) for row in rows]).to(answer.dtype)
            answer[rows] += attended.plain(attended.hidden[rows], context) * weights
        return answer

    @property
    def negated(self) -> bool:
        """Whether regions have negative texts of their own."""
        return any(layout.negated for layouts in self.layouts.values() for layout in layouts)

    def divides(self, role: str) -> bool:
        """Whether rows of a role look at several texts."""
        return role == "positive" or (role == "negative" and self.negated)

    def looks(self, role: str, picture: int, number: int, size: tuple[int, int]) -> bool:
        """Whether a row looks at a region's text at all; 0 is the base."""
        if not self.divides(role):
            return number == 0
        maps = self.small[size][picture]
        return number < len(maps) and bool(maps[number].any())

    def weight(self, row: int, number: int, size: tuple[int, int]) -> Tensor:
        """How much (T, 1) a region's text counts in a row."""
        role, picture = self.rows[row]
        one = self.small[size][picture][number]
        return one if self.divides(role) else torch.ones_like(one)

    def text(self, row: int, number: int, otherwise: Tensor) -> Tensor:
        """A region's text for a row (tokens, width)."""
        role, picture = self.rows[row]
        return self.now[role, number][picture][0].context.to(otherwise)

    @hook.step
    def reweigh(self, run: Run, step: Step) -> None:
        """Ask again what each region's networks are, where another extension weighs them: it may say something else in each step."""
        if self.sets and run.weigh is not None:
            self.find_networks(run, step.passing, self.layouts[step.passing.second])

    @hook.network
    def with_own_networks(self, run: Run, step: Step, call: Call, network: Network) -> Tensor | None:
        """In latent mode, the rows of a region under its own networks, the others under those of all."""
        if not self.sets:
            return None
        owners = [self.owners.get(id(condition.weight), (0, 1.0))[0] for condition in call.conditions]
        numbers = [number if number in self.sets else 0 for number in owners]
        output: Tensor | None = None
        for number in sorted(set(numbers)):
            rows = [row for row, one in enumerate(numbers) if one == number]
            with self.under(step.passing.loaded, number):
                part = network(rows_of(call, rows))
            output = torch.empty_like(part[:1]).repeat(len(numbers), 1, 1, 1) if output is None else output
            output[rows] = part
        return output

    @hook.guide
    def lay_together(self, run: Run, guidance: Guidance) -> Tensor | None:
        """In latent mode, put regions together that were painted alone, or see to their negative texts."""
        if not self.paints_alone(guidance.step):
            return self.negated_result(guidance)
        conditions = guidance.conditions
        owners = [(one, *self.owners.get(id(one.weight), (0, 1.0))) for one in conditions.positive]
        parts = [((number, one.picture), weight) for one, number, weight in owners]
        negatives = {place: conditions.negative[place[1]] for place, _ in parts if place[0]} if conditions.negative else {}
        if self.negated and negatives:
            texts = contexts_at(self.regional, guidance.step.call)
            negatives |= {(number, picture): texts["negative", number][picture][0] for (number, picture), _ in parts if number}
        levelled = level_with(list(negatives.values())) if negatives else []
        return painted_alone(self.canvases, guidance, self.maps, dict(zip(negatives, levelled, strict=True)), parts)

    def negated_result(self, guidance: Guidance) -> Tensor | None:
        """Put the regions' negative predictions in place of the one for all: result + (1 - scale) * (theirs - its)."""
        negative = guidance.predictions.negative
        if self.attends or not self.regional or not self.negated or negative is None:
            return None
        texts = contexts_at(self.regional, guidance.step.call)
        order = [(number, picture) for picture, maps in enumerate(self.maps) for number in range(1, len(maps)) if bool(maps[number].any())]
        conditions = level_with([texts["negative", number][picture][0] for number, picture in order])
        mixed = torch.stack([maps[0] * one for maps, one in zip(self.maps, negative, strict=True)])
        for (number, picture), prediction in zip(order, guidance.again(conditions), strict=True):
            mixed[picture] += self.maps[picture][number] * prediction
        return guidance.result + (1 - guidance.scale) * (mixed - negative)


def region_prompts(layouts: Sequence[Layout], number: int) -> Prompts:
    """The texts of a region in all pictures; a picture that has fewer regions has its base's there."""
    positive = [one.regions[number].text if number < len(one.regions) else one.background for one in layouts]
    negative = [one.regions[number].negative if number < len(one.regions) else one.negative_background for one in layouts]
    return Prompts(tuple(positive), tuple(negative), ())


def contexts_at(regional: Mapping[int, Conditioning], call: int) -> Contexts:
    """The conditions of all regions at a call, each role's at one length."""
    found: Contexts = {}
    for role in ("positive", "negative"):
        flat: list[tuple[int, Condition]] = []
        for number, conditioning in regional.items():
            conditions = conditioning.at(call)
            flat += [(number, one) for one in (conditions.positive if role == "positive" else conditions.negative)]
        for (number, _), condition in zip(flat, level_with([one for _, one in flat]), strict=True):
            pictures = found.setdefault((role, number), [])
            while len(pictures) <= condition.picture:
                pictures.append([])
            pictures[condition.picture].append(condition)
    return found


def rows_of(call: Call, rows: Sequence[int]) -> Call:
    """Some rows of a call."""

    def some(tensor: Tensor) -> Tensor:
        return tensor[list(rows)]

    residuals = call.residuals
    if residuals is not None:
        mid = None if residuals.mid is None else some(residuals.mid)
        residuals = replace(residuals, down=list(map(some, residuals.down)), mid=mid, levels=list(map(some, residuals.levels)))
    vector = None if call.vector is None else some(call.vector)
    return Call(some(call.x), some(call.level), [call.conditions[row] for row in rows], some(call.context), vector, residuals)
