"""Templates through the pipeline, over the smallest real model."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from extensions.dynamic_prompts import DynamicPrompts
from modules.contract.errors import BadRequest
from modules.contract.request import GenerationRequest, HiresPass
from modules.contract.result import GenerationResult
from modules.contract.services import Folders
from modules.pipeline.manager import PipelineManager
from modules.plugins import Host
from modules.plugins.host import Program
from tests import tiny
from tests.extensions.drawing import bundled
from tests.extensions.making import REQUEST, equal, pictures
from tests.tiny import Listener


@dataclass(frozen=True)
class Made:
    """What a request gave."""

    result: GenerationResult

    @property
    def prompts(self) -> list[str]:
        return [one.prompt for one in self.result.images]

    @property
    def seeds(self) -> list[int]:
        return [one.seed for one in self.result.images]


def make(pipeline: PipelineManager, request: GenerationRequest, **options: Any) -> Made:
    """Through the door and the queue, as on the page."""
    asked = pipeline.check(request.replace(extensions={"dynamic_prompts": options}))
    return Made(pipeline.generate(pipeline.check(asked), Listener()))


TEMPLATE = REQUEST.replace(prompt="a {red|blue|green} {star|heart}", steps=1)


def test_each_picture_has_its_own_prompt_and_its_template(pipeline: PipelineManager) -> None:
    made = make(pipeline, TEMPLATE.replace(batch_size=3, batch_count=2))
    assert made.seeds == list(range(7, 13)) and len(set(made.prompts)) > 2
    assert not any("{" in prompt for prompt in made.prompts)
    assert all("Template: a {red|blue|green} {star|heart}" in one.infotext for one in made.result.images)
    again = make(pipeline, TEMPLATE.replace(seed=10))
    assert again.prompts == [made.prompts[3]]


def test_a_drawn_picture_is_that_of_its_prompt(pipeline: PipelineManager) -> None:
    made = make(pipeline, TEMPLATE.replace(seed=9))
    plain = pictures(pipeline, TEMPLATE.replace(prompt=made.prompts[0], seed=9))
    assert equal(plain, pictures(pipeline, TEMPLATE.replace(seed=9), dynamic_prompts={}))


def test_a_plain_prompt_is_left_alone(pipeline: PipelineManager) -> None:
    assert equal(pictures(pipeline, REQUEST), pictures(pipeline, REQUEST, dynamic_prompts={"mode": "combinatorial", "fixed_seed": True}))


def test_every_combination_once(pipeline: PipelineManager) -> None:
    made = make(pipeline, TEMPLATE.replace(batch_size=4, negative_prompt="{grey|}"), mode="combinatorial")
    assert len(made.prompts) == 12 and len(set(made.prompts)) == 6 and made.seeds == list(range(7, 19))
    assert {one.negative_prompt for one in made.result.images} == {"grey", ""}
    some = make(pipeline, TEMPLATE.replace(batch_size=4), mode="combinatorial", most=5, repeats=2)
    assert some.prompts == [*some.prompts[:5]] * 2


def test_a_fixed_seed_leaves_only_the_prompts_to_differ(pipeline: PipelineManager) -> None:
    made = make(pipeline, TEMPLATE, mode="combinatorial", fixed_seed=True)
    assert made.seeds == [7] * 6 and len(set(made.prompts)) == 6
    lots = make(pipeline, TEMPLATE.replace(batch_count=6), fixed_seed=True)
    assert lots.seeds == [7] * 6 and len(set(lots.prompts)) > 2 and "Prompt seed: 9" in lots.result.images[2].infotext


def test_an_unlinked_prompt_is_found_again_by_its_own_seed(pipeline: PipelineManager) -> None:
    made = [make(pipeline, TEMPLATE, unlinked=True) for _ in range(6)]
    assert len({one.prompts[0] for one in made}) > 1
    infotext = made[0].result.images[0].infotext
    options = DynamicPrompts.options_from(dict(part.split(": ", 1) for part in infotext.splitlines()[-1].split(", ")), "Dynamic prompts")
    assert options is not None and options["template"] == TEMPLATE.prompt
    assert make(pipeline, TEMPLATE, unlinked=True, prompt_seed=options["prompt_seed"]).prompts == made[0].prompts


def test_the_second_pass_can_have_a_template_of_its_own(pipeline: PipelineManager) -> None:
    hires = HiresPass(scale=1.5, steps=1, prompt="{one|one}")
    made = make(pipeline, TEMPLATE.replace(hires=hires))
    assert "Hires prompt: one" in made.result.images[0].infotext and "{" not in made.prompts[0]


def test_wildcards_of_the_data_folder_and_a_warning_for_missing_ones(pipeline: PipelineManager, tmp_path: Path) -> None:
    (tmp_path / "wildcards").mkdir()
    (tmp_path / "wildcards" / "colour.txt").write_text("red", "utf8")
    program = cast(
        "Program", SimpleNamespace(folders=Folders(tmp_path, tmp_path / "models", tmp_path / "outputs"), choices=lambda kind: ())
    )
    extensions = bundled()
    extensions.hosts = lambda row, settings: Host(row.name, tmp_path, program, DynamicPrompts.Settings)
    other = PipelineManager(
        library=pipeline.library, settings=pipeline.settings, root=tmp_path, device=lambda: tiny.CPU, relays=extensions.instances
    )
    made = make(other, TEMPLATE.replace(prompt="a __colour__ star, __color__"))
    assert made.prompts == ["a red star, __color__"]
    assert any("no wildcard 'color'" in text and "Did you mean colour?" in text for text in made.result.warnings)


@pytest.mark.parametrize("template", ["{a|b", "${x}"])
def test_a_template_that_cannot_be_read_ends_the_job_with_a_sentence(pipeline: PipelineManager, template: str) -> None:
    with pytest.raises(BadRequest, match=r"never closed|has no value"):
        make(pipeline, TEMPLATE.replace(prompt=template + " {c|d}"))
