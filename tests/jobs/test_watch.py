"""Events reach a listener in order, however fast they come and however slow it is."""

import asyncio
import threading

from modules.contract.progress import Finished, Previewed, Started, Stepped, Warned
from modules.jobs.watch import Notice, Watch


async def taken(watch: Watch) -> list[Notice]:
    return [notice async for notice in watch]


def test_events_arrive_in_order() -> None:
    async def run() -> list[Notice]:
        watch = Watch()
        for notice in (("a", "o", Started(2)), ("a", "o", Warned("w")), ("a", "o", Finished("done", {}))):
            watch.offer(notice)
        watch.close()
        return await taken(watch)

    assert [event for _, _, event in asyncio.run(run())] == [Started(2), Warned("w"), Finished("done", {})]


def test_a_slow_listener_gets_the_newest_step_of_each_job_and_nothing_else_is_lost() -> None:
    async def run() -> list[Notice]:
        watch = Watch()
        watch.offer(("a", "o", Started(500)))
        for number in range(500):
            watch.offer(("a", "o", Stepped(number, 500, None)))
            watch.offer(("b", "o", Previewed(number)))
        watch.offer(("a", "o", Finished("done", {})))
        watch.close()
        return await taken(watch)

    assert [(job, event) for job, _, event in asyncio.run(run())] == [
        ("a", Started(500)),
        ("a", Stepped(499, 500, None)),
        ("b", Previewed(499)),
        ("a", Finished("done", {})),
    ]


def test_a_listener_too_far_behind_is_let_go() -> None:
    async def run() -> int:
        watch = Watch(bound=10)
        for number in range(100):
            watch.offer(("a", "o", Warned(str(number))))
        return len(await taken(watch))

    assert asyncio.run(run()) == 10


def test_events_from_many_threads_wake_a_waiting_listener() -> None:
    async def run() -> int:
        watch = Watch()

        def speak(name: str) -> None:
            for _ in range(100):
                watch.offer((name, "o", Warned("w")))

        listener = asyncio.create_task(taken(watch))
        await asyncio.sleep(0)
        threads = [threading.Thread(target=speak, args=(str(n),)) for n in range(5)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            await asyncio.sleep(0.001)
        watch.close()
        return len(await listener)

    assert asyncio.run(run()) == 500


def test_offering_to_a_loop_that_is_gone_does_nothing() -> None:
    async def run() -> Watch:
        return Watch()

    watch = asyncio.run(run())
    watch.offer(("a", "o", Started(1)))
    watch.close()
