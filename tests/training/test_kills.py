"""A training is killed again and again, at any moment, and still gives what it gives undisturbed."""

import random
from pathlib import Path
from typing import Any

import pytest

from modules.training.runs.run_folder import RunFolder
from modules.training.steps import checkpoint
from tests.training.small import Run
from tests.training.warm import Warm, warm

KILLS = 20
STEPS = 160
VALUES = {"steps_steps": STEPS, "saving_state_every": 5, "saving_export_every": 10, "watch_probe_every": 40, "optimizer_average": True}
ALBUM: dict[str, Any] = {"per_step": 2, "batch": 1, "held_out": 2, "side": 4, "tokens": 8}


def killed(process: Warm, path: Path, *, world: int, kills: int, chance: random.Random) -> int:
    """Kill a training so many times, look each time whether its newest state is whole; at how many steps it was.

    Most are killed some time after they kept a state, so that it gets on; some before that, while they begin.
    """
    folder, steps = RunFolder(path), [0]
    for _ in range(kills):
        some = [chance.randrange(world)] if chance.random() < 0.5 else list(range(world))
        new = steps[-1] < STEPS - 10 and chance.random() < 0.7
        process.train(path, VALUES, world=world, kill=some, after=chance.uniform(0.0, 0.2), new=new, **ALBUM)
        state = checkpoint.newest(folder.checkpoints)
        assert (state is None) == (not checkpoint.steps(folder.checkpoints))
        step = 0 if state is None else state["step"]
        assert step >= steps[-1]  # what was kept stays kept
        steps.append(step)
    return len(set(steps))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("world", "kills"), [(1, KILLS), (2, 8)])
def test_a_training_that_is_killed_at_random_moments_loses_nothing(tmp_path: Path, world: int, kills: int) -> None:
    chance = random.Random(5 + world)
    with warm() as process:
        whole = process.train(tmp_path / "whole", VALUES, world=world, **ALBUM)
        places = killed(process, tmp_path / "killed", world=world, kills=kills, chance=chance)
        ended = process.train(tmp_path / "killed", VALUES, world=world, **ALBUM)
    assert [one["state"] for one in ended] == ["done"] * world
    assert {one["hash"] for one in ended} == {one["hash"] for one in whole}
    assert len({one["hash"] for one in ended}) == 1
    runs = [Run(tmp_path / name) for name in ("whole", "killed")]
    assert len(runs[0].losses()) == STEPS
    assert runs[1].losses() == runs[0].losses()
    files = [(run.path / "files" / "thing-000160.safetensors").read_bytes() for run in runs]
    assert files[0] == files[1]
    assert not list(tmp_path.rglob("*.tmp"))
    assert places > 3  # it was killed in several places
