"""A program that puts jobs into a queue and works on them, made to be killed.

Run as `python -m tests.jobs.killed FOLDER COUNT [PLACE]`. With a PLACE it kills itself there, once in every seventh job.

It says how many jobs an earlier life of it has ended, submits what that one has not submitted, works as the pipeline does,
says the end of each job, and leaves when all have ended.
"""

import asyncio
import hashlib
import os
import signal
import sys
import time
from pathlib import Path

from modules.contract.errors import NotFound
from modules.contract.files import sync_folder, write_beside
from modules.contract.progress import Filed, Reporter
from modules.jobs.job import Job, Outcome
from modules.jobs.queue import JobQueue
from modules.jobs.store import JobStore


def free_path(folder: Path, name: str) -> Path:
    """The first name with a number that no file has, as pictures are named."""
    taken = {int(file.name[:5]) for file in folder.glob("*.bin")}
    return folder / f"{max(taken, default=0) + 1:05d}-{name}.bin"


def die(job: Job, place: str) -> None:
    """Be killed here, if this is the place."""
    if sys.argv[3:] == [place] and job.request["number"] % 7 == 3 and job.attempts == 1:
        os.kill(os.getpid(), signal.SIGKILL)


def save(folder: Path, data: bytes, job: Job, report: Reporter) -> str:
    """Write a job's only file, once over all its tries."""
    filed = report.filed(0)
    if filed and Path(filed.path).exists() and hashlib.sha256(Path(filed.path).read_bytes()).hexdigest() == filed.sha256:
        return filed.path
    path = free_path(folder, job.id)
    temporary = write_beside(path, data)
    die(job, "written")
    report.filing(0, Filed(str(path), hashlib.sha256(data).hexdigest()))
    die(job, "announced")
    os.link(temporary, path)  # never overwrites
    die(job, "linked")
    temporary.unlink()
    sync_folder(folder)
    return str(path)


def draw(folder: Path, job: Job, report: Reporter) -> Outcome:
    report.start(4)
    for _ in range(4):
        time.sleep(0.001)
        report.step()
    path = save(folder, f"picture of {job.id}".encode() * 1000, job, report)
    die(job, "saved")
    return Outcome("done", {"paths": [path]})


async def main(folder: Path, count: int) -> None:
    pictures = folder / "pictures"
    pictures.mkdir(exist_ok=True)
    store = JobStore(folder / "jobs.sqlite")
    queue = JobQueue(store, {"draw": lambda job, report: draw(pictures, job, report)}, lambda: count)
    print(sum(job.over for job in queue.jobs(limit=count)), flush=True)
    queue.start()
    for number in range(count):
        id = f"job-{number:03d}"
        try:
            queue.get(id)
        except NotFound:
            queue.submit("draw", {"number": number}, owner="test", identifier=id)
    for number in range(count):
        job = await queue.wait(f"job-{number:03d}")
        print(job.id, job.state, flush=True)
    queue.stop(5)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
