"""The queue: order, limits, how jobs end and are stopped, removed and looked at."""

import asyncio
import logging
import random
import threading
import time
import weakref

import pytest

from modules.contract.errors import BadRequest, NotFound, OutOfMemory, TooBusy
from modules.contract.progress import Reporter
from modules.jobs.job import Job, Outcome
from tests.jobs.bench import Bench, over, until

# Order and limits.


def test_jobs_run_in_the_order_in_which_they_came(bench: Bench) -> None:
    queue = bench.started()
    ids = [queue.submit("draw", {}, owner="page").id for _ in range(20)]
    over(queue, ids[-1])
    assert bench.ran == ids
    assert [(job.id, job.state, job.attempts) for job in queue.jobs()] == [(id, "done", 1) for id in ids]


def test_one_job_runs_at_a_time_and_the_others_know_their_place(bench: Bench) -> None:
    bench.gate.clear()
    queue = bench.started()
    ids = [queue.submit("draw", {}, owner="page").id for _ in range(4)]
    until(queue.current)
    assert queue.current() == queue.get(ids[0])
    assert [queue.position(id) for id in ids] == [0, 1, 2, 3]
    assert [job.id for job in queue.jobs(states={"queued"})] == ids[1:]


def test_the_queue_takes_no_more_than_may_wait(bench: Bench) -> None:
    bench.gate.clear()
    bench.limit = 2
    queue = bench.started()
    queue.submit("draw", {}, owner="page")
    until(queue.current)
    queue.submit("draw", {}, owner="page")
    queue.submit("draw", {}, owner="page")
    with pytest.raises(TooBusy, match="2 jobs are waiting"):
        queue.submit("draw", {}, owner="page")
    bench.limit = 3  # the setting changed
    queue.submit("draw", {}, owner="page")


def test_the_limit_holds_against_many_at_once(bench: Bench) -> None:
    bench.gate.clear()
    bench.limit = 8
    queue = bench.open()
    refused: list[str] = []

    def client() -> None:
        for _ in range(4):
            try:
                queue.submit("draw", {}, owner="client")
            except TooBusy as error:
                refused.append(str(error))

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(queue.jobs(states={"queued"})) == 8
    assert len(refused) == 24
    assert [job.id for job in queue.jobs()] == [job.id for job in queue.jobs(states={"queued"})]  # the same order on disk


def test_an_id_can_be_given_once(bench: Bench) -> None:
    queue = bench.started()
    job = queue.submit("draw", {}, owner="page", identifier="task(abc-123)")
    assert job.id == "task(abc-123)"
    with pytest.raises(BadRequest, match=r"task\(abc-123\)"):
        queue.submit("draw", {}, owner="page", identifier="task(abc-123)")
    over(queue, job.id)
    with pytest.raises(BadRequest):
        queue.submit("draw", {}, owner="page", identifier="task(abc-123)")


@pytest.mark.parametrize("identifier", ["", "a/b", "a b", "é", "x" * 129, "a\n", "?", "%2e"])
def test_an_id_that_fits_into_no_address_is_refused(bench: Bench, identifier: str) -> None:
    with pytest.raises(BadRequest):
        bench.open().submit("draw", {}, owner="page", identifier=identifier)


def test_an_unknown_kind_or_job_is_said(bench: Bench) -> None:
    queue = bench.open()
    with pytest.raises(NotFound, match="'drew'"):
        queue.submit("drew", {}, owner="page")
    for call in (queue.get, queue.progress, queue.preview, queue.skip, queue.interrupt, queue.cancel, queue.remove):
        with pytest.raises(NotFound, match="'nope'"):
            call("nope")
    with pytest.raises(NotFound):
        asyncio.run(queue.wait("nope"))


# How a job ends.


