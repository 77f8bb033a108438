"""What the detailer makes of faces that came out too small: measured by a judge that has seen drawings alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from extensions.detailer.units import Detail
from modules.contract.request import GenerationRequest, Size
from modules.demo import face_judge, palette
from modules.demo.captions import canonical
from modules.demo.drawing import Picture, draw_and_tell
from modules.demo.face_judge import Box
from modules.demo.scenes import SIZES, Scene, Subject
from modules.families.identify import check_checkpoint
from modules.perception.detectors import Detectors
from modules.pipeline.library import Library
from modules.pipeline.manager import PipelineManager
from modules.settings.store import SettingsStore
from tests import tiny
from tests.extensions.drawing import bundled
from tests.tiny import Listener

MODELS = Path(__file__).parents[3] / "models"
DETECTOR = "demo-faces.onnx"
SIDE = 128  # pixels
COUNT = 24
REACH = 13  # pixels beyond a found box: half of what the mask grows by, and what its blur of 4 reaches
PAIRS = [(colour, background) for colour in palette.NAMES for background in palette.NAMES if colour != background]
SHOWN = [PAIRS[place] for place in np.random.default_rng(7).permutation(len(PAIRS))[:COUNT]]  # by lot: colours of faces, and behind them


@dataclass(frozen=True)
class Detailed:
    """A picture before and after, and where faces were found in it before."""

    before: Picture
    after: Picture
    boxes: list[Box]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PipelineManager:
    """A pipeline over the bundled models, the detailer's own detector among them."""
    monkeypatch.setattr("extensions.detailer.Detectors", lambda: Detectors([MODELS / "adetailer"]))
    return PipelineManager(
        library=Library.at(MODELS, tmp_path, check_checkpoint),
        settings=SettingsStore(tmp_path / "settings.json"),
        root=tmp_path,
        device=lambda: tiny.CPU,
        relays=bundled().instances,
    )


def drawn(sigma: float) -> list[tuple[Picture, Box]]:
    """Drawn faces of all sizes and colours, blurred by a share of their radius, and where they are."""
    faces: list[tuple[Picture, Box]] = []
    for seed, (colour, background) in enumerate(SHOWN):
        scene = Scene(Subject(colour, "face"), background, size=SIZES[seed % len(SIZES)])
        picture, [(_, x, y, radius)] = draw_and_tell(scene, SIDE, np.random.default_rng(seed))
        if sigma:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma * radius * SIDE), np.uint8)
        faces.append((picture, (SIDE * (x - radius), SIDE * (y - radius), SIDE * (x + radius), SIDE * (y + radius))))
    return faces


def test_the_judge_tells_drawn_faces_from_smeared_ones() -> None:
    assert min(face_judge.scores(drawn(0))) > 0.9
    assert max(face_judge.scores(drawn(0.13))) < 0.3
    crops, clean = face_judge.lesson(np.random.default_rng(4321), 200)  # training's generators begin with two numbers
    with torch.no_grad():
        answers = face_judge.network()(torch.stack([face_judge.seen(crop) for crop in crops])).flatten() > 0
    assert (answers.numpy() == np.array(clean)).mean() > 0.95


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_small_faces_become_clean_and_all_else_stays(demo: PipelineManager) -> None:
    made = [detailed(demo, number) for number in range(COUNT)]
    before = face_judge.scores([(one.before, box) for one in made for box in one.boxes])
    after = face_judge.scores([(one.after, box) for one in made for box in one.boxes])
    better = sum(new > old for old, new in zip(before, after, strict=True))
    print(f"{len(before)} faces found in {COUNT} pictures: {np.mean(before):.3f} before, {np.mean(after):.3f} after, {better} better")
    assert len(before) >= 20, "the detector has to find what is to be painted"
    assert np.mean(after) >= np.mean(before) + 0.5
    assert better >= 0.9 * len(before)
    for one in made:
        assert np.array_equal(one.before[outside(one.boxes)], one.after[outside(one.boxes)])


def detailed(demo: PipelineManager, number: int) -> Detailed:
    """A picture of a small face. Nothing of the pass is set but the detector and the prompt, which does not say that the face is small."""
    colour, background = SHOWN[number]
    request = GenerationRequest(
        prompt=canonical(Scene(Subject(colour, "face"), background, size="small")),
        size=Size(SIDE, SIDE),
        steps=20,
        guidance=5,
        sampler="Euler a",
        seed=number,
        checkpoint="demo",
        save=False,
        save_grid=False,
        settings={"randn_source": "CPU"},
    )
    unit = {"detector": DETECTOR, "prompt": canonical(Scene(Subject(colour, "face"), background))}
    requests = request, request.replace(extensions={"detailer": {"units": [unit]}})
    before, after = (pixels(demo.generate(demo.check(one), Listener()).images[0].image) for one in requests)
    found = Detectors([MODELS / "adetailer"]).get(DETECTOR).find(before, Detail().confidence)
    return Detailed(before, after, [one.box for one in found])


def pixels(image: Image.Image) -> Picture:
    return np.asarray(image.convert("RGB"), np.uint8)


def outside(boxes: list[Box]) -> Any:
    """Where nothing may change, (128, 128)."""
    free = np.ones((SIDE, SIDE), bool)
    for box in boxes:
        left, top, right, bottom = (round(side) for side in box)
        free[max(top - REACH, 0) : bottom + REACH, max(left - REACH, 0) : right + REACH] = False
    return free
