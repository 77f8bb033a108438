"""Prompt matrix: the prompts it makes, and its grid."""

import pytest

from modules.contract.errors import BadRequest
from modules.contract.request import GenerationRequest, Size
from tests.extensions.drawing import Drawing, driven

REQUEST = GenerationRequest(size=Size(100, 100), seed=5, prompt="a city|at night|in, rain,")


def prompts(request: GenerationRequest = REQUEST, **options: object) -> list[str]:
    drawing = Drawing()
    driven(drawing, request, "prompt_matrix", **options)
    return [one.prompt for one in drawing.asked]


def test_every_combination_of_the_later_parts_follows_the_first() -> None:
    assert prompts() == ["a city", "a city, at night", "a city, in, rain", "a city, at night, in, rain"]


def test_the_later_parts_can_come_first_with_a_blank() -> None:
    assert prompts(at_start=True, joined_by="space") == ["a city", "at night a city", "in, rain a city", "at night in, rain a city"]


def test_the_negative_prompt_can_be_the_one_that_is_split() -> None:
    drawing = Drawing()
    driven(drawing, REQUEST.replace(prompt="x|y", negative_prompt="a|b"), "prompt_matrix", prompt="negative")
    assert [(one.prompt, one.negative_prompt) for one in drawing.asked] == [("x|y", "a"), ("x|y", "a, b")]


@pytest.mark.parametrize(("different", "seeds"), [(False, [5, 5, 5, 5]), (True, [5, 6, 7, 8])])
def test_all_pictures_have_one_seed_or_each_its_own(different: bool, seeds: list[int]) -> None:
    drawing = Drawing()
    driven(drawing, REQUEST, "prompt_matrix", different_seeds=different)
    assert [one.seed for one in drawing.asked] == seeds


def test_a_grid_with_the_parts_around_it_stands_before_the_pictures() -> None:
    drawing = Drawing()
    result = driven(drawing, REQUEST, "prompt_matrix", margin=10)
    grid = result.images[0].image
    assert grid.width == 75 + 210 and grid.height > 210  # three quarters of a picture beside it, some lines of text above it
    assert len(result.images) == 5 and result.details["info"]["index_of_first_image"] == 1
    assert drawing.kept[0][:2] == ("prompt_matrix", grid.size)


def test_a_prompt_of_one_part_is_one_picture() -> None:
    assert prompts(REQUEST.replace(prompt="a city")) == ["a city"]


def test_an_ended_job_has_no_grid() -> None:
    result = driven(Drawing(interrupted=1), REQUEST, "prompt_matrix")
    assert [image.prompt for image in result.images] == ["a city", "a city, at night"]


def test_more_parts_than_can_be_made_are_refused() -> None:
    with pytest.raises(BadRequest, match="11 parts"):
        driven(Drawing(), REQUEST.replace(prompt="|".join("abcdefghijkl")), "prompt_matrix")
