"""Face swap between real photographs: five faces at once, and a hand beside them."""

import numpy as np

from extensions.face_swap.faces import Pairs, sources_of
from extensions.face_swap.tests.test_face_swap import Wishes
from extensions.face_swap.work import with_faces
from modules.perception.found import Found, Pixels
from modules.perception.mesh import meshes
from tests.perception import photographs
from tests.perception.photographs import FACES, group, woman

pytestmark = photographs.needed
FEATURES = (33, 133, 362, 263, 1, 61, 291, 13, 152)  # points of the mesh: eyes, nose, mouth, chin


def test_all_five_get_the_face_and_nothing_else_changes() -> None:
    source = sources_of(woman(264), (0,), "left to right", 0.5)
    result = with_faces(group(), source, Pairs((0,), (0, 1, 2, 3, 4)), Wishes())
    assert len(result.done) == 5 and not result.warnings
    changed = (result.image != group()).any(axis=2)
    elsewhere = np.ones_like(changed)
    for left, top, right, bottom in FACES:
        assert changed[int(top) : int(bottom), int(left) : int(right)].mean() > 0.25
        elsewhere[int(top) - 10 : int(bottom) + 10, int(left) - 15 : int(right) + 15] = False
    assert not changed[elsewhere].any()


def test_the_features_lie_where_the_targets_were() -> None:
    source = sources_of(woman(264), (0,), "left to right", 0.5)
    result = with_faces(group(), source, Pairs((0,), (1, 3, 4)), Wishes())
    for before, after in zip(ordered(group()), ordered(result.image), strict=True):
        width = before.box[2] - before.box[0]
        assert before.landmarks is not None and after.landmarks is not None
        off = np.linalg.norm(before.landmarks[list(FEATURES), :2] - after.landmarks[list(FEATURES), :2], axis=1)
        assert off.max() < 0.12 * width


def ordered(image: Pixels) -> list[Found]:
    """The faces of a picture from left to right."""
    return sorted(meshes(image, 0.5), key=lambda face: face.middle[0])
