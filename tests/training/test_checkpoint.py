import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from modules.contract.training import training_request_from
from modules.training.steps import checkpoint
from modules.training.steps.checkpoint import DiskFull
from modules.training.steps.ladder import climbed, rungs
from modules.training.steps.recovery import Watched
from tests.training.small import Run, same

STATE: dict[str, Any] = {
    "step": 3,
    "trained": {"a.b": torch.arange(6.0).reshape(2, 3), "half": torch.ones(3, dtype=torch.float16)},
    "none": None,
    "update": {"optimizer": {"state": {0: {"step": torch.tensor(3.0), "k": 5}}, "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.999)}]}},
    "text": "é",
    "flags": [True, False, [1, 2.5]],
}


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    checkpoint.write(tmp_path, 3, STATE)
    found = checkpoint.read(tmp_path, 3)
    assert found is not None
    assert torch.equal(found["trained"]["a.b"], STATE["trained"]["a.b"])
    assert found["trained"]["half"].dtype == torch.float16
    assert found["update"]["optimizer"]["param_groups"] == [{"lr": 1e-3, "betas": (0.9, 0.999)}]
    assert found["update"]["optimizer"]["state"][0]["step"] == 3 and found["update"]["optimizer"]["state"][0]["k"] == 5
    assert {key: found[key] for key in ("step", "none", "text", "flags")} == {key: STATE[key] for key in ("step", "none", "text", "flags")}


def test_what_a_state_cannot_hold_is_said(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="x/y, a set"):
        checkpoint.write(tmp_path, 0, {"x": {"y": {1}}})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("spoil", ["state.safetensors", "state.json", "manifest.json"])
@pytest.mark.parametrize("how", ["gone", "shorter", "changed"])
def test_a_state_that_is_not_whole_is_none(tmp_path: Path, spoil: str, how: str) -> None:
    checkpoint.write(tmp_path, 2, STATE)
    place = checkpoint.write(tmp_path, 3, STATE)
    data = bytearray((place / spoil).read_bytes())
    if how == "gone":
        (place / spoil).unlink()
    else:
        data = data[:-9] if how == "shorter" else bytearray(b"x" + data[1:])
        (place / spoil).write_bytes(data)
    assert checkpoint.read(tmp_path, 3) is None
    found = checkpoint.newest(tmp_path)
    assert found is not None and found["step"] == 3  # of the folder of step 2: the state's own number


def test_without_room_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint.write(tmp_path, 2, STATE)
    monkeypatch.setattr(checkpoint, "RESERVE", 1e18)
    with pytest.raises(DiskFull, match="MB free"):
        checkpoint.write(tmp_path, 3, STATE)
    assert checkpoint.steps(tmp_path) == [2]


def full_from(monkeypatch: pytest.MonkeyPatch, after: int) -> list[int]:
    """Let the disk be full from the nth file that is synced on."""
    synced: list[int] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) > after:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return synced


@pytest.mark.parametrize("after", [0, 1, 2, 3, 4, 5])
def test_a_disk_that_fills_up_while_a_state_is_written_leaves_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    checkpoint.write(tmp_path, 2, STATE)
    full_from(monkeypatch, after)
    with pytest.raises(DiskFull, match="No space left on device"):
        checkpoint.write(tmp_path, 3, STATE)
    monkeypatch.undo()
    assert checkpoint.steps(tmp_path) == [2]
    assert checkpoint.read(tmp_path, 2) is not None
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000002"]


def test_a_training_goes_on_over_a_full_disk_and_ends_where_its_end_cannot_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, run = Run(tmp_path / "whole"), Run(tmp_path / "full")
    whole.go()
    pages = run.album.batches

    def batches(step: int, rank: int, world: int) -> list[Any]:
        if step == 5:
            full_from(monkeypatch, 0)
        return pages(step, rank, world)

    run.album.batches = batches  # type: ignore[method-assign]
    with pytest.raises(DiskFull):
        run.go()
    monkeypatch.undo()
    run.album.batches = pages  # type: ignore[method-assign]
    state = checkpoint.newest(run.folder.checkpoints)
    assert state is not None and state["step"] == 4
    assert run.go().state == "done"
    assert same(run.values_now(), whole.values_now())
    assert run.losses() == whole.losses()


def test_the_best_state_stays(tmp_path: Path) -> None:
    for step in range(5):
        checkpoint.write(tmp_path, step, STATE)
    checkpoint.prune(tmp_path, 2, best=1)
    assert checkpoint.steps(tmp_path) == [4, 3, 1]


def test_a_state_holds_no_pickle_and_names_what_it_was_made_with(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.go()
    place = run.folder.checkpoints / "step-00000012"
    assert sorted(path.name for path in place.iterdir()) == ["manifest.json", "state.json", "state.safetensors"]
    values = json.loads((place / "state.json").read_text())
    assert values["request"]["name"] == "thing" and values["versions"]["torch"] and values["fingerprint"]["0.png"]


def test_a_loss_that_runs_away_is_seen() -> None:
    known = Watched()
    for step in range(1, 200):
        known.take(step, 0.1, broken=False)
    assert not known.failing
    for step in range(200, 260):
        known.take(step, 2.0, broken=False)
    assert "more than 4 times" in known.failing


def test_three_broken_gradients_within_fifty_steps_are_too_many() -> None:
    known = Watched()
    for step in (1, 40, 60):
        known.take(step, float("nan"), broken=True)
    assert not known.failing
    known.take(62, 0.1, broken=True)
    assert "3 of the last 50" in known.failing
    assert known.mean == pytest.approx(0.1)


def test_every_rung_can_be_climbed_until_none_is_left() -> None:
    request = training_request_from(
        {
            "method": "DreamBooth",
            "dreambooth_as": "checkpoint",
            "data": {"resolution": 1024, "cache_latents": "off"},
            "parts": {"text_encoder": True},
            "steps": {"batch": 4, "precision": "fp32"},
            "network": {"rank": 32},
        }
    )
    climbs: list[str] = []
    while changes := rungs(request)[0].changes:
        climbs.append(rungs(request)[0].text)
        request = climbed(request, rungs(request)[0])
    assert climbs[0] == "compute in bf16" and "train a LoRA instead" in climbs
    assert (request.steps.batch, request.steps.accumulation, request.data.resolution, request.makes) == (1, 4, 512, "lora")
    assert changes == {}
