"""DWPose: boxes and points decoded from answers whose meaning is known, and the whole with small `.onnx` files that answer so."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from extensions.controlnet.preprocessors import available, default_preprocessor, drawn_poses, dw_pose, find_poses, run_preprocessor
from extensions.controlnet.preprocessors.dw_pose import OnnxNetwork
from extensions.controlnet.preprocessors.network_files import FOLDER
from extensions.controlnet.preprocessors.poses import written
from modules.contract.errors import NotSupported
from tests.perception.onnx_writing import field, node, number, tensor, value

Values = NDArray[np.float32]
DETECTOR_SIDE, POINTS_SIZE = 64, (96, 72)  # of the small networks; height and width
CELLS = 64 + 16 + 4


def rows_of(people: Sequence[tuple[int, int, int, tuple[float, float, float, float], float]]) -> Values:
    """YOLOX's answer (1, 84, 85) of people: stride, column and row of a cell; x, y, width, height in the network's pixels; how surely."""
    answer = np.zeros((1, CELLS, 85), np.float32)
    first = {8: 0, 16: 64, 32: 80}
    for stride, column, row, (x, y, width, height), score in people:
        place = first[stride] + row * (DETECTOR_SIDE // stride) + column
        answer[0, place, :6] = (x / stride - column, y / stride - row, np.log(width / stride), np.log(height / stride), score, 1)
    return answer


def bins_of(places: Values, sure: Values) -> tuple[Values, Values]:
    """SimCC's answers for places (133, 2) in the network's pixels: one bin of each row as high as the point is sure, the others 0."""
    found = []
    for axis, side in ((0, POINTS_SIZE[1]), (1, POINTS_SIZE[0])):
        rows = np.zeros((1, 133, 2 * side), np.float32)
        rows[0, np.arange(133), np.rint(places[:, axis] * 2).astype(int)] = sure
        found.append(rows)
    return found[0], found[1]


def places() -> Values:
    """133 places, each another, in whole halves of a pixel."""
    return np.stack([np.arange(133) % 19 * 3 + 5.5, np.arange(133) // 19 * 11 + 6.0], 1).astype(np.float32)


def answering(size: tuple[int, int], *answers: Values) -> tuple[OnnxNetwork, list[Values]]:
    """A network that answers so, and what it has seen."""
    seen: list[Values] = []

    def run(*inputs: Values) -> list[Values]:
        seen.extend(inputs)
        return list(answers)

    return OnnxNetwork("network.onnx", run, size), seen


def written_network(path: Path, size: tuple[int, int], *answers: Values) -> None:
    """An `.onnx` file that sees (1, 3, height, width) and answers so to every picture."""
    nodes, weights, outputs = [node("GlobalAveragePool", ["images"], "mean")], b"", b""
    for name, answer in (("first", answers[0]), *([("second", answers[1])] if len(answers) > 1 else [])):
        weights += field(5, tensor(f"{name}.w", np.zeros((answer.size, 3, 1, 1), np.float32)))
        weights += field(5, tensor(f"{name}.b", answer.reshape(-1))) + field(5, tensor(f"{name}.s", np.array(answer.shape, np.int64)))
        nodes += [node("Conv", ["mean", f"{name}.w", f"{name}.b"], f"{name}.c", {"kernel_shape": [1, 1]}),
                  node("Reshape", [f"{name}.c", f"{name}.s"], name)]  # fmt: skip
        outputs += field(12, value(name, answer.shape))
    graph = b"".join(field(1, one) for one in nodes) + field(2, "small") + weights + field(11, value("images", (1, 3, *size))) + outputs
    path.write_bytes(field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 12)))


def test_people_are_boxes_of_three_grids_in_the_picture_s_pixels() -> None:
    answer = rows_of([(8, 2, 3, (20, 30, 16, 24), 0.9), (16, 3, 1, (50, 20, 20, 36), 0.6), (32, 1, 1, (40, 44, 30, 30), 0.31),
                      (8, 5, 5, (21, 31, 16, 24), 0.8), (8, 7, 7, (60, 60, 8, 8), 0.29)])  # fmt: skip
    detector, seen = answering((DETECTOR_SIDE, DETECTOR_SIDE), answer)
    image = np.zeros((128, 96, 3), np.uint8)
    image[..., 0] = 200
    boxes = dw_pose.boxes(detector, image)
    wanted = [(24, 36, 56, 84), (80, 4, 120, 76), (50, 58, 110, 118)]
    assert np.allclose(boxes, wanted, atol=1e-3), "twice the network's; the fourth is the first again, the fifth not sure"
    assert seen[0].shape == (1, 3, 64, 64) and seen[0].dtype == np.float32
    assert seen[0][0, :, 10, 10].tolist() == [0, 0, 200], "blue first, 0..255"
    assert seen[0][0, :, 10, 48:].min() == seen[0][0, :, 10, 48:].max() == 114


def test_other_kinds_of_things_are_no_people() -> None:
    answer = rows_of([(8, 2, 3, (20, 30, 16, 24), 0.9)])
    answer[0, :, [5, 6]] = answer[0, :, [6, 5]]
    assert not dw_pose.boxes(answering((64, 64), answer)[0], np.zeros((64, 64, 3), np.uint8))


def test_points_lie_where_their_bins_say() -> None:
    sure = np.linspace(0.2, 0.9, 133).astype(np.float32)
    across, down = bins_of(places(), sure)
    points, seen = answering(POINTS_SIZE, down * 1.5, across)
    found, how = dw_pose.points_in(points, np.full((200, 200, 3), 124, np.uint8), np.array([40, 20, 112, 116], np.float32))
    assert np.allclose(how, sure), "the lower of the two heights; the answers are told apart by their length"
    assert np.allclose(found, (places() - (36, 48)) * 1.25 + (76, 68), atol=1e-4), "a quarter more than the box of 72x96 is seen"
    assert seen[0].shape == (1, 3, 96, 72)
    assert np.allclose(seen[0][0, :, 50, 30], [0.325 / 58.395, 7.72 / 57.12, 20.47 / 57.375], atol=1e-5), "red first"


@pytest.mark.parametrize(("box", "across"), [((80, 80, 120, 160), 1.25 * 60), ((40, 90, 160, 110), 1.25 * 120)])
def test_what_is_cut_out_holds_the_box_and_keeps_its_proportions(box: tuple[float, ...], across: float) -> None:
    image = np.zeros((240, 240, 3), np.uint8)
    middle = int(box[0] + box[2]) // 2, int(box[1] + box[3]) // 2
    image[middle[1] - 2 : middle[1] + 3, middle[0] - 2 : middle[0] + 3] = 255
    points, seen = answering(POINTS_SIZE, *bins_of(places(), np.ones(133, np.float32)))
    found, _ = dw_pose.points_in(points, image, np.array(box, np.float32))
    rows, columns = np.nonzero(seen[0][0, 0] > 0)
    assert abs(rows.mean() - 48) < 1 and abs(columns.mean() - 36) < 1, "what is in the middle of the box is in the middle"
    assert np.allclose(np.ptp(found[:, 0]), np.ptp(places()[:, 0]) * across / 72, rtol=1e-4)
    assert np.allclose(np.ptp(found[:, 1]), np.ptp(places()[:, 1]) * across / 72, rtol=1e-4)


def test_the_133_points_are_openpose_s() -> None:
    person = dw_pose.person_of(places(), np.ones(133, np.float32))
    body = np.array(person.body)
    assert (body[[0, 2, 3, 4, 5, 6, 7]] == places()[[0, 6, 8, 10, 5, 7, 9]]).all(), "nose, right arm, left arm"
    assert (body[1] == (places()[5] + places()[6]) / 2).all(), "the neck is between the shoulders"
    assert (body[[8, 9, 10, 11, 12, 13]] == places()[[12, 14, 16, 11, 13, 15]]).all(), "right leg, left leg"
    assert (body[[14, 15, 16, 17]] == places()[[2, 1, 4, 3]]).all(), "right eye, left eye, right ear, left ear"
    assert (np.array(person.face) == [*places()[23:91], places()[2], places()[1]]).all()
    assert (np.array(person.hand_left) == places()[91:112]).all() and (np.array(person.hand_right) == places()[112:]).all()


def test_what_is_not_sure_is_not_seen() -> None:
    sure = np.ones(133, np.float32)
    sure[[5, 9, 91]] = 0.3
    sure[112:] = 0.1
    person = dw_pose.person_of(places(), sure)
    assert [number for number, joint in enumerate(person.body) if joint is None] == [1, 5, 7], "no left shoulder: no neck"
    assert person.hand_left[0] is None and person.hand_left[1] is not None and person.hand_right == ()


def test_answers_of_other_networks_are_said() -> None:
    with pytest.raises(NotSupported, match=r"does not answer as YOLOX does: \[1, 3, 85\] instead of \[1, 84, 85\]"):
        dw_pose.boxes(answering((64, 64), np.zeros((1, 3, 85), np.float32))[0], np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(NotSupported, match=r"does not answer as DWPose does: \[1, 17, 144\] instead of"):
        dw_pose.simcc([np.zeros((1, 17, 144), np.float32)], answering(POINTS_SIZE)[0])


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with both files: one person in the middle of a picture as high as twice its width, all of whose points are seen."""
    (tmp_path / FOLDER).mkdir()
    written_network(tmp_path / FOLDER / "yolox_l.onnx", (64, 64), rows_of([(8, 2, 3, (16, 32, 24, 48), 0.9)]))
    written_network(tmp_path / FOLDER / "dw-ll_ucoco_384.onnx", POINTS_SIZE, *bins_of(places(), np.full(133, 0.8, np.float32)))
    return tmp_path