def test_a_result_is_kept_in_memory_and_its_summary_on_disk(bench: Bench) -> None:
    queue = bench.started()
    ids = [queue.submit("draw", {}, owner="page").id for _ in range(20)]
    over(queue, ids[-1])
    assert queue.result(ids[-1]) == f"picture of {ids[-1]}"
    assert [queue.result(id) is None for id in ids] == [True] * 4 + [False] * 16
    queue.stop(5)
    assert bench.open().get(ids[0]).summary == {"id": ids[0]}


def test_an_error_a_person_can_act_on_is_shown_as_it_is(bench: Bench) -> None:
    def work(job: Job, report: Reporter) -> Outcome:
        raise OutOfMemory("8 GB were wanted, 2 GB are free.", "Make the picture smaller.")

    queue = bench.started(work)
    job = over(queue, queue.submit("draw", {}, owner="page").id)
    assert (job.state, job.error, job.hint) == ("failed", "8 GB were wanted, 2 GB are free.", "Make the picture smaller.")


@pytest.mark.parametrize("error", [ZeroDivisionError("in /home/me/secret.py"), SystemExit(1), MemoryError()])
def test_any_other_error_gets_an_id_and_the_log_has_the_details(
    bench: Bench, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    def work(job: Job, report: Reporter) -> Outcome:
        raise error

    queue = bench.started(work)
    job = over(queue, queue.submit("draw", {}, owner="page").id)
    assert job.state == "failed" and job.error is not None
    assert "secret" not in job.error
    short = job.error.partition("(id ")[2][:4]
    record = next(record for record in caplog.records if record.levelno == logging.ERROR)
    assert short in record.getMessage() and record.exc_info is not None
    assert queue.submit("draw", {}, owner="page").state == "queued"
    until(lambda: queue.jobs()[-1].over)  # the queue goes on


def test_a_stop_that_the_work_lets_through_ends_it_accordingly(bench: Bench) -> None:
    bench.gate.clear()

    def work(job: Job, report: Reporter) -> Outcome:
        while True:
            bench.gate.wait(0.001)
            report.check()

    queue = bench.started(work)
    ids = [queue.submit("draw", {}, owner="page").id for _ in range(2)]
    until(queue.current)
    queue.interrupt(ids[0])
    assert over(queue, ids[0]).state == "interrupted"
    until(queue.current)
    queue.cancel(ids[1])
    assert over(queue, ids[1]).state == "cancelled"


@pytest.mark.parametrize("error", [OutOfMemory("no room"), RuntimeError("a bug")], ids=["out of memory", "bug"])
def test_nothing_of_a_failed_job_stays_in_memory(bench: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    refs: list[weakref.ref[threading.Event]] = []

    def work(job: Job, report: Reporter) -> Outcome:
        tensor = threading.Event()  # stands for something large
        refs.append(weakref.ref(tensor))
        raise type(error)(str(error))

    monkeypatch.setattr(logging.getLogger("modules.jobs.queue"), "disabled", True)  # pytest keeps log records with their frames
    queue = bench.started(work)
    over(queue, queue.submit("draw", {}, owner="page").id)
    assert [ref() for ref in refs] == [None]


# Stopping one.


def test_skip_ends_the_batch_and_interrupt_the_job(bench: Bench) -> None:
    bench.gate.clear()
    queue = bench.started()
    first, second = (queue.submit("draw", {"steps": 1000}, owner="page").id for _ in range(2))
    until(queue.current)
    queue.skip(first)
    assert over(queue, first).state == "done"
    until(queue.current)
    queue.interrupt(second)
    assert over(queue, second).state == "interrupted"
    assert queue.result(second) == f"picture of {second}"


@pytest.mark.parametrize("stop", ["interrupt", "cancel"])
def test_a_waiting_job_is_cancelled_by_either(bench: Bench, stop: str) -> None:
    bench.gate.clear()
    queue = bench.started()
    first, second, third = (queue.submit("draw", {}, owner="page").id for _ in range(3))
    until(queue.current)
    assert getattr(queue, stop)(second).state == "cancelled"
    assert queue.position(third) == 1
    bench.gate.set()
    over(queue, third)
    assert bench.ran == [first, third]


def test_an_interrupt_sent_before_the_worker_begins_is_not_lost(bench: Bench) -> None:
    queue = bench.open()
    id = queue.submit("draw", {}, owner="page").id
    queue.interrupt(id)
    queue.start()
    other = queue.submit("draw", {}, owner="page").id
    over(queue, other)
    assert bench.ran == [other]


def test_skipping_a_waiting_job_does_nothing(bench: Bench) -> None:
    queue = bench.open()
    id = queue.submit("draw", {}, owner="page").id
    assert queue.skip(id).state == "queued"
    queue.start()
    assert over(queue, id).state == "done"


def test_an_ended_job_stays_as_it_ended(bench: Bench) -> None:
    queue = bench.started()
    ended = over(queue, queue.submit("draw", {}, owner="page").id)
    for stop in (queue.skip, queue.interrupt, queue.cancel):
        assert stop(ended.id) == ended


def test_200_stops_at_random_times_hit_only_their_own_job(bench: Bench) -> None:
    """T-16: whenever a stop comes, its job is over within a step, and the next one is whole."""
    chance = random.Random(16)
    bench.limit = 1000
    queue = bench.started()
    seconds: list[float] = []
    for _ in range(200):
        stopped, next_one = (queue.submit("draw", {"steps": steps}, owner="page").id for steps in (10_000, 1))
        time.sleep(chance.random() * 0.01)
        begin = time.perf_counter()
        chance.choice((queue.interrupt, queue.cancel))(stopped)
        state = over(queue, stopped).state
        seconds.append(time.perf_counter() - begin)
        assert state in ("interrupted", "cancelled", "done")
        assert over(queue, next_one).state == "done"
    assert sorted(seconds)[190] < 1.0  # steps take a millisecond, the writes to the disk some more, and a busy disk may stall


def test_many_cancelled_jobs_leave_nothing_behind(bench: Bench) -> None:
    queue = bench.open()
    for _ in range(100):
        queue.cancel(queue.submit("draw", {}, owner="page").id)
    assert (queue.live, queue.unkept, len(queue.results)) == ({}, {}, 0)


# Removing.


def test_a_job_is_removed_from_the_list_and_out_of_the_queue(bench: Bench) -> None:
    bench.gate.clear()
    queue = bench.started()
    first, second, third = (queue.submit("draw", {}, owner="page").id for _ in range(3))
    until(queue.current)
    with pytest.raises(BadRequest, match="running"):
        queue.remove(first)
    queue.remove(second)
    bench.gate.set()
    over(queue, third)
    assert bench.ran == [first, third]  # asking to remove a running job did not stop it
    queue.remove(first)
    assert [job.id for job in queue.jobs()] == [third]
    assert queue.result(first) is None


# Progress and previews.


def test_progress_and_preview_of_a_running_job_can_be_asked(bench: Bench) -> None:
    ready, go = threading.Event(), threading.Event()

    def work(job: Job, report: Reporter) -> Outcome:
        report.start(4)
        report.step("Batch 1")
        if report.wants_preview():
            report.preview(b"\xff\xd8 picture")
        ready.set()
        go.wait(5)
        return Outcome("done", {})

    queue = bench.open(work)
    id = queue.submit("draw", {}, owner="page").id
    assert (queue.progress(id).total, queue.progress(id).started, queue.preview(id)) == (0, None, None)
    queue.start()
    assert ready.wait(5)
    progress = queue.progress(id)
    assert (progress.done, progress.total, progress.text, progress.preview_number) == (1, 4, "Batch 1", 1)
    assert progress.started == queue.get(id).started
    assert queue.preview(id) == (1, b"\xff\xd8 picture")
    go.set()
    over(queue, id)
    assert queue.preview(id) is None  # a late preview of a finished job would hide its picture
