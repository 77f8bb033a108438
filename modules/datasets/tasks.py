"""Work on data sets that takes a while: in a thread, with its progress to look at and a way to stop it. Kept in memory only."""

import itertools
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from modules.contract.errors import NotFound, TooBusy, WebuiError

log = logging.getLogger("easel")
KEPT = 50

TaskState = Literal["running", "done", "failed", "cancelled"]


class CancelledError(Exception):
    """The person does not want it any more."""


@dataclass
class Task:
    """How far something is. `result`: what came of it, for the page."""

    id: str
    what: str
    place: str
    state: TaskState = "running"
    done: int = 0
    total: int = 0
    error: str = ""
    hint: str = ""
    result: Any = None


Tell = Callable[[int, int], None]  # done, of how many; raises CancelledError once it is to stop


class Tasks:
    """One task at a time for each place (a data set); others are refused meanwhile. Thread-safe."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.tasks: OrderedDict[str, Task] = OrderedDict()
        self.stopped: set[str] = set()
        self.numbers = itertools.count(1)

    def start(self, place: str, what: str, run: Callable[[Tell], Any]) -> str:
        """Begin, and give the task's id. Raises TooBusy while another one works on the same place."""
        with self.lock:
            if any(task.place == place and task.state == "running" for task in self.tasks.values()):
                raise TooBusy("Something is done with this data set already.", "Wait for it, or cancel it.")
            task = Task(str(next(self.numbers)), what, place)
            self.tasks[task.id] = task
            ended = [one.id for one in self.tasks.values() if one.state != "running"]
            for id in ended[: max(0, len(self.tasks) - KEPT)]:
                del self.tasks[id]
        threading.Thread(target=self.work, args=(task, run), name=f"data set: {what}", daemon=True).start()
        return task.id

    def work(self, task: Task, run: Callable[[Tell], Any]) -> None:
        """Do it, and note how it ended."""

        def tell(done: int, total: int) -> None:
            with self.lock:
                task.done, task.total = done, total
                if task.id in self.stopped:
                    raise CancelledError

        try:
            result, state, error, hint = run(tell), "done", "", ""
        except CancelledError:
            result, state, error, hint = None, "cancelled", "", ""
        except WebuiError as problem:
            result, state, error, hint = None, "failed", problem.message, problem.hint
        except Exception as problem:  # a thread's failure would be seen by nobody
            log.exception("A task over a data set failed: %s", task.what)
            result, state, error, hint = None, "failed", f"It failed ({type(problem).__name__}: {problem}).", "The program's log says more."
        with self.lock:
            task.result, task.state, task.error, task.hint = result, state, error, hint  # pyright: ignore[reportAttributeAccessIssue]
            self.stopped.discard(task.id)

    def state(self, id: str) -> dict[str, Any]:
        """How far one is. Raises NotFound."""
        with self.lock:
            if id not in self.tasks:
                raise NotFound("This task is not known any more.", "The program may have been started anew.")
            return asdict(self.tasks[id])

    def cancel(self, id: str) -> dict[str, Any]:
        """Ask one to stop; what it has done is taken back. Raises NotFound."""
        with self.lock:
            if id in self.tasks and self.tasks[id].state == "running":
                self.stopped.add(id)
        return self.state(id)
