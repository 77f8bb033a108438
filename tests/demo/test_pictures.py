"""The demo's album: the same pictures everywhere, none that training must not see, captions that tell the truth."""

import numpy as np
import pytest

from modules.demo import figures, palette, scenes
from modules.demo.captions import canonical
from modules.demo.pictures import caption_of, picture_of, scene_of
from modules.demo.scenes import Scene, Subject, held_out

LOOKED_AT = 3000


@pytest.fixture(scope="module")
def album() -> list[Scene]:
    return [scene_of(0, index) for index in range(LOOKED_AT)]


def subjects(scene: Scene) -> list[Subject]:
    return [scene.first] if scene.second is None else [scene.first, scene.second]


def test_a_picture_depends_on_nothing_but_its_seed_and_number() -> None:
    first = picture_of(7, 42, 64)
    picture_of(7, 43, 64)
    assert np.array_equal(first, picture_of(7, 42, 64))
    assert not np.array_equal(first, picture_of(8, 42, 64))


def test_a_picture_has_the_size_asked_for() -> None:
    assert picture_of(0, 0, 96).shape == (96, 96, 3)


def test_held_out_combinations_are_never_drawn(album: list[Scene]) -> None:
    drawn = [(subject.colour, subject.thing, scene.background) for scene in album for subject in subjects(scene)]
    assert not [triple for triple in drawn if triple[2] in palette.NAMES and held_out(*triple)]


def test_about_eight_percent_of_combinations_are_held_out() -> None:
    triples = [
        held_out(colour, thing, background)
        for colour in palette.NAMES
        for thing in figures.NAMES
        for background in palette.NAMES
        if colour != background
    ]
    assert 0.06 < sum(triples) / len(triples) < 0.10


def test_nothing_is_drawn_in_the_colour_of_its_background(album: list[Scene]) -> None:
    assert all(subject.colour != scene.background for scene in album for subject in subjects(scene))


def test_about_half_the_pictures_are_one_thing_on_a_plain_background(album: list[Scene]) -> None:
    plain = [scene == Scene(scene.first, scene.background) and scene.background in palette.NAMES for scene in album]
    assert 0.45 < sum(plain) / len(plain) < 0.60


def test_every_wording_names_the_colour_and_the_thing() -> None:
    for index in range(300):
        scene = scene_of(0, index)
        for wording in range(3):
            caption = caption_of(0, index, wording)
            for subject in subjects(scene):
                assert subject.colour in caption
                assert subject.thing in caption
            assert scene.background in caption or scene.background in scenes.LANDSCAPES


def test_the_canonical_caption_of_one_thing_is_colour_thing_background() -> None:
    assert canonical(Scene(Subject("red", "star"), "blue")) == "a red star on a blue background"
    assert canonical(Scene(Subject("orange", "fish"), "orange", count=2)) == "two orange fish on an orange background"


def test_the_palettes_own_colours_are_named_right() -> None:
    assert [palette.NAMES[index] for index in palette.nearest(palette.TABLE)] == list(palette.NAMES)
