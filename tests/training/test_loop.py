import math
from pathlib import Path

import pytest
import torch

from modules.contract.errors import BadRequest, OutOfMemory, WebuiError
from modules.training.runs.run_folder import Status
from modules.training.steps import checkpoint
from modules.training.steps.probe import History, Probe, Probed, probe_every
from modules.weights.files import read_tensors
from tests import tiny
from tests.training.small import Drawer, Matrices, Run, same


def test_a_training_makes_the_loss_on_its_pictures_smaller(tmp_path: Path) -> None:
    run = Run(tmp_path, {"steps_steps": 60, "optimizer_rate": 1e-2, "watch_probe_every": 60})
    end = run.go()
    first, last = run.events("probe")
    assert (end.state, end.step) == ("done", 60)
    assert last["train"] < first["train"] - 0.01
    assert all(loss is not None and math.isfinite(loss) for loss in run.losses())
    assert len(run.losses()) == 60


def test_the_file_holds_what_is_in_memory(tmp_path: Path) -> None:
    run = Run(tmp_path)
    end = run.go(metadata=lambda step: {"at": str(step)})
    assert end.file and end.file == tmp_path / "files" / "thing-000012.safetensors"
    assert same(read_tensors(end.file), run.values_now())


def test_the_same_seed_gives_the_same_file_and_another_seed_another(tmp_path: Path) -> None:
    runs = [Run(tmp_path / name, {"steps_seed": seed}) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    for run in runs:
        torch.manual_seed(len(run.path.name))
        torch.rand(17)  # what others drew before does not matter
        run.go()
    assert same(runs[0].values_now(), runs[1].values_now())
    assert runs[0].losses() == runs[1].losses()
    assert not same(runs[0].values_now(), runs[2].values_now())


def test_accumulated_batches_are_one_step(tmp_path: Path) -> None:
    whole = Run(tmp_path / "whole", {"optimizer_rate": 1e-4}, album=Drawer(per_step=4, batch=4))
    parts = Run(tmp_path / "parts", {"optimizer_rate": 1e-4}, album=Drawer(per_step=4, batch=1))
    whole.go()
    parts.go()
    for name, value in whole.values_now().items():
        assert torch.allclose(parts.values_now()[name], value, atol=1e-5)  # sums in another order; each step changes up to 1e-4


def test_pictures_are_asked_for_before_the_first_step_and_of_each_file(tmp_path: Path) -> None:
    run = Run(tmp_path, {"samples_on": True, "samples_every": 5})
    run.go()
    files = [(step, file.name if file else None) for step, file in run.camera.asked]
    assert files == [
        (0, None),
        (5, "thing-000005.safetensors"),
        (10, "thing-000010.safetensors"),
        (12, "thing-000012.safetensors"),
    ]


def test_pictures_that_fail_do_not_end_the_training(tmp_path: Path) -> None:
    run = Run(tmp_path, {"samples_on": True})

    def sample(step: int, file: Path | None) -> None:
        raise BadRequest("There is no sampler named 'X'.")

    run.camera.sample = sample  # type: ignore[method-assign]
    assert run.go().state == "done"
    assert "There is no sampler named 'X'." in run.events("warning")[0]["text"]


@pytest.mark.parametrize("wish", ["stop", "pause"])
def test_a_training_ends_where_it_is_asked_to(tmp_path: Path, wish: str) -> None:
    run = Run(tmp_path, {"steps_steps": 500, "samples_on": True, "samples_every": 6})

    def sample(step: int, file: Path | None) -> None:
        if step == 6:
            run.folder.ask(wish)  # type: ignore[arg-type]

    run.camera.sample = sample  # type: ignore[method-assign]
    end = run.go()
    assert (end.state, end.step) == ("stopped" if wish == "stop" else "paused", 6)
    assert (end.file is None) == (wish == "pause")
    assert (tmp_path / "checkpoints" / "step-00000006").is_dir()
    assert not run.folder.asked(wish)  # type: ignore[arg-type]


def test_a_state_and_pictures_can_be_asked_for_at_any_time(tmp_path: Path) -> None:
    run = Run(tmp_path, {"saving_state_every": 1000})
    run.folder.ask("save")
    run.folder.ask("sample")
    run.go()
    assert [event["step"] for event in run.events("saved")] == [0, 12]
    assert run.camera.asked == [(0, None)]
    assert not run.folder.asked("save")


def test_values_that_nobody_decided_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="Learning rate is 0"):
        Run(tmp_path, {"optimizer_rate": 0.0}).go()


def test_the_status_says_how_far_it_is(tmp_path: Path) -> None:
    run = Run(tmp_path, album=Drawer(held_out=2))
    run.folder.write_status(Status(process=17, queued_at=3.0))
    end = run.go()
    status = run.folder.status()
    assert (status.step, status.steps, status.epoch, status.process, status.queued_at) == (12, 12, 4, 17, 3.0)
    assert status.loss == end.loss and status.loss is not None
    assert status.images_per_second and status.seconds_left == 0 and status.memory and status.share


def test_with_a_moving_average_the_file_is_the_average(tmp_path: Path) -> None:
    run = Run(tmp_path, {"optimizer_average": True, "optimizer_average_decay": 0.9})
    end = run.go()
    assert end.file
    assert not same(read_tensors(end.file), run.values_now())


