"""The files that come with the program show what they were taught, and the checkpoint without them does not."""

import pytest
import torch

from modules.demo import teaching
from tests.guards.sources import ROOT


@pytest.mark.slow
@pytest.mark.parametrize("lesson", teaching.BUNDLED)
def test_a_bundled_file_shows_its_lesson(lesson: str) -> None:
    torch.set_num_threads(1)
    checkpoint, file = ROOT / teaching.CHECKPOINT, ROOT / teaching.BUNDLED[lesson]
    after, before = teaching.shown(lesson, file, checkpoint=checkpoint, most=6)
    assert teaching.score(lesson, after) >= 5 / 6
    assert teaching.score(lesson, before) == 0


def test_each_lesson_is_a_training_that_can_be_asked_for() -> None:
    made = {name: teaching.request_of(lesson, ROOT, teaching.CHECKPOINT, {}).makes for name, lesson in teaching.LESSONS.items()}
    assert made == {"mushroom": "lora", "dusk": "lora", "charm": "embedding", "cottage": "lora", "umbrella": "checkpoint"}
    assert all(len(lesson.prompts) == teaching.PICTURES for lesson in teaching.LESSONS.values())
