"""A process that has everything loaded and starts trainings as copies of itself, so that each begins at once and may be killed.

It never trains itself: torch cannot go back through a network in the copy of a process that already did.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch

from modules.contract.errors import WebuiError
from modules.families.base import Components
from modules.training.steps import checkpoint
from modules.training.steps.processes import Ranks, control_group
from tests import tiny
from tests.training.small import Drawer, Run

ROOT = Path(__file__).resolve().parents[2]


class Warm:
    """The other side of the process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def train(
        self,
        path: Path,
        values: dict[str, Any],
        *,
        world: int = 1,
        kill: Sequence[int] = (),
        after: float = 0.0,
        new: bool = False,
        **album: Any,
    ) -> list[dict[str, Any]]:
        """Train in a folder with so many processes; what each said at its end.

        Some of them are killed after so many seconds, `new`: counted from the next state that is kept.
        """
        path.mkdir(exist_ok=True)
        asked = {"path": str(path), "values": values, "world": world, "kill": list(kill), "after": after, "new": new, "album": album}
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@contextmanager
def warm() -> Iterator[Warm]:
    """While it lasts, the process waits for trainings."""
    command = [sys.executable, "-m", "tests.training.warm"]
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **one_thread},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield Warm(process)
    finally:
        assert process.stdin
        process.stdin.close()
        process.wait(30)


def main() -> None:
    """Start what the lines of the input ask for, one after another."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a training prints is no answer
    torch.set_num_threads(1)
    components = tiny.loaded(tiny.tensors())
    for number, line in enumerate(sys.stdin):
        asked = json.loads(line)
        path = Path(asked["path"])
        meeting = path / f".meeting-{number}"
        results = [path / f".rank-{rank}.json" for rank in range(asked["world"])]
        for result in results:
            result.unlink(missing_ok=True)
        began, before = time.monotonic(), checkpoint.steps(path / "checkpoints")[:1]
        works = [partial(trained, asked, rank, meeting, results[rank], components) for rank in range(asked["world"])]
        copies = [copy(work) for work in works]
        if asked["kill"]:
            while asked["new"] and checkpoint.steps(path / "checkpoints")[:1] == before:
                time.sleep(0.002)
            time.sleep(asked["after"])
            for rank in asked["kill"]:
                os.kill(copies[rank], signal.SIGKILL)
        for process in copies:
            os.waitpid(process, 0)
        said = [json.loads(result.read_text()) if result.exists() else {} for result in results]
        meeting.unlink(missing_ok=True)
        answers.write(json.dumps([{**one, "seconds": time.monotonic() - began} for one in said]) + "\n")
        answers.flush()


def copy(work: Callable[[], None]) -> int:
    """The number of a copy of this process that does some work and ends."""
    process = os.fork()
    if process:
        return process
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def trained(asked: dict[str, Any], rank: int, meeting: Path, result: Path, components: Components) -> None:
    """One process's training; what came of it is written into a file."""
    ranks = Ranks(0, 1, torch.device("cpu"))
    if asked["world"] > 1:
        torch.distributed.init_process_group("gloo", init_method=meeting.as_uri(), rank=rank, world_size=asked["world"])
        ranks = Ranks(rank, asked["world"], torch.device("cpu"), control_group())
    run = Run(Path(asked["path"]), asked["values"], album=Drawer(**asked["album"]), ranks=ranks, components=components)
    try:
        said: dict[str, Any] = {"state": run.go().state}
    except WebuiError as error:
        said = {"error": str(error)}
    digest = hashlib.sha256(b"".join(value.numpy().tobytes() for value in run.values_now().values()))
    result.write_text(json.dumps({**said, "hash": digest.hexdigest()}))


if __name__ == "__main__":
    main()
