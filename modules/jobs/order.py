"""What a person changes about jobs that wait: their order, what they are asked, whether they may begin. All of it is kept on disk."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from modules.contract.errors import BadRequest
from modules.contract.progress import Cleared, Edited, ModelsChanged, Moved, Paused, TrainingChanged
from modules.jobs.job import Job
from modules.jobs.live import Live
from modules.jobs.queue import JobQueue


class Order:
    """Changes to a queue. Like the queue's own methods these may be called from any thread, and wait for the disk only."""

    def __init__(self, queue: JobQueue) -> None:
        self.queue = queue

    def move(self, id: str, before: str | None) -> None:
        """Have a waiting job run before another one; None: last. In front of one that has begun is first.

        Raises NotFound, or BadRequest for jobs that no longer wait.
        """
        queue = self.queue
        queue.get(id)
        with queue.door:
            with queue.changed:
                job = self.waiting(id).job
                order = [live.job.id for live in queue.waiting() if live.job.id != id]
            if before is not None and before not in order and queue.get(before).over:
                raise BadRequest("The job to put it before has ended.")
            place = len(order) if before is None else order.index(before) if before in order else 0
            order.insert(place, id)
            queue.store.write_order(order)
            with queue.changed:
                self.arrange(order)
                queue.publish(job, Moved(tuple(queue.live)))
                queue.announce()

    def arrange(self, order: Sequence[str]) -> None:
        """The queue's jobs in a new order: first what no longer waits."""
        queue = self.queue
        waiting = [id for id in order if id in queue.live and queue.live[id].job.state == "queued"]
        queue.live = {**{id: live for id, live in queue.live.items() if id not in waiting}, **{id: queue.live[id] for id in waiting}}

    def hold(self, id: str) -> Job:
        """Keep a waiting job from beginning until it is let go, over a restart. Raises NotFound, or BadRequest if it no longer waits."""
        return self.held(id, True)

    def let_go(self, id: str) -> Job:
        """Have a held job wait like any other. Raises NotFound, or BadRequest if it no longer waits."""
        return self.held(id, False)

    def held(self, id: str, held: bool) -> Job:
        queue = self.queue
        queue.get(id)
        with queue.changed:
            live = self.waiting(id)
            live.job = job = replace(live.job, held=held)
            self.tell(live)
        queue.store.write_held(id, held)
        return job

    def revise(self, id: str, request: dict[str, Any], title: str) -> Job:
        """Replace what a waiting job is asked; a held one is let go. Raises NotFound, or BadRequest if it no longer waits."""
        queue = self.queue
        queue.get(id)
        with queue.changed:
            live = self.waiting(id)
            live.job = replace(live.job, held=True)  # it must not begin before the disk has what it is asked
        try:
            changed = replace(live.job, request=request, title=title, held=False)
            queue.store.write_request(changed)
            queue.store.write_held(id, False)
            with queue.changed:
                live.job = replace(live.job, request=request, title=title)
        finally:
            with queue.changed:
                live.job = replace(live.job, held=False)
                self.tell(live)
        return live.job

    def replace(self, id: str, by: str) -> None:
        """Have a job that was just submitted stand in a waiting one's place, which is taken off the list. Raises NotFound, BadRequest."""
        self.queue.get(id)
        with self.queue.changed:
            self.waiting(id)
        if self.queue.get(by).state == "queued":
            self.move(by, id)
        self.queue.remove(id)

    def pause(self) -> None:
        """Begin no further job, over a restart too; the running one goes on."""
        self.set_paused(True)

    def resume(self) -> None:
        """Begin jobs again."""
        self.set_paused(False)

    def set_paused(self, paused: bool) -> None:
        queue = self.queue
        queue.store.mark("paused", paused)
        with queue.changed:
            queue.paused = paused
            self.tell_all(Paused(paused))
            queue.changed.notify_all()

    def cancel_waiting(self) -> int:
        """Cancel all jobs that wait, held ones too; how many there were."""
        with self.queue.changed:
            ids = [live.job.id for live in self.queue.waiting()]
        return sum(self.queue.cancel_waiting(id) for id in ids)

    def clear_ended(self) -> None:
        """Take all jobs that have ended off the list; their pictures stay."""
        queue = self.queue
        queue.store.remove_ended()
        with queue.changed:
            queue.unkept = {id: job for id, job in queue.unkept.items() if not job.over}
            self.tell_all(Cleared())

    def waiting(self, id: str) -> Live:
        """A job that waits. Raises BadRequest if it no longer does."""
        live = self.queue.live.get(id)
        if live is None or live.job.state != "queued":
            words = "The job has begun already." if live and live.job.state == "running" else "The job has ended."
            raise BadRequest(words, "It can be repeated with other settings.")
        return live

    def tell(self, live: Live) -> None:
        """Say that a job was changed, to who listens and to the worker."""
        self.queue.publish(live.job, Edited(live.job.held))
        self.queue.announce()
        self.queue.changed.notify_all()

    def tell_all(self, event: Paused | Cleared | ModelsChanged | TrainingChanged) -> None:
        """Say something that belongs to no job and no owner: of the whole queue, of the models, of a training."""
        for watch in self.queue.watches:
            watch.offer(("", "", event))
