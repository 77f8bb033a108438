"""People: how landmarks are drawn, and that those of a photograph are drawn where its face is."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from extensions.controlnet.preprocessors import people, run_preprocessor
from modules.perception.mediapipe_files import problem

needs_networks = pytest.mark.skipif(bool(problem("mesh")), reason=problem("mesh") or "")
FACE = (170, 60, 290, 210)  # of scikit-image's astronaut, by eye: left, top, right, bottom


def standing() -> NDArray[np.float32]:
    """MediaPipe's 33 points of somebody who faces the viewer, arms down, all seen but the right ankle."""
    points = np.ones((33, 3), np.float32)
    places = {
        0: (100, 30), 2: (105, 25), 5: (95, 25), 7: (112, 28), 8: (88, 28), 11: (130, 60), 12: (70, 60), 13: (140, 100), 14: (60, 100),
        15: (145, 140), 16: (55, 140), 23: (115, 140), 24: (85, 140), 25: (115, 190), 26: (85, 190), 27: (115, 240), 28: (85, 240),
    }  # fmt: skip
    for number, place in places.items():
        points[number, :2] = place
    points[28, 2] = 0.1
    return points


def test_a_body_has_openpose_s_colours_at_its_joints() -> None:
    drawn = np.zeros((260, 200, 3), np.uint8)
    body = people.openpose_body(standing(), 200, 260)
    people.draw_body(drawn, body)
    colours = {
        "nose": ((100, 30), (255, 0, 0)), "neck": ((100, 60), (255, 85, 0)), "right shoulder": ((70, 60), (255, 170, 0)),
        "left shoulder": ((130, 60), (85, 255, 0)), "right wrist": ((55, 140), (170, 255, 0)), "left hip": ((115, 140), (0, 85, 255)),
        "left ankle": ((115, 240), (85, 0, 255)), "left ear": ((112, 28), (255, 0, 85)),
    }  # fmt: skip
    for name, ((x, y), colour) in colours.items():
        assert abs(drawn[y, x].astype(int) - colour).max() <= 1, name
    assert drawn[215, 85].max() == 0, "nothing leads to an ankle that is not seen"
    assert abs(drawn[100, 92].astype(int) - [0, 153, 0]).max() <= 1, "neck to right hip: green at 60 %"


def test_joints_outside_the_picture_are_left_out() -> None:
    points = standing()
    points[15, 0] = 300
    assert people.openpose_body(points, 200, 260)[7] is None


def test_a_hand_has_twenty_bones_and_blue_joints() -> None:
    assert len(people.FINGERS) == 20
    assert [edge for edge in people.FINGERS if edge[0] == 0] == [(0, 1), (0, 5), (0, 9), (0, 13), (0, 17)]
    points = np.array([[10 + 8 * (i % 4), 10 + 20 * (i // 4)] for i in range(21)], np.float32)
    drawn = np.zeros((130, 60, 3), np.uint8)
    people.draw_hand(drawn, list(points))
    assert (drawn[points[:, 1].astype(int), points[:, 0].astype(int)] == (0, 0, 255)).all()


@needs_networks
def test_the_face_of_a_photograph_is_drawn_where_it_is() -> None:
    drawn = np.asarray(run_preprocessor("mediapipe_face", Image.fromarray(data.astronaut())))
    rows, columns = np.nonzero(drawn.max(axis=2))
    left, top, right, bottom = FACE
    assert (left < columns.min(), top < rows.min(), columns.max() < right, rows.max() < bottom) == (True,) * 4
    found = {tuple(int(level) for level in one) for one in drawn.reshape(-1, 3)}
    assert found == {(0, 0, 0), (250, 200, 10), (10, 200, 250), *(colour for *_, colour in people.FACE_COLOURS)}
    right_eye = np.nonzero((drawn == (180, 200, 10)).all(axis=2))[1].mean()
    left_eye = np.nonzero((drawn == (10, 200, 180)).all(axis=2))[1].mean()
    assert right_eye < left_eye, "the person's own right is the picture's left"


@needs_networks
def test_small_faces_are_left_out() -> None:
    image = Image.fromarray(data.astronaut()).crop((60, 0, 400, 340))
    assert np.asarray(run_preprocessor("mediapipe_face", image, resolution=512)).any()
    assert not np.asarray(run_preprocessor("mediapipe_face", image, resolution=160)).any()


@needs_networks
def test_a_person_is_coloured_as_one() -> None:
    drawn = np.asarray(run_preprocessor("seg_person", Image.fromarray(data.astronaut())))
    assert (drawn[140, 230] == (150, 5, 61)).all()
    assert (drawn[60, 60] == 0).all()
    assert {tuple(int(level) for level in one) for one in drawn.reshape(-1, 3)} == {(0, 0, 0), (150, 5, 61)}


@needs_networks
def test_openpose_s_body_of_a_photograph_has_its_nose_in_the_face() -> None:
    drawn = np.asarray(run_preprocessor("openpose_landmarks", Image.fromarray(data.astronaut()))).astype(int)
    rows, columns = np.nonzero(abs(drawn - (255, 0, 0)).max(axis=2) == 0)
    left, top, right, bottom = FACE
    assert (left < columns.mean() < right, top < rows.mean() < bottom) == (True, True)
