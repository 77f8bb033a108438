"""Poses: OpenPose's JSON there and back, what cannot be drawn, the drawing, and the routes."""

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from skimage import data

from extensions.controlnet.preprocessors import find_poses, people, run_preprocessor
from extensions.controlnet.preprocessors.poses import Person, Poses, read, written
from extensions.controlnet.tests.test_preprocessors_people import standing
from extensions.controlnet.tests.test_routes import Program, client, picture, program, text
from modules.contract.errors import BadRequest
from modules.perception.mediapipe_files import problem

__all__ = ["client", "program"]
needs_networks = pytest.mark.skipif(bool(problem("mesh")), reason=problem("mesh") or "")
WIDTH, HEIGHT = 200, 260


def poses() -> Poses:
    """Somebody standing, right ankle unseen, with a right hand at the wrist."""
    hand = np.array([[53 + 2 * (i % 4), 140 + 3 * (i // 4)] for i in range(21)], np.float32)
    body = people.openpose_body(standing(), WIDTH, HEIGHT)
    return people.with_hands(Poses([Person(body)], WIDTH, HEIGHT), [hand])


def as_json() -> dict[str, Any]:
    return json.loads(json.dumps(written(poses())))


def pixels(encoded: str) -> Any:
    return np.asarray(picture(encoded).convert("RGB"))


def test_poses_come_back_from_json_and_look_the_same() -> None:
    value = as_json()
    assert (value["canvas_width"], value["canvas_height"]) == (WIDTH, HEIGHT)
    assert value["people"][0]["pose_keypoints_2d"][3 * 10 : 3 * 11] == [0, 0, 0], "the right ankle is not seen"
    assert value["people"][0]["pose_keypoints_2d"][:3] == [100, 30, 1]
    assert value["people"][0]["hand_left_keypoints_2d"] is None
    assert len(value["people"][0]["hand_right_keypoints_2d"]) == 63
    assert written(read(value)) == value == written(read(json.dumps(value)))
    drawn = people.drawn_poses(poses())
    assert drawn[140, 53].tolist() == [0, 0, 255]
    assert (people.drawn_poses(read(value)) == drawn).all()


def test_shares_of_the_canvas_and_the_longer_body_are_read_as_the_same_pose() -> None:
    value = as_json()
    body = np.array(value["people"][0]["pose_keypoints_2d"]).reshape(18, 3)
    long = np.full((25, 3), 7.0)
    long[[*range(8), *range(9, 19)]] = body
    value["people"][0]["pose_keypoints_2d"] = long.ravel().tolist()
    assert written(read(value)) == as_json()
    shares = as_json()
    for key in ("pose_keypoints_2d", "hand_right_keypoints_2d"):
        part = np.array(shares["people"][0][key]).reshape(-1, 3) / [WIDTH, HEIGHT, 1]
        shares["people"][0][key] = part.ravel().tolist()
    found = read(shares).people[0].body
    assert found[0] is not None and np.allclose(found[0], (100, 30)), "float32 of a share times the width"


def test_a_hand_far_from_every_wrist_and_a_face_without_a_nose_are_people_of_their_own() -> None:
    hand = np.array([[150 + i % 4, 10 + i // 4] for i in range(21)], np.float32)
    face = np.array([[20 + i % 10, 200 + i // 10] for i in range(70)], np.float32)
    found = people.with_faces(people.with_hands(poses(), [hand]), [face])
    assert len(found.people) == 3
    assert read(written(found)).people[1].body == [None] * 18
    drawn = people.drawn_poses(found)
    assert drawn[10, 150].tolist() == [0, 0, 255] and drawn[203, 25].tolist() == [255, 255, 255]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"people": None}, 'The poses have no list of "people"; OpenPose\'s JSON is wanted'),
        ({"people": [{}] * 51}, "The poses are of 51 people; at most 50 can be drawn."),
        ({"canvas_width": None}, '"canvas_width" is missing; it must be a whole number between 8 and 16384.'),
        ({"canvas_height": 12.5}, '"canvas_height" is 12.5; it must be a whole number'),
        ({"canvas_width": 16384, "canvas_height": 16384}, "The canvas has 16384x16384 pixels; at most 67108864 in all can be drawn."),
        ({"people": ["me"]}, 'Person 1 is "me"; it must be an object with "pose_keypoints_2d".'),
        ({"people": [{"pose_keypoints_2d": [1, 2, 1]}]}, "The body of person 1 has 3 numbers; there must be 54: x, y and confidence"),
        ({"people": [{}, {"hand_left_keypoints_2d": {"a": 1}}]}, 'The left hand of person 2 has {"a": 1}; there must be 63'),
        ({"people": [{"pose_keypoints_2d": [float("nan"), 1, 1] * 18}]}, "The body of person 1 has the number nan; each must lie between"),
        ({"people": [{"face_keypoints_2d": [1e9, 1, 1] * 70}]}, "The face of person 1 has the number 1000000000.0; each must lie between"),
        ({"people": [{"pose_keypoints_2d": ["1", 1, 1] * 18}]}, 'The body of person 1 has the number "1"; each must lie between'),
    ],
)
def test_what_is_no_pose_is_said_in_a_sentence(change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read({**as_json(), **change})
    assert refused.value.message.startswith(words)


def test_text_that_is_no_json_is_said() -> None:
    with pytest.raises(BadRequest, match="The poses are no JSON"):
        read("{people")


@needs_networks
def test_the_poses_of_a_photograph_are_drawn_as_its_preprocessor_draws_them() -> None:
    photograph = Image.fromarray(data.astronaut())
    found = read(written(find_poses("openpose_landmarks_full", photograph, resolution=384)))
    assert found.people[0].body and found.people[0].face
    hint = np.asarray(run_preprocessor("openpose_landmarks_full", photograph, resolution=384))
    assert (people.drawn_poses(found) == hint).all()


def test_only_preprocessors_of_poses_find_them() -> None:
    with pytest.raises(BadRequest, match=r"canny finds no poses; these do: .*, openpose_landmarks, openpose_landmarks_hand"):
        find_poses("canny", Image.new("RGB", (64, 64)))


def test_the_routes_draw_poses(client: TestClient) -> None:
    answer = client.post("/own/poses/draw", json={"poses": as_json()}).json()
    assert (answer["size"], answer["poses"]) == ([WIDTH, HEIGHT], as_json())
    assert (pixels(answer["image"]) == people.drawn_poses(poses())).all()
    answer = client.post("/controlnet/render_openpose_json", json=[as_json()]).json()
    assert answer["info"] == "Success"
    assert (np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["images"][0])))) == people.drawn_poses(poses())).all()
    refused = client.post("/controlnet/render_openpose_json", json=[])
    assert refused.status_code == 400
    assert refused.json()["detail"] == "There are 0 poses; it must be a list of 1 to 16, each OpenPose's JSON."
    refused = client.post("/own/poses/draw", json={"poses": {"people": []}})
    assert (refused.status_code, refused.json()["detail"].split(";")[0]) == (400, '"canvas_width" is missing')


@needs_networks
def test_the_routes_find_poses(client: TestClient, program: Program) -> None:
    photograph = text(Image.fromarray(data.astronaut()))
    asked = {"module": "openpose_landmarks", "image": photograph, "resolution": 256}
    found = client.post("/own/poses/find", json=asked).json()
    assert found["size"] == [256, 256] and len(found["poses"]["people"]) == 1
    detected = client.post("/controlnet/detect", json={"controlnet_module": "openpose_landmarks", "controlnet_input_images": [photograph],
                                                      "controlnet_processor_res": 256}).json()  # fmt: skip
    assert detected["poses"] == [found["poses"]]
    drawn = client.post("/own/poses/draw", json={"poses": found["poses"]}).json()
    assert (pixels(drawn["image"]) == pixels(detected["images"][0])).all()
    refused = client.post("/own/poses/find", json={**asked, "module": "canny"})
    assert refused.status_code == 400


def test_detect_has_no_poses_for_other_preprocessors(client: TestClient) -> None:
    asked = {"controlnet_module": "canny", "controlnet_input_images": [text(Image.new("RGB", (64, 64)))]}
    assert "poses" not in client.post("/controlnet/detect", json=asked).json()
