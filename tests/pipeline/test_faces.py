"""Faces found, restored and put back. The networks are the real architectures, narrow and with random weights."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from modules.contract.errors import NotFound, NotSupported
from modules.pipeline import faces
from modules.pipeline.face_networks.codeformer import LEVELS, CodeFormer, codeformer_of, like
from modules.pipeline.face_networks.retinaface import RetinaFace, best, boxes_of, points_of, retinaface_of, squares
from modules.pipeline.faces import SIDE, TEMPLATE, Faces, Points, restored
from modules.weights.files import write_tensors
from modules.weights.header import BadModel
from tests.pipeline.pictures import noise


def codeformer(seed: int = 0) -> CodeFormer:
    torch.manual_seed(seed)
    return CodeFormer(width=32, codes=32, book=16, inner=16, layers=1, places=4).eval()


def retinaface() -> RetinaFace:
    torch.manual_seed(0)
    return RetinaFace(width=8, wide=16, blocks=(1, 1, 1, 1)).eval()


def face_at(x: float, y: float, size: float, turn: float = 0.0) -> Points:
    """The five points of a face around (x, y), `size` times the template's, turned by some degrees."""
    turned = np.asarray(cv2.getRotationMatrix2D((0, 0), turn, size), np.float64)[:, :2]
    return ((TEMPLATE - SIDE / 2) @ turned.T + (x, y)).astype(np.float32)


def same(faces: Tensor, weight: float) -> Tensor:
    """A restorer that changes nothing."""
    return faces


def black(faces: Tensor, weight: float) -> Tensor:
    """A restorer that makes everything black."""
    return torch.full_like(faces, -1)


def smooth_picture() -> faces.Pixels:
    """A picture that can be turned and turned back without losing much."""
    x, y = np.meshgrid(np.arange(200), np.arange(160))
    values = [128 + 90 * np.sin(x / 30 + k) * np.cos(y / 25 - k) for k in range(3)]
    return np.stack(values, -1).round().astype(np.uint8)


@pytest.mark.parametrize("turn", [0, 25, -70])
def test_a_face_comes_back_where_it_was(turn: float) -> None:
    pixels = smooth_picture()
    made = restored(pixels, [face_at(100, 80, 0.2, turn)], same, 0.5)
    # The face is enlarged five times and shrunk again by linear interpolation.
    assert np.abs(made.astype(int) - pixels.astype(int)).max() <= 4


def test_away_from_the_face_nothing_changes() -> None:
    pixels = np.asarray(noise(200, 160))
    made = restored(pixels, [face_at(100, 80, 0.2)], black, 0.5)
    changed = (made != pixels).any(-1)
    assert changed[80, 100]
    assert not changed[:, :45].any()
    assert not changed[:20].any()
    assert (made[80, 100] == 0).all()


def test_the_restored_face_fades_into_the_picture() -> None:
    pixels = np.full((160, 200, 3), 200, np.uint8)
    row = restored(pixels, [face_at(100, 80, 0.25)], black, 0.5)[80, :100, 0].astype(int)
    assert (np.diff(row) <= 0).all()
    assert len(set(row)) > 4  # no hard edge


@pytest.mark.parametrize("weight", [0.0, 0.7])
def test_codeformer_gives_pictures_of_the_same_size(weight: float) -> None:
    network = codeformer()
    with torch.inference_mode():
        made = network(torch.rand(1, 3, network.side, network.side) * 2 - 1, weight)
    assert made.shape == (1, 3, 64, 64)
    assert made.isfinite().all()


def test_codeformers_weight_brings_the_picture_back_in() -> None:
    network, picture = codeformer(), torch.rand(1, 3, 64, 64) * 2 - 1
    with torch.inference_mode():
        most, some, least = (network(picture, weight) for weight in (0.0, 0.5, 1.0))
    assert not torch.equal(most, some)
    assert not torch.equal(some, least)


def test_codeformers_blocks_have_the_published_numbers() -> None:
    """Blocks 5, 8, 11 and 14 of the encoder are fused behind blocks 18, 15, 12 and 9 of the generator (its paper's code)."""
    network = codeformer()
    assert [network.encoder.taps[level] for level in network.fused] == [14, 11, 8, 5]
    assert [network.generator.taps[level] for level in network.fused] == [9, 12, 15, 18]
    assert (len(network.encoder.blocks), len(network.generator.blocks)) == (25, 25)
    assert sorted(network.fuse_convs_dict) == ["128", "256", "32", "64"]


