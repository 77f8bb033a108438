"""inswapper, with networks of the shapes that its files document: the real ones come with nothing."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data

from extensions.face_swap.faces import in_order, sources_of
from extensions.face_swap.inswapper import Inswapper, network_files, upright
from modules.contract.errors import NotSupported
from modules.perception.mesh_points import LEFT_EYE, RIGHT_EYE
from tests.perception.onnx_writing import field, network, node, tensor, value


def swapper(path: Path) -> Path:
    """Answers with the target, brighter by the source's first number; its last table is the unit matrix."""
    nodes = [
        node("Gather", ["source", "first"], "one", {}),
        node("Reshape", ["one", "shape"], "four"),
        node("Add", ["target", "four"], "output"),
    ]
    nodes[0] += field(5, field(1, "axis") + field(3, 1) + field(20, 2))
    weights = [tensor("first", np.array([0], np.int64)), tensor("shape", np.array([1, 1, 1, 1], np.int64)),
               tensor("emap", np.eye(512, dtype=np.float32))]  # fmt: skip
    inputs = field(11, value("target", (1, 3, 128, 128))) + field(11, value("source", (1, 512)))
    graph = b"".join(field(1, one) for one in nodes) + field(2, "small") + b"".join(field(5, one) for one in weights) + inputs
    graph += field(12, value("output", (1, 3, 128, 128)))
    path.write_bytes(field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 12)))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The two files. The recognition network always answers with 3, 4 and zeros, whose first number of length 1 is 0.6."""
    answer = np.zeros((1, 512), np.float32)
    answer[0, :2] = 3, 4
    network(tmp_path / "w600k_r50.onnx", {"683": (answer, np.zeros((3, 512), np.float32))}, side=112)
    swapper(tmp_path / "inswapper_128.onnx")
    return tmp_path


def test_the_face_alone_is_what_the_network_answers(folder: Path) -> None:
    image = np.asarray(skimage.data.astronaut()) // 3
    (face,) = in_order(image, "left to right", 0.5)
    source = sources_of(image, (0,), "left to right", 0.5)[0]
    inswapper = Inswapper(network_files(folder))
    assert inswapper.embedding(source)[0, :3] == pytest.approx([0.6, 0.8, 0], abs=1e-5)
    result = inswapper.swapped(image, face, source, mesh_mask=True)
    changed = (result != image).any(2)
    assert face.mask is not None
    assert not (changed & (face.mask == 0)).any()
    middle = (slice(118, 138), slice(212, 232))
    brighter = result[middle].astype(int) - image[middle]
    assert brighter.mean() == pytest.approx(0.6 * 255, abs=4)


def test_a_face_is_brought_upright_with_its_eyes_where_the_networks_want_them() -> None:
    image = np.asarray(skimage.data.astronaut())
    (face,) = in_order(image, "left to right", 0.5)
    assert face.landmarks is not None
    for side, eyes in ((112, [(38.3, 51.7), (73.5, 51.5)]), (128, [(46.3, 51.7), (81.5, 51.5)])):
        matrix = upright(image, face.landmarks, side)[1]
        for part, place in zip((RIGHT_EYE, LEFT_EYE), eyes, strict=True):
            found = matrix[:, :2] @ face.landmarks[list(part), :2].mean(0) + matrix[:, 2]
            assert np.linalg.norm(found - place) < 6


def test_what_is_missing_or_another_file_is_said(folder: Path) -> None:
    (folder / "inswapper_128.onnx").rename(folder / "other.onnx")
    with pytest.raises(NotSupported, match=r"there is no inswapper_128\.onnx in models/insightface"):
        network_files(folder)
    network(folder / "inswapper_128.onnx", {"x": (np.zeros((1, 4), np.float32), np.zeros((3, 4), np.float32))}, side=128)
    with pytest.raises(NotSupported, match="is no inswapper: its inputs have the shapes"):
        Inswapper(network_files(folder))
