"""What takes longer than an answer may: done one after the other, watched by its id, line by line."""

import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from modules.contract.errors import NotFound, WebuiError

log = logging.getLogger(__name__)
KEPT = 50
LINES = 2000

Say = Callable[[str], None]


@dataclass
class Task:
    """`result` is there once it is done, `error` and `hint` once it failed. `started` is Unix time."""

    id: str
    title: str
    started: float
    state: str = "waiting"
    lines: deque[str] = field(default_factory=lambda: deque[str](maxlen=LINES))
    result: Any = None
    error: str = ""
    hint: str = ""

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {"id": self.id, "title": self.title, "state": self.state, "lines": list(self.lines), "result": self.result,
                "error": self.error, "hint": self.hint}


class Tasks:
    """One thread, and the last tasks with what came of them."""

    def __init__(self, name: str) -> None:
        self.pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self.lock = threading.Lock()
        self.tasks: dict[str, Task] = {}

    def start(self, title: str, work: Callable[[Say], Any]) -> str:
        """Have something done; its id. `work` is given what tells a line, and its answer is the result."""
        task = Task(secrets.token_hex(6), title, time.time())
        with self.lock:
            for old in list(self.tasks)[: max(0, len(self.tasks) - KEPT)]:
                if self.tasks[old].state in ("done", "failed"):
                    del self.tasks[old]
            self.tasks[task.id] = task
        self.pool.submit(self.do, task, work)
        return task.id

    def do(self, task: Task, work: Callable[[Say], Any]) -> None:
        """Whatever happens, the task ends."""
        task.state = "running"
        try:
            task.result = work(task.lines.append)
            task.state = "done"
        except WebuiError as error:
            task.error, task.hint, task.state = error.message, error.hint, "failed"
        except Exception as error:
            log.exception("%s failed.", task.title)
            task.error, task.hint = f"{task.title} failed: {type(error).__name__}.", "The log has the details."
            task.state = "failed"

    def get(self, id: str) -> dict[str, Any]:
        """Raises NotFound."""
        with self.lock:
            if id not in self.tasks:
                raise NotFound("This is over and forgotten.", "Look at the list of extensions again.")
            return self.tasks[id].told()

    def unfinished(self) -> list[dict[str, Any]]:
        """Those that are not over."""
        with self.lock:
            return [task.told() for task in self.tasks.values() if task.state in ("waiting", "running")]
