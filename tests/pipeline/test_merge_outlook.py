"""What is said of a merge before it starts."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file

from modules.contract.merge import merge_request_from
from modules.pipeline.library import Library
from modules.pipeline.merge_outlook import MergeDesk
from modules.weights.merge import SPARE
from tests.tiny import checkpoint, sdxl_tensors


@pytest.fixture
def desk(tmp_path: Path) -> MergeDesk:
    folder = tmp_path / "models" / "Stable-diffusion"
    folder.mkdir(parents=True)
    for number, name in enumerate(("a", "b")):
        checkpoint(folder / f"{name}.safetensors", number)
    save_file(sdxl_tensors(), folder / "large.safetensors")
    return MergeDesk(Library.at(tmp_path / "models", tmp_path, lambda path: None))


def outlook(desk: MergeDesk, **values: Any) -> dict[str, Any]:
    return desk.outlook(merge_request_from({"primary": "a", "secondary": "b", **values}))


def test_the_name_size_and_families_are_known_before_the_start(desk: MergeDesk) -> None:
    seen = outlook(desk)
    assert (seen["name"], seen["problem"]) == ("0.7(a) + 0.3(b).safetensors", "")
    assert [(one["letter"], one["family"]) for one in seen["families"]] == [("A", "Stable Diffusion 1"), ("B", "Stable Diffusion 1")]
    assert 0 < seen["size"] == seen["needed"] - SPARE
    assert seen["free"] == pytest.approx(shutil.disk_usage(desk.folder()).free, rel=0.01)
    assert sorted(path.name for path in desk.folder().iterdir()) == ["a.safetensors", "b.safetensors", "large.safetensors"]


def test_half_the_numbers_take_half_the_room(desk: MergeDesk) -> None:
    assert outlook(desk, numbers="fp16")["size"] < outlook(desk, numbers="fp32")["size"] * 0.6


def test_models_of_two_families_are_told_apart(desk: MergeDesk) -> None:
    seen = outlook(desk, secondary="large")
    assert [one["family"] for one in seen["families"]] == ["Stable Diffusion 1", "SDXL"]
    assert seen["problem"]
    assert seen["name"] == ""


def test_a_name_that_is_taken_is_said(desk: MergeDesk) -> None:
    seen = outlook(desk, custom_name="a")
    assert (seen["problem"], seen["hint"]) == ("There is a checkpoint a.safetensors already.", "Give another custom name.")
    assert seen["size"] > 0


def test_a_checkpoint_that_is_gone_is_said(desk: MergeDesk) -> None:
    assert "nothing" in outlook(desk, secondary="nothing")["problem"]
