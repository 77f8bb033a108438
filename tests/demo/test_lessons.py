"""What the lessons teach is seen on their own drawings, and on nothing that the checkpoint knows already."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from modules.demo import figures, lessons, palette
from modules.demo.drawing import draw
from modules.demo.lesson_trial import SHOWS, thing_of
from modules.demo.scenes import Scene, Subject


@pytest.mark.parametrize("lesson", lessons.LESSONS)
def test_each_drawing_of_a_lesson_shows_that_lesson_alone(lesson: str) -> None:
    for drawn in lessons.LESSONS[lesson]():
        assert [name for name, shows in SHOWS.items() if shows(drawn.picture)] == [lesson]


@pytest.mark.parametrize("thing", figures.NAMES)
def test_what_the_checkpoint_knows_is_no_lesson(thing: str) -> None:
    rng = np.random.default_rng(3)
    for _ in range(3):
        colour, behind = rng.choice(palette.NAMES, 2, replace=False)
        picture = np.asarray(cv2.GaussianBlur(draw(Scene(Subject(str(colour), thing), str(behind)), 128, rng), (0, 0), 1.2), np.uint8)
        round_ones = ("face", "circle", "ring")  # their outline is one
        assert thing_of(picture) in (round_ones if thing in round_ones else (thing,))
        assert not [name for name, shows in SHOWS.items() if shows(picture)]


def test_a_plain_picture_shows_nothing() -> None:
    assert thing_of(np.full((128, 128, 3), 200, np.uint8)) == ""


def test_a_lesson_is_written_as_pictures_and_captions(tmp_path: Path) -> None:
    lessons.write(tmp_path / "mushroom", "mushroom")
    assert len(list((tmp_path / "mushroom").glob("*.png"))) == 12
    assert (tmp_path / "mushroom" / "00.txt").read_text() == "a red mushroom on a pink background"
    assert Image.open(tmp_path / "mushroom" / "00.png").size == (128, 128)
