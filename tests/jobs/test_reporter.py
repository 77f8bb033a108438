"""What work says is counted, timed and passed on; what a person asks is raised where it should be."""

from pathlib import Path

import pytest

from modules.contract.progress import Cancel, Event, Filed, Interrupt, Previewed, Reporter, Skip, Started, Stepped, Warned
from modules.jobs import reporter as reporter_module
from modules.jobs.job import Job
from modules.jobs.reporter import JobReporter
from modules.jobs.store import JobStore


class Clock:
    """A clock that a test turns."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(reporter_module, "time", clock)
    return clock


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def report(tmp_path: Path, clock: Clock, events: list[Event]) -> JobReporter:
    store = JobStore(tmp_path / "jobs.sqlite")
    store.add(Job("a", "draw", "page", "", "running", {}, created=1.0))
    return JobReporter("a", store, events.append)


def test_it_is_a_reporter_as_the_contract_says(report: JobReporter) -> None:
    work: Reporter = report
    work.start(1)


def test_steps_are_counted_and_told(report: JobReporter, events: list[Event]) -> None:
    report.start(2)
    report.step("one")
    assert events == [Started(2), Stepped(1, 2, None, "one")]
    assert (report.progress.done, report.progress.total, report.progress.text) == (1, 2, "one")


def test_the_time_before_the_first_step_does_not_count(report: JobReporter, clock: Clock) -> None:
    report.start(10)
    clock.now += 60  # the model loads
    report.step()
    assert report.progress.seconds_left is None
    clock.now += 2
    report.step()
    assert report.progress.seconds_left == pytest.approx(16)


def test_the_time_left_follows_a_changing_pace_smoothly(report: JobReporter, clock: Clock) -> None:
    report.start(100)
    for seconds in [1.0] * 20 + [10.0]:
        clock.now += seconds
        report.step()
    left = report.progress.seconds_left
    assert left is not None and 79 < left < 79 * 3  # one slow step does not make it ten times as long
    for _ in range(20):
        clock.now += 2.0
        report.step()
    assert report.progress.seconds_left == pytest.approx(59 * 2, rel=0.05)


def test_it_never_counts_beyond_the_total(report: JobReporter) -> None:
    report.start(1)
    report.step()
    report.step()
    assert report.progress.done == 1
    assert report.progress.seconds_left == 0


def test_a_second_start_corrects_the_total(report: JobReporter) -> None:
    report.start(40)
    report.step()
    report.start(21)  # the rest of a batch was skipped
    report.step()
    assert (report.progress.done, report.progress.total) == (2, 21)


def test_a_skip_is_raised_once(report: JobReporter) -> None:
    report.start(10)
    report.ask(Skip)
    with pytest.raises(Skip):
        report.step()
    report.step()
    report.check()


@pytest.mark.parametrize("stop", [Interrupt, Cancel])
def test_an_interrupt_or_cancel_is_raised_each_time(report: JobReporter, stop: type[Interrupt | Cancel]) -> None:
    report.start(10)
    report.ask(stop)
    for call in (report.check, report.step, report.check):
        with pytest.raises(stop):
            call()


def test_cancel_outweighs_interrupt_in_either_order(report: JobReporter) -> None:
    for stop in (Interrupt, Cancel, Interrupt, Skip):
        report.ask(stop)
    with pytest.raises(Cancel):
        report.check()


def test_a_step_that_stops_is_counted(report: JobReporter) -> None:
    report.start(10)
    report.ask(Interrupt)
    with pytest.raises(Interrupt):
        report.step()
    assert report.progress.done == 1


def test_only_the_newest_preview_is_kept(report: JobReporter, events: list[Event]) -> None:
    assert report.fetch_preview() is None
    report.preview(b"one")
    report.preview(b"two")
    assert report.fetch_preview() == (2, b"two")
    assert report.progress.preview_number == 2
    assert events == [Previewed(1), Previewed(2)]


def test_previews_are_wanted_no_oftener_than_was_asked(report: JobReporter, clock: Clock) -> None:
    assert report.wants_preview()
    report.preview(b"one")
    assert not report.wants_preview()
    clock.now += 0.6
    assert report.wants_preview()


def test_with_an_infinite_time_between_them_no_preview_is_wanted(report: JobReporter) -> None:
    report.preview_seconds = lambda: float("inf")
    assert not report.wants_preview()


def test_previews_are_not_wanted_when_nobody_looks(report: JobReporter, clock: Clock) -> None:
    report.watched = lambda: False
    clock.now += 1000
    assert not report.wants_preview()
    report.fetch_preview()  # a client polls
    assert report.wants_preview()
    clock.now += 11
    assert not report.wants_preview()


def test_a_warning_is_told(report: JobReporter, events: list[Event]) -> None:
    report.warn("The LoRA 'x' was not found.")
    assert events == [Warned("The LoRA 'x' was not found.")]


def test_an_announced_file_is_known_to_a_later_try(report: JobReporter) -> None:
    assert report.filed(0) is None
    report.filing(0, Filed("a.png", "1"))
    assert JobReporter("a", report.store, lambda event: None).filed(0) == Filed("a.png", "1")
