"""Faces, meshes, hands and people where it is known what there is: two photographs, a drawing, and what is made from them."""

import time
from functools import cache

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from modules.contract.errors import NotSupported
from modules.perception import Detectors, Found, mediapipe_files
from modules.perception.faces import LEFT_EYE, NOSE, RIGHT_EYE, faces
from modules.perception.found import averaged, best, likeness
from modules.perception.hands import hands
from modules.perception.mesh import meshes, yaw
from modules.perception.mesh_points import LIPS, NOSE_TIP
from modules.perception.people import people, poses
from tests.perception.hand_drawing import TIPS, drawn_hand

Pixels = NDArray[np.uint8]
# Marked by hand in skimage.data.astronaut(): the middles of the eyes, the tip of the nose, the middle of the mouth, the chin.
EYES = {RIGHT_EYE: (204, 102), LEFT_EYE: (248, 105)}
NOSE_AT, MOUTH_AT = (222, 128), (224, 147)


@cache
def astronaut() -> Pixels:
    return np.asarray(skimage.data.astronaut())


@cache
def camera() -> Pixels:
    return np.repeat(np.asarray(skimage.data.camera())[..., None], 3, axis=2)


def apart(one: object, other: object) -> float:
    return float(np.linalg.norm(np.asarray(one)[:2] - np.asarray(other)[:2]))


def test_the_astronauts_face_and_eyes_are_found_where_they_are() -> None:
    (face,) = faces(astronaut())
    assert face.score > 0.85
    assert likeness(face, Found("face", (176, 75, 274, 178), 1)) > 0.8
    assert face.landmarks is not None
    for name, place in EYES.items():
        assert apart(face.landmarks[name], place) < 6
    assert apart(face.landmarks[NOSE], NOSE_AT) < 9


def test_colours_matter_little_but_red_is_first() -> None:
    """A blue face is a face still, less surely; the other order of colours would make this true of the right one."""
    (right,), swapped = faces(astronaut(), parts=False), faces(np.ascontiguousarray(astronaut()[..., ::-1]), parts=False)
    assert not swapped or swapped[0].score < right.score


def test_the_mesh_lies_on_the_features() -> None:
    (face,) = meshes(astronaut())
    assert face.landmarks is not None and face.landmarks.shape == (468, 3)
    assert apart(face.landmarks[NOSE_TIP], NOSE_AT) < 7
    assert apart(face.landmarks[list(LIPS)].mean(0), MOUTH_AT) < 5
    assert abs(yaw(face.landmarks)) < 8
    assert face.mask is not None
    assert face.mask[128, 222] == 255
    assert face.mask[20, 20] == 0


@pytest.mark.parametrize("angle", [-30, 30])
def test_a_tilted_face_has_the_same_mesh_tilted(angle: float) -> None:
    turn = cv2.getRotationMatrix2D((256, 256), angle, 1)
    tilted = np.asarray(cv2.warpAffine(astronaut(), turn, (512, 512), borderMode=cv2.BORDER_REPLICATE), np.uint8)
    (straight,), (found,) = meshes(astronaut()), meshes(tilted)
    assert straight.landmarks is not None and found.landmarks is not None
    wanted = straight.landmarks[:, :2] @ turn[:, :2].T + turn[:, 2]
    assert np.linalg.norm(found.landmarks[:, :2] - wanted, axis=1).mean() < 0.025 * 95  # of the face's width
    assert abs(yaw(found.landmarks)) < 10


def test_which_way_a_face_looks_has_a_sign() -> None:
    (face,) = meshes(camera())
    assert face.landmarks is not None
    assert yaw(face.landmarks) > 35  # to the right of the picture, where his camera is


