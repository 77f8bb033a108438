"""Trainings as processes of their own: begun one after another, asked, lost, found again. The processes are real; what they do is small."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from modules.contract.errors import BadRequest, NotFound
from modules.contract.progress import Cancel
from modules.contract.training import StepOptions, TrainingRequest
from modules.training.runs import launch
from modules.training.runs.launch import ROOT, Launch
from modules.training.runs.queue import Around, Runs
from modules.training.runs.run_folder import RunFolder, Status, free_folder
from tests.tiny import Listener

WORKER = Path(__file__).with_name("worker.py")
FOREVER = 100_000


@dataclass
class Site:
    """Trainings in a folder, with what they tell. `busy` and `shares` are the program around them."""

    folder: Path
    busy: bool = False
    shares: bool = True
    changed: list[str] = field(default_factory=list[str])
    published: int = 0
    room: int = 0
    servers: list[Runs] = field(default_factory=list[Runs])

    def serve(self) -> Runs:
        """A server's trainings."""
        around = Around(
            command, busy=lambda: self.busy, shares=lambda: self.shares, make_room=self.make_room,
            changed=self.changed.append, published=self.note_published, patience=lambda: 0.2,
        )  # fmt: skip
        runs = Runs(self.folder, around, every=0.05)
        self.servers.append(runs)
        runs.start()
        return runs

    def make_room(self) -> None:
        self.room += 1

    def note_published(self) -> None:
        self.published += 1


def command(run: RunFolder) -> Launch:
    return Launch((sys.executable, str(WORKER), str(run.path)), {"PYTHONPATH": str(ROOT)})


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path / "trainings")
    yield made
    for runs in made.servers:
        runs.stop()
        for run in runs.all():
            launch.end(run, at_once=True)


def asked(name: str, steps: int = FOREVER) -> TrainingRequest:
    return TrainingRequest(name=name, steps=StepOptions(steps=steps))


