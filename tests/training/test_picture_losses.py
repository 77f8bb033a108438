"""Which pictures are hard to learn: measured beside the training, without changing it."""

import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from modules.contract.errors import NotFound
from modules.contract.training import TrainingRequest, training_request_from
from modules.training.runs import hard_pictures
from modules.training.runs.hard_pictures import Measured
from modules.training.runs.run_folder import RunFolder
from modules.training.steps import checkpoint
from modules.training.steps.caption_fit import levels
from modules.training.steps.picture_losses import Mean, Sums, means
from tests.training.small import PICTURES, Drawer, Run, same
from tests.training.test_resume import stopped_and_gone_on
from tests.training.warm import Warm, warm

HARD = 2  # the picture that is hard
TIMES = 1.6


def taught(rounds: int, seed: int = 1, *, pictures: int = 8) -> list[Measured]:
    """What is said after so many rounds of made-up losses, which depend on the timestep a hundredfold, and by TIMES on the picture."""
    chance = random.Random(seed)
    sums = Sums(means(pictures))
    for _ in range(rounds):
        for picture in range(pictures):
            share = chance.random()
            sums.take(picture, share, 100**-share * math.exp(chance.gauss(0, 0.1)) * (TIMES if picture == HARD else 1))
    return sums.measured([str(number) for number in range(pictures)], [None] * pictures)


def test_the_hard_picture_is_found_though_the_timestep_decides_most_of_a_loss() -> None:
    for seed in range(5):
        found = taught(40, seed)
        assert [one.verdict for one in found].count("hard") == 1
        hard = found[HARD]
        assert hard.verdict == "hard"
        assert hard.seen == 40
        assert hard.ratio == pytest.approx(TIMES, rel=0.15)
        assert hard.error is not None
        assert 0.01 < hard.error < 0.1


def test_little_is_said_of_pictures_that_were_seldom_shown() -> None:
    assert {one.verdict for one in taught(7)} == {"few"}


def test_what_a_picture_cost_long_ago_is_forgotten() -> None:
    mean = Mean()
    for _ in range(100):
        mean.take(5.0)
    for _ in range(200):
        mean.take(1.0)
    assert mean.mean == pytest.approx(1.0, abs=0.05)


def test_a_mean_is_that_of_all_numbers_while_they_are_few() -> None:
    mean, values = Mean(), [1.0, 4.0, 2.0, 7.0]
    for value in values:
        mean.take(value)
    assert mean.mean == pytest.approx(3.5)
    assert mean.error == pytest.approx(torch.tensor(values).std().item() / 2)


def test_losses_that_are_no_numbers_or_nothing_are_passed_over() -> None:
    sums = Sums(means(1))
    for loss in (math.nan, math.inf, 0.0):
        sums.take(0, 0.5, loss)
    one = sums.measured(["a"], [None])[0]
    assert (one.seen, one.ratio, one.verdict) == (3, None, "few")


def kept(run: Run) -> list[dict[str, Any]]:
    return json.loads((run.path / hard_pictures.FILE).read_text())["pictures"]


def test_a_run_keeps_the_numbers_of_its_pictures_and_goes_on_with_them(tmp_path: Path) -> None:
    whole = Run(tmp_path / "whole", album=Drawer(held_out=2))
    whole.go()
    halves = stopped_and_gone_on(tmp_path / "halves", {}, album=Drawer(held_out=2))
    pictures = kept(whole)
    assert [one["name"] for one in pictures] == [f"{number}.png" for number in range(PICTURES)]
    assert [one["seen"] for one in pictures] == [4] * PICTURES  # 12 steps of 2
    assert all(one["ratio"] > 0 for one in pictures)
    assert kept(halves) == pictures


