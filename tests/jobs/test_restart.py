"""The program stops, crashes, starts again, or finds the disk full: what becomes of its jobs."""

import asyncio
import threading
from dataclasses import replace

import pytest

from modules.contract.errors import Unavailable
from modules.contract.progress import Filed, Reporter
from modules.jobs.job import Job, Outcome
from modules.jobs.queue import JobQueue
from modules.jobs.store import JobStore
from tests.jobs.bench import Bench, over, until


def test_waiting_jobs_are_there_after_a_restart_in_their_order(bench: Bench) -> None:
    bench.gate.clear()
    queue = bench.started()
    ids = [queue.submit("draw", {"steps": 1}, owner="page").id for _ in range(4)]
    until(queue.current)
    queue.stop(0.01)  # the first did not finish in time
    bench.gate.set()
    bench.ran.clear()
    queue = bench.open()
    assert [(job.id, job.state, job.attempts) for job in queue.jobs()] == [(id, "queued", 0) for id in ids]
    queue.start()
    over(queue, ids[-1])
    assert bench.ran == ids


def test_a_stop_lets_the_running_job_finish(bench: Bench) -> None:
    queue = bench.started()
    first, second = (queue.submit("draw", {"steps": 50}, owner="page").id for _ in range(2))
    until(queue.current)
    queue.stop(5)
    queue = bench.open()
    assert [queue.get(id).state for id in (first, second)] == ["done", "queued"]


def test_a_job_that_was_asked_to_stop_does_not_come_back_after_a_clean_stop(bench: Bench) -> None:
    begun, go = threading.Event(), threading.Event()

    def deaf(job: Job, report: Reporter) -> Outcome:
        begun.set()
        go.wait(10)
        return Outcome("done", {})

    queue = bench.started(deaf)
    id = queue.submit("draw", {}, owner="page").id
    assert begun.wait(5)
    queue.interrupt(id)
    queue.stop(0)
    go.set()
    assert bench.open().get(id).state == "interrupted"


def test_a_stop_refuses_new_jobs_and_answers_who_waits(bench: Bench) -> None:
    bench.gate.clear()
    queue = bench.started()
    id = queue.submit("draw", {}, owner="page").id
    until(queue.current)

    async def run() -> None:
        waiter, watch = asyncio.create_task(queue.wait(id)), queue.watch()
        await asyncio.sleep(0.01)
        await asyncio.to_thread(queue.stop, 0)
        with pytest.raises(Unavailable):
            await waiter
        async for _ in watch:
            pass

    asyncio.run(asyncio.wait_for(run(), 10))
    queue.stop(0)  # once more does no harm
    with pytest.raises(Unavailable):
        queue.submit("draw", {}, owner="page")


def crashed(bench: Bench, *, attempts: int = 1, durable: bool = True, stop: str | None = None) -> str:
    """The list as a crash leaves it: one job running, one waiting behind it."""
    store = JobStore(bench.path)
    start = Job("ran", "draw", "page", "", "queued", {"steps": 1}, created=1.0, durable=durable)
    store.add(start)
    store.update(replace(start, state="running", started=2.0, attempts=attempts))
    store.filing("ran", 0, Filed("a.png", "1"))
    store.add(replace(start, id="waits", created=3.0))
    if stop:
        store.note_stop("ran", stop)
    store.close()
    return "ran"


def test_a_job_that_ran_at_a_crash_runs_again_first(bench: Bench) -> None:
    id = crashed(bench)
    queue = bench.open()
    assert [(job.id, job.state, job.attempts) for job in queue.jobs()] == [("ran", "queued", 1), ("waits", "queued", 0)]
    assert queue.live[id].reporter.filed(0) == Filed("a.png", "1")
    queue.start()
    assert over(queue, id).attempts == 2
    over(queue, "waits")
    assert bench.ran == ["ran", "waits"]


def test_a_job_that_ran_at_two_crashes_is_put_aside(bench: Bench) -> None:
    id = crashed(bench, attempts=2)
    queue = bench.started()
    job = queue.get(id)
    assert job.state == "failed" and job.error is not None and "twice" in job.error and job.hint is not None
    over(queue, "waits")
    assert bench.ran == ["waits"]


def test_jobs_whose_client_is_gone_do_not_run_after_a_crash(bench: Bench) -> None:
    id = crashed(bench, durable=False)
    queue = bench.started()
    assert (queue.get(id).state, queue.get("waits").state) == ("interrupted", "cancelled")
    assert bench.ran == []


@pytest.mark.parametrize(("stop", "state"), [("interrupt", "interrupted"), ("cancel", "cancelled")])
def test_a_stop_asked_for_just_before_a_crash_is_remembered(bench: Bench, stop: str, state: str) -> None:
    id = crashed(bench, stop=stop)
    assert bench.open().get(id).state == state


def test_a_job_of_a_kind_that_is_gone_fails_with_its_name(bench: Bench) -> None:
    queue = bench.open()
    id = queue.submit("draw", {}, owner="page").id
    queue.stop(0)
    queue = JobQueue(JobStore(bench.path), {"train": bench.draw}, lambda: 64)
    bench.queues.append(queue)
    queue.start()
    error = over(queue, id).error
    assert error is not None and "'draw'" in error


# A disk that does not take it.


def test_a_full_disk_ends_no_job_and_is_caught_up_later(bench: Bench) -> None:
    bench.gate.clear()
    queue = bench.started(lambda job, report: replace(bench.draw(job, report), summary={"much": "x" * 50_000}))
    first, second = (queue.submit("draw", {}, owner="page").id for _ in range(2))
    until(queue.current)
    connection = queue.store.connection
    connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}")
    bench.gate.set()
    over(queue, second)
    assert [queue.get(id).state for id in (first, second)] == ["done", "done"]
    assert queue.result(second) == f"picture of {second}"
    assert [job.state for job in queue.jobs()] == ["done", "done"]
    connection.execute("PRAGMA max_page_count = 100000")
    over(queue, queue.submit("draw", {}, owner="page").id)
    assert queue.unkept == {}
    queue.stop(5)
    assert [job.state for job in JobStore(bench.path).jobs()] == ["done"] * 3
