"""The bundled control network makes pictures follow lines, in combinations that training never saw."""

from pathlib import Path

import numpy as np
import pytest
import torch

from modules.demo import control_training, control_trial
from modules.families.control_kind import control_kind
from modules.families.control_loading import load_control
from tests import tiny
from tests.extensions.drawing import bundled

MODELS = Path(__file__).parents[2] / "models"
BUNDLED = MODELS / "ControlNet" / "demo-lines.safetensors"
CHECKPOINT = MODELS / "Stable-diffusion" / "demo.safetensors"
LARGEST = 12_000_000  # bytes


def test_it_comes_along_and_is_an_ordinary_controlnet() -> None:
    assert BUNDLED.stat().st_size <= LARGEST
    kind = control_kind(BUNDLED)
    assert (kind.method, kind.family) == ("controlnet", "sd1")
    load_control(BUNDLED, tiny.CPU)


def test_its_training_begins_as_if_it_were_not_there_and_can_be_resumed(tmp_path: Path) -> None:
    cpu = torch.device("cpu")
    control_training.train(tmp_path, CHECKPOINT, cpu, 1, pictures=8)
    first = torch.load(tmp_path / "control.pt", weights_only=True)
    control_training.train(tmp_path, CHECKPOINT, cpu, 2, pictures=8)
    second = torch.load(tmp_path / "control.pt", weights_only=True)
    assert (first["step"], second["step"]) == (1, 2)
    assert not torch.equal(first["model"]["conv_in.weight"], second["model"]["conv_in.weight"])
    control_training.write(tmp_path, tmp_path / "made.safetensors")
    assert control_kind(tmp_path / "made.safetensors").method == "controlnet"


def test_a_picture_that_is_drawn_along_the_lines_overlaps_and_one_beside_them_does_not() -> None:
    one, other = control_trial.examples(2)
    assert control_trial.overlap(one.picture, one.lines) == 1
    assert control_trial.overlap(one.picture, other.lines) < 0.5
    assert control_trial.overlap(np.zeros_like(one.picture), one.lines) == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_pictures_follow_lines_of_unseen_drawings() -> None:
    shown = control_trial.examples(24)
    without = control_trial.pictures(shown, MODELS, bundled().instances, controlled=False)
    made = control_trial.pictures(shown, MODELS, bundled().instances, controlled=True)
    before = [control_trial.overlap(picture, one.lines) for picture, one in zip(without, shown, strict=True)]
    after = [control_trial.overlap(picture, one.lines) for picture, one in zip(made, shown, strict=True)]
    print(f"edge overlap without {np.mean(before):.3f}, with {np.mean(after):.3f}")
    assert np.mean(after) >= 0.6
    assert np.mean(after) >= 3 * np.mean(before)
    assert sum(one > other for one, other in zip(after, before, strict=True)) >= 22
