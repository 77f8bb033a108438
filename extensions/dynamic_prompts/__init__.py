"""Dynamic prompts: a template becomes another prompt for each picture."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from itertools import islice, product
from typing import Any, Literal

from fastapi import APIRouter

from modules.contract.declare import declared
from modules.contract.request import GenerationRequest
from modules.plugins import Choice, Extension, Host, Options, Run, Slider, Tab, Toggle, hook
from modules.prompts.tags import Tag, without_tags

from .drawing import Budget, all_of, drawn
from .grammar import is_template
from .routes import add_routes
from .wildcards import Wildcards

TEMPLATES = {"template": "Template", "negative_template": "Negative Template"}  # fields, and the original's names in the infotext
SEED = "Prompt seed"
LARGEST_SEED = 2**32 - 1
NEGATIVE = 1_000_003  # keeps the lots of the negative prompt apart from those of the prompt


class DynamicPrompts(Extension):
    """See README.md."""

    class Settings(Options):
        """What pasting a picture brings back."""

        paste: Literal["the prompt as it was drawn", "the template"] = Choice("the prompt as it was drawn", "Pasting a picture gives")
        keep_template: bool = Toggle(True, "Keep the template in the infotext")

    class Options(Options):
        """How prompts are drawn. The hidden ones carry what was decided before, and what a pasted picture was drawn from."""

        mode: Literal["random", "combinatorial"] = Choice(
            "random", "Prompts", help="random: each picture draws its own by its seed. combinatorial: a picture for every combination."
        )
        most: int = Slider(100, 1, 1000, "Most combinations", help="Of combinatorial prompts. The batch count is set by them.")
        repeats: int = Slider(1, 1, 20, "Times each combination")
        fixed_seed: bool = Toggle(False, "Fixed seed", help="All pictures have the same seed, and differ by their prompts alone.")
        unlinked: bool = Toggle(
            False, "Unlink the prompt from the seed", help="The prompts are drawn anew each time, even if the seed is the same."
        )
        prompt_seed: int = declared(-1, SEED, control="hidden")
        template: str = declared("", TEMPLATES["template"], control="hidden")
        negative_template: str = declared("", TEMPLATES["negative_template"], control="hidden")

    tab = Tab("Wildcards", "dynamic-wildcards-page")
    options: Options

    @property
    def wildcards(self) -> Wildcards:
        """The wildcards of the program's folders; none where there is no program."""
        return Wildcards(folders_of(self.given) if self.given else ())

    @hook.request
    def prepare(self, request: GenerationRequest) -> GenerationRequest | None:
        """As many pictures as there are combinations; a seed of the prompts' own if that was asked for."""
        hires = request.hires
        texts = (request.prompt, request.negative_prompt, hires.prompt if hires else "", hires.negative_prompt if hires else "")
        if not any(map(is_template, texts)):
            return None
        changes: dict[str, Any] = {}
        if self.options.unlinked and self.options.prompt_seed < 0:
            mine = {**request.extensions.get(self.name, {}), "prompt_seed": random.randrange(LARGEST_SEED)}
            changes["extensions"] = {**request.extensions, self.name: mine}
        if self.options.mode == "combinatorial":
            total = len(self.combinations(request.prompt, request.negative_prompt, Budget())) * self.options.repeats
            size = request.batch_size
            if request.source is None or len(request.source.pictures) == 1:  # else there is a picture for each of the batch
                size = max(one for one in range(1, size + 1) if total % one == 0)
            changes |= {"batch_size": size, "batch_count": -(-total // size)}
        return request.replace(**changes)

    @hook.batch
    def draw(self, run: Run) -> None:
        """Give each picture of the batch its own prompts."""
        templates = run.texts.positive[0], run.texts.negative[0]
        hires = run.hires_texts.positive[0], run.hires_texts.negative[0]
        if not any(map(is_template, (*templates, *hires))):
            return
        budget = Budget()
        if self.options.fixed_seed:
            run.seeds = (run.request.seed,) * len(run.seeds)
        if self.options.mode == "combinatorial":
            known = self.combinations(*templates, budget)
            pairs = [known[(run.first + index) % len(known)] for index in range(len(run.seeds))]
        else:
            pairs = [self.pair(templates, seed, budget) for seed in self.seeds(run)]
        run.reprompt([positive for positive, _ in pairs], [negative for _, negative in pairs])
        if hires != templates and run.request.hires:
            self.draw_hires(run, [self.pair(hires, seed, budget) for seed in self.seeds(run)])
        self.note(run, templates)
        self.warn(run, budget)

    def pair(self, templates: tuple[str, str], seed: int, budget: Budget) -> tuple[str, str]:
        """Both prompts by a seed. Those that are no templates stay to the letter."""
        wildcards = self.wildcards
        positive, negative = (
            drawn(text, wildcards, seed + offset, budget) if is_template(text) else text
            for text, offset in zip(templates, (0, NEGATIVE), strict=True)
        )
        return positive, negative

    def seeds(self, run: Run) -> Sequence[int]:
        """The seeds that a batch's prompts are drawn by: the pictures' own, if nothing else was asked for."""
        given = self.options.prompt_seed
        if given >= 0 or self.options.fixed_seed:
            first = (given if given >= 0 else run.request.seed) + run.first
            return [first + index for index in range(len(run.seeds))]
        variation = run.request.variation
        return run.variation_seeds if variation and variation.strength else run.seeds

    def combinations(self, positive: str, negative: str, budget: Budget) -> list[tuple[str, str]]:
        """All pairs of prompts, as many as are wanted at most."""
        wildcards, most = self.wildcards, self.options.most
        first, second = ([text] if not is_template(text) else all_of(text, wildcards, budget, most) for text in (positive, negative))
        return list(islice(product(first, second), most))

    def draw_hires(self, run: Run, pairs: Sequence[tuple[str, str]]) -> None:
        """Give the second pass its own prompts, where the request has templates for it."""
        hires = run.request.hires
        assert hires is not None
        if hires.prompt:
            plain = [without_tags(text) if run.request.networks else (text, list[Tag]()) for text, _ in pairs]
            texts = tuple(text for text, _ in pairs)
            run.hires_texts = replace(run.hires_texts, positive=texts)
            run.hires_prompts = replace(run.hires_prompts, positive=tuple(text for text, _ in plain), tags=tuple(plain[0][1]))
        if hires.negative_prompt:
            negative = tuple(text for _, text in pairs)
            run.hires_texts, run.hires_prompts = replace(run.hires_texts, negative=negative), replace(run.hires_prompts, negative=negative)

    def note(self, run: Run, templates: tuple[str, str]) -> None:
        """Keep in the infotext what the prompts were drawn from, and by which seed if that is not the picture's."""
        if self.settings.keep_template:
            for name, text, other in zip(TEMPLATES.values(), templates, (run.texts.positive[0], run.texts.negative[0]), strict=True):
                if text != other or is_template(text):
                    run.script_notes[name] = text
        if self.options.mode == "random" and (self.options.prompt_seed >= 0 or self.options.fixed_seed):
            for index, seed in enumerate(self.seeds(run)):
                run.picture_notes.setdefault(index, {})[SEED] = seed

    def warn(self, run: Run, budget: Budget) -> None:
        """Name the wildcards that there are not, and networks that a batch cannot have for each picture."""
        wildcards = self.wildcards
        for name in budget.missing:
            near = get_close_matches(name, wildcards.lists, n=3, cutoff=0.5)
            hint = f" Did you mean {', '.join(near)}?" if near else ""
            run.warn(f"There is no wildcard '{name}', or it has no lines: __{name}__ stays as it is.{hint}")
        for problem in wildcards.problems:
            run.warn(problem)
        tags = {tuple(sorted(map(str, without_tags(text)[1]))) for text in run.texts.positive}
        if len(tags) > 1 and run.request.networks:
            run.warn("The prompts of a batch name different LoRAs; all of its pictures have those of the first. Use a batch size of 1.")

    @classmethod
    def notes(cls, options: Any, title: str) -> dict[str, object]:
        """Nothing before the prompts are drawn."""
        del options, title
        return {}

    @classmethod
    def options_from(cls, notes: Mapping[str, str], title: str) -> dict[str, Any] | None:
        """The templates, for the page to offer them; None if the prompt was none."""
        del title
        found: dict[str, Any] = {field: notes[name] for field, name in TEMPLATES.items() if notes.get(name)}
        if found and notes.get(SEED, "").isdigit():
            found["prompt_seed"] = int(notes[SEED])
        return found or None

    @classmethod
    def routes(cls, router: APIRouter, host: Host) -> None:
        """The wildcard files, and examples of a template."""
        add_routes(router, folders_of(host))


def folders_of(host: Host) -> tuple[Any, ...]:
    """Where wildcards lie: the data folder's, which the page edits, and the models folder's."""
    return host.program.folders.data / "wildcards", host.program.folders.models / "wildcards"
