"""Networks for lines: each as its published file has it, held by recorded answers, and the hints that are made of them."""

import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from extensions.controlnet.networks.hed import HED, hed
from extensions.controlnet.networks.lineart import LineDrawing, lineart
from extensions.controlnet.networks.lineart_anime import DrawnLines, lineart_anime
from extensions.controlnet.networks.mlsd import MLSD, lines_in, mlsd
from extensions.controlnet.networks.pidinet import Block, PiDiNet, pidinet
from extensions.controlnet.networks.teed import TEED, teed
from extensions.controlnet.preprocessors import PREPROCESSORS, anyline, available, default_preprocessor, drawn_lines, run_preprocessor
from extensions.controlnet.preprocessors.network_files import FOLDER
from extensions.controlnet.preprocessors.network_input import as_tensor, padded
from extensions.controlnet.tests.network_numbers import filled
from modules.contract.errors import NotSupported
from modules.weights.header import BadModel
from modules.weights.writing import write_tensors

GOLDEN = json.loads((Path(__file__).parent / "line_networks_golden.json").read_text("utf8"))
HEIGHT, WIDTH = 64, 128
KINDS: dict[str, tuple[type[nn.Module], Callable[[dict[str, Tensor]], nn.Module], dict[str, float]]] = {
    "hed": (HED, hed, {"gain": 1.4, "projection_weight": 0.03, "norm": 100}),
    "lineart": (LineDrawing, lineart, {"gain": 1.6}),
    "lineart_anime": (DrawnLines, lineart_anime, {}),
    "pidinet": (PiDiNet, pidinet, {"gain": 1.2}),
    "teed": (TEED, teed, {"gain": 1.2}),
    "mlsd": (MLSD, mlsd, {"gain": 1.3, "block23_conv3": 2}),
}
SOURCES = {
    "hed": drawn_lines.HED,
    "pidi": drawn_lines.PIDINET,
    "teed": drawn_lines.TEED,
    "anime": drawn_lines.LINEART_ANIME,
    "lineart": drawn_lines.LINEART,
    "mlsd": drawn_lines.MLSD,
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def as_published(kind: str) -> dict[str, Tensor]:
    """Numbers under the names, and in the shapes, of the published file; PiDiNet's radial kernels are 3x3 there."""
    network, _, gains = KINDS[kind]
    with torch.device("meta"):
        frame = network()
        for block in (one for one in frame.modules() if isinstance(one, Block)):
            block.conv1 = nn.Conv2d(block.conv1.in_channels, block.conv1.out_channels, 3, groups=block.conv1.groups, bias=False)
    return filled(frame, **gains)


@cache
def built(kind: str) -> nn.Module:
    return KINDS[kind][1](as_published(kind)).eval().requires_grad_(False)


def picture(height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.uint8]:
    y, x = np.mgrid[:height, :width]
    return np.stack([(x * (k + 2) + y * y // (9 + k) + (x * y // 64) * 5) % 256 for k in range(3)], axis=2).astype(np.uint8)


def sampled(answer: Any, count: int) -> NDArray[np.float64]:
    flat = np.asarray(answer, np.float64).ravel()
    return flat[np.linspace(0, flat.size - 1, count).astype(int)]


def answers(kind: str) -> list[Tensor]:
    network: Any = built(kind)
    shown = as_tensor(picture())
    if kind in ("hed", "teed"):
        return network.sides(shown)
    if kind == "mlsd":
        return [network(torch.cat([shown / 127.5 - 1, torch.full((1, 1, HEIGHT, WIDTH), 1 / 127.5 - 1)], dim=1))]
    return [network(as_tensor(picture(256, 256)) / 127.5 - 1 if kind == "lineart_anime" else shown / 255)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_has_the_names_and_shapes_of_the_published_file(kind: str) -> None:
    lines = [f"{name} {tuple(value.shape)}" for name, value in sorted(as_published(kind).items())]
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == GOLDEN["networks"][kind]["names"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_answers_as_the_published_one_does(kind: str) -> None:
    recorded = GOLDEN["networks"][kind]["answers"]
    found = answers(kind)
    assert len(found) == len(recorded)
    for one, expected in zip(found, recorded, strict=True):
        largest = max(abs(value) for value in expected)
        assert np.abs(sampled(one, len(expected)) - expected).max() <= 2e-4 * largest  # float32 summed in another order


@pytest.mark.parametrize("recorded", [name for name in GOLDEN["hints"] if name != "softedge_anyline"])
def test_a_hint_is_the_one_that_the_published_preprocessor_makes(recorded: str) -> None:
    name, _, values = recorded.partition(" at ")
    sliders = [float(value) for value in values.split()]
    source = next(source for word, source in SOURCES.items() if word in name)
    row = PREPROCESSORS[name]
    defaults = [slider.default if slider else 0 for slider in (row.slider_1, row.slider_2)]
    a, b = [*sliders, *defaults[len(sliders) :]]
    finish = row.by_networks.args[2]  # type: ignore[union-attr]  # of a partial
    check_recorded(recorded, finish(source.look(built(source.build.__name__), picture()), a, b))


def check_recorded(name: str, levels: NDArray[np.uint8]) -> None:
    expected = GOLDEN["hints"][name]
    apart = np.abs(sampled(levels, len(expected["levels"])) - expected["levels"])
    assert (apart > 1).sum() <= 1  # a level on the very edge of a threshold may fall to either side
    assert abs(levels.mean() - expected["mean"]) < 0.5


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models with all the files but the largest: as A1111's extension keeps them, and as safetensors."""
    root = tmp_path_factory.mktemp("models")
    folder = root / FOLDER / "pidinet"
    folder.mkdir(parents=True)
    torch.save({"state_dict": {f"module.{name}": value for name, value in as_published("pidinet").items()}}, folder / "table5_pidinet.pth")
    for name in ("7_model", "MTEED"):
        torch.save(as_published("teed"), root / FOLDER / f"{name}.pth")
    write_tensors(root / FOLDER / "mlsd_large_512_fp32.safetensors", as_published("mlsd"))
    for name in ("sk_model", "sk_model2"):
        write_tensors(root / FOLDER / f"{name}.safetensors", as_published("lineart"))
    write_tensors(root / FOLDER / "ControlNetHED.safetensors", {name: value.half() for name, value in as_published("hed").items()})
    return root


ROWS = [*drawn_lines.of_drawn_lines(), *anyline.of_anyline()]
WITH_FILES = [one.name for one in ROWS if one.name != "lineart_anime"]


@pytest.mark.parametrize("name", WITH_FILES)
def test_a_hint_has_the_size_asked_for_and_is_the_same_each_time(name: str, models: Path) -> None:
    hints = [run_preprocessor(name, Image.fromarray(picture(101, 77)), resolution=70, models=models) for _ in range(2)]
    assert hints[0].size == (70, 92) and hints[0].mode == "RGB"
    levels = np.asarray(hints[0])
    assert np.array_equal(levels, np.asarray(hints[1])) and (levels == levels[..., :1]).all()
    assert levels.std() > 0


def test_a_file_gives_the_hint_of_its_numbers(models: Path) -> None:
    shown = picture()
    hint = np.asarray(run_preprocessor("softedge_pidinet", Image.fromarray(shown), resolution=HEIGHT, models=models))
    check_recorded("softedge_pidinet", hint[..., 0])


def test_anyline_lays_the_picture_s_own_strokes_over_its_edges(models: Path) -> None:
    hint = np.asarray(run_preprocessor("softedge_anyline", Image.fromarray(picture()), resolution=HEIGHT, models=models))
    check_recorded("softedge_anyline", hint[..., 0])
    strokes = np.zeros((6, 8), np.uint8)
    strokes[1, 1:7], strokes[2, 1:7], strokes[4, 1:7] = 10, 20, 30  # twelve together, and six alone
    kept = anyline.without_specks(strokes)
    assert (kept[:3] == strokes[:3]).all() and not kept[3:].any()
    over = anyline.laid_over(np.full_like(kept, 255), kept)
    assert over[1, 1] == 19 and over[2, 1] == 39 and over[5, 5] == 255


def test_sides_that_no_network_takes_are_made_longer_and_cut_again(models: Path) -> None:
    shown = picture(100, 90)
    wide = np.pad(shown, ((0, 28), (0, 38), (0, 0)), mode="edge")
    assert np.array_equal(padded(shown), wide)
    short, long = (np.asarray(run_preprocessor("scribble_pidinet", Image.fromarray(one), resolution=min(one.shape[:2]), models=models))
                   for one in (shown, wide))  # fmt: skip
    assert np.array_equal(short, long[:100, :90])


def test_only_what_is_there_is_listed_and_chosen_before_what_needs_no_network(models: Path, tmp_path: Path) -> None:
    rows = {one.name for one in ROWS}
    assert rows & {one.name for one in available(models)} == set(WITH_FILES)
    assert not rows & {one.name for one in available(tmp_path)}
    kinds = ("SoftEdge", "Scribble", "Lineart", "MLSD")
    assert [default_preprocessor(kind, models) for kind in kinds] == ["softedge_pidinet", "scribble_pidinet", "lineart_standard", "mlsd"]
    assert [default_preprocessor(kind, tmp_path) for kind in kinds] == ["softedge_sobel", "scribble_xdog", "lineart_standard", "mlsd_lsd"]


def test_a_file_that_is_not_there_is_named_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(NotSupported, match="'softedge_hed' needs a network") as raised:
        run_preprocessor("hed", Image.fromarray(picture()), models=tmp_path)
    assert raised.value.hint == "Put the file ControlNetHED.pth into models/ControlNetPreprocessor."


@pytest.mark.parametrize("row", ROWS, ids=lambda one: one.name)
def test_a_file_of_another_network_is_said_to_be_one(row: Any, tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    tensors = as_published("teed") if row.needs[0].name not in ("7_model.pth", "MTEED.pth") else {"init_block.weight": torch.zeros(3)}
    torch.save(tensors, tmp_path / FOLDER / row.needs[0].name)
    with pytest.raises(BadModel, match="not the network that its name says"):
        run_preprocessor(row.name, Image.fromarray(picture()), models=tmp_path)


def test_lines_lie_around_the_peaks_of_the_maps_where_they_are_long_and_likely_enough() -> None:
    maps = torch.zeros(9, 16, 20)
    maps[0] = -9
    for y, x, logit, reach in ((5, 4, 2.0, 3.0), (5, 5, 1.0, 3.0), (10, 14, 0.0, 1.0)):  # likely; beside it, less so; shorter, less likely
        maps[0, y, x], maps[1:5, y, x] = logit, torch.tensor([-reach, 0.0, reach, reach])
    assert lines_in(maps, 0.1, 0.1).tolist() == [[2.0, 10.0, 14.0, 16.0], [26.0, 20.0, 30.0, 22.0]]
    assert len(lines_in(maps, 0.6, 0.1)) == 1 and len(lines_in(maps, 0.1, 3.0)) == 1 and len(lines_in(maps, 0.9, 0.1)) == 0
    drawn = drawn_lines.ruled(maps.numpy(), 0.6, 0.1)
    assert drawn.shape == (32, 40) and drawn[10, 2] == drawn[16, 14] == 255 and drawn[20, 26] == 0


def test_a_soft_edge_becomes_a_stroke_along_its_ridge() -> None:
    y, x = np.mgrid[:96, :96] - 48
    away = np.abs(np.hypot(x, y) - 30)
    edges = np.exp(-(away**2) / 60).astype(np.float32)
    levels = drawn_lines.soft(edges, 0, 0)
    ridge, stroke = drawn_lines.thinned(levels), drawn_lines.scribbled(edges, 0, 0)
    assert 0 < (ridge > 0).sum() < (levels > 127).sum() / 2 and away[ridge > 0].max() < 7
    assert set(stroke.ravel()) == {0, 255} and (stroke[away < 2] == 255).all() and not stroke[away > 14].any()
    assert not drawn_lines.scribbled(edges * np.float32(0.4), 0, 0).any()


def test_safe_edges_have_few_levels() -> None:
    edges = np.linspace(0, 1, 50, dtype=np.float32)[None]
    assert set(drawn_lines.safe(edges, 0, 0)[0]) == {0, 127, 255}
    assert [len(set(drawn_lines.in_steps(edges, steps, 0)[0])) for steps in (1, 2, 5)] == [2, 3, 6]
    assert np.array_equal(drawn_lines.in_steps(edges, 0, 0), drawn_lines.soft(edges, 0, 0))
