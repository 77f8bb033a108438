"""A training that was stopped goes on as if it had not been: every loss and every value is the same, bit for bit."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from modules.contract.errors import BadRequest
from modules.training.steps import checkpoint
from tests.training.small import Drawer, Run, same

STOP_AT = 7


def stopped_and_gone_on(path: Path, values: dict[str, Any], *, at: int = STOP_AT, **more: Any) -> Run:
    """A training that was paused after some steps, in one process, and gone on with in what is as good as another."""
    run = Run(path, {**values, "samples_on": True, "samples_every": at}, **more)

    def sample(step: int, file: Path | None) -> None:
        if step == at:
            run.folder.ask("pause")

    run.camera.sample = sample  # type: ignore[method-assign]
    assert run.go().step == at
    torch.rand(5)
    run.camera.sample = lambda step, file: None  # type: ignore[method-assign]
    assert run.go().state == "done"
    return run


CASES: dict[str, dict[str, Any]] = {
    "AdamW": {},
    "Adafactor": {"optimizer_name": "Adafactor"},
    "Prodigy": {"optimizer_name": "Prodigy", "optimizer_rate": 1.0},
    "Lion": {"optimizer_name": "Lion", "optimizer_rate": 1e-4},
    "average": {"optimizer_average": True},
    "bf16": {"steps_precision": "bf16"},
    "all kinds of noise": {
        "noise_offset": 0.1,
        "noise_pyramid": 0.3,
        "noise_perturbation": 0.1,
        "noise_loss": "Huber",
        "noise_min_snr": 5.0,
    },
    "checkpointing": {"steps_checkpointing": True},
}


@pytest.mark.parametrize("case", CASES)
def test_a_training_that_paused_gives_what_an_uninterrupted_one_gives(tmp_path: Path, case: str) -> None:
    whole = Run(tmp_path / "whole", CASES[case], album=Drawer(held_out=2))
    whole.go()
    halves = stopped_and_gone_on(tmp_path / "halves", CASES[case], album=Drawer(held_out=2))
    assert len(whole.losses()) == 12
    assert halves.losses() == whole.losses()
    assert same(halves.values_now(), whole.values_now())
    files = [run.path / "files" / "thing-000012.safetensors" for run in (whole, halves)]
    assert files[0].read_bytes() == files[1].read_bytes()
    probes = [{(e["step"], e["train"], e["held_out"]) for e in run.events("probe")} for run in (whole, halves)]
    assert probes[0] == probes[1]


def test_the_states_of_both_are_the_same_too(tmp_path: Path) -> None:
    whole = Run(tmp_path / "whole")
    whole.go()
    halves = stopped_and_gone_on(tmp_path / "halves", {})
    one, other = (checkpoint.newest(run.folder.checkpoints) for run in (whole, halves))
    assert one and other
    flat: list[dict[str, torch.Tensor]] = [{}, {}]
    texts = [checkpoint.packed({**state, "request": None}, "", tensors) for state, tensors in zip((one, other), flat, strict=True)]
    assert texts[0] == texts[1]
    assert same(*flat)


def test_a_state_that_was_damaged_is_passed_over(tmp_path: Path) -> None:
    whole = Run(tmp_path / "whole")
    whole.go()
    run = Run(tmp_path / "run")
    run.go()
    damaged = run.folder.checkpoints / "step-00000012" / "state.safetensors"
    data = bytearray(damaged.read_bytes())
    data[-5] ^= 1
    damaged.write_bytes(data)
    (run.folder.checkpoints / ".step-00000016.0123456789abcdef.tmp").mkdir()
    (run.folder.path / ".0123456789abcdef.tmp").write_text("half a file")
    assert run.go().step == 12
    assert run.losses() == whole.losses()
    assert same(run.values_now(), whole.values_now())
    assert not list(run.path.rglob("*.tmp"))


def test_old_states_go_only_after_the_new_one_is_there(tmp_path: Path) -> None:
    run = Run(tmp_path, {"saving_states": 2})
    run.go()
    assert checkpoint.steps(run.folder.checkpoints) == [12, 8]


def test_changed_pictures_are_named_unless_they_are_accepted(tmp_path: Path) -> None:
    run = stopped_and_gone_on(tmp_path, {})
    shutil.rmtree(run.folder.checkpoints / "step-00000012")
    run.album = Drawer()
    run.album.fingerprint |= {"2.png": "other", "new.png": "x"}
    del run.album.fingerprint["0.png"]
    with pytest.raises(BadRequest, match=r"0\.png \(gone\), 2\.png \(changed\), new\.png \(new\)"):
        run.go()
    assert run.go(accept_changed=True).state == "done"


def test_a_state_of_another_training_is_refused(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.go()
    run.values = {"optimizer_name": "Lion"}
    with pytest.raises(BadRequest, match="AdamW's"):
        run.go()
    run.values = {"optimizer_average": True}
    with pytest.raises(BadRequest, match="moving average"):
        run.go()


def test_what_was_said_of_steps_that_are_trained_again_is_forgotten(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.go()
    shutil.rmtree(run.folder.checkpoints / "step-00000012")
    with (run.folder.path / "events.jsonl").open("a") as events:
        events.write('{"kind": "step", "step": 12, "lo')  # a killed process's last line
    run.go()
    assert len(run.losses()) == 12


def test_the_manifest_holds_the_hashes_of_both_files(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.go()
    place = run.folder.checkpoints / "step-00000012"
    manifest = json.loads((place / "manifest.json").read_text())
    assert manifest == {name: checkpoint.seal(place / name) for name in checkpoint.FILES}