def test_small_faces_are_found_in_parts_and_only_there() -> None:
    crowd = np.full((900, 1200, 3), 128, np.uint8)
    for scale, x, y in ((0.35, 40, 60), (0.5, 700, 40), (1.0, 300, 350)):
        small = cv2.resize(astronaut(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        crowd[y : y + small.shape[0], x : x + small.shape[1]] = small
    found, whole = faces(crowd), faces(crowd, parts=False)
    assert len(found) == 3
    assert len(whole) < 3
    for scale, x, y in ((0.35, 40, 60), (0.5, 700, 40), (1.0, 300, 350)):
        middle = (225 * scale + x, 127 * scale + y)
        assert min(apart(one.middle, middle) for one in found) < 0.12 * 100 * scale


@pytest.mark.parametrize("name", ["coffee", "brick", "page", "hubble_deep_field", "coins"])
def test_no_face_is_seen_in_what_has_none(name: str) -> None:
    picture = np.asarray(getattr(skimage.data, name)())
    colours = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    assert meshes(colours) == []


@pytest.mark.parametrize("turned", [0, 1, 3])
def test_a_hand_has_its_points_at_its_fingers(turned: int) -> None:
    drawn = np.ascontiguousarray(np.rot90(drawn_hand(), turned))
    (hand,) = hands(drawn)
    assert hand.kind == "left hand"
    assert hand.landmarks is not None and hand.landmarks.shape == (21, 3)
    found = hand.landmarks[[4, 8, 12, 16, 20], :2] - 256
    for _ in range(turned):
        found = np.stack([-found[:, 1], found[:, 0]], 1)  # back to upright
    assert np.linalg.norm(found + 256 - TIPS, axis=1).max() < 25
    assert hand.mask is not None and hand.mask.any()


def test_the_hand_in_the_mirror_is_the_other_one() -> None:
    (hand,) = hands(np.ascontiguousarray(drawn_hand()[:, ::-1]))
    assert hand.kind == "right hand"


def test_no_hand_is_seen_in_portraits_that_show_none() -> None:
    assert hands(astronaut(), 0.1) == []


def test_a_person_is_told_from_what_is_behind() -> None:
    (person,) = people(camera())
    assert person.mask is not None
    assert person.mask[350, 120] == 255  # his coat
    assert person.mask[60, 420] == 0  # the sky
    assert 0.2 < (person.mask > 0).mean() < 0.45


def test_a_body_is_found_below_its_face() -> None:
    (pose,) = poses(camera())
    assert pose.landmarks is not None and pose.landmarks.shape == (33, 3)
    assert apart(pose.landmarks[0], (248, 172)) < 20  # nose
    right, left = pose.landmarks[12], pose.landmarks[11]
    assert right[0] < left[0] and 165 < right[1] < 215
    assert pose.landmarks[[23, 24], 1].min() > 300  # hips
    assert pose.score > 0.5


def test_every_detector_answers_inside_the_picture() -> None:
    detectors = Detectors()
    assert set(detectors.names()) == {offer.name for offer in detectors.offers() if offer.available} >= {"mediapipe_face_full", "hand"}
    for name in detectors.names():
        for one in detectors.get(name).find(astronaut(), 0.5):
            left, top, right, bottom = one.box
            assert 0 <= left < right <= 512 and 0 <= top < bottom <= 512, name
            assert 0 < one.score <= 1
            assert one.area_mask(512, 512).any(), name


def test_the_eyes_are_the_persons_own() -> None:
    (left,), (right,) = (Detectors().get(name).find(astronaut()) for name in ("left eye", "right eye"))
    assert apart(left.middle, EYES[LEFT_EYE]) < 6
    assert apart(right.middle, EYES[RIGHT_EYE]) < 6


def test_a_look_for_faces_is_quick() -> None:
    faces(astronaut())
    begun = time.thread_time()
    faces(astronaut())
    assert time.thread_time() - begun < 2  # 0.05 s where nothing else ran


def test_heaps_of_boxes_become_one() -> None:
    one, same, other = (Found("a", box, score) for box, score in
                        (((0, 0, 10, 10), 0.9), ((1, 0, 11, 10), 0.3), ((30, 0, 40, 10), 0.5)))  # fmt: skip
    assert best([same, other, one]) == [one, other]
    (mean, kept) = averaged([same, other, one])
    assert mean.box == pytest.approx((0.25, 0, 10.25, 10))
    assert kept.box == other.box
    part = Found("a", (2, 2, 5, 5), 0.8)
    assert best([one, part]) == [one, part]
    assert best([one, part], parts=True) == [one]


def test_without_the_networks_each_detector_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mediapipe_files, "folder", lambda: None)
    detectors = Detectors()
    assert detectors.names() == []
    assert all("mediapipe" in offer.reason and offer.reason.endswith(".") for offer in detectors.offers())
    with pytest.raises(NotSupported, match="hand cannot be used"):
        detectors.get("hand")
    with pytest.raises(NotSupported, match="mediapipe"):
        faces(astronaut())
    monkeypatch.setattr(mediapipe_files.sys, "version_info", (3, 13, 0))
    assert "up to Python 3.12 only, and this is Python 3.13" in mediapipe_files.problem("face")