def test_a_state_of_an_older_program_goes_on_and_counts_from_there(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.go()
    old = checkpoint.read(run.folder.checkpoints, 8)
    assert old is not None
    del old["picture_losses"]
    checkpoint.forget_after(run.folder.checkpoints, 7)
    checkpoint.write(run.folder.checkpoints, 8, old)
    values = run.values_now()
    run.go()
    assert same(values, run.values_now())
    assert sum(one["seen"] for one in kept(run)) == 8


def test_a_changed_picture_begins_anew_and_the_others_keep_theirs(tmp_path: Path) -> None:
    run = stopped_and_gone_on(tmp_path, {})
    checkpoint.forget_after(run.folder.checkpoints, 8)
    run.album = Drawer()
    del run.album.fingerprint["0.png"]
    run.album.fingerprint |= {"1.png": "other", "new.png": "x"}
    run.go(accept_changed=True)
    seen = {one["name"]: one["seen"] for one in kept(run)}
    assert seen == {"1.png": 1, "2.png": 4, "3.png": 4, "4.png": 3, "5.png": 4, "new.png": 2}


@pytest.fixture(scope="module")
def process() -> Iterator[Warm]:
    with warm() as started:
        yield started


def test_two_processes_know_what_one_knows(process: Warm, tmp_path: Path) -> None:
    album: dict[str, Any] = {"side": 4, "tokens": 8}
    values = {"optimizer_rate": 1e-4, "steps_steps": 60}  # so long that captions are looked at in the end
    process.train(tmp_path / "one", values, per_step=2, batch=2, **album)
    process.train(tmp_path / "two", values, world=2, per_step=2, batch=1, **album)
    one, two = (kept(Run(tmp_path / name)) for name in ("one", "two"))
    assert [each["seen"] for each in one] == [each["seen"] for each in two]
    for first, second in zip(one, two, strict=True):
        assert second["ratio"] == pytest.approx(first["ratio"], rel=1e-3)  # sums of gradients in another order
        assert second["fit"] == pytest.approx(first["fit"], rel=1e-3)


# What the page is told


@pytest.fixture
def request_and_run(tmp_path: Path) -> tuple[TrainingRequest, RunFolder]:
    """A training of three drawings in a folder, of which one has no caption."""
    folder = tmp_path / "data"
    (folder / "10_cat").mkdir(parents=True)
    for name in ("a.png", "b.png", "10_cat/c.png"):
        Image.new("RGB", (8, 8)).save(folder / name)
    (folder / "a.txt").write_text("a cat\n", "utf8")
    (folder / "10_cat" / "c.caption").write_text("a small cat", "utf8")
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    return training_request_from({"data": {"folders": [{"folder": str(folder)}]}}), run


def test_the_page_is_told_the_hardest_first_with_captions(request_and_run: tuple[TrainingRequest, RunFolder]) -> None:
    request, run = request_and_run
    assert hard_pictures.told(run, request)["pictures"] == []
    rows = [
        Measured("0/a.png", 20, 1.0, 0.05),
        Measured("0/b.png", 20, 1.9, 0.05),
        Measured("0/10_cat/c.png", 3, 2.0, 0.2),
        Measured("0/gone.png", 20, 0.5, 0.05),
    ]
    hard_pictures.write(run, 9, rows)
    told = hard_pictures.told(run, request)
    assert told["step"] == 9
    said = [(one["name"], one["verdict"], one["caption"], one["there"]) for one in told["pictures"]]
    assert said == [
        ("0/b.png", "hard", None, True),
        ("0/a.png", "usual", "a cat", True),
        ("0/gone.png", "easy", None, False),
        ("0/10_cat/c.png", "few", "a small cat", True),
    ]


def test_only_pictures_of_the_training_are_shown(request_and_run: tuple[TrainingRequest, RunFolder]) -> None:
    request, run = request_and_run
    names = ("0/a.png", "0/../run/x.png", "0/a.txt", "1/a.png", "x/a.png")
    hard_pictures.write(run, 1, [Measured(name, 9, 1.0, 0.1) for name in names])
    assert hard_pictures.picture(run, request, "0/a.png").name == "a.png"
    for name in (*names[1:], "0/b.png"):
        with pytest.raises(NotFound, match="no picture"):
            hard_pictures.picture(run, request, name)


def test_a_file_that_cannot_be_read_says_nothing(request_and_run: tuple[TrainingRequest, RunFolder]) -> None:
    _, run = request_and_run
    (run.path / hard_pictures.FILE).write_text('{"step": 3, "pictures": [{"na')
    assert hard_pictures.read(run) == (0, [])


def test_a_caption_that_helps_far_less_than_others_is_doubted() -> None:
    fits = [0.5, 0.55, 0.6, 0.5, 0.9]
    rows = [Measured(str(place), 20, 1.0, 0.05, fit) for place, fit in enumerate(fits)]
    assert hard_pictures.doubtful(rows) == {"4"}
    assert hard_pictures.doubtful(rows[-3:]) == set()  # too few to tell
    unlearned = [Measured(one.name, 20, 1.0, 0.05, (one.fit or 0) + 0.45) for one in rows]
    assert hard_pictures.doubtful(unlearned) == set()


def test_captions_are_looked_at_as_long_as_that_costs_little(tmp_path: Path) -> None:
    run = Run(tmp_path, {"steps_steps": 100})  # 200 pictures shown
    trainable: Any = type("Two", (), {"network_calls": lambda self: 3.0})()
    counts = [len(levels(run.request, trainable, pictures)) for pictures in (2, 5, 10, 20)]
    assert counts == [4, 3, 1, 0]
    times = levels(run.request, trainable, 2)
    assert times == sorted(times)
    assert 333 < times[0] < times[-1] < 1000
