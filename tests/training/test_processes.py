"""Several processes train as one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from modules.training.steps.processes import Ranks, in_messages
from modules.weights.files import read_tensors
from tests.training.small import Run
from tests.training.warm import Warm, warm

ALBUM: dict[str, Any] = {"side": 4, "tokens": 8, "held_out": 2}
VALUES = {"steps_steps": 20, "optimizer_rate": 1e-4}


@pytest.fixture(scope="module")
def process() -> Iterator[Warm]:
    with warm() as started:
        yield started


def test_two_processes_give_what_one_gives_with_twice_the_batch(process: Warm, tmp_path: Path) -> None:
    one = process.train(tmp_path / "one", VALUES, per_step=2, batch=2, **ALBUM)
    two = process.train(tmp_path / "two", VALUES, world=2, per_step=2, batch=1, **ALBUM)
    assert [end["state"] for end in one + two] == ["done"] * 3
    assert two[0]["hash"] == two[1]["hash"]
    runs = [Run(tmp_path / name) for name in ("one", "two")]
    values = [read_tensors(run.path / "files" / "thing-000020.safetensors") for run in runs]
    for name, value in values[0].items():
        assert torch.allclose(values[1][name], value, atol=1e-5)  # sums in another order
    assert torch.allclose(torch.tensor(runs[0].losses()), torch.tensor(runs[1].losses()), atol=1e-5)
    rates = [[event["rate"] for event in run.events("step")][-1] for run in runs]
    assert rates[0] == rates[1]
    probes = [[(event["train"], event["held_out"]) for event in run.events("probe")] for run in runs]
    assert torch.allclose(torch.tensor(probes[0]), torch.tensor(probes[1]), atol=1e-5)


def test_a_process_without_pictures_in_a_step_trains_along(process: Warm, tmp_path: Path) -> None:
    two = process.train(tmp_path, VALUES, world=2, per_step=1, batch=1, **ALBUM)
    assert [end["state"] for end in two] == ["done"] * 2
    assert two[0]["hash"] == two[1]["hash"]


def test_a_state_of_two_processes_goes_on_in_one_and_the_other_way_round(process: Warm, tmp_path: Path) -> None:
    for first, second in ((2, 1), (1, 2)):
        path = tmp_path / f"{first}{second}"
        run = Run(path, VALUES)
        run.folder.ask("save")
        process.train(path, {**VALUES, "steps_steps": 8}, world=first, per_step=2, batch=1, **ALBUM)
        ended = process.train(path, VALUES, world=second, per_step=2, batch=1, **ALBUM)
        assert [end["state"] for end in ended] == ["done"] * second
        assert len(run.losses()) == 20
        assert len({end["hash"] for end in ended}) == 1


def test_when_a_process_dies_the_others_end_and_say_so(process: Warm, tmp_path: Path) -> None:
    two = process.train(tmp_path, {**VALUES, "steps_steps": 100_000}, world=2, kill=[1], after=1.5, per_step=2, batch=1, **ALBUM)
    assert "Another process of this training has ended." in two[0]["error"]
    assert two[0]["seconds"] < 60


def test_messages_hold_what_fits_and_one_kind_of_numbers() -> None:
    small, half = torch.zeros(3), torch.zeros(3, dtype=torch.float16)
    assert [len(some) for some in in_messages([small, small, half, small])] == [2, 1, 1]
    assert list(in_messages([])) == []


def test_one_process_agrees_with_itself() -> None:
    alone = Ranks(0, 1, torch.device("cpu"))
    assert alone.agree(5) == 5
    assert alone.share_bytes(b"x") == b"x"
    alone.wait()
    alone.leave()
