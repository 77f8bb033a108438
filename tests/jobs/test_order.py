"""What a person changes about jobs that wait: order, requests, holding back, pausing; over a restart too."""

import asyncio
import random
import threading
from typing import Any

import pytest

from modules.contract.errors import BadRequest, NotFound
from modules.contract.progress import Cleared, Edited, Moved, Paused, Queued, Removed
from modules.jobs.job import Job, Outcome
from modules.jobs.order import Order
from modules.jobs.queue import JobQueue
from tests.jobs.bench import Bench, over, until


def submitted(queue: JobQueue, count: int, **request: Any) -> list[str]:
    return [queue.submit("draw", dict(request), owner="page").id for _ in range(count)]


def order_of(queue: JobQueue) -> list[str]:
    return [job.id for job in queue.jobs(states={"queued"})]


# Order.


def test_a_waiting_job_is_moved_before_another_and_runs_so(bench: Bench) -> None:
    queue = bench.open()
    a, b, c, d = submitted(queue, 4)
    Order(queue).move(d, b)
    assert order_of(queue) == [a, d, b, c]
    assert [queue.position(id) for id in (a, d, b, c)] == [0, 1, 2, 3]
    Order(queue).move(a, None)
    queue.start()
    over(queue, a)
    assert bench.ran == [d, b, c, a]


def test_the_order_is_there_after_a_restart(bench: Bench) -> None:
    queue = bench.open()
    a, b, c, d = submitted(queue, 4)
    Order(queue).move(c, a)
    Order(queue).move(d, a)
    queue.stop(1)
    queue = bench.open()
    assert order_of(queue) == [c, d, a, b]
    [e] = submitted(queue, 1)
    assert order_of(queue) == [c, d, a, b, e]
    queue.stop(1)
    assert order_of(bench.open()) == [c, d, a, b, e]


def test_a_job_that_was_running_comes_first_after_a_crash_whatever_was_moved(bench: Bench) -> None:
    bench.gate.clear()
    queue = bench.started()
    a, b, c = submitted(queue, 3, steps=1)
    until(queue.current)
    Order(queue).move(c, b)
    queue.stop(0.01)
    assert order_of(bench.open()) == [a, c, b]


def test_before_one_that_has_begun_is_first(bench: Bench) -> None:
    bench.gate.clear()
    queue = bench.started()
    a, b, c = submitted(queue, 3)
    until(queue.current)
    Order(queue).move(c, a)
    assert order_of(queue) == [c, b]


def test_what_does_not_wait_is_not_moved(bench: Bench) -> None:
    bench.gate.clear()
    queue = bench.started()
    a, b = submitted(queue, 2)
    until(queue.current)
    order = Order(queue)
    with pytest.raises(BadRequest, match="begun"):
        order.move(a, b)
    with pytest.raises(NotFound):
        order.move("nope", b)
    with pytest.raises(NotFound):
        order.move(b, "nope")
    queue.cancel(b)
    with pytest.raises(BadRequest, match="ended"):
        order.move(b, None)


def test_random_moves_while_jobs_run_lose_and_double_none(bench: Bench) -> None:
    chance = random.Random(4)
    bench.limit = 1000
    queue = bench.started()
    ids = submitted(queue, 120, steps=1)
    order = Order(queue)
    refused = 0
    while waiting := order_of(queue):
        try:
            order.move(chance.choice(waiting), chance.choice([*waiting, None]))
        except BadRequest:  # it began between the two lines
            refused += 1
    for id in ids:
        over(queue, id)
    assert sorted(bench.ran) == sorted(ids)
    assert refused < len(ids)


# Holding back and changing.


def test_a_held_job_lets_the_others_pass_until_it_is_let_go(bench: Bench) -> None:
    queue = bench.open()
    a, b, c = submitted(queue, 3)
    order = Order(queue)
    assert order.hold(a).held
    assert [queue.position(id) for id in (a, b, c)] == [0, 0, 1]
    queue.start()
    over(queue, c)
    assert bench.ran == [b, c] and queue.get(a).state == "queued"
    assert not order.let_go(a).held
    over(queue, a)
    assert bench.ran == [b, c, a]


def test_a_held_job_is_still_held_and_in_its_place_after_a_restart(bench: Bench) -> None:
    queue = bench.open()
    a, b = submitted(queue, 2)
    Order(queue).hold(a)
    queue.stop(1)
    queue = bench.open()
    assert [(job.id, job.held) for job in queue.jobs(states={"queued"})] == [(a, True), (b, False)]


def test_a_changed_request_is_what_is_done_after_a_restart_too(bench: Bench) -> None:
    queue = bench.open()
    [a] = submitted(queue, 1, steps=5)
    order = Order(queue)
    order.hold(a)
    changed = order.revise(a, {"steps": 7, "picture": "x" * 200_000}, "seven")
    assert (changed.title, changed.held, changed.request["steps"]) == ("seven", False, 7)
    queue.stop(1)
    seen: list[Job] = []

    def work(job: Job, report: object) -> Outcome:
        seen.append(job)
        return Outcome("done", {})

    queue = bench.started(work)
    over(queue, a)
    assert (seen[0].title, seen[0].request["steps"], len(seen[0].request["picture"])) == ("seven", 7, 200_000)
    assert queue.get(a).request["picture"] == "x" * 200_000
    [listed] = queue.jobs()
    assert listed.request == {"steps": 7, "picture": ""}  # a list reads no pictures


