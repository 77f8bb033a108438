"""YOLO's answers in all their shapes, from networks whose answers are known."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from modules.contract.errors import NotFound, NotSupported
from modules.perception import Detectors, ultralytics_files
from modules.perception.onnx_facts import onnx_facts
from modules.perception.yolo import of_kinds, yolo
from tests.perception.onnx_writing import field, network

SIDE = 64
NAMES = {"names": "{0: 'face', 1: 'hand'}"}
RED, BLUE = (255, 0, 0), (0, 0, 255)

Values = NDArray[np.float32]


def plain(width: int, height: int, colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.full((height, width, 3), colour, np.uint8)


def version_8(rows: int = 40, kinds: int = 2) -> tuple[Values, Values]:
    """Columns x, y, w, h, kinds: the first thing is a "face" as sure as the picture is red, the second a "hand" as sure as it is blue."""
    constant, slope = np.zeros((1, 4 + kinds, rows), np.float32), np.zeros((3, 4 + kinds, rows), np.float32)
    constant[0, :4, 0], constant[0, :4, 1] = (20, 30, 16, 8), (40, 32, 10, 20)
    slope[0, 4, 0], slope[2, 5, 1] = 0.9, 0.8
    return constant, slope


def test_colours_are_red_first_and_boxes_are_in_pixels(tmp_path: Path) -> None:
    detector = yolo(network(tmp_path / "one.onnx", {"output0": version_8()}, side=SIDE, notes=NAMES))
    assert detector.classes == ("face", "hand")
    (red,) = detector.find(plain(SIDE, SIDE, RED), 0.5)
    assert (red.kind, red.score) == ("face", pytest.approx(0.9, abs=1e-4))
    assert red.box == pytest.approx((12, 26, 28, 34), abs=1e-3)
    (blue,) = detector.find(plain(SIDE, SIDE, BLUE), 0.5)
    assert (blue.kind, blue.score) == ("hand", pytest.approx(0.8, abs=1e-4))


def test_a_wide_picture_is_seen_whole_and_its_margins_are_taken_off_again(tmp_path: Path) -> None:
    """256 x 128 is seen as 64 x 32 with 16 rows above: the box (12, 26)..(28, 34) is (48, 40)..(112, 72) there."""
    detector = yolo(network(tmp_path / "one.onnx", {"output0": version_8()}, side=SIDE, notes=NAMES))
    (found,) = detector.find(plain(256, 128, RED), 0.5)
    assert found.box == pytest.approx((48, 40, 112, 72), abs=1e-2)
    assert found.score == pytest.approx(0.9 * (0.5 + 0.5 * 114 / 255), abs=0.01)  # half of what it sees is grey margin


def test_a_tall_picture_too_and_boxes_end_at_its_edge(tmp_path: Path) -> None:
    constant, slope = version_8()
    constant[0, :4, 0] = (16, 60, 40, 20)
    (found,) = yolo(network(tmp_path / "one.onnx", {"output0": (constant, slope)}, side=SIDE)).find(plain(32, 128, RED), 0.3)
    assert found.kind == "0"
    assert found.box == pytest.approx((0, 100, 24, 128), abs=1e-2)


def test_version_5_multiplies_that_there_is_something(tmp_path: Path) -> None:
    constant, slope = np.zeros((1, 1200, 7), np.float32), np.zeros((3, 1200, 7), np.float32)
    constant[0, 7] = (20, 30, 16, 8, 0.5, 0, 0)
    slope[0, 7, 5] = 0.9
    detector = yolo(network(tmp_path / "five.onnx", {"output0": (constant, slope)}, side=SIDE, notes=NAMES))
    (found,) = detector.find(plain(SIDE, SIDE, RED), 0.3)
    assert (found.kind, found.score) == ("face", pytest.approx(0.45, abs=1e-4))
    assert found.box == pytest.approx((12, 26, 28, 34), abs=1e-3)


def test_an_answer_without_duplicates_has_corners(tmp_path: Path) -> None:
    constant, slope = np.zeros((1, 30, 6), np.float32), np.zeros((3, 30, 6), np.float32)
    constant[0, 3] = (12, 26, 28, 34, 0, 1)
    slope[0, 3, 4] = 0.7
    detector = yolo(network(tmp_path / "ten.onnx", {"output0": (constant, slope)}, side=SIDE, notes=NAMES))
    (found,) = detector.find(plain(SIDE, SIDE, RED), 0.5)
    assert (found.kind, found.score) == ("hand", pytest.approx(0.7, abs=1e-4))
    assert found.box == pytest.approx((12, 26, 28, 34), abs=1e-3)


def test_duplicates_go_and_kinds_do_not_suppress_each_other(tmp_path: Path) -> None:
    constant, slope = version_8()
    constant[0, :4, 2], slope[0, 4, 2] = (20.5, 30, 16, 8), 0.6  # nearly the first face again
    constant[0, :4, 3], slope[0, 5, 3] = (20, 30, 16, 8), 0.7  # a hand in the same place
    found = yolo(network(tmp_path / "one.onnx", {"output0": (constant, slope)}, side=SIDE, notes=NAMES)).find(plain(SIDE, SIDE, RED), 0.3)
    assert [one.kind for one in found] == ["face", "hand"]
    assert [one.kind for one in of_kinds(found, ["HAND "])] == ["hand"]
    assert of_kinds(found, [""]) == found


def boxed(tmp_path: Path, *boxes: tuple[tuple[float, ...], float], kind: str = "face") -> list[tuple[float, float]]:
    """The corners (left, top) of what is left of boxes (x, y, w, h) with their scores."""
    constant = np.zeros((1, 5, 40), np.float32)
    for number, (box, score) in enumerate(boxes):
        constant[0, :4, number], constant[0, 4, number] = box, score
    answers = {"output0": (constant, np.zeros((3, 5, 40), np.float32))}
    found = yolo(network(tmp_path / "one.onnx", answers, side=SIDE, notes={"names": f"{{0: '{kind}'}}"})).find(plain(SIDE, SIDE, RED), 0.3)
    return [(round(one.box[0]), round(one.box[1])) for one in found]


HEAD, INNER = (32, 32, 40, 40), (32, 35, 28, 30)  # x, y, w, h; the second has half of the first one's area, and lies in it


def test_a_face_that_was_boxed_twice_has_one_box(tmp_path: Path) -> None:
    """Their overlap, 0.5, is that of two faces cheek by cheek: only that one lies in the other tells."""
    whole, part = (12, 12), (18, 20)
    assert boxed(tmp_path, (HEAD, 0.95), (INNER, 0.35)) == [whole]
    assert boxed(tmp_path, (HEAD, 0.85), (INNER, 0.9)) == [whole]  # as sure: the whole face
    assert boxed(tmp_path, (HEAD, 0.35), (INNER, 0.9)) == [part]
    assert boxed(tmp_path, (HEAD, 0.9), ((32, 14, 28, 30), 0.9)) == [whole, (18, 0)]  # half outside
    assert boxed(tmp_path, (HEAD, 0.5), ((23, 32, 20, 34), 0.9), ((42, 32, 19, 34), 0.8)) == [(13, 15), (32, 15)]  # around two


def test_a_small_face_in_front_of_a_large_one_keeps_its_box(tmp_path: Path) -> None:
    in_front = (45, 44, 14, 16)  # a seventh of the large one's area, wholly in its corner
    assert boxed(tmp_path, (HEAD, 0.95), (in_front, 0.6)) == [(12, 12), (38, 36)]
    assert boxed(tmp_path, (HEAD, 0.6), (in_front, 0.95)) == [(38, 36), (12, 12)]


def test_other_things_may_lie_in_each_other(tmp_path: Path) -> None:
    assert boxed(tmp_path, (HEAD, 0.95), (INNER, 0.9), kind="person") == [(12, 12), (18, 20)]


def test_masks_come_from_prototypes_and_stay_in_their_boxes(tmp_path: Path) -> None:
    """The second prototype is positive in the left half alone."""
    prototypes = np.zeros((1, 2, 16, 16), np.float32)
    prototypes[0, 1] = np.where(np.arange(16) < 8, 1, -1)
    constant, slope = np.zeros((1, 4 + 2 + 2, 40), np.float32), np.zeros((3, 8, 40), np.float32)
    constant[0, :, 0] = (32, 32, 48, 32, 0, 0, 0, 3)
    slope[0, 4, 0] = 0.9
    answers = {"output0": (constant, slope), "output1": (prototypes, np.zeros((3, *prototypes.shape[1:]), np.float32))}
    (found,) = yolo(network(tmp_path / "seg.onnx", answers, side=SIDE, notes=NAMES)).find(plain(128, 128, RED), 0.5)
    assert found.mask is not None and found.mask.shape == (128, 128)
    assert found.box == pytest.approx((16, 32, 112, 96), abs=1e-2)
    rows, columns = np.nonzero(found.mask)
    assert (rows.min(), rows.max(), columns.min()) == (32, 95, 16)
    assert 60 <= columns.max() <= 66


def test_other_networks_are_refused_with_their_shape(tmp_path: Path) -> None:
    other = network(tmp_path / "other.onnx", {"output0": (np.zeros((1, 3, 40), np.float32), np.zeros((3, 3, 40), np.float32))}, side=SIDE)
    with pytest.raises(NotSupported, match=r"\[1, 3, 40\], which is none of YOLO's"):
        yolo(other).find(plain(SIDE, SIDE, RED))
    (tmp_path / "text.onnx").write_text("this is no network")
    with pytest.raises(NotSupported, match=r"text\.onnx cannot be read as an ONNX file"):
        yolo(tmp_path / "text.onnx")


def test_an_onnx_file_tells_its_inputs_and_notes(tmp_path: Path) -> None:
    facts = onnx_facts(network(tmp_path / "one.onnx", {"output0": version_8()}, side=SIDE, notes=NAMES))
    assert facts.inputs == {"images": (1, 3, SIDE, SIDE)}
    assert facts.notes == NAMES


@pytest.mark.parametrize("content", [b"", b"\x07", b"\xff" * 40, field(7, b"\x12\xff\xff\xff\xff\x0f"), field(1, 8)])
def test_damaged_onnx_files_are_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.onnx").write_bytes(content)
    with pytest.raises(NotSupported, match=r"bad\.onnx cannot be read as an ONNX file"):
        onnx_facts(tmp_path / "bad.onnx")


def test_files_are_listed_and_found_by_name(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    network(tmp_path / "deeper" / "hand_yolov8n.onnx", {"output0": version_8()}, side=SIDE)
    (tmp_path / "face.pt").write_bytes(b"")
    (tmp_path / "readme.txt").write_text("")
    detectors = Detectors([tmp_path, tmp_path / "not there"])
    files = {offer.name: offer for offer in detectors.offers() if offer.kind == "file"}
    assert set(files) == {"hand_yolov8n.onnx", "face.pt"}
    assert files["hand_yolov8n.onnx"].available
    assert detectors.get("hand_yolov8n.onnx").find(plain(SIDE, SIDE, RED))
    with pytest.raises(NotFound, match=r"Did you mean hand_yolov8n\.onnx"):
        detectors.get("hand_yolov8.onnx")
    if ultralytics_files.problem():
        assert not files["face.pt"].available
        assert "export it as .onnx" in files["face.pt"].reason
        with pytest.raises(NotSupported, match="needs the package ultralytics"):
            detectors.get("face.pt")


def pickled(path: Path, *instructions: bytes) -> Path:
    """A file as torch lays it out, with this pickle in it."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + b"".join(instructions) + b".")
    return path


def test_what_a_pt_file_would_call_is_read_without_calling_it(tmp_path: Path) -> None:
    harmless = pickled(tmp_path / "a.pt", b"cultralytics.nn.tasks\nDetectionModel\n", b"ctorch.nn.modules.conv\nConv2d\n", b"0")
    assert ultralytics_files.checked(harmless) == harmless
    for name, calls in {
        "posix.system": b"cposix\nsystem\n",
        "builtins.eval": b"\x8c\x08builtins\x8c\x04eval\x93",
        "builtins.getattr": b"\x8c\x08builtins\x94\x8c\x07getattr\x94h\x00h\x01\x93",  # by what was remembered
        "torch.hub.load": b"ctorch.hub\nload\n",
    }.items():
        with pytest.raises(NotSupported, match=f"it would call {name}, which no detector needs"):
            ultralytics_files.checked(pickled(tmp_path / "b.pt", calls))
    (tmp_path / "c.pt").write_bytes(b"no archive")
    with pytest.raises(NotSupported, match=r"c\.pt cannot be read"):
        ultralytics_files.checked(tmp_path / "c.pt")
