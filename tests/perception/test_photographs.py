"""Faces and hands in real photographs, where a person marked them."""

from modules.perception.faces import faces
from modules.perception.hands import hands
from modules.perception.mesh import meshes
from tests.perception import photographs
from tests.perception.photographs import FACES, LEFT_HAND, RIGHT_HAND, group, inside, woman

pytestmark = photographs.needed


def test_five_faces_are_found_where_they_are() -> None:
    for look in (faces, meshes):
        found = sorted(look(group(), 0.5), key=lambda face: face.middle[0])
        assert len(found) == len(FACES)
        assert all(inside(face.box, marked) > 0.8 for face, marked in zip(found, FACES, strict=True))


def test_both_hands_are_found_and_told_apart() -> None:
    found = {hand.kind: hand for hand in hands(group())}
    assert set(found) == {"right hand", "left hand"}
    for kind, marked in (("right hand", RIGHT_HAND), ("left hand", LEFT_HAND)):
        assert inside(found[kind].box, marked) > 0.85 and inside(marked, found[kind].box) > 0.5


def test_a_hand_before_a_face_is_a_hand_and_the_face_is_still_one() -> None:
    (hand,), (face,) = hands(woman(168)), meshes(woman(168), 0.5)
    assert hand.kind == "right hand" and inside(hand.box, (290, 185, 440, 360)) > 0.9
    assert inside(face.box, (310, 35, 560, 325)) > 0.95
    assert hand.landmarks is not None
    tips, wrist = hand.landmarks[[8, 12, 16], 1], hand.landmarks[0, 1]
    assert (tips < wrist - 60).all(), "her fingers point upwards"