def until(true: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something. Fails after a time that is far longer than it takes."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "It did not come about."
        time.sleep(0.02)


def state(runs: Runs, id: str) -> str:
    return runs.get(id).status().state


def test_one_runs_at_a_time_in_the_order_of_the_queue(site: Site) -> None:
    runs = site.serve()
    first, second, third = (runs.add(asked(name, steps=3)).id for name in ("one", "two", "three"))
    assert runs.move(third, before=second) == [third, second]
    until(lambda: state(runs, second) == "done")
    begun = [runs.get(id).status().started or 0 for id in (first, third, second)]
    assert begun == sorted(begun)
    ends = [(runs.get(id).path / "status.json").stat().st_mtime for id in (first, third)]
    assert all(end <= next for end, next in zip(ends, begun[1:], strict=True))
    until(lambda: site.published == 3)
    assert site.room == 3


def test_a_paused_one_gives_its_process_up_and_goes_on_where_it_was(site: Site) -> None:
    runs = site.serve()
    id = runs.add(asked("cat")).id
    until(lambda: runs.get(id).status().step > 2)
    runs.pause(id)
    until(lambda: state(runs, id) == "paused" and launch.process_of(runs.get(id)) is None)
    step = runs.get(id).status().step
    runs.resume(id)
    until(lambda: runs.get(id).status().step > step)
    steps = [event["step"] for event in runs.get(id).events()[0] if event["kind"] == "step"]
    assert steps == [*range(1, len(steps) + 1)]


def test_a_new_server_finds_the_one_that_runs(site: Site) -> None:
    runs = site.serve()
    id = runs.add(asked("cat")).id
    until(lambda: state(runs, id) == "running")
    runs.stop()
    runs.processes.clear()  # what the first server knew is gone with it
    later = site.serve()
    step = later.get(id).status().step
    until(lambda: later.get(id).status().step > step)
    assert later.can(later.get(id)) == ["pause", "stop", "sample", "save"]
    later.stop_run(id)
    until(lambda: state(later, id) == "stopped")


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_one_whose_process_was_killed_is_lost_and_can_be_resumed(site: Site) -> None:
    runs = site.serve()
    id = runs.add(asked("cat")).id
    until(lambda: runs.get(id).status().step > 1)
    os.kill(runs.get(id).status().process or 0, signal.SIGKILL)
    until(lambda: state(runs, id) == "lost")
    assert "status -9" in runs.get(id).status().error
    assert runs.can(runs.get(id)) == ["resume", "remove"]
    assert runs.get(id).status().short_of_memory == "perhaps"
    step = runs.get(id).status().step
    runs.resume(id)
    until(lambda: runs.get(id).status().step > step)
    assert runs.get(id).status().short_of_memory == ""


def test_another_process_of_the_same_number_is_not_taken_for_it(site: Site) -> None:
    runs = site.serve()
    id = runs.add(asked("cat")).id
    until(lambda: state(runs, id) == "running")
    run = runs.get(id)
    number = launch.process_of(run)
    (run.path / "process.json").write_text(f'{{"process": {number}, "started": 12.0}}')
    assert launch.process_of(run) is None


def test_one_that_fails_says_so_with_its_last_line(site: Site) -> None:
    runs = site.serve()
    id = runs.add(asked("broken")).id
    until(lambda: state(runs, id) == "failed")
    assert runs.get(id).status().error == "Its process ended with status 3: it fell over something"
    after = runs.add(asked("cat", steps=1)).id
    until(lambda: state(runs, after) == "done")


def test_it_can_be_ended_at_once(site: Site) -> None:
    runs = site.serve()
    id = runs.add(asked("cat")).id
    until(lambda: state(runs, id) == "running")
    runs.stop_run(id, now=True)
    until(lambda: state(runs, id) == "stopped")
    assert launch.process_of(runs.get(id)) is None


def test_pictures_are_made_while_it_is_paused_and_then_it_goes_on(site: Site) -> None:
    site.shares = False
    runs = site.serve()
    id = runs.add(asked("cat")).id
    until(lambda: state(runs, id) == "running")
    site.busy = True
    runs.make_way(Listener())
    assert state(runs, id) == "paused"
    until(lambda: launch.process_of(runs.get(id)) is None)
    time.sleep(0.5)
    assert state(runs, id) == "paused"  # for as long as pictures are made
    site.busy = False
    until(lambda: state(runs, id) == "running")


def test_waiting_for_room_can_be_cancelled(site: Site) -> None:
    class Impatient(Listener):
        def check(self) -> None:
            raise Cancel

    site.shares = False
    runs = site.serve()
    id = runs.add(asked("cat")).id
    until(lambda: state(runs, id) == "running")
    with pytest.raises(Cancel):
        runs.make_way(Impatient())


def test_where_the_device_is_shared_pictures_wait_for_nothing(site: Site) -> None:
    runs = site.serve()
    id = runs.add(asked("cat")).id
    until(lambda: state(runs, id) == "running")
    runs.make_way(Listener())
    assert state(runs, id) == "running"


def test_the_order_outlives_the_server(site: Site) -> None:
    runs = site.serve()
    first, *waiting = (runs.add(asked(name)).id for name in ("one", "two", "three"))
    until(lambda: state(runs, first) == "running")
    runs.move(waiting[1], before=waiting[0])
    runs.stop()
    assert [run.id for run in site.serve().waiting()] == [waiting[1], waiting[0]]


def test_what_cannot_be_asked_is_refused_in_a_sentence(site: Site) -> None:
    runs = site.serve()
    id = runs.add(asked("cat")).id
    until(lambda: state(runs, id) == "running")
    with pytest.raises(BadRequest, match="running, so that nobody can remove it"):
        runs.remove(id)
    for bad in ("", "..", "../trainings", ".removed", "dog"):
        with pytest.raises(NotFound):
            runs.get(bad)


def test_a_removed_one_is_gone_from_the_disk(site: Site) -> None:
    runs = Runs(site.folder, Around(command))
    run = runs.add(asked("cat"))
    runs.remove(run.id)
    assert [*site.folder.glob("*")] == [site.folder / "queue.json"]
    assert [*site.folder.glob(".*")] == []


def test_two_of_one_name_are_two(site: Site) -> None:
    runs = Runs(site.folder, Around(command))
    assert [runs.add(asked("cat")).id for _ in range(2)] == ["cat", "cat-2"]
    assert runs.get("cat").status() != Status()


def test_a_state_of_a_newer_program_is_read_and_one_that_is_damaged_is_not_begun_again(tmp_path: Path) -> None:
    run = free_folder(tmp_path, "one")
    (run.path / "status.json").write_text('{"state": "done", "step": 7, "of_tomorrow": 1}')
    assert (run.status().state, run.status().step) == ("done", 7)
    (run.path / "status.json").write_text('{"state": ')
    assert run.status().state == "lost" and "cannot be read" in run.status().error