def test_broken_gradients_are_left_out(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.album.broken = {3}
    end = run.go()
    assert end.state == "done"
    assert [event["step"] for event in run.events("skipped")] == [4]
    assert [number for number, loss in enumerate(run.losses()) if loss is None] == [3]
    assert all(value.isfinite().all() for value in run.values_now().values())


def test_three_broken_gradients_lead_back_to_the_last_good_state_with_half_the_rate(tmp_path: Path) -> None:
    run = Run(tmp_path, {"optimizer_schedule": "constant", "optimizer_warm_up": 0})
    run.album.broken = {5, 6, 7}
    with pytest.raises(WebuiError, match="3 of the last 50 gradients were not numbers"):
        run.go()  # the same steps break each time
    returned = run.events("rolled_back")
    assert [event["step"] for event in returned] == [4] * 4
    assert returned[-1]["rate_factor"] == 1 / 16
    run.album.broken = set()
    assert run.go().state == "done"
    assert run.folder.status().rate == pytest.approx(1e-3 / 16)


def test_numbers_that_fail_end_the_training_where_it_shall_not_go_on_by_itself(tmp_path: Path) -> None:
    run = Run(tmp_path, {"watch_go_on_after_nan": False})
    run.album.broken = {5, 6, 7}
    with pytest.raises(WebuiError, match="failed at step 8"):
        run.go()
    assert (tmp_path / "checkpoints" / "step-00000004").is_dir()


def test_memory_that_runs_out_once_is_tried_again(tmp_path: Path) -> None:
    plain, short = Run(tmp_path / "plain"), Run(tmp_path / "short")
    run_short_of_memory(short, {5: 1})
    plain.go()
    assert short.go().state == "done"
    assert short.losses() == plain.losses()
    assert same(short.values_now(), plain.values_now())


def test_memory_that_runs_out_is_told_with_what_to_try_and_the_last_state_is_whole(tmp_path: Path) -> None:
    plain, run = Run(tmp_path / "plain"), Run(tmp_path / "short")
    run_short_of_memory(run, {5: 2})
    with pytest.raises(OutOfMemory, match=r"The state of step 4 is whole\. Try this: switch gradient checkpointing on; or take 1 at once"):
        run.go()
    plain.go()
    assert run.go().state == "done"
    assert same(run.values_now(), plain.values_now())


def run_short_of_memory(run: Run, failures: dict[int, int]) -> None:
    """Have the network ask for more memory than there is, so many times at these steps."""
    pages = run.album.batches

    def batches(step: int, rank: int, world: int) -> list:
        found = pages(step, rank, world)
        run.album.mask = Hungry(failures, step)  # type: ignore[assignment]
        return [run.album.page(page.files, page.slots) for page in found]

    run.album.batches = batches  # type: ignore[method-assign]


class Hungry:
    """In a mask's place: takes more memory than any machine has, while there are failures left of its step."""

    def __init__(self, failures: dict[int, int], step: int) -> None:
        self.failures, self.step = failures, step

    def expand(self, *sides: int) -> "Hungry":
        return self

    def to(self, each: torch.Tensor) -> torch.Tensor:
        if self.failures.get(self.step, 0):
            self.failures[self.step] -= 1
            torch.empty(1 << 60, dtype=torch.uint8)
        return torch.ones_like(each[:, :1])


def test_an_overfit_training_is_told_and_ends_if_it_shall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = iter([(9.0, 9.0), (8.0, 8.0), (7.0, 7.0), (6.0, 7.5), (5.0, 8.5)])
    looks: list[float] = []

    def mean(self: Probe, batches: object) -> float:
        if not looks:
            looks.extend(next(seen))
        return looks.pop(0)

    monkeypatch.setattr(Probe, "mean", mean)
    values = {"steps_steps": 40, "watch_probe_every": 4, "watch_stop_when_overfit": True}
    run = Run(tmp_path, values, album=Drawer(held_out=2))
    end = run.go()
    assert (end.state, end.step, end.best_step) == ("done", 16, 8)
    assert end.text and run.folder.status().best_step == 8
    assert "learns by heart" in run.events("warning")[-1]["text"]
    assert {8, 16} <= {int(path.stem[-6:]) for path in (tmp_path / "files").iterdir()}
    assert checkpoint.steps(run.folder.checkpoints) == [16, 12, 8]  # the best one's stays
    again = run.go()
    assert (again.step, again.best_step) == (16, 8)


@pytest.mark.parametrize(
    ("train", "held_out", "overfit"),
    [
        ([5, 4, 3], [5, 6, 7], True),
        ([5, 4, 3], [5, 6, 6], False),
        ([5, 4, 5], [5, 6, 7], False),
        ([4, 3], [5, 6], False),
        ([5, 4, 3], [None] * 3, False),
    ],
)
def test_it_learns_by_heart_when_one_loss_rises_and_the_other_falls(train: list[float], held_out: list[float], overfit: bool) -> None:
    probes = [Probed(step, one, other) for step, (one, other) in enumerate(zip(train, held_out, strict=True))]
    assert History(probes).overfit is overfit


def test_a_probe_costs_at_most_a_twentieth_of_the_training(tmp_path: Path) -> None:
    run = Run(tmp_path, {"steps_steps": 400, "steps_batch": 1, "watch_probe_every": 0}, album=Drawer(held_out=6))
    trainable = Matrices(tiny.loaded(tiny.tensors()))
    assert probe_every(run.request, trainable, pictures=0) == 40
    assert probe_every(run.request, trainable, pictures=1) == 40
    few = probe_every(run.request, trainable, pictures=8)
    assert few == 133
    assert 400 // probe_every(run.request, trainable, pictures=2) * 2 * 4 <= 0.05 * 400 * 2
