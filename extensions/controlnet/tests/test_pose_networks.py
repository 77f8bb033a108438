"""OpenPose: its networks held by recorded answers, people put together of maps, hands and faces found where bodies say they are."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from extensions.controlnet.networks import openpose, openpose_parse
from extensions.controlnet.networks.openpose import Branch, PoseMachine, body_network, face_network, hand_network
from extensions.controlnet.preprocessors import available, default_preprocessor, drawn_poses, find_poses, open_pose, run_preprocessor
from extensions.controlnet.preprocessors.network_files import FOLDER
from extensions.controlnet.preprocessors.open_pose import Square
from extensions.controlnet.preprocessors.poses import Joint, Person, written
from extensions.controlnet.tests.network_numbers import filled
from extensions.controlnet.tests.pose_maps import Answers, Place, maps_of, standing
from modules.contract.errors import NotSupported
from modules.weights.header import BadModel
from modules.weights.writing import write_tensors

GOLDEN: Any = json.loads((Path(__file__).parent / "pose_networks_golden.json").read_text("utf8"))
BUILDS: dict[str, Callable[[dict[str, Tensor]], nn.Module]] = {"body": body_network, "hand": hand_network, "face": face_network}
FRAMES: dict[str, Callable[[], nn.Module]] = {
    "body": lambda: PoseMachine(openpose.BODY_FRONT, openpose.BODY_FIRST, (Branch("_L1", 38), Branch("_L2", 19))),
    "hand": lambda: PoseMachine(openpose.HAND_FRONT, openpose.HAND_FIRST, (Branch("", 22),)),
    "face": lambda: PoseMachine(openpose.HAND_FRONT, openpose.HAND_FIRST, (Branch("", 71),)),
}
HEIGHT, WIDTH = 240, 320


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def numbers(kind: str, gain: float = 2**0.5) -> dict[str, Tensor]:
    """Numbers under the names, and in the shapes, of a published file."""
    with torch.device("meta"):
        frame = FRAMES[kind]()
    return filled(frame, gain)


def picture(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)


def as_lists(points: Sequence[Joint]) -> list[list[int] | None]:
    return [None if point is None else [int(point[0]), int(point[1])] for point in points]


@pytest.mark.parametrize("kind", BUILDS)
def test_a_network_answers_as_the_published_one_does(kind: str) -> None:
    tensors, recorded = numbers(kind), GOLDEN["networks"][kind]
    listing = sorted(f"{name} {list(value.shape)}" for name, value in tensors.items())
    assert hashlib.sha256("\n".join(listing).encode()).hexdigest() == recorded["names"]
    answers = open_pose.run(BUILDS[kind](tensors), picture(72, 56))
    assert [list(one.shape) for one in answers] == recorded["shapes"]
    for answer, wanted in zip(answers, recorded["answers"], strict=True):
        found = answer.flatten()[torch.linspace(0, answer.numel() - 1, len(wanted)).long()].numpy()
        assert np.allclose(found, wanted, atol=1e-4 * float(answer.abs().max())), "float32 sums in another order, and six digits kept"


def test_names_with_the_blocks_of_the_program_that_wrote_the_file_are_taken_too() -> None:
    tensors = numbers("hand")
    assert set(hand_network({f"model1_0.{name}": value for name, value in tensors.items()}).state_dict()) == set(tensors)


@pytest.mark.parametrize("case", GOLDEN["parsers"]["body"], ids=lambda case: str(case["picture"]))
def test_people_are_put_together_as_the_published_estimator_does(case: dict[str, Any]) -> None:
    found = open_pose.found_bodies(Answers((38, case["seed"], 0.6), (19, case["seed"] + 100, 0.35)), picture(*case["picture"]))
    assert [as_lists(one) for one in found] == case["people"]


@pytest.mark.parametrize("case", GOLDEN["parsers"]["hand"], ids=lambda case: str(case["picture"]))
def test_a_hand_s_points_are_those_of_the_published_estimator(case: dict[str, Any]) -> None:
    found = open_pose.found_hand(Answers((22, 4, case["strength"])), picture(*case["picture"]), Square(0, 0, 0))
    assert [point or [0, 0] for point in as_lists(found)] == case["points"], "the published one says 0, 0 for nothing"


@pytest.mark.parametrize("case", GOLDEN["parsers"]["face"], ids=lambda case: str(case["picture"]))
def test_a_face_s_points_are_those_of_the_published_estimator(case: dict[str, Any]) -> None:
    found = open_pose.found_face(Answers((71, 4, 0.1)), picture(*case["picture"]), Square(0, 0, 0))
    assert as_lists(found) == case["points"]


def far_from(found: Sequence[Joint], person: Mapping[int, Place]) -> float:
    places = [(found[number], place) for number, place in person.items()]
    return sum(99 if joint is None else float(np.hypot(*(joint - place))) for joint, place in places)


def without(person: Mapping[int, Place], *joints: int) -> dict[int, Place]:
    return {number: place for number, place in person.items() if number not in joints}


PEOPLE: dict[str, list[dict[int, Place]]] = {
    "one": [standing(160, 10, 220)],
    "two who cross": [standing(90, 10, 220, lean=0.38), standing(230, 14, 210, lean=-0.38)],
    "three of three sizes": [standing(60, 20, 200), standing(160, 100, 120), standing(260, 5, 230)],
    "one without an arm and a leg": [without(standing(160, 10, 220), 3, 4, 12, 13)],
    "nobody": [],
}


@pytest.mark.parametrize("people", PEOPLE.values(), ids=PEOPLE)
def test_people_come_back_from_the_maps_of_them(people: list[dict[int, Place]]) -> None:
    found = openpose_parse.bodies(*maps_of(people, HEIGHT, WIDTH, deviation=4))
    assert len(found) == len(people)
    for person in people:
        near = min(found, key=lambda one: far_from(one, person))
        assert {number for number, joint in enumerate(near) if joint is not None} == set(person)
        assert all(np.abs(np.array(near[number]) - place).max() <= 1 for number, place in person.items()), "a pixel: maps have whole ones"


def test_without_a_neck_head_and_arms_hold_together_by_the_ears_and_legs_are_nobody() -> None:
    found = openpose_parse.bodies(*maps_of([without(standing(160, 10, 220), 1)], HEIGHT, WIDTH, deviation=4))
    assert [[number for number, joint in enumerate(one) if joint is not None] for one in found] == [[0, 2, 3, 4, 5, 6, 7, 14, 15, 16, 17]]


def test_people_come_back_from_maps_an_eighth_of_the_picture_s_size() -> None:
    person = standing(160, 10, 220)

    class Sees(nn.Module):
        def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
            height, width = pictures.shape[2] // 8, pictures.shape[3] // 8
            small = {number: ((x * 184 / 240 - 3.5) / 8, (y * 184 / 240 - 3.5) / 8) for number, (x, y) in person.items()}
            points, fields = maps_of([small], height, width, deviation=1)
            return tuple(torch.from_numpy(one).permute(2, 0, 1)[None] for one in (fields, points))

    found = open_pose.found_bodies(Sees(), picture(HEIGHT, WIDTH))
    assert len(found) == 1
    far = [float(np.abs(np.array(joint) - person[number]).max()) for number, joint in enumerate(found[0]) if joint is not None]
    assert len(far) == 18 and max(far) <= 5, "half a cell of 8 pixels of the network, 10 of the picture"


def joints(**places: Place) -> list[Joint]:
    """A body of which some joints are seen, as j4=(x, y)."""
    return [np.array(place, np.float32) if (place := places.get(f"j{number}")) else None for number in range(18)]


def test_hands_are_looked_for_beyond_the_wrists() -> None:
    def square(shoulder: Place, elbow: Place, wrist: Place) -> Square | None:
        return open_pose.hand_square(joints(j5=shoulder, j6=elbow, j7=wrist), open_pose.LEFT_ARM, 1000, 1000)

    assert square((500, 300), (500, 400), (500, 500)) == Square(425, 458, 150)
    assert square((500, 300), (500, 400), (560, 460)) == Square(512, 412, 135)
    assert square((500, 100), (500, 400), (500, 500)) == Square(297, 330, 405)
    assert square((500, 300), (500, 400), (950, 970)) == Square(553, 613, 386), "it ends with the picture"
    assert square((500, 300), (500, 400), (3, 4)) == Square(0, 0, 953)
    assert square((500, 487), (500, 500), (500, 513)) is None, "19.5 pixels"
    assert open_pose.hand_square(joints(j6=(1, 1), j7=(90, 90)), open_pose.LEFT_ARM, 100, 100) is None


def test_faces_are_looked_for_around_noses() -> None:
    def square(**others: Place) -> Square | None:
        return open_pose.face_square(joints(j0=(500, 500), **others))

    assert square() is None
    assert square(j14=(480, 480)) == Square(440, 440, 120)
    assert square(j17=(520, 510)) == Square(470, 470, 60)
    assert square(j14=(480, 480), j15=(520, 470), j16=(460, 485)) == Square(410, 410, 180)
    assert square(j16=(460, 485), j14=(495, 495)) == Square(440, 440, 120)
    assert square(j14=(497, 500)) is None, "18 pixels"
    assert open_pose.face_square(joints(j14=(1, 1))) is None


def test_hands_and_faces_lie_where_their_squares_are() -> None:
    person = Person(list(map(np.float32, standing(160, 10, 220).values())))  # pyright: ignore[reportArgumentType]
    pixels = picture(HEIGHT, WIDTH)
    found = open_pose.with_face(open_pose.with_hands(person, Answers((22, 4, 0.1)), pixels), Answers((71, 4, 0.1)), pixels)
    for part, square in (
        (found.hand_left, open_pose.hand_square(person.body, open_pose.LEFT_ARM, HEIGHT, WIDTH)),
        (found.hand_right, open_pose.hand_square(person.body, open_pose.RIGHT_ARM, HEIGHT, WIDTH)),
        (found.face, open_pose.face_square(person.body)),
    ):
        assert square
        seen = np.array([point for point in part if point is not None]) - (square.left, square.top)
        assert len(seen) > 15 and seen.min() >= 0 and seen.max() < square.side
    assert not open_pose.with_hands(person, Answers((22, 4, 0.0)), pixels).hand_left, "no hand where no point is"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all three networks, one as its maker would have written it; what they see is soft and of no meaning."""
    folder = tmp_path_factory.mktemp("models")
    (folder / FOLDER).mkdir()
    for kind, name in (("hand", "hand_pose_model"), ("face", "facenet")):
        write_tensors(folder / FOLDER / f"{name}.safetensors", numbers(kind), {})
    torch.save(numbers("body", 1.0), folder / FOLDER / "body_pose_model.pth")
    return folder