def test_a_job_does_not_begin_while_it_is_being_changed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = bench.started()
    order = Order(queue)
    order.pause()
    [a] = submitted(queue, 1, steps=1)
    writing, go = threading.Event(), threading.Event()
    write = queue.store.write_request

    def slow(job: Job) -> None:
        writing.set()
        assert go.wait(5)
        write(job)

    monkeypatch.setattr(queue.store, "write_request", slow)
    thread = threading.Thread(target=order.revise, args=(a, {"steps": 2}, "two"))
    thread.start()
    assert writing.wait(5)
    order.resume()
    assert queue.current() is None and bench.ran == []
    go.set()
    thread.join()
    assert over(queue, a).request == {"steps": 2}


def test_what_has_begun_or_ended_is_not_changed(bench: Bench) -> None:
    bench.gate.clear()
    queue = bench.started()
    a, b = submitted(queue, 2)
    until(queue.current)
    order = Order(queue)
    for id in (a, queue.cancel(b).id):
        for change in (order.hold, order.let_go, lambda id: order.revise(id, {}, "")):
            with pytest.raises(BadRequest):
                change(id)
    assert queue.get(a).request == {}


def test_another_job_takes_the_place_of_a_waiting_one(bench: Bench) -> None:
    queue = bench.open()
    a, b, c, d = submitted(queue, 4)
    Order(queue).hold(b)
    Order(queue).replace(b, d)
    assert order_of(queue) == [a, d, c]
    with pytest.raises(NotFound):
        queue.get(b)


# The whole queue.


def test_a_paused_queue_begins_nothing_over_a_restart_too(bench: Bench) -> None:
    bench.gate.clear()
    queue = bench.started()
    a, b = submitted(queue, 2, steps=2)
    until(queue.current)
    Order(queue).pause()
    bench.gate.set()
    over(queue, a)
    assert queue.current() is None and queue.get(b).state == "queued"
    queue.stop(1)
    queue = bench.started()
    assert queue.paused and queue.current() is None
    Order(queue).resume()
    over(queue, b)
    queue.stop(1)
    assert not bench.open().paused


def test_all_that_waits_is_cancelled_and_what_runs_goes_on(bench: Bench) -> None:
    bench.gate.clear()
    queue = bench.started()
    a, b, c = submitted(queue, 3)
    until(queue.current)
    Order(queue).hold(c)
    assert Order(queue).cancel_waiting() == 2
    assert [queue.get(id).state for id in (a, b, c)] == ["running", "cancelled", "cancelled"]


def test_the_list_of_ended_jobs_is_cleared_and_the_others_stay(bench: Bench) -> None:
    bench.gate.clear()
    queue = bench.started()
    a, b, c = submitted(queue, 3)
    until(queue.current)
    queue.cancel(b)
    Order(queue).clear_ended()
    assert [job.id for job in queue.jobs()] == [a, c]
    assert queue.store.count_ended() == 0


def test_ended_jobs_are_paged_from_the_last_to_the_first(bench: Bench) -> None:
    queue = bench.open()
    ids = submitted(queue, 25)
    for id in ids:
        queue.cancel(id)
    pages: list[str] = []
    while page := queue.store.ended(before=pages[-1] if pages else None, limit=10):
        pages += [job.id for job in page]
    assert pages == ids[::-1]


def test_finishing_waits_for_the_picture_and_a_second_stop_does_not(bench: Bench) -> None:
    at = threading.Event()

    def work(job: Job, report: Any) -> Outcome:
        for picture in range(3):
            report.check_between()
            for _ in range(5):
                report.step(f"{picture}")
            at.set()
            assert bench.gate.wait(5)
        return Outcome("done", {})

    bench.gate.clear()
    queue = bench.started(work)
    [a] = submitted(queue, 1)
    assert at.wait(5)
    queue.finish(a)
    assert queue.progress(a).finishing and queue.get(a).state == "running"
    bench.gate.set()
    assert over(queue, a).state == "interrupted"
    assert queue.get(a).summary == {}


def test_each_change_is_told_to_who_listens(bench: Bench) -> None:
    queue = bench.open()
    a, b = submitted(queue, 2)
    order = Order(queue)

    async def heard() -> list[tuple[str, object]]:
        watch = queue.watch()
        order.move(b, a)
        order.hold(b)
        order.let_go(b)
        order.pause()
        queue.remove(b)
        order.clear_ended()
        watch.close()
        return [(job, event) async for job, _, event in watch]

    events = asyncio.run(heard())
    told = [event for event in events if not isinstance(event[1], Queued)]
    assert told[0] == (b, Moved((b, a)))
    assert [event for _, event in told if not isinstance(event, Moved)][:3] == [Edited(True), Edited(False), Paused(True)]
    assert (b, Removed()) in told and told[-1] == ("", Cleared())
    assert (a, Queued(0)) in events
