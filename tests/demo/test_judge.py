"""The demo's judge: right about drawings, so that what it says of made pictures can be believed."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from modules.demo import judge
from modules.demo.drawing import draw
from modules.demo.scenes import held_out


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_the_prompts_are_sixty_different_unseen_combinations() -> None:
    asked = judge.prompts()
    assert len({text for text, _ in asked}) == 60
    assert all(held_out(scene.first.colour, scene.first.thing, scene.background) for _, scene in asked)


@pytest.mark.parametrize("size", [96, 128])
def test_the_judge_is_right_about_drawings_of_the_prompts(size: int) -> None:
    shown = [scene for _, scene in judge.prompts()]
    found = judge.verdicts([draw(scene, size, np.random.default_rng(index)) for index, scene in enumerate(shown)])
    assert [verdict.background for verdict in found] == [scene.background for scene in shown]
    assert [verdict.colour for verdict in found] == [scene.first.colour for scene in shown]
    mistakes = [scene for scene, verdict in zip(shown, found, strict=True) if scene.first.thing != verdict.thing]
    assert len(mistakes) <= 1  # of 60: the classifier is right about more than 99 of 100


def test_an_empty_picture_has_no_colour_in_front() -> None:
    assert judge.verdicts([np.full((64, 64, 3), 128, np.uint8)])[0].colour == ""