def test_with_its_networks_it_draws_the_poses_that_it_finds(models: Path) -> None:
    image = Image.new("RGB", (100, 200), "teal")
    assert default_preprocessor("OpenPose", models) == "dw_openpose_full"
    poses = find_poses("dw_openpose_full", image, resolution=100, models=models)
    assert (poses.width, poses.height, len(poses.people)) == (100, 200, 1)
    scale = 1.25 * 150 / 96  # the box is 75x150, narrower than what the network sees
    nose = np.array(poses.people[0].body[0])
    assert np.allclose(nose, (places()[0] - (36, 48)) * scale + (50, 100), atol=1e-3)
    hint = np.asarray(run_preprocessor("dw_openpose_full", image, resolution=100, models=models))
    assert hint.dtype == np.uint8 and (hint == drawn_poses(poses)).all() and hint.any()
    assert written(poses) == written(find_poses("dw_openpose_full", image, resolution=100, models=models))


def test_without_them_it_is_not_listed_and_says_what_to_put_where(models: Path, tmp_path: Path) -> None:
    (models / FOLDER / "yolox_l.onnx").unlink()
    assert "dw_openpose_full" not in [one.name for one in available(models)]
    with pytest.raises(NotSupported) as refused:
        find_poses("dw_openpose_full", Image.new("RGB", (64, 64)), models=models)
    assert "yolox_l.onnx" in str(refused.value.hint)


def test_a_file_that_is_no_onnx_file_is_said(models: Path) -> None:
    (models / FOLDER / "yolox_l.onnx").write_bytes(number(7) * 100)
    with pytest.raises(NotSupported, match=r"yolox_l.onnx cannot be read as an ONNX file"):
        find_poses("dw_openpose_full", Image.new("RGB", (64, 64)), models=models)