def test_features_take_the_mean_and_spread_of_others() -> None:
    made = like(torch.randn(2, 3, 8, 8), 5 + 2 * torch.randn(2, 3, 8, 8))
    assert torch.allclose(made.mean((2, 3)), torch.full((2, 3), 5.0), atol=1)
    assert torch.allclose(made.std((2, 3)), torch.full((2, 3), 2.0), atol=0.6)


def test_widths_are_read_off_the_weights() -> None:
    found = codeformer_of(codeformer().state_dict())
    assert found.side == 2 << (len(LEVELS) - 1)
    assert isinstance(retinaface_of(retinaface().state_dict()), RetinaFace)


@pytest.mark.parametrize(("height", "width"), [(64, 96), (70, 101)])
def test_retinaface_has_an_answer_for_each_square(height: int, width: int) -> None:
    with torch.inference_mode():
        scores, boxes, points = retinaface()(torch.rand(1, 3, height, width) * 255)
    assert len(scores) == len(boxes) == len(points) == len(squares(height, width))
    assert ((scores >= 0) & (scores <= 1)).all()


def test_squares_lie_in_rows_two_at_each_place() -> None:
    found = squares(32, 16)
    assert found[:4].tolist() == [[4, 4, 16, 16], [4, 4, 32, 32], [12, 4, 16, 16], [12, 4, 32, 32]]
    assert found[-1].tolist() == [16, 16, 512, 512]


def test_answers_are_read_relative_to_their_squares() -> None:
    square = torch.tensor([[50.0, 40.0, 20.0, 20.0]])
    answer = torch.tensor([[1.0, -1.0, 0.0, 5 * float(np.log(2))]])  # 0.1 sides to the right and up; as wide, twice as high
    assert torch.allclose(boxes_of(answer, square), torch.tensor([[42.0, 18.0, 62.0, 58.0]]))
    points = points_of(torch.tensor([[0.0, 0.0, 5.0, 0.0, 0.0, 5.0, -5.0, 0.0, 0.0, -5.0]]), square)
    assert points[0].tolist() == [[50, 40], [60, 40], [50, 50], [40, 40], [50, 30]]


def test_of_boxes_over_each_other_the_surest_stays() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 11, 11], [30, 30, 40, 40]])
    assert best(boxes, torch.tensor([0.9, 0.95, 0.5]), 0.4) == [1, 2]


def on_cpu() -> torch.device:
    return torch.device("cpu")


def test_missing_files_are_named_with_their_folder(tmp_path: Path) -> None:
    with pytest.raises(NotSupported, match=r"codeformer-v0\.1\.0\.pth in models/Codeformer.*detection_Resnet50_Final\.pth"):
        Faces(tmp_path, on_cpu).check("codeformer")


def test_an_unknown_restorer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="CodeFormer"):
        Faces(tmp_path, on_cpu).check("CodeFromer")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A models folder with a detector and a restorer."""
    torch.save({"params_ema": codeformer().state_dict()}, ensured(tmp_path / "Codeformer" / "codeformer-v0.1.0.pth"))
    write_tensors(ensured(tmp_path / "GFPGAN" / "detection_Resnet50_Final.safetensors"), retinaface().state_dict())
    return tmp_path


def ensured(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def test_a_picture_without_faces_comes_back_as_it_is(models: Path) -> None:
    """Random weights are nowhere as sure as a face must be."""
    image = noise(64, 64)
    assert Faces(models, on_cpu).restore(image, "CodeFormer") is image


def test_files_are_read_and_a_face_that_was_found_is_restored(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces, "SIDE", 64)  # the narrow restorer's side
    monkeypatch.setattr(faces, "TEMPLATE", TEMPLATE / 8)
    monkeypatch.setattr(Faces, "find", lambda self, pixels: [face_at(50, 40, 0.1)])
    image = noise(100, 80)
    made = Faces(models, on_cpu).restore(image, "CodeFormer", weight=0.5)
    changed = (np.asarray(made) != np.asarray(image)).any(-1)
    assert changed[40, 50]
    assert not changed[:, :20].any()


def test_other_weights_under_a_restorers_name_are_refused(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Faces, "find", lambda self, pixels: [face_at(50, 40, 0.1)])
    torch.save({"params_ema": retinaface().state_dict()}, models / "Codeformer" / "codeformer-v0.1.0.pth")
    with pytest.raises(BadModel, match=r"codeformer-v0\.1\.0"):
        Faces(models, on_cpu).restore(noise(), "CodeFormer")


def test_a_broken_yunet_file_is_named(tmp_path: Path) -> None:
    ensured(tmp_path / "GFPGAN" / "face_detection_yunet_2023mar.onnx").write_bytes(b"no network")
    with pytest.raises(BadModel, match="yunet"):
        Faces(tmp_path, on_cpu).find(np.asarray(noise()))