def test_without_its_networks_a_preprocessor_is_not_listed_and_says_what_to_put_where(tmp_path: Path) -> None:
    assert not [one for one in available(tmp_path) if one.name.startswith(("openpose_f", "openpose_hand")) or one.name == "openpose"]
    with pytest.raises(NotSupported, match=r"'openpose_hand' needs a network that is not here"):
        find_poses("openpose_hand", Image.new("RGB", (64, 64)), models=tmp_path)


def test_with_them_it_draws_the_poses_that_it_finds(models: Path) -> None:
    image = Image.fromarray(picture(96, 80))
    assert default_preprocessor("OpenPose", models) == "openpose_full"
    hint = run_preprocessor("openpose", image, resolution=64, models=models)
    poses = find_poses("openpose", image, resolution=64, models=models)
    assert hint.size == (64, 77) == (poses.width, poses.height)
    assert poses.people and (np.asarray(hint) == drawn_poses(poses)).all()
    assert written(poses) == written(find_poses("openpose", image, resolution=64, models=models))
    faces = find_poses("openpose_faceonly", image, resolution=64, models=models)
    assert all(person.face and not person.body for person in faces.people)


def test_a_file_of_something_else_is_said(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    write_tensors(tmp_path / FOLDER / "body_pose_model.safetensors", {"conv1_1.weight": torch.zeros(64, 3, 3, 3)}, {})
    with pytest.raises(BadModel, match="not the network that its name says"):
        run_preprocessor("openpose", Image.new("RGB", (64, 64)), models=tmp_path)
