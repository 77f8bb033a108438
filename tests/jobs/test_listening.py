"""Who waits for a job, and who listens to all."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from modules.contract.errors import BadRequest
from modules.contract.progress import Cancelled, Event, Failed, Finished, Queued, Reporter, Started, Stepped
from modules.jobs.job import Job, Outcome
from modules.jobs.queue import JobQueue
from modules.jobs.watch import Notice
from tests.jobs.bench import Bench, over


def test_many_wait_for_a_job_and_one_that_leaves_changes_nothing(bench: Bench) -> None:
    bench.gate.clear()
    queue = bench.started()
    id = queue.submit("draw", {}, owner="page").id

    async def run() -> list[Job]:
        waiters = [asyncio.create_task(queue.wait(id)) for _ in range(50)]
        leaver = asyncio.create_task(queue.wait(id))
        await asyncio.sleep(0.01)
        leaver.cancel()
        await asyncio.sleep(0.01)
        assert len(queue.live[id].waiters) == 50
        bench.gate.set()
        return await asyncio.gather(*waiters, queue.wait(id))

    assert {job.state for job in asyncio.run(run())} == {"done"}
    assert asyncio.run(queue.wait(id)).state == "done"  # also after the end


def test_waiting_in_a_loop_that_ends_does_not_disturb_the_worker(bench: Bench) -> None:
    bench.gate.clear()
    queue = bench.started()
    id = queue.submit("draw", {}, owner="page").id
    loop = asyncio.new_event_loop()
    task = loop.create_task(queue.wait(id))
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()
    bench.gate.set()
    assert over(queue, id).state == "done"
    del task


def watched(queue: JobQueue, act: Callable[[], list[str]]) -> list[Notice]:
    """What a listener hears from `act` until the last of the jobs that it returns has ended."""

    async def run() -> list[Notice]:
        watch = queue.watch()
        waiting = set(await asyncio.to_thread(act))
        heard: list[Notice] = []
        async for notice in watch:
            heard.append(notice)
            if isinstance(notice[2], Finished | Failed | Cancelled):
                waiting.discard(notice[0])
            if not waiting:
                return heard
        raise AssertionError("the watch ended")

    return asyncio.run(asyncio.wait_for(run(), 10))


def test_a_listener_hears_of_all_jobs_of_all_owners(bench: Bench) -> None:
    queue = bench.open()

    def act() -> list[str]:
        ids = [queue.submit("draw", {"steps": 2}, owner=owner).id for owner in ("a", "b")]
        queue.start()
        return ids

    heard = watched(queue, act)
    first, second = dict.fromkeys(notice[0] for notice in heard)
    assert {notice[:2] for notice in heard} == {(first, "a"), (second, "b")}

    def of(id: str) -> list[Event]:
        return [replace(event, seconds_left=None) if isinstance(event, Stepped) else event for job, _, event in heard if job == id]

    for id, place in ((first, 0), (second, 1)):
        assert of(id)[0] == Queued(place)
        rest = [event for event in of(id) if not isinstance(event, Queued | Stepped)]
        assert rest == [Started(0), Started(2), Finished("done", {"id": id})]
        assert of(id)[-2] == Stepped(2, 2, None, "step 2")


def test_a_listener_hears_of_failures_and_cancels(bench: Bench) -> None:
    def work(job: Job, report: Reporter) -> Outcome:
        raise BadRequest("No.", "Yes.")

    queue = bench.open(work)

    def act() -> list[str]:
        cancelled, failed = (queue.submit("draw", {}, owner="page").id for _ in range(2))
        queue.cancel(cancelled)
        queue.start()
        return [cancelled, failed]

    events = [event for _, _, event in watched(queue, act)]
    assert Cancelled() in events and Failed("No.", "Yes.") in events


def test_a_listener_that_sleeps_does_not_slow_the_worker(bench: Bench) -> None:
    def work(job: Job, report: Reporter) -> Outcome:
        report.start(2000)
        for _ in range(2000):
            report.step()
        return Outcome("done", {})

    queue = bench.started(work)

    async def run() -> float:
        watches = [queue.watch() for _ in range(20)]
        begin = time.perf_counter()
        id = queue.submit("draw", {}, owner="page").id
        over(queue, id)  # blocks the loop, so no listener gets to run
        assert all(len(watch.waiting) <= 5 for watch in watches)
        return (time.perf_counter() - begin) / 2000

    assert asyncio.run(run()) < 0.002  # seconds a step with 20 listeners; typically 0.1 ms


def test_a_listener_that_went_away_is_forgotten(bench: Bench) -> None:
    queue = bench.started()

    async def run() -> None:
        watch = queue.watch()
        assert len(queue.watches) == 1
        del watch

    asyncio.run(run())
    assert len(queue.watches) == 0
